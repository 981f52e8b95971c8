//! Requests to WeChat, with the faults of the moment.

use crate::Millis;
use crate::centre::{Centre, Next};
use crate::scenario::Trouble;
use crate::tally::Tally;
use simulator::exchange::Delivery;
use simulator::faults::{Fault, Kind, When};
use simulator::request::Request;
use zhongkong_core::keeper::{Answered, Asked};
use zhongkong_core::providers::ApiRequest;

/// So long the Worker waits for one host.
const PATIENCE: Millis = 8_000;

impl Centre {
    /// A request leaves for its host; the answer comes to the instance that has sent it.
    pub(super) fn send(&mut self, app: usize, asked: &Asked) {
        let Asked { credential, call, host, request, .. } = asked;
        let (arrives, body) = self.exchange(*host, request);
        let instance = self.keepers[app].instance;
        self.in_ms(arrives, Next::Answered(app, instance, *credential, *call, body));
    }

    /// What comes back from a host, and after how long.
    fn exchange(&mut self, host: usize, request: &ApiRequest) -> (Millis, Option<(u16, Vec<u8>)>) {
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
            Delivery::After(ms) | Delivery::Drip(ms) if ms + way < PATIENCE => {
                (ms + way, Some((seen.status, seen.body)))
            }
            Delivery::Cut => (way, None),
            Delivery::After(_) | Delivery::Drip(_) | Delivery::Never => (PATIENCE, None),
        }
    }
}

/// An answer as the Worker hands it on.
pub(super) fn answered(answer: Option<(u16, Vec<u8>)>) -> Answered {
    answer.map_or(Answered::Nothing, |(status, body)| Answered::Reply { status, body })
}

/// Whether WeChat calls the token dead that went along.
pub(super) fn calls_token_dead(body: &[u8]) -> bool {
    let errcode = serde_json::from_slice::<serde_json::Value>(body).ok();
    errcode
        .and_then(|json| json.get("errcode")?.as_i64())
        .is_some_and(|code| [40001, 40014, 42001].contains(&code))
}
