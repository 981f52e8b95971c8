//! Calls to WeChat: sent to one host after the other, as the Worker does it, with the faults of the
//! moment.

use crate::Millis;
use crate::centre::{Centre, Next, Step};
use crate::scenario::Trouble;
use crate::tally::Tally;
use simulator::exchange::Delivery;
use simulator::faults::{Fault, Kind, When};
use simulator::request::Request;
use zhongkong_core::app::TokenApi;
use zhongkong_core::credential::{Credential, TicketType, Value};
use zhongkong_core::engine::{Answer, Call, Event, Patience};
use zhongkong_core::wechat::errcode::{Class, Endpoint};
use zhongkong_core::wechat::{ApiRequest, Failure, Verdict, reply};

/// So long the Worker waits for one host.
const PATIENCE: Millis = 8_000;

impl Centre {
    /// A call leaves for its `nth` host.
    pub(super) fn send(
        &mut self,
        app: usize,
        instance: u64,
        credential: Credential,
        call: Call,
        nth: usize,
    ) -> Step {
        if self.keepers[app].instance != instance {
            return Ok(());
        }
        let Some(request) = self.request(app, credential, call)? else {
            if self.keepers[app].flights.contains(&credential) {
                self.in_ms(500, Next::Send(app, instance, credential, call, nth));
            }
            return Ok(());
        };
        let plain = credential == Credential::AccessToken
            && call.fetches()
            && matches!(self.keepers[app].ready.app.token_api, TokenApi::Plain { .. })
            && nth == 0
            && self.keepers[app].slot(credential).has_something_to_lose(self.unix());
        let failures = usize::try_from(self.keepers[app].slot(credential).failures()).unwrap_or(0);
        let answering = self.keepers[app].answering_host.take();
        let host = if plain { answering.unwrap_or(failures) % 2 } else { nth };
        let (arrives, body) = self.exchange(host, &request);
        let is_reply = body.as_deref().is_some_and(reply::is_reply);
        if !is_reply && !plain && nth == 0 {
            self.in_ms(arrives, Next::Send(app, instance, credential, call, 1));
            return Ok(());
        }
        if is_reply && call == Call::Knock {
            self.keepers[app].answering_host = Some(host);
        }
        let body = body.ok_or(Failure::Unreachable);
        let sent_at = self.keepers[app].slot(credential).sent_at().unwrap_or_else(|| self.unix());
        let event = match (call, credential) {
            (Call::Probe | Call::Knock, _) => {
                let verdict = body.map_or(Verdict::Unanswered, |body| reply::probe(&body));
                Event::Probed { sent_at, verdict }
            }
            (_, Credential::AccessToken) => match body.and_then(|body| reply::token(&body)) {
                Ok(issued) => Event::Issued { sent_at, issued },
                Err(failure) => Event::Failed { sent_at, failure },
            },
            (_, Credential::Ticket(_)) => match body.and_then(|body| reply::ticket(&body)) {
                Ok(issued) => Event::Issued { sent_at, issued },
                Err(failure) => Event::Failed { sent_at, failure },
            },
        };
        self.in_ms(arrives, Next::Outcome(app, instance, credential, event));
        Ok(())
    }

    /// The request of a call; `None` while the token that a ticket needs is on its way, and when
    /// there is none (the call has then ended).
    fn request(
        &mut self,
        app: usize,
        credential: Credential,
        call: Call,
    ) -> Result<Option<ApiRequest>, crate::check::Violation> {
        let keeper = &self.keepers[app];
        Ok(match (call, credential) {
            (Call::Probe | Call::Knock, _) => {
                let value = keeper.slot(credential).held_value().cloned();
                Some(ApiRequest::probe(
                    &value.or_else(|| Value::parse("none")).unwrap_or_else(|| unreachable!("a value")),
                ))
            }
            (_, Credential::AccessToken) => {
                Some(ApiRequest::token(&keeper.ready.app, call == Call::ForcedRefresh))
            }
            (_, Credential::Ticket(ticket)) => self.ticket_request(app, ticket)?,
        })
    }

    fn ticket_request(
        &mut self,
        app: usize,
        ticket: TicketType,
    ) -> Result<Option<ApiRequest>, crate::check::Violation> {
        let instance = self.keepers[app].instance;
        let read = Event::Read { min_ttl_s: 0, patience: Patience::Left };
        let answer = self.step((app, Credential::AccessToken), read)?;
        match answer {
            Some(Answer::Serve(record)) => return Ok(Some(ApiRequest::ticket(ticket, &record.value))),
            Some(Answer::Wait) if self.keepers[app].flights.contains(&Credential::AccessToken) => {}
            _ => {
                let credential = Credential::Ticket(ticket);
                if self.keepers[app].instance == instance && self.keepers[app].flights.remove(&credential) {
                    let sent_at = self.keepers[app].slot(credential).sent_at().unwrap_or_else(|| self.unix());
                    self.step((app, credential), Event::Failed { sent_at, failure: Failure::NoToken })?;
                }
            }
        }
        Ok(None)
    }

    /// What comes back from a host, and after how long.
    fn exchange(&mut self, host: usize, request: &ApiRequest) -> (Millis, Option<Vec<u8>>) {
        self.world.script.clear();
        let struck: Vec<(Kind, f64)> = self
            .lasting()
            .filter_map(
                |what| if let Trouble::Upstream(kind, p) = what { Some((kind.clone(), *p)) } else { None },
            )
            .collect();
        let forced = request.body.as_deref().is_some_and(|body| body.contains("\"force_refresh\":true"));
        if forced && self.lasts(|what| *what == Trouble::TokenUndead) {
            let busy = Kind::Errcode { errcode: -1 };
            let fault = Fault { kind: busy, when: When::Probability(0.7), path: String::new(), host: None };
            self.world.script.arm(fault, self.now);
        }
        for (kind, probability) in struck {
            // A host that is down is one of two; everything else lies behind both.
            let only = matches!(kind, Kind::HostDown).then(|| "api.weixin.qq.com".to_owned());
            let fault = Fault { kind, when: When::Probability(probability), path: String::new(), host: only };
            self.world.script.arm(fault, self.now);
        }
        let (path, query) = request.path_and_query.split_once('?').unwrap_or((&request.path_and_query, ""));
        let asked = Request {
            method: if request.body.is_some() { "POST" } else { "GET" },
            host: ["api.weixin.qq.com", "api2.weixin.qq.com"][host.min(1)],
            path,
            query,
            body: request.body.as_deref().unwrap_or_default().as_bytes(),
            ip: std::net::Ipv4Addr::new(203, 0, 113, 9).into(),
        };
        let seen = self.world.exchange(self.now, &asked);
        for (fault, struck) in self.world.script.faults() {
            if struck > 0 {
                let name = serde_json::to_value(&fault.kind).ok();
                let name =
                    name.and_then(|json| json.get("fault").and_then(|f| f.as_str().map(str::to_owned)));
                Tally::count(&mut self.tally.faults, name.unwrap_or_default());
            }
        }
        self.world.audit.clear();
        let way = 30 + self.chance(600);
        match seen.delivery {
            Delivery::After(ms) | Delivery::Drip(ms) if ms + way < PATIENCE => (ms + way, Some(seen.body)),
            Delivery::Cut => (way, None),
            Delivery::After(_) | Delivery::Drip(_) | Delivery::Never => (PATIENCE, None),
        }
    }

    /// A call's outcome arrives.
    pub(super) fn outcome(
        &mut self,
        app: usize,
        instance: u64,
        credential: Credential,
        event: Event,
    ) -> Step {
        if self.keepers[app].instance != instance {
            return Ok(());
        }
        if let Event::Failed { failure, .. } = &event
            && credential != Credential::AccessToken
            && failure.class(Endpoint::WithToken) == Class::DeadToken
            && let Some(value) = self.keepers[app].slot(Credential::AccessToken).held_value()
        {
            let report = Event::StaleReport { digest: value.digest(), patience: Patience::Spent };
            self.step((app, Credential::AccessToken), report)?;
        }
        if self.keepers[app].instance == instance && self.keepers[app].flights.remove(&credential) {
            self.step((app, credential), event)?;
        }
        Ok(())
    }
}
