//! `POST /v1/apps/{app}/card_signature`: what a page hands to `wx.addCard` and `wx.chooseCard`.

use super::input;
use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{platform, read};
use serde::Serialize;
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::encoding::to_json;
use zhongkong_core::http::parameters::invalid;
use zhongkong_core::signature::card::Card;
use zhongkong_core::signature::nonce;

const SHAPE: &str = "{\"card_id\", \"code\", \"openid\", \"location_id\", \"card_type\"}, each a text of visible ASCII up to \
                     128 characters, and each may be left out";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    card_ext: String,
    card_sign: String,
    sign_type: &'static str,
    timestamp: u64,
    nonce_str: String,
}

/// Signs a card.
///
/// 1. The body says which card, and for whom (400, 413).
/// 2. The wx_card ticket is read (404 where none is kept, 502, 503).
/// 3. `cardExt` is signed for `wx.addCard`, `cardSign` for `wx.chooseCard`, with one time and nonce.
pub(crate) async fn sign(request: &RequestContext, ready: &Rc<ReadyApp>) -> Outcome {
    let card: Card = input::json(request, SHAPE).await?;
    if !card.is_sound() {
        return Err(invalid(format!("Send a JSON body of the form {SHAPE}.")));
    }
    let record = read::live(request, ready, Credential::Ticket(TicketType::WxCard), 0).await?;
    let ticket = &record.value;
    let (timestamp, nonce_str) = (platform::now().as_secs(), nonce(platform::nonce_bytes()));
    let card_ext = to_json(&card.ext(ticket, timestamp, &nonce_str))
        .map_err(|_| answer::internal("a cardExt could not be written"))?;
    let card_sign = card.choose(&ready.app.appid, ticket, timestamp, &nonce_str);
    let body = Body { card_ext, card_sign, sign_type: "SHA1", timestamp, nonce_str };
    Ok(answer::ok(&body)?.of_version(record.version))
}
