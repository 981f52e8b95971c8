//! `GET|POST /v1/apps/{app}/signature`: what a page hands to `wx.config`.

use super::input;
use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{platform, read};
use serde::Deserialize;
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::http::bodies::{self, signable};
use zhongkong_core::http::parameters::{invalid, page_url};
use zhongkong_core::signature::nonce;

const SHAPE: &str = "{\"url\": \"https://…\"}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    url: String,
}

/// Signs a page.
///
/// 1. The URL is that of a page (400), and of one that may be signed (403).
/// 2. The jsapi ticket is read (404 where none is kept, 502, 503).
/// 3. The URL is signed as it stands, without its fragment.
pub(crate) async fn sign(request: &RequestContext, ready: &Rc<ReadyApp>) -> Outcome {
    let head = request.head();
    let url = if head.method == "POST" {
        if head.query().is_some() {
            return Err(invalid("By POST the url is sent in the body, not in the query."));
        }
        input::json::<Page>(request, SHAPE).await?.url
    } else {
        page_url(head.query())?
    };
    let page = signable(&ready.app, &url)?;
    let ticket = read::live(request, ready, Credential::Ticket(TicketType::Jsapi), 0).await?;
    let nonce = nonce(platform::nonce_bytes());
    let body = bodies::signature(&ready.app, &ticket, &page, platform::now().as_secs(), &nonce);
    Ok(answer::json_text(body)?.of_version(ticket.version))
}
