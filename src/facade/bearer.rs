//! Who sends an `access_token`: a caller with a virtual one or with its key, or whoever holds the real one.

use super::Known;
use crate::client;
use crate::context::RequestContext;
use crate::{gate, log, platform};
use serde_json::json;
use std::rc::Rc;
use zhongkong_core::access::{AllowedApps, Caller, Scope, neighbourhood};
use zhongkong_core::app::{AppName, RealToken};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::facade::admit::{Refused, permitted};
use zhongkong_core::facade::{Holder, Refusal, virtual_token};
use zhongkong_core::http::admit::{ready, unknown_key};
use zhongkong_core::problem::Code;
use zhongkong_core::protocol::{SchedulerAsk, SchedulerReply};
use zhongkong_core::secret::Secret;
use zhongkong_core::time::UnixTime;

/// Who asks, for which app.
pub(super) struct Bearer<'c> {
    /// `None` for one who holds the real token.
    pub(super) caller: Option<&'c Caller>,
    pub(super) ready: Rc<ReadyApp>,
}

/// Finds out who sends this token, and whether they may do `scope` to the app; with the real token also whether
/// anybody may call this path from there.
pub(super) async fn of<'c>(
    request: &'c RequestContext,
    token: &Secret,
    scope: Scope,
    path: Option<&str>,
    known: &mut Known,
) -> Result<Bearer<'c>, Refused> {
    let bad_token = || Refused(Refusal::bad_token(), Code::Unauthorized);
    let (centre, ip) = (&request.centre, request.ip());
    let callers = &centre.config.callers;
    let by_virtual =
        centre.config.sealer.as_ref().and_then(|sealer| virtual_token::read(sealer, callers, token.expose()));
    let by_key = || callers.holder_of(token).map(|caller| (caller, only_app(caller)));
    let is_virtual = by_virtual.is_some();
    let found = by_virtual.map(|(caller, app)| (caller, Some(app))).or_else(by_key);
    let Some((caller, app)) = found else {
        let Some(app) = holder_of(request, token).await? else {
            // Whoever guesses tokens is as much a stranger as one who guesses keys.
            let problem = gate::turn_away(request, unknown_key()).await;
            if problem.code != Code::RateLimited {
                return Err(bad_token());
            }
            let now_ms = platform::now_millis();
            centre.memory.borrow_mut().token_owners.limited(&neighbourhood(ip), now_ms);
            return Err(problem.into());
        };
        let ready = ready(&centre.config, &app)?;
        // It opens what those may do who may hold it from there: nobody gains by showing it, and one that was carried
        // off opens no more here than at WeChat, whose whitelist knows us.
        let mut holders = callers.iter().filter(|caller| caller.may(Scope::Token, &app, ip)).peekable();
        let may_do =
            |caller: &Caller| caller.may(scope, &app, ip) && path.is_none_or(|path| caller.may_pass(path));
        let refused = if holders.peek().is_none() {
            Some(Refusal::bad_ip(ip))
        } else {
            let opens = match ready.app.real_token {
                RealToken::All => holders.all(may_do),
                RealToken::Any => holders.any(may_do),
                RealToken::None => false,
            };
            let text = "api unauthorized: a real token does not say who shows it, so the app's real_token decides what it opens, \
                        and that is not this. Use a caller's key or a virtual token";
            (!opens).then(|| Refusal::new(48001, text))
        };
        if let Some(refusal) = refused {
            known.app = Some(app);
            return Err(Refused(refusal, Code::NotAllowed));
        }
        known.app = Some(app.clone());
        gate::bound_by_token(request, &app).await?;
        return Ok(Bearer { caller: None, ready: Rc::clone(ready) });
    };
    known.caller = Some(caller.name.clone());
    gate::bound(request, caller, None).await?;
    let app = app.ok_or_else(|| {
        let text = "invalid appid: this key may use several apps. Send a token, or call /v1/apps/APP/api/… with the key.";
        Refused(Refusal::new(40013, text), Code::InvalidRequest)
    })?;
    let ready = permitted(&centre.config, caller, scope, &app, ip).map_err(|refused| {
        // Its token names the app, so there is one for it: what is missing is the scope for tickets.
        let lacks_it = is_virtual && scope == Scope::Ticket && caller.may(Scope::Proxy, &app, ip);
        if lacks_it { Refused(Refusal::no_permission(scope, &app), Code::NotAllowed) } else { refused }
    })?;
    known.app = Some(app);
    Ok(Bearer { caller: Some(caller), ready: Rc::clone(ready) })
}

/// The app of a caller that has one only.
fn only_app(caller: &Caller) -> Option<AppName> {
    match &caller.apps {
        AllowedApps::These(names) if names.len() == 1 => names.first().cloned(),
        AllowedApps::These(_) | AllowedApps::All => None,
    }
}

/// The app whose real token this is, the current one, or the one before for as long as WeChat takes it.
async fn holder_of(request: &RequestContext, token: &Secret) -> Result<Option<AppName>, Refused> {
    let digest = Sha256Digest::of(token.expose());
    let now_ms = platform::now_millis();
    let memory = &request.centre.memory;
    let holder = memory.borrow_mut().token_owner(&digest, &neighbourhood(request.ip()), now_ms);
    match holder {
        Holder::Of(app) => return Ok(Some(app)),
        Holder::Nobody => return Ok(None),
        Holder::Busy => {
            let text =
                "system busy: too many unknown tokens are being asked about; try again in a few seconds";
            return Err(Refused(Refusal::new(-1, text), Code::RateLimited));
        }
        Holder::Ask => {}
    }
    let ask = SchedulerAsk::Whose { token: digest, now: UnixTime::from_millis(now_ms) };
    match client::ask_scheduler(&request.env, &ask).await {
        Ok(SchedulerReply::App(found)) => {
            let app = found.and_then(|(app, identity)| {
                let ready = ready(&request.centre.config, &app).ok()?;
                (ready.identity.fingerprint() == identity).then_some(app)
            });
            memory.borrow_mut().token_owners.learn(&digest, app.clone(), platform::now_millis());
            Ok(app)
        }
        Ok(_) | Err(_) => {
            log::warn("scheduler_unreachable", json!({"by": "facade"}));
            Err(Refused(Refusal::new(-1, "system busy: try again in a few seconds"), Code::Unavailable))
        }
    }
}
