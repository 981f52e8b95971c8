//! `POST /v1/apps/{app}/card_signature`: what a page hands to `wx.addCard` and `wx.chooseCard`.

use super::input;
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{platform, read};
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::json::{Piece, object};
use zhongkong_core::signature::card::Card;
use zhongkong_core::signature::nonce;

const SHAPE: &str = "{\"card_id\", \"code\", \"openid\", \"location_id\", \"card_type\"}, each a text of visible ASCII up to \
                     128 characters, and each may be left out";

/// Signs a card.
///
/// 1. The body says which card, and for whom (400, 413).
/// 2. The wx_card ticket is read (404 where none is kept, 502, 503).
/// 3. `cardExt` is signed for `wx.addCard`, `cardSign` for `wx.chooseCard`, with one time and nonce.
pub(crate) async fn sign(request: &Incoming, call: &Call, ready: &Rc<ReadyApp>) -> Outcome {
    let card: Card = input::json(request, SHAPE).await?;
    if !card.is_sound() {
        return Err(input::invalid(format!("Send a JSON body of the form {SHAPE}.")));
    }
    let record = read::live(call, ready, Credential::Ticket(TicketType::WxCard), 0).await?;
    let ticket = &record.value;
    let (timestamp, nonce) = (platform::now().as_secs(), nonce(platform::random()));
    let body = object(&[
        ("cardExt", &Piece::of(&card.ext(ticket, timestamp, &nonce)).into_text()),
        ("cardSign", &card.choose(&ready.app.appid, ticket, timestamp, &nonce)),
        ("signType", &"SHA1"),
        ("timestamp", &timestamp),
        ("nonceStr", &nonce),
    ]);
    Ok(answer::ok(body)?.of_version(record.version))
}
