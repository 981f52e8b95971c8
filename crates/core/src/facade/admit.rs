//! Admission to the façade by a caller's key, where an SDK sends the AppSecret. No I/O, so that the fast path and the
//! ordinary path decide alike.

use super::{Fields, Refusal};
use crate::access::{Caller, Scope};
use crate::app::AppName;
use crate::config::{Config, ReadyApp};
use crate::http::admit::ready;
use crate::problem::{Code, Problem};
use crate::secret::Secret;
use std::net::IpAddr;
use std::rc::Rc;

/// Either of these opens a token: a real one, or a virtual one.
pub const TOKEN_SCOPES: [Scope; 2] = [Scope::Token, Scope::Proxy];

/// A refusal in WeChat's words, and its code in ours, for the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Refusal, pub Code);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Refusal::of(&problem), problem.code)
    }
}

/// The app and the key in a request for a token.
///
/// # Errors
/// 40002, 41002, 41004 for what is missing or wrong.
pub fn app_and_key(fields: &Fields) -> Result<(&str, &Secret), Refused> {
    let refused = |errcode, text: &str| Refused(Refusal::new(errcode, text), Code::InvalidRequest);
    match fields.grant_type.as_deref() {
        Some("client_credential") => {}
        Some(_) => return Err(refused(40002, "invalid grant_type: it is client_credential")),
        None => return Err(refused(40002, "invalid grant_type: it is missing, and is client_credential")),
    }
    let appid = fields.appid.as_deref().ok_or_else(|| refused(41002, "appid missing"))?;
    let key = fields.secret.as_ref();
    let key = key.ok_or_else(|| refused(41004, "appsecret missing: send the caller's key"))?;
    Ok((appid, key))
}

/// What a key opens.
#[derive(Clone, Debug)]
pub struct ByKey<'c> {
    /// Whose it is.
    pub caller: &'c Caller,
    /// The app with the appid that was sent, if there is one.
    pub app: Option<&'c AppName>,
    /// The app, if the caller has one of the scopes for it, and its settings are sound.
    pub ready: Result<&'c Rc<ReadyApp>, Refused>,
}

/// What this key opens of the app with this appid, with any of these scopes; `None` for a key that is nobody's.
pub fn by_key<'c>(
    config: &'c Config,
    key: &Secret,
    appid: &str,
    scopes: &[Scope],
    ip: Option<IpAddr>,
) -> Option<ByKey<'c>> {
    let caller = config.callers.holder_of(key)?;
    // From a wrong address every appid is refused alike: who holds a key that was carried off does not learn which are
    // configured.
    let refusal = if caller.may_call_from(ip) { Refusal::bad_appid() } else { Refusal::bad_ip(ip) };
    let mut ready = Err(Refused(refusal, Code::NotAllowed));
    let Some(app) = config.app_of(appid) else { return Some(ByKey { caller, app: None, ready }) };
    for scope in scopes.iter().filter(|scope| caller.scopes.contains(scope)) {
        ready = permitted(config, caller, *scope, app, ip);
        if ready.is_ok() {
            break;
        }
    }
    Some(ByKey { caller, app: Some(app), ready })
}

/// The app, if this caller may do `scope` to it from there, and its settings are sound.
///
/// # Errors
/// 40164 for a wrong address, 40013 for an app that is not there or forbidden, and what [`ready`] says.
pub fn permitted<'c>(
    config: &'c Config,
    caller: &Caller,
    scope: Scope,
    app: &AppName,
    ip: Option<IpAddr>,
) -> Result<&'c Rc<ReadyApp>, Refused> {
    if !caller.may_call_from(ip) {
        return Err(Refused(Refusal::bad_ip(ip), Code::NotAllowed));
    }
    if caller.is_publishable() || !caller.may(scope, app, ip) || !config.apps.contains_key(app) {
        return Err(Refused(Refusal::bad_appid(), Code::NotAllowed));
    }
    Ok(ready(config, app)?)
}
