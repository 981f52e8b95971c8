//! `POST /v1/apps/{app}/signature/explain`: why WeChat calls a signature invalid.

use super::input;
use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{platform, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::rc::Rc;
use zhongkong_core::access::{Caller, Scope};
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType, Version};
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::http::parameters::invalid;
use zhongkong_core::language::Language::{En, Zh};
use zhongkong_core::problem::Problem;
use zhongkong_core::signature::explain::{Claim, Verdict, verdict};
use zhongkong_core::signature::hint::{Hint, hints};
use zhongkong_core::signature::{NotSigned, PageUrl, js_sdk, nonce};

const SHAPE: &str =
    "{\"url\": \"https://…\"}, with \"signature\", \"nonceStr\" and \"timestamp\" to have a signature judged";

/// A timestamp beyond this is one in milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    url: String,
    signature: Option<String>,
    #[serde(rename = "nonceStr")]
    nonce: Option<String>,
    timestamp: Option<Value>,
}

#[derive(Serialize)]
struct Body<'a> {
    app: &'a AppName,
    #[serde(rename = "appId")]
    appid: &'a str,
    url: &'a str,
    signed_url: Option<&'a str>,
    /// What a browser makes of the URL, where that is written otherwise: the same page.
    location_href: Option<&'a str>,
    problem: Option<String>,
    host: Option<&'a str>,
    host_allowed: bool,
    sign_hosts: Vec<String>,
    hints: Vec<HintBody>,
    string: Option<String>,
    #[serde(rename = "nonceStr")]
    nonce: &'a str,
    timestamp: u64,
    signature: Option<String>,
    ticket: TicketBody<'a>,
    verdict: Option<VerdictBody>,
}

#[derive(Serialize)]
struct HintBody {
    hint: Hint,
    detail: &'static str,
    detail_zh: &'static str,
}

#[derive(Serialize)]
struct TicketBody<'a> {
    version: Version,
    sha256: &'a str,
    expires_in: u64,
}

#[derive(Serialize)]
struct VerdictBody {
    #[serde(flatten)]
    verdict: Verdict,
    detail: &'static str,
    detail_zh: &'static str,
}

/// Explains a signature.
///
/// 1. The body has the URL of a page, and perhaps what was handed to `wx.config` there (400).
/// 2. The jsapi ticket is read (404 where none is kept, 502, 503).
/// 3. 200 with what would be signed, the ticket masked, whether the page's host is allowed, and what is odd. A
///    signature is shown only for a page that may be signed, to a caller who may have it signed, and never with a
///    nonce or a time that somebody else has chosen: those could carry another page's URL.
pub(crate) async fn show(request: &RequestContext, caller: &Caller, ready: &Rc<ReadyApp>) -> Outcome {
    let asked: Asked = input::json(request, SHAPE).await?;
    let mut found = hints(&asked.url);
    let claim = claim(&asked, &mut found)?;
    let ticket = read::live(request, ready, Credential::Ticket(TicketType::Jsapi), 0).await?;
    let (now, app) = (platform::now(), &ready.app);
    let page = PageUrl::parse(&asked.url);
    let checked = page.as_ref().ok().map(|page| page.check(&app.sign_hosts));
    if checked == Some(Err(NotSigned::Ambiguous)) {
        found.push(Hint::Ambiguous);
    }
    let is_allowed = checked == Some(Ok(()));
    let (nonce, timestamp) = (nonce(platform::nonce_bytes()), now.as_secs());
    let signature = page
        .as_ref()
        .ok()
        .filter(|_| is_allowed && caller.scopes.contains(&Scope::Sign))
        .map(|page| js_sdk(&ticket.value, &nonce, timestamp, page));
    let digest = Sha256Digest::of(ticket.value.expose()).short();
    let signed_url = page.as_ref().ok().map(PageUrl::as_str);
    let string = signed_url.map(|url| {
        let masked = format!("(version {}, SHA-256 {digest}…)", ticket.version.number());
        format!("jsapi_ticket={masked}&noncestr={nonce}&timestamp={timestamp}&url={url}")
    });
    let shown_url = platform::as_in_address_bar(&asked.url);
    let own = asked.url.split('#').next();
    let judged = claim.map(|claim| {
        let verdict = verdict(&ticket.value, &asked.url, shown_url.as_deref(), &claim);
        VerdictBody { detail: verdict.text(En), detail_zh: verdict.text(Zh), verdict }
    });
    let body = Body {
        app: &app.name,
        appid: &app.appid,
        url: &asked.url,
        signed_url,
        location_href: shown_url.as_deref().filter(|shown| Some(*shown) != own),
        problem: page.as_ref().err().map(ToString::to_string),
        host: page.as_ref().ok().map(PageUrl::host),
        host_allowed: is_allowed,
        sign_hosts: app.sign_hosts.iter().map(ToString::to_string).collect(),
        hints: found.iter().map(|hint| shown(*hint)).collect(),
        string,
        nonce: &nonce,
        timestamp,
        signature,
        ticket: TicketBody { version: ticket.version, sha256: &digest, expires_in: ticket.expires_in_s(now) },
        verdict: judged,
    };
    Ok(answer::ok(&body)?.of_version(ticket.version))
}

const fn shown(hint: Hint) -> HintBody {
    HintBody { hint, detail: hint.text(En), detail_zh: hint.text(Zh) }
}

/// Digits, or a number that JavaScript holds exactly; `1795264800.0` is one.
fn seconds(timestamp: &Value) -> Option<u64> {
    const EXACT: u64 = 1 << 53;
    let seconds = match timestamp {
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        _ => None,
    };
    seconds.filter(|seconds| *seconds < EXACT)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is neither negative nor a fraction"
)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}

/// What the page has handed to `wx.config`: all three, or nothing.
fn claim(asked: &Asked, found: &mut Vec<Hint>) -> Result<Option<Claim>, Problem> {
    let (signature, nonce, timestamp) = match (&asked.signature, &asked.nonce, &asked.timestamp) {
        (None, None, None) => return Ok(None),
        (Some(signature), Some(nonce), Some(timestamp)) => (signature.clone(), nonce.clone(), timestamp),
        _ => {
            let detail =
                "signature, nonceStr and timestamp belong together: send all three, as wx.config got them.";
            return Err(invalid(detail));
        }
    };
    let timestamp = seconds(timestamp).ok_or_else(|| invalid("timestamp is a number of seconds."))?;
    if timestamp >= MILLISECONDS_FROM {
        found.push(Hint::Milliseconds);
    }
    Ok(Some(Claim { signature, nonce, timestamp }))
}
