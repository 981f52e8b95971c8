//! The world on a port: WeChat's paths, and the control API under `/_sim/`.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /_sim/alive?access_token=T` or `?ticket=T` | whether it lives, whose it is |
//! | `GET /_sim/calls[?appid=A]`, `DELETE /_sim/calls` | the audit |
//! | `PATCH /_sim/accounts/{appid}` | changes knobs; an unknown account is made |
//! | `POST /_sim/kill {"access_token"}` | kills a token before its time |
//! | `POST /_sim/clock {"advance_s"}` | moves the clock ahead |
//! | `POST /_sim/verify {"appid","url","nonceStr","timestamp","signature"}` | checks a page's signature |
//! | `POST /_sim/reset` | the three accounts of the local environment, as new |

mod control;

use crate::knobs::Millis;
use crate::request::Request;
use crate::world::World;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A world that is being served.
pub struct Served {
    inner: Mutex<Inner>,
    /// Where the state is kept between runs.
    file: Option<PathBuf>,
}

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
        Ok(Arc::new(Self { inner: Mutex::new(Inner { world, ahead_ms }), file }))
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
pub fn router(served: Arc<Served>) -> Router {
    Router::new()
        .route("/_sim/alive", get(control::alive))
        .route("/_sim/calls", get(control::calls).delete(control::forget_calls))
        .route("/_sim/accounts/{appid}", patch(control::change_account))
        .route("/_sim/kill", post(control::kill))
        .route("/_sim/clock", post(control::clock))
        .route("/_sim/verify", post(control::verify))
        .route("/_sim/reset", post(control::reset))
        .fallback(wechat)
        .with_state(served)
}

/// Everything else is WeChat.
async fn wechat(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let request = Request {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        body: &body,
        ip: peer.ip().to_canonical(),
    };
    let reply = served.with(|world, now| world.handle(now, &request));
    tokio::time::sleep(Duration::from_millis(reply.delay_ms)).await;
    Json(reply.body).into_response()
}
