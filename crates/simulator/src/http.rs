//! The world on a port: WeChat's paths, and the control API under `/_sim/`.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /_sim/alive?access_token=T` or `?ticket=T` | whether it lives, whose it is |
//! | `GET /_sim/calls[?appid=A]`, `DELETE /_sim/calls` | the audit |
//! | `GET /_sim/heads` | method, URL and headers of the newest requests, as they came, secrets included |
//! | `PATCH /_sim/accounts/{appid}` | changes knobs; an unknown account is made |
//! | `POST /_sim/kill {"access_token"}` | kills a token before its time |
//! | `POST /_sim/clock {"advance_s"}` | moves the clock ahead |
//! | `POST /_sim/verify {"appid","url","nonceStr","timestamp","signature"}` | checks a page's signature |
//! | `GET`, `POST`, `DELETE /_sim/faults` | the script of faults: see, add, clear |
//! | `POST /_sim/accounts/{appid}/confirm {"answer"}` | `ask`, `approve` or `refuse`: the administrator |
//! | `POST /_sim/accounts/{appid}/unfreeze` | the AppSecret works again in ten minutes |
//! | `POST /_sim/reset` | the three accounts of the local environment, as new |

mod control;

use crate::exchange::{Delivery, Exchange};
use crate::knobs::Millis;
use crate::request::Request;
use crate::world::World;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{any, get, patch, post};
use futures_util::{StreamExt as _, stream};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tower_service::Service as _;

/// A world that is being served.
pub struct Served {
    inner: Mutex<Inner>,
    /// The newest requests' heads, for those who look for what should not be in them. In memory only.
    heads: Mutex<VecDeque<String>>,
    /// Where the state is kept between runs.
    file: Option<PathBuf>,
}

/// So many heads are kept.
const HEADS_KEPT: usize = 10_000;

struct Inner {
    world: World,
    ahead_ms: Millis,
}

impl Served {
    /// Serves the world of `file`, if there is one, else that of the local environment.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(file: Option<PathBuf>) -> std::io::Result<Arc<Self>> {
        let stored = match file.as_ref().map(std::fs::read) {
            Some(Ok(bytes)) => Some(serde_json::from_slice(&bytes)?),
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => None,
        };
        let (world, ahead_ms) = stored.unwrap_or_else(|| (World::local(wall_clock()), 0));
        Ok(Arc::new(Self { inner: Mutex::new(Inner { world, ahead_ms }), heads: Mutex::default(), file }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the world at the present moment, and keeps what became of it.
    fn with<T>(&self, work: impl FnOnce(&mut World, Millis) -> T) -> T {
        let mut inner = self.lock();
        let now = wall_clock() + inner.ahead_ms;
        let result = work(&mut inner.world, now);
        self.keep(&inner);
        result
    }

    fn heads(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_head(&self, method: &Method, uri: &Uri, headers: &HeaderMap) {
        let mut head = format!("{method} {uri}");
        for (name, value) in headers {
            head.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        let mut heads = self.heads();
        heads.push_back(head);
        if heads.len() > HEADS_KEPT {
            heads.pop_front();
        }
    }

    fn advance(&self, seconds: u64) {
        let mut inner = self.lock();
        inner.ahead_ms += seconds * 1000;
        self.keep(&inner);
    }

    fn keep(&self, inner: &Inner) {
        let Some(file) = &self.file else { return };
        let kept = serde_json::to_vec(&(&inner.world, inner.ahead_ms)).map_err(std::io::Error::from);
        if let Err(error) = kept.and_then(|bytes| std::fs::write(file, bytes)) {
            eprintln!("simulator: {} could not be written: {error}", file.display());
        }
    }
}

fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// All routes.
fn routes(served: Arc<Served>) -> Router {
    Router::new()
        .route("/_sim/alive", get(control::alive))
        .route("/_sim/calls", get(control::calls).delete(control::forget_calls))
        .route("/_sim/heads", get(control::heads))
        .route("/_sim/accounts/{appid}", patch(control::change_account).get(control::account))
        .route("/_sim/accounts/{appid}/confirm", post(control::confirm))
        .route("/_sim/accounts/{appid}/unfreeze", post(control::unfreeze))
        .route("/_sim/faults", get(control::faults).post(control::arm).delete(control::disarm))
        .route("/_sim/kill", post(control::kill))
        .route("/_sim/clock", post(control::clock))
        .route("/_sim/verify", post(control::verify))
        .route("/_sim/reset", post(control::reset))
        .route("/_sim/{*path}", any(control::unknown))
        .fallback(wechat)
        // WeChat takes media of 10 MB and more.
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(served)
}

/// A response that is not to be sent: the connection is cut instead.
#[derive(Clone)]
struct CutHere;

/// Serves until the listener fails.
///
/// # Errors
/// That of the listener.
pub async fn serve(listener: TcpListener, served: Arc<Served>) -> std::io::Result<()> {
    let router = routes(served);
    loop {
        let (stream, peer) = listener.accept().await?;
        let router = router.clone();
        let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
            let mut router = router.clone();
            request.extensions_mut().insert(ConnectInfo(peer));
            async move {
                let Ok(response) = router.call(request).await;
                // hyper closes the connection of a service that fails.
                let cut = response.extensions().get::<CutHere>().is_some();
                if cut { Err(std::io::Error::other("cut")) } else { Ok(response) }
            }
        });
        tokio::spawn(async move {
            // A connection that was cut, by us or by the client, is nobody's business.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// Everything else is WeChat.
async fn wechat(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    served.note_head(&method, &uri, &headers);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let request = Request {
        method: method.as_str(),
        host: host.split(':').next().unwrap_or_default(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        body: &body,
        ip: peer.ip().to_canonical(),
    };
    send(served.with(|world, now| world.exchange(now, &request))).await
}

async fn send(exchange: Exchange) -> Response {
    let body = match exchange.delivery {
        Delivery::After(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Body::from(exchange.body)
        }
        Delivery::Drip(ms) => drip(exchange.body, ms),
        Delivery::Never => std::future::pending().await,
        Delivery::Cut => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(CutHere);
            return response;
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(exchange.content_type));
    response
}

/// The body in ten pieces, the last one after `ms`.
fn drip(body: Vec<u8>, ms: u64) -> Body {
    let piece = body.len().div_ceil(10).max(1);
    let pieces: Vec<Bytes> = body.chunks(piece).map(Bytes::copy_from_slice).collect();
    let pause = Duration::from_millis(ms / 10);
    Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::convert::Infallible>(piece)
    }))
}
