//! `/cgi-bin/token`, `/cgi-bin/stable_token`, `/cgi-bin/ticket/getticket`.

use super::bearer::{self, Bearer, permitted};
use super::{Known, Refused, Reply};
use crate::answer;
use crate::api::input;
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{gate, platform, read};
use std::net::IpAddr;
use std::rc::Rc;
use zhongkong_core::access::{Caller, KeyDigest, Scope};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::facade::{Fields, Refusal, virtual_token};
use zhongkong_core::json::Object;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::Ask;
use zhongkong_core::record::Record;
use zhongkong_core::secret::Secret;

/// What a virtual token is said to live: it lives as long as the key, and asking again is cheap.
const VIRTUAL_LIFE_S: u64 = 7200;

fn refused(errcode: i64, text: &str) -> Refused {
    Refused(Refusal::new(errcode, text), Code::InvalidRequest)
}

/// `GET` and `POST /cgi-bin/token`.
///
/// 1. The fields are read (47001), none is missing (40002, 41002, 41004).
/// 2. The key, sent as `secret`, is a caller's (40125, 45009 after many that are not).
/// 3. The caller may have the app's token, from there (40013, 40164).
/// 4. The token: the real one for scope `token`, a virtual one for scope `proxy` (-1 when there is none).
pub(super) async fn token(request: &Incoming, query: &str, call: &Call, known: &mut Known) -> Reply {
    let fields = fields(request, query).await?;
    hand_out(call, &Fields { force_refresh: false, ..fields }, request.ip, known).await
}

/// `POST /cgi-bin/stable_token`: the same. `force_refresh` is a report that the token has died: one that WeChat
/// calls alive is not replaced, since copies of it are trusted (a store may be out of order for longer than it
/// would then live). Whoever wants a living one killed revokes it.
pub(super) async fn stable_token(request: &Incoming, query: &str, call: &Call, known: &mut Known) -> Reply {
    if request.method != "POST" {
        return Err(refused(43002, "require POST method"));
    }
    hand_out(call, &fields(request, query).await?, request.ip, known).await
}

async fn fields(request: &Incoming, query: &str) -> Result<Fields, Refused> {
    let body = match request.method.as_str() {
        "GET" => Vec::new(),
        "POST" => input::bytes(request).await?,
        _ => return Err(refused(43001, "require GET or POST method")),
    };
    Fields::read(query, &body).map_err(|_| {
        refused(47001, "data format error: the fields are no form and no JSON, or one is there twice")
    })
}

async fn hand_out(call: &Call, fields: &Fields, ip: Option<IpAddr>, known: &mut Known) -> Reply {
    known.credential = Some(Credential::AccessToken);
    if fields.grant_type.as_deref() != Some("client_credential") {
        return Err(refused(40002, "invalid grant_type: it is client_credential"));
    }
    let appid = fields.appid.as_deref().ok_or_else(|| refused(41002, "appid missing"))?;
    let secret =
        fields.secret.as_ref().ok_or_else(|| refused(41004, "appsecret missing: send the caller's key"))?;
    let (caller, ready) = by_key(call, secret, appid, &[Scope::Token, Scope::Proxy], ip, known).await?;
    if !caller.scopes.contains(&Scope::Token) {
        return virtual_one(call, &ready, caller, secret);
    }
    let credential = Credential::AccessToken;
    let mut record = read::live(call, &ready, credential, 0).await?;
    // Noted in any case: who asks in vain once is heard the next time.
    let again = asks_again(call, caller, &ready, &record);
    if again || fields.force_refresh {
        // Its token may have died: that is checked at WeChat, at most every half minute.
        let digest = record.value.digest();
        let ask = Ask::Stale { credential, digest };
        record = read::ask_keeper(call, &ready, credential, ask).await.map_err(Problem::from)?.0;
    }
    // It may be shown here within a moment.
    let (digest, now_ms) = (record.value.digest(), platform::now_millis());
    call.centre.holders.borrow_mut().learn(&digest, Some(ready.app.name.clone()), now_ms);
    let body = Object::with_room_for(record.value.expose().len() + 48)
        .text("access_token", record.value.expose())
        .number("expires_in", record.expires_in_s(platform::now()));
    Ok(answer::credential(body).of_version(record.version))
}

fn asks_again(call: &Call, caller: &Caller, ready: &ReadyApp, record: &Record) -> bool {
    let mut asked = call.centre.asked_again.borrow_mut();
    asked.note(&caller.name, &ready.app.name, record.version, platform::now_millis())
}

fn virtual_one(call: &Call, ready: &ReadyApp, caller: &Caller, key: &Secret) -> Reply {
    let Some(sealer) = &call.centre.config.sealer else { return Err(answer::internal("no SEAL_KEY").into()) };
    let token = virtual_token::issue(sealer, &ready.app.name, caller, &KeyDigest::of(key));
    let body = Object::with_room_for(256).text("access_token", &token).number("expires_in", VIRTUAL_LIFE_S);
    Ok(answer::credential(body).telling("virtual", None))
}

/// The caller whose key this is, and the app with this appid, if the caller has one of these scopes for it.
pub(super) async fn by_key<'c>(
    call: &'c Call,
    key: &Secret,
    appid: &str,
    scopes: &[Scope],
    ip: Option<IpAddr>,
    known: &mut Known,
) -> Result<(&'c Caller, Rc<ReadyApp>), Refused> {
    let config = &call.centre.config;
    let Some(caller) = config.callers.holder_of(key) else {
        return Err(match gate::turn_away(call, ip, gate::nobodys()).await {
            problem if problem.code == Code::RateLimited => problem.into(),
            _ => Refused(Refusal::bad_key(), Code::Unauthorized),
        });
    };
    known.caller = Some(caller.name.clone());
    let Some(app) = config.app_of(appid) else {
        return Err(Refused(Refusal::bad_appid(), Code::NotAllowed));
    };
    let mut permission = Err(Refused(Refusal::bad_appid(), Code::NotAllowed));
    for scope in scopes.iter().filter(|scope| caller.scopes.contains(scope)) {
        permission = permitted(call, caller, *scope, app, ip);
        if permission.is_ok() {
            break;
        }
    }
    known.app = Some(app.clone());
    Ok((caller, permission?))
}

/// `GET` and `POST /cgi-bin/ticket/getticket`.
///
/// 1. The fields are read (47001), the token is there (41001), the type is known (40097).
/// 2. The token is a real one, or a virtual one of a caller with scope `ticket`, or such a caller's key
///    (40001, 40013, 40164).
/// 3. The ticket (48001 where none is kept, -1 when there is none).
pub(super) async fn ticket(request: &Incoming, query: &str, call: &Call, known: &mut Known) -> Reply {
    let fields = fields(request, query).await?;
    let token = fields.access_token.as_ref().ok_or_else(|| refused(41001, "access_token missing"))?;
    let kind = match fields.kind.as_deref() {
        Some("jsapi") | None => TicketType::Jsapi,
        Some("wx_card") => TicketType::WxCard,
        Some("2") => TicketType::Sdk,
        Some(_) => return Err(refused(40097, "invalid args: type is jsapi, wx_card or 2")),
    };
    let credential = Credential::Ticket(kind);
    known.credential = Some(credential);
    let Bearer { ready, .. } = bearer::of(call, token, Scope::Ticket, None, request.ip, known).await?;
    let record = read::live(call, &ready, credential, 0).await.map_err(|problem| match problem.code {
        Code::NotFound => {
            Refused(Refusal::new(48001, format!("api unauthorized: {}", problem.detail)), problem.code)
        }
        _ => problem.into(),
    })?;
    let body = Object::with_room_for(record.value.expose().len() + 80)
        .number("errcode", 0)
        .text("errmsg", "ok")
        .text("ticket", record.value.expose())
        .number("expires_in", record.expires_in_s(platform::now()));
    Ok(answer::credential(body).of_version(record.version))
}
