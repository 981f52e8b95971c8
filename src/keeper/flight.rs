//! Flights: calls to WeChat that are under way, each at most once for a credential, and waited for
//! by as many as like. Inside one Durable Object a future may be shared between requests.

use super::desk::Desk;
use super::upstream;
use crate::{log, platform};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use zhongkong_core::app::{App, TokenApi};
use zhongkong_core::credential::{Credential, TicketType, Value};
use zhongkong_core::engine::{Answer, Call, Event, Patience};
use zhongkong_core::time::UnixTime;
use zhongkong_core::wechat::errcode::{Class, Endpoint};
use zhongkong_core::wechat::{ApiRequest, Failure, Issued, Verdict, reply};

pub(super) type Flight = Shared<LocalBoxFuture<'static, ()>>;

#[derive(Default)]
pub(super) struct Flights(RefCell<BTreeMap<Credential, Flight>>);

impl Flights {
    /// Whether no call is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// The flight for a credential, to be waited for.
    pub(super) fn under_way(&self, credential: Credential) -> Option<Flight> {
        self.0.borrow().get(&credential).cloned()
    }
}

impl Desk {
    /// Starts a call. It goes on when nobody waits for it any more.
    pub(super) fn fly(self: &Rc<Self>, credential: Credential, call: Call) {
        let desk = Rc::clone(self);
        let flight = async move { desk.call(credential, call).await }.boxed_local().shared();
        self.flights.0.borrow_mut().insert(credential, flight.clone());
        self.state.wait_until(flight);
    }

    async fn call(self: Rc<Self>, credential: Credential, call: Call) {
        let outcome = self.outcome(credential, call).await;
        // Gone before the outcome is told: that may start the next flight.
        self.flights.0.borrow_mut().remove(&credential);
        let told = match outcome {
            Ok(event) => self.step(credential, event).map(drop),
            Err(error) => Err(error),
        };
        let told = match told {
            Ok(()) => self.set_alarm().await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            log::warn("flight_failed", json!({"credential": credential, "detail": error.to_string()}));
        }
    }

    async fn outcome(self: &Rc<Self>, credential: Credential, call: Call) -> worker::Result<Event> {
        let sent_at = self.slot(credential)?.sent_at().unwrap_or(UnixTime::from_secs(0));
        let ready = self.ready()?;
        if !call.fetches() {
            let verdict = self.probe(&ready.app).await?;
            return Ok(Event::Probed { sent_at, verdict });
        }
        let fetched = match credential {
            Credential::AccessToken => self.fetch_token(&ready.app, call).await?,
            Credential::Ticket(ticket) => self.fetch_ticket(&ready.app, ticket).await?,
        };
        log::info(
            "asked_wechat",
            json!({"app": ready.app.name, "credential": credential, "call": call, "errcode": fetched.as_ref().err().map_or(Some(0), Failure::errcode)}),
        );
        Ok(match fetched {
            Ok(issued) => Event::Issued { sent_at, issued },
            Err(failure) => Event::Failed { sent_at, failure },
        })
    }

    async fn fetch_token(&self, app: &App, call: Call) -> worker::Result<Result<Issued, Failure>> {
        // Asking another host after a lost reply is harmless for the stable API. For the plain one
        // it would be a second rotation, so while there is a token to lose it is one host an attempt:
        // the one that has just answered a knock, else the next one each time.
        let count = app.api_hosts.len();
        let slot = self.slot(Credential::AccessToken)?;
        let hosts = match app.token_api {
            TokenApi::Plain { .. } if slot.has_something_to_lose(platform::now()) => {
                let failures = usize::try_from(slot.failures()).unwrap_or(0);
                let turn = self.answering_host.take().unwrap_or(failures) % count.max(1);
                turn..turn + 1
            }
            _ => 0..count,
        };
        let request = ApiRequest::token(app, call == Call::ForcedRefresh);
        let body = self.send(app, &request, hosts).await?;
        Ok(body.and_then(|body| reply::token(&body)))
    }

    async fn fetch_ticket(
        self: &Rc<Self>,
        app: &App,
        ticket: TicketType,
    ) -> worker::Result<Result<Issued, Failure>> {
        let Some(token) = self.token().await? else { return Ok(Err(Failure::NoToken)) };
        let body = self.send(app, &ApiRequest::ticket(ticket, &token), 0..app.api_hosts.len()).await?;
        let fetched = body.and_then(|body| reply::ticket(&body));
        if fetched.as_ref().is_err_and(|failure| failure.class(Endpoint::WithToken) == Class::DeadToken) {
            // The token is probed before anything is done about it; the ticket is tried again soon.
            let digest = token.digest();
            self.step(Credential::AccessToken, Event::StaleReport { digest, patience: Patience::Spent })?;
        }
        Ok(fetched)
    }

    async fn probe(&self, app: &App) -> worker::Result<Verdict> {
        let Some(token) = self.slot(Credential::AccessToken)?.held_value().cloned() else {
            return Ok(Verdict::Unclear);
        };
        let sent = self.exchange(app, &ApiRequest::probe(&token), 0..app.api_hosts.len()).await?;
        Ok(sent.map_or(Verdict::Unanswered, |sent| match reply::probe(&sent.body) {
            // A relay that lets only tokens and tickets through is there all the same.
            Verdict::Unanswered if (400..500).contains(&sent.status) => Verdict::Unclear,
            verdict => verdict,
        }))
    }

    /// A live access token for a ticket, waited for where one is on its way.
    async fn token(self: &Rc<Self>) -> worker::Result<Option<Value>> {
        let read = |patience| Event::Read { min_ttl_s: 0, patience };
        let mut answer = self.step(Credential::AccessToken, read(Patience::Left))?.answer;
        while answer == Some(Answer::Wait) {
            let Some(flight) = self.flights.under_way(Credential::AccessToken) else { break };
            flight.await;
            answer = self.step(Credential::AccessToken, read(Patience::Left))?.answer;
        }
        Ok(match answer {
            Some(Answer::Serve(record)) => Some(record.value),
            _ => None,
        })
    }

    async fn send(
        &self,
        app: &App,
        request: &ApiRequest,
        hosts: Range<usize>,
    ) -> worker::Result<Result<Vec<u8>, Failure>> {
        Ok(self.exchange(app, request, hosts).await?.map(|sent| sent.body))
    }

    async fn exchange(
        &self,
        app: &App,
        request: &ApiRequest,
        hosts: Range<usize>,
    ) -> worker::Result<Result<upstream::Reply, Failure>> {
        let centre = self.centre()?;
        let tried = app.api_hosts.get(hosts.clone()).unwrap_or_default();
        let reply = upstream::send(tried, request, centre.config.gateway_key.as_ref()).await;
        let answering = reply.as_ref().ok().filter(|reply| reply::is_reply(&reply.body));
        self.answering_host.set(answering.map(|reply| hosts.start + reply.host));
        Ok(reply)
    }
}
