//! `/cgi-bin/token`, `/cgi-bin/stable_token`, `/cgi-bin/ticket/getticket`.

use super::bearer::{self, Bearer};
use super::{Known, Reply};
use crate::answer;
use crate::api::input;
use crate::context::RequestContext;
use crate::{gate, platform, read};
use serde::Serialize;
use std::rc::Rc;
use zhongkong_core::access::{Caller, KeyDigest, Scope};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::facade::admit::{self, Refused, TOKEN_SCOPES, app_and_key};
use zhongkong_core::facade::{Fields, Refusal, virtual_token};
use zhongkong_core::http::admit::unknown_key;
use zhongkong_core::http::bodies::{self, Surface};
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
pub(super) async fn token(request: &RequestContext, query: &str, known: &mut Known) -> Reply {
    let fields = fields(request, query).await?;
    hand_out(request, &Fields { force_refresh: false, ..fields }, known).await
}

/// `POST /cgi-bin/stable_token`: the same. `force_refresh` is a report that the token has died: one that WeChat
/// calls alive is not replaced, since copies of it are trusted (a store may be out of order for longer than it
/// would then live). Whoever wants a living one killed revokes it.
pub(super) async fn stable_token(request: &RequestContext, query: &str, known: &mut Known) -> Reply {
    if request.head().method != "POST" {
        return Err(refused(43002, "require POST method"));
    }
    hand_out(request, &fields(request, query).await?, known).await
}

async fn fields(request: &RequestContext, query: &str) -> Result<Fields, Refused> {
    let body = match request.head().method {
        "GET" => Vec::new(),
        "POST" => input::bytes(request).await?,
        _ => return Err(refused(43001, "require GET or POST method")),
    };
    Fields::read(query, &body).map_err(|why| refused(47001, &why.text()))
}

async fn hand_out(request: &RequestContext, fields: &Fields, known: &mut Known) -> Reply {
    known.credential = Some(Credential::AccessToken);
    let (appid, secret) = app_and_key(fields)?;
    let (caller, ready) = by_key(request, secret, appid, &TOKEN_SCOPES, known).await?;
    if !caller.scopes.contains(&Scope::Token) {
        return virtual_one(request, &ready, caller, secret);
    }
    let credential = Credential::AccessToken;
    let mut record = read::live(request, &ready, credential, 0).await?;
    // Noted in any case: who asks in vain once is heard the next time.
    let again = asks_again(request, caller, &ready, &record);
    if again || fields.force_refresh {
        // Its token may have died: that is checked at WeChat, at most every half minute.
        let digest = record.value.digest();
        let ask = Ask::Stale { credential, digest };
        record = read::ask_keeper(request, &ready, credential, ask).await.map_err(Problem::from)?.0;
    }
    // It may be shown here within a moment.
    let mut memory = request.centre.memory.borrow_mut();
    memory.handed_out(&ready.app.name, &record, platform::now_millis());
    let body = bodies::credential(Surface::Facade, credential, &record, platform::now());
    Ok(answer::json_text(body)?.of_version(record.version))
}

fn asks_again(request: &RequestContext, caller: &Caller, ready: &ReadyApp, record: &Record) -> bool {
    let mut memory = request.centre.memory.borrow_mut();
    memory.repeat_reads.note(&caller.name, &ready.app.name, record.version, platform::now_millis())
}

/// A virtual token, as WeChat would hand out a real one.
#[derive(Serialize)]
struct VirtualToken {
    access_token: String,
    expires_in: u64,
}

fn virtual_one(request: &RequestContext, ready: &ReadyApp, caller: &Caller, key: &Secret) -> Reply {
    let Some(sealer) = &request.centre.config.sealer else {
        return Err(answer::internal("no SEAL_KEY").into());
    };
    let access_token = virtual_token::issue(sealer, &ready.app.name, caller, &KeyDigest::of(key));
    let body = VirtualToken { access_token, expires_in: VIRTUAL_LIFE_S };
    Ok(answer::ok(&body)?.telling("virtual", None))
}

/// The caller whose key this is, and the app with this appid, if the caller has one of these scopes for it.
pub(super) async fn by_key<'c>(
    request: &'c RequestContext,
    key: &Secret,
    appid: &str,
    scopes: &[Scope],
    known: &mut Known,
) -> Result<(&'c Caller, Rc<ReadyApp>), Refused> {
    let Some(found) = admit::by_key(&request.centre.config, key, appid, scopes, request.ip()) else {
        return Err(match gate::turn_away(request, unknown_key()).await {
            problem if problem.code == Code::RateLimited => problem.into(),
            _ => Refused(Refusal::bad_key(), Code::Unauthorized),
        });
    };
    known.caller = Some(found.caller.name.clone());
    known.app = found.app.cloned();
    let ready = Rc::clone(found.ready?);
    let token = scopes.contains(&Scope::Token).then_some((&*ready, Credential::AccessToken));
    gate::bound(request, found.caller, token).await?;
    Ok((found.caller, ready))
}

/// `GET` and `POST /cgi-bin/ticket/getticket`.
///
/// 1. The fields are read (47001), the token is there (41001), the type is known (40097).
/// 2. The token is a real one, or a virtual one of a caller with scope `ticket`, or such a caller's key
///    (40001, 40013, 40164).
/// 3. The ticket (48001 where none is kept, -1 when there is none).
pub(super) async fn ticket(request: &RequestContext, query: &str, known: &mut Known) -> Reply {
    let fields = fields(request, query).await?;
    let token = fields.access_token.as_ref().ok_or_else(|| refused(41001, "access_token missing"))?;
    let kind = match fields.kind.as_deref() {
        Some("jsapi") => TicketType::Jsapi,
        Some("wx_card") => TicketType::WxCard,
        Some("2") => TicketType::Sdk,
        Some(_) => return Err(refused(40097, "invalid args: type is jsapi, wx_card or 2")),
        None => return Err(refused(40097, "invalid args: type is missing: it is jsapi, wx_card or 2")),
    };
    let credential = Credential::Ticket(kind);
    known.credential = Some(credential);
    let Bearer { ready, .. } = bearer::of(request, token, Scope::Ticket, None, known).await?;
    let record = read::live(request, &ready, credential, 0).await.map_err(|problem| match problem.code {
        Code::NotFound => {
            Refused(Refusal::new(48001, format!("api unauthorized: {}", problem.detail)), problem.code)
        }
        _ => problem.into(),
    })?;
    let body = bodies::credential(Surface::Facade, credential, &record, platform::now());
    Ok(answer::json_text(body)?.of_version(record.version))
}
