//! Faults by script: what goes wrong between a client and WeChat, when, and for whom.

use crate::knobs::Millis;
use crate::random::Random;
use crate::request::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// The reply comes this late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The reply comes byte by byte, all of it after this time.
    Drip {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is lost: nothing is done, nothing is answered.
    LostBefore,
    /// The work is done, a rotation for instance, and the reply is lost: the nasty one.
    LostAfter,
    /// The connection is cut before anything is done.
    Reset,
    /// The host cannot be reached at all.
    HostDown,
    /// A gateway answers with HTML.
    Html {
        /// The HTTP status.
        status: u16,
        /// Whether the work was done behind the gateway all the same.
        done: bool,
    },
    /// Status 200, no body, `text/html; charset=gbk` (seen in 2017).
    Empty,
    /// The work is done, and the JSON breaks off.
    Truncated,
    /// A byte order mark before the JSON.
    Bom,
    /// JSON as `text/plain`.
    TextPlain,
    /// JSON as `application/json; encoding=utf-8` (seen in 2017), with unknown fields.
    Odd,
    /// WeChat refuses with this code; nothing is done.
    Errcode {
        /// The code.
        errcode: i64,
    },
    /// The work is done, and `expires_in` is this.
    ExpiresIn {
        /// Any JSON.
        value: Value,
    },
    /// The work is done, and the reply has no token or ticket in it.
    NoValue,
}

/// When it goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Each time.
    Always,
    /// At the nth call that it could concern, counted from 1.
    Nth(u64),
    /// With this probability.
    Probability(f64),
    /// From now on, for so many seconds.
    Seconds(u64),
}

/// One fault of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: Kind,
    /// When.
    #[serde(default = "always")]
    pub when: When,
    /// Only for paths that begin like this.
    #[serde(default)]
    pub path: String,
    /// Only for requests to this host (the `Host` header, without its port).
    #[serde(default)]
    pub host: Option<String>,
}

const fn always() -> When {
    When::Always
}

/// The script, with what has happened of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Script(Vec<Armed>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Armed {
    fault: Fault,
    armed_at: Millis,
    seen: u64,
    fired: u64,
}

impl Script {
    /// Adds a fault.
    pub fn arm(&mut self, fault: Fault, now: Millis) {
        self.0.push(Armed { fault, armed_at: now, seen: 0, fired: 0 });
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The faults, each with how often it has struck.
    pub fn faults(&self) -> impl Iterator<Item = (&Fault, u64)> {
        self.0.iter().map(|armed| (&armed.fault, armed.fired))
    }

    /// What goes wrong with this request, if anything: the first fault that strikes.
    pub(crate) fn strike(&mut self, now: Millis, request: &Request<'_>, random: &mut Random) -> Option<Kind> {
        self.0
            .iter_mut()
            .find_map(|armed| armed.strikes(now, request, random).then(|| armed.fault.kind.clone()))
    }
}

impl Armed {
    fn strikes(&mut self, now: Millis, request: &Request<'_>, random: &mut Random) -> bool {
        let Fault { when, path, host, .. } = &self.fault;
        let here =
            request.path.starts_with(path.as_str()) && host.as_ref().is_none_or(|host| host == request.host);
        if !here {
            return false;
        }
        self.seen += 1;
        let strikes = match when {
            When::Always => true,
            When::Nth(n) => self.seen == *n,
            When::Probability(p) => random.happens(*p),
            When::Seconds(seconds) => now < self.armed_at + seconds * 1000,
        };
        self.fired += u64::from(strikes);
        strikes
    }
}
