//! `GET|POST /v1/apps/{app}/signature`: what a page hands to `wx.config`.

use super::input;
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{platform, read};
use serde::Deserialize;
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::json::Object;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::signature::{NotSigned, PageUrl, js_sdk, nonce};

const HINT: &str = "Send ?url= with encodeURIComponent(location.href.split('#')[0]).";
const SHAPE: &str = "{\"url\": \"https://…\"}";

#[derive(Deserialize)]
struct Page {
    url: String,
}

/// Signs a page.
///
/// 1. The URL is that of a page (400), and of one that may be signed (403).
/// 2. The jsapi ticket is read (404 where none is kept, 502, 503).
/// 3. The URL is signed as it stands, without its fragment.
pub(crate) async fn sign(request: &Incoming, call: &Call, ready: &Rc<ReadyApp>) -> Outcome {
    let page = if request.method == "POST" {
        if request.query().is_some() {
            return Err(input::invalid("By POST the url is sent in the body, not in the query."));
        }
        input::json::<Page>(request, SHAPE).await?.url
    } else {
        input::only_parameter(request, "url", HINT)?
            .ok_or_else(|| input::invalid(format!("The url is missing. {HINT}")))?
    };
    let page = PageUrl::parse(&page).map_err(|error| input::invalid(format!("{error}.")))?;
    let app = &ready.app;
    page.check(&app.sign_hosts).map_err(|why| {
        let detail = match why {
            NotSigned::Host => {
                format!("Pages of this host may not be signed for app {0}: add it to APPS.{0}.sign_hosts.", app.name)
            }
            NotSigned::Ambiguous => "This URL holds &url= with the plain address of a page that may not be signed: the \
                                     signature would be good for that page too. Encode the inner address with \
                                     encodeURIComponent."
                .to_owned(),
        };
        Problem::new(Code::UrlNotAllowed, detail)
    })?;
    let ticket = read::live(call, ready, Credential::Ticket(TicketType::Jsapi), 0).await?;
    let (timestamp, nonce) = (platform::now().as_secs(), nonce(platform::nonce_bytes()));
    let signature = js_sdk(&ticket.value, &nonce, timestamp, &page);
    let body = Object::with_room_for(160)
        .text("appId", &app.appid)
        .number("timestamp", timestamp)
        .text("nonceStr", &nonce)
        .text("signature", &signature);
    Ok(answer::json(body).of_version(ticket.version))
}
