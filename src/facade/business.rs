//! Every other path of WeChat's: passed on with the real token, and healed once when that has died.

use super::bearer::{self, Bearer};
use super::credential::by_key;
use super::passed::{Upstream, hides_more, scrubber};
use super::sending::STOPPED;
use super::upstream::{Outgoing, Unsent};
use super::{Known, Reply};
use crate::answer::{Answer, Outcome};
use crate::context::RequestContext;
use crate::read;
use std::rc::Rc;
use worker::web_sys::Response;
use zhongkong_core::access::{Caller, Scope};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::facade::admit::Refused;
use zhongkong_core::facade::business::{BusinessQuery, is_for_users, quotes_requests, takes_a_secret};
use zhongkong_core::facade::{OwnKeys, Refusal, Target};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::Ask;
use zhongkong_core::record::Record;
use zhongkong_core::secret::Secret;

const TOKEN: Credential = Credential::AccessToken;

/// A call as an SDK makes it.
///
/// 1. The query is read (47001).
/// 2. Its `access_token` (41001), or appid and `secret` where users sign in, tell who calls and for which app
///    (40001, 40013, 40125, 40164).
/// 3. The caller may pass this path through (48001).
/// 4. WeChat's answer, whatever it is (-1 when it cannot be reached).
pub(super) async fn pass(request: &RequestContext, path: &str, query: &str, known: &mut Known) -> Reply {
    let ip = request.ip();
    if !matches!(request.head().method, "GET" | "POST") {
        return Err(Refused(Refusal::new(43001, "require GET or POST method"), Code::MethodNotAllowed));
    }
    if is_for_users(path) {
        let text = "api unauthorized: a user's own token says nothing to the centre; send this call to WeChat itself";
        return Err(Refused(Refusal::new(48001, text), Code::NotAllowed));
    }
    let refused = |errcode, text: String| Refused(Refusal::new(errcode, text), Code::InvalidRequest);
    let query = BusinessQuery::read(path, query).map_err(|why| refused(47001, why.text()))?;
    if let Some(kind) = query.not_served {
        let text = format!(
            "api unauthorized: the centre does not serve {kind} yet; send this call to WeChat itself"
        );
        return Err(refused(48001, text));
    }
    if takes_a_secret(path) {
        let missing = |errcode, name| refused(errcode, format!("{name} missing"));
        let appid = query.appid.as_ref().ok_or_else(|| missing(41002, "appid"))?;
        let secret = query.secret.as_ref().ok_or_else(|| missing(41004, "appsecret"))?;
        if !query.has_code {
            return Err(missing(41008, "code"));
        }
        let (caller, ready) = by_key(request, secret, appid, &[Scope::Proxy], known).await?;
        may_pass(caller, path)?;
        let call = Call { request, path, query: &query, ready: &ready, by: Some(caller), key: secret };
        return Ok(call.sign_in().await?);
    }
    let key = || Some(request.head().key()).filter(|key| !key.expose().is_empty());
    let token = query
        .access_token
        .clone()
        .or_else(key)
        .ok_or_else(|| Refused(Refusal::new(41001, "access_token missing"), Code::Unauthorized))?;
    let Bearer { caller, ready } = bearer::of(request, &token, Scope::Proxy, Some(path), known).await?;
    if let Some(caller) = caller {
        may_pass(caller, path)?;
    }
    let may_see = match caller {
        Some(caller) => caller.may_see(TOKEN, &ready.app.name, ip),
        // It holds the current token already, or the one before, which is taken for some minutes.
        None if quotes_requests(path) => {
            read::live(request, &ready, TOKEN, 0).await?.value.expose() == token.expose()
        }
        None => true,
    };
    if quotes_requests(path) && !may_see {
        let text = "api unauthorized: the answer quotes requests with their tokens, so this path takes a key that may \
                    read the token (scope token)";
        return Err(Refused(Refusal::new(48001, text), Code::NotAllowed));
    }
    let call = Call { request, path, query: &query, ready: &ready, by: caller, key: &token };
    Ok(call.run(may_see).await?)
}

/// A call by the native API: `/v1/apps/{app}/api/{path}`. The caller's key stands in its header.
///
/// 1. The path is one of WeChat's (404), and the caller may pass it through (403); the query is sound (400).
/// 2. WeChat's answer, whatever it is (503 when it cannot be reached, or there is no token).
pub(crate) async fn pass_native(
    request: &RequestContext,
    path: &str,
    caller: &Caller,
    ready: &Rc<ReadyApp>,
) -> Outcome {
    let Some(Target::Business(path)) = Target::parse(&format!("/{path}")) else {
        let detail = "WeChat has no such path, or it is answered here: docs/api.md lists tokens and tickets.";
        return Err(Problem::new(Code::NotFound, detail));
    };
    if is_for_users(&path) {
        let detail = "A user's own token says nothing to the centre: send this call to WeChat itself.";
        return Err(Problem::new(Code::NotFound, detail));
    }
    if !caller.may_pass(&path) {
        return Err(Problem::new(Code::NotAllowed, "This key may not call this path: see CALLERS.*.paths."));
    }
    let query = BusinessQuery::read(&path, request.head().query().unwrap_or_default())
        .ok()
        .filter(|query| query.access_token.is_none() && query.secret.is_none())
        .ok_or_else(|| {
            let detail = "The query is badly encoded, or has a token or a secret: those are added here.";
            Problem::new(Code::InvalidRequest, detail)
        })?;
    let key = request.head().key();
    let call = Call { request, path: &path, query: &query, ready, by: Some(caller), key: &key };
    if takes_a_secret(&path) {
        if query.appid.as_ref().is_some_and(|appid| *appid != ready.app.appid) {
            return Err(Problem::new(
                Code::InvalidRequest,
                "The appid is that of another app: leave it out.",
            ));
        }
        return call.sign_in().await;
    }
    let may_see = caller.may_see(TOKEN, &ready.app.name, request.ip());
    if quotes_requests(&path) && !may_see {
        let detail = "The answer of this path quotes requests with their tokens: it takes a key that may read the token \
                      (scope token).";
        return Err(Problem::new(Code::NotAllowed, detail));
    }
    call.run(may_see).await
}

fn may_pass(caller: &Caller, path: &str) -> Result<(), Refused> {
    if caller.may_pass(path) {
        return Ok(());
    }
    let text = "api unauthorized: this key may not call this path at the centre, see CALLERS.*.paths";
    Err(Refused(Refusal::new(48001, text), Code::NotAllowed))
}

/// A call that may be passed on.
struct Call<'c> {
    request: &'c RequestContext,
    path: &'c str,
    query: &'c BusinessQuery,
    ready: &'c Rc<ReadyApp>,
    /// `None` for one who shows the real token.
    by: Option<&'c Caller>,
    /// What the caller has shown: its key, a virtual token, or the real one.
    key: &'c Secret,
}

impl Call<'_> {
    /// A user's code, exchanged with the AppSecret. WeChat takes that in the URL only, so nothing comes back but an
    /// answer of WeChat's own form.
    async fn sign_in(&self) -> Outcome {
        let Self { request, path, ready, .. } = *self;
        let sent = self.query.with_secret(path, &ready.app.appid, &ready.app.secret);
        let mut outgoing = self.outgoing(true).await?;
        let reply = Upstream::of_wechat(self.send(&mut outgoing, &sent).await?).await.ok_or_else(|| {
            let app = &ready.app.name;
            let detail = format!(
                "What WeChat, or the relay of app {app}, has answered is no answer of WeChat's form."
            );
            Problem::new(Code::Unavailable, detail).retry_after(2)
        })?;
        reply.pass_on(path, scrubber(request, ready, &[]), &ready.app.name)
    }

    /// With the real token; once more with the next one when WeChat calls it dead. No part of either comes back to a
    /// caller who may not see it.
    async fn run(&self, may_see: bool) -> Result<Answer, Problem> {
        let Self { request, path, query, ready, by, .. } = *self;
        let record = read::live(request, ready, TOKEN, 0).await?;
        let mut hidden = vec![Rc::clone(&record)];
        // What is current may change on the way: one who has shown a real token may see that, and no other.
        let is_hidden = |record: &Record| match by {
            Some(_) => !may_see,
            None => record.value.expose() != self.key.expose(),
        };
        let hides = by.is_none() || !may_see || hides_more(request, ready, path);
        let mut outgoing = self.outgoing(hides).await?;
        let response = self.send(&mut outgoing, &query.with_token(path, &record.value)).await?;
        let mut reply = Upstream::look_into(response).await.map_err(|_| {
            // Not to be asked again in a while: the call may be done.
            Problem::new(Code::Unavailable, "WeChat's answer broke off: the call may have been carried out.")
        })?;
        let mut version = record.version;
        if reply.says_dead
            && let Some(next) = heal(request, ready, record, by).await
            && outgoing.is_repeatable()
        {
            version = next.version;
            hidden.push(Rc::clone(&next));
            reply = Upstream::of(self.send(&mut outgoing, &query.with_token(path, &next.value)).await?);
        }
        hidden.retain(|record| is_hidden(record));
        Ok(reply.pass_on(path, scrubber(request, ready, &hidden), &ready.app.name)?.of_version(version))
    }

    /// What goes on to WeChat. With `hides` its answer is not asked for in parts.
    async fn outgoing(&self, hides: bool) -> Result<Outgoing, Problem> {
        // A real token is WeChat's own, and may go there.
        let none = Secret::new(String::new());
        let own_keys = OwnKeys::new(&self.request.centre.config, self.by.map_or(&none, |_| self.key));
        if own_keys.stand_in(self.path) || own_keys.stand_in(self.query.rest()) {
            let detail = "A caller's key or virtual token stands in the path or the query, where it would go on to \
                          WeChat.";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
        let by = match self.by {
            Some(caller) => caller.name.clone(),
            // Not by address: the shares of many would add up.
            None => format!("token of {}", self.ready.app.name),
        };
        let taken_over = Outgoing::of(self.request, &by, &own_keys, hides).await;
        taken_over.map_err(|why| Problem::new(Code::InvalidRequest, why))
    }

    async fn send(&self, outgoing: &mut Outgoing, path_and_query: &str) -> Result<Response, Problem> {
        let gateway_key = self.request.centre.config.gateway_key.as_ref();
        // A code that a user signs in with is good for one time.
        let once = path_and_query.starts_with("/sns/");
        let context = &self.request.context;
        outgoing.send(context, self.ready, gateway_key, path_and_query, once).await.map_err(|why| match why {
            Unsent::Stopped => Problem::new(Code::InvalidRequest, STOPPED),
            Unsent::Unanswered => {
                let app = &self.ready.app.name;
                let detail = format!(
                    "WeChat, or the relay of app {app}, could not be reached, or did not answer in time."
                );
                Problem::new(Code::Unavailable, detail).retry_after(2)
            }
        })
    }
}

/// The token that replaces one which WeChat calls dead; `None` where that is alive after all: WeChat has
/// refused something else.
async fn heal(
    request: &RequestContext,
    ready: &Rc<ReadyApp>,
    dead: Rc<Record>,
    by: Option<&Caller>,
) -> Option<Rc<Record>> {
    let by = by.map(|caller| caller.name.clone()).unwrap_or_default();
    let ask = Ask::Refused { credential: TOKEN, digest: dead.value.digest(), by };
    let asked = read::ask_keeper(request, ready, TOKEN, ask).await;
    asked.ok().map(|(record, _)| record).filter(|record| record.value != dead.value)
}
