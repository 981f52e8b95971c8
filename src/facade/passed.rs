//! WeChat's answers on their way back to a caller: looked into for a token that has died, and searched for secrets
//! that are none of the caller's.

use super::upstream::PATIENCE;
use crate::answer::{self, Answer, Outcome};
use crate::body::{self, BrokenOff};
use crate::context::RequestContext;
use crate::upstream::gateway_key_for;
use crate::{log, platform};
use futures_util::future;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use std::rc::Rc;
use worker::web_sys::{ReadableStream, Response};
use worker::{Headers, ResponseBuilder};
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::engine::Verdict;
use zhongkong_core::facade::business::{quotes_requests, takes_a_secret};
use zhongkong_core::facade::coding::is_unpacked;
use zhongkong_core::facade::named_by_connection;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::providers::wechat::reply;
use zhongkong_core::record::Record;
use zhongkong_core::secret::Secret;
use zhongkong_scrub::{ScrubbedStream, Scrubber};

/// WeChat's refusals are shorter than this; what is longer is not looked into.
const REFUSAL_BYTES: usize = 4 * 1024;

/// An answer to a user who signs in is shorter than this.
const SIGN_IN_BYTES: usize = 64 * 1024;

/// Headers that come back to the caller. All others stay here: cookies, what a browser would act upon, what belongs to
/// the connection.
const COMING_DOWN: [&str; 14] = [
    "accept-ranges",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "error-code",
    "error-msg",
    "etag",
    "last-modified",
    "logid",
    "request-id",
    "retry-after",
    "x-request-id",
];

/// WeChat's own (服务端 API 签名 signs answers by them).
const OF_WECHAT: [&str; 2] = ["wechatmp-", "wechatpay-"];

/// What WeChat has answered, and what is left of its body.
pub(super) struct Upstream {
    response: Response,
    headers: Vec<(String, String)>,
    body: Body,
    /// Whether it says that the token is dead.
    pub(super) says_dead: bool,
}

enum Body {
    Empty,
    Read(Vec<u8>),
    Stream(ReadableStream),
}

/// Scrubbers that are kept: each takes some 50 kB.
const MOST_SCRUBBERS: usize = 64;

/// Whether we, or another call, have put more than the token into what an answer to a call of this path may quote.
pub(super) fn hides_more(request: &RequestContext, ready: &ReadyApp, path: &str) -> bool {
    relay_key(request, ready).is_some() || takes_a_secret(path) || quotes_requests(path)
}

/// The key of the relay that this app's calls may go through.
fn relay_key<'r>(request: &'r RequestContext, ready: &ReadyApp) -> Option<&'r Secret> {
    let key = request.centre.config.gateway_key.as_ref();
    ready.app.api_hosts.iter().find_map(|host| gateway_key_for(host, key))
}

/// What no answer to an app's call may give back: what we have put into the call, or the answer may quote from others.
/// These tokens, which the caller may not see; the relay's key; the AppSecret.
pub(super) fn scrubber(request: &RequestContext, ready: &ReadyApp, tokens: &[Rc<Record>]) -> Rc<Scrubber> {
    // To make one takes longer than to search a short answer.
    let mut known = request.centre.scrubbers.borrow_mut();
    let place = (ready.app.name.clone(), !tokens.is_empty());
    let made_for = known.get(&place);
    match (tokens, made_for) {
        ([], Some((None, scrubber))) => return Rc::clone(scrubber),
        ([token], Some((Some(of), scrubber))) if Rc::ptr_eq(of, token) => return Rc::clone(scrubber),
        _ => {}
    }
    // The one before a rotation may live for minutes more, and an answer may quote an earlier call.
    let before = match (tokens, made_for) {
        ([token], Some((Some(of), _))) if of.version < token.version => Some(Rc::clone(of)),
        _ => None,
    };
    let values = tokens.iter().chain(&before).map(|record| record.value.expose());
    let others = relay_key(request, ready).into_iter().chain([&ready.app.secret]).map(Secret::expose);
    let scrubber = Rc::new(Scrubber::new(values.chain(others)));
    if tokens.len() < 2 {
        if known.len() >= MOST_SCRUBBERS {
            known.clear();
        }
        known.insert(place, (tokens.first().cloned(), Rc::clone(&scrubber)));
    }
    scrubber
}

impl Upstream {
    /// An answer that is not looked into.
    pub(super) fn of(response: Response) -> Self {
        let body = response.body().map_or(Body::Empty, Body::Stream);
        Self { headers: body::header_list(&response.headers()), response, body, says_dead: false }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is the page of a server or a relay about a call that failed, rather than an answer of WeChat's.
    fn is_error_page(&self) -> bool {
        let is_wechats = matches!(&self.body, Body::Read(bytes) if reply::is_reply(bytes));
        let is_page =
            || self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        !is_wechats && (self.response.status() >= 400 || is_page())
    }

    /// A short answer of WeChat's form that comes in time; `None` for any other.
    pub(super) async fn of_wechat(response: Response) -> Option<Self> {
        let answer = Self::of(response);
        let Body::Stream(stream) = &answer.body else { return None };
        let bytes =
            platform::timeout(body::of_answer(stream.clone(), SIGN_IN_BYTES), PATIENCE).await?.ok()?;
        let is_one = bytes.len() <= SIGN_IN_BYTES && reply::is_reply(&bytes);
        is_one.then_some(Self { body: Body::Read(bytes), ..answer })
    }

    /// Looks into an answer. Only a short one can be a refusal, whatever type it is said to have.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) async fn look_into(response: Response) -> Result<Self, BrokenOff> {
        let answer = Self::of(response);
        let stated = answer.header("content-length").and_then(|text| text.parse::<usize>().ok());
        if matches!(answer.body, Body::Empty) {
            return Ok(answer);
        }
        if stated.is_some_and(|bytes| bytes > REFUSAL_BYTES) {
            return Ok(answer);
        }
        // What is packed is longer than it says.
        if stated.is_some() && answer.header("content-encoding").is_none() {
            let bytes = body::whole(&answer.response).await?;
            let says_dead = is_dead(&bytes);
            let body = if bytes.is_empty() { Body::Empty } else { Body::Read(bytes) };
            return Ok(Self { body, says_dead, ..answer });
        }
        let Ok(copy) = answer.response.clone() else { return Ok(answer) };
        let beginning = match copy.body() {
            Some(stream) => body::of_answer(stream, REFUSAL_BYTES).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let says_dead = beginning.len() <= REFUSAL_BYTES && is_dead(&beginning);
        Ok(Self { says_dead, ..Self::of(answer.response) })
    }

    /// Passes it on to the caller, as an answer to a call of this path: guarded against what a browser would make of it
    /// on a host of ours, and without the secrets that `scrubber` knows. Those are overwritten in the body, and a
    /// header that holds one is left out. The status text is HTTP's own, since another may quote the URL.
    pub(super) fn pass_on(self, path: &str, scrubber: Rc<Scrubber>, app: &AppName) -> Outcome {
        let scrubber = if self.is_error_page() { Rc::new(scrubber.by_name()) } else { scrubber };
        if !is_unpacked(self.header("content-encoding").unwrap_or_default()) {
            let detail = "WeChat, or a relay, has packed its answer in a way that cannot be looked through for secrets: \
                          the call may have been carried out.";
            return Err(Problem::new(Code::Unavailable, detail));
        }
        let noted = (app.clone(), path.to_owned());
        let answer =
            self.built(scrubber, noted).map_err(|_| answer::internal("an answer could not be passed on"))?;
        Ok(answer.telling("ok", Some(path.to_owned())))
    }

    /// `of` says whose answer it is, and to a call of which path.
    fn built(self, scrubber: Rc<Scrubber>, of: (AppName, String)) -> worker::Result<Answer> {
        let Self { response, headers, body, .. } = self;
        let headers = coming_down(&headers, &scrubber)?;
        let builder = ResponseBuilder::new().with_status(response.status()).with_headers(headers);
        let response = match body {
            Body::Empty => builder.empty(),
            Body::Read(mut bytes) => {
                if scrubber.mask(&mut bytes) {
                    note_masked(&of);
                }
                builder.fixed(bytes)
            }
            Body::Stream(stream) => {
                let unread = |BrokenOff| worker::Error::RustError("an answer could not be read".to_owned());
                builder.from_stream(scrubbed(stream, scrubber, of).map_err(unread)?)?
            }
        };
        Ok(answer::answered(response))
    }
}

fn coming_down(all: &[(String, String)], scrubber: &Scrubber) -> worker::Result<Headers> {
    let headers = Headers::new();
    let hop_by_hop = named_by_connection(all);
    for (name, value) in all.iter().filter(|(name, _)| !hop_by_hop.contains(name)) {
        let comes_down =
            COMING_DOWN.contains(&name.as_str()) || OF_WECHAT.iter().any(|prefix| name.starts_with(prefix));
        let quotes = || scrubber.finds(name.as_bytes()) || scrubber.finds(value.as_bytes());
        if comes_down && !quotes() {
            headers.append(name, value)?;
        }
    }
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    headers.set("Content-Security-Policy", "sandbox")?;
    Ok(headers)
}

/// An upstream that quotes secrets is out of order, or a caller tries what it makes of guesses.
fn note_masked((app, path): &(AppName, String)) {
    log::warn("secret_masked", json!({"app": app, "path": path}));
}

/// A body, scrubbed as it passes.
fn scrubbed(
    body: ReadableStream,
    scrubber: Rc<Scrubber>,
    of: (AppName, String),
) -> Result<impl Stream<Item = worker::Result<Vec<u8>>>, BrokenOff> {
    let mut scrubbing = ScrubbedStream::new(scrubber);
    let pieces = body::long_pieces(body)?.map(|piece| piece.map(Some));
    let ended = stream::once(future::ready(Ok(None)));
    let scrubbed = pieces.chain(ended).map(move |piece| match piece {
        Ok(Some(piece)) => Ok(scrubbing.push(&piece)),
        Ok(None) => {
            let rest = scrubbing.finish();
            if scrubbing.has_found() {
                note_masked(&of);
            }
            Ok(rest)
        }
        Err(BrokenOff) => Err(worker::Error::RustError("an answer broke off".to_owned())),
    });
    // While bytes are held back there is nothing to send.
    Ok(scrubbed.filter(|piece| future::ready(!piece.as_ref().is_ok_and(Vec::is_empty))))
}

fn is_dead(reply: &[u8]) -> bool {
    reply::probe(reply) == Verdict::Dead
}
