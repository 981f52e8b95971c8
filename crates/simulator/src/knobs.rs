//! How an account behaves, and what may be changed about it while it runs.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Milliseconds on the simulator's clock.
pub type Millis = u64;

/// How the account behaves. The defaults are what WeChat's pages say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// The AppSecret.
    pub secret: String,
    /// Addresses that may call; `None`: no whitelist.
    pub whitelist: Option<Vec<IpAddr>>,
    /// The addresses that WeChat sees in turn, where they are others than the connection's (NAT).
    pub seen_ips: Vec<IpAddr>,
    /// The form of the text of 40164.
    pub ip_text: IpText,
    /// Calls have to be confirmed by the administrator (89503), where there is no whitelist.
    pub confirm: Confirm,
    /// The AppSecret is frozen (40243) until this moment; unfreezing takes ten minutes.
    pub frozen_until_ms: Option<Millis>,
    /// Every call is answered with this errcode, where one is set: 50004, 50007, -1 and the like.
    pub refuse_with: Option<i64>,
    /// Business paths that the account may not call (48001).
    pub unauthorized: Vec<String>,

    /// How long a token lives, in seconds.
    pub token_life_s: u64,
    /// The stable API gives a new token when less than this is left, in seconds.
    pub renew_window_s: u64,
    /// How long tokens before stay good after a rotation, in seconds.
    pub overlap_s: u64,
    /// How many tokens before the current one stay good: 1, or 0 for none, or 2 for N-2 as well.
    pub kept: usize,
    /// With which probability a token before is taken, each time it is shown; users report less than 1.
    pub overlap_taken: f64,
    /// Length of a token, in characters.
    pub token_chars: usize,
    /// What a forced refresh less than 30 s after the last one gets.
    pub forced_too_soon: Forced,
    /// What the 21st forced refresh of a day gets.
    pub forced_too_often: Forced,

    /// How long a ticket lives, in seconds.
    pub ticket_life_s: u64,
    /// How long a ticket still verifies after its successor appeared, in seconds.
    pub ticket_grace_s: u64,
    /// Length of a ticket, in characters.
    pub ticket_chars: usize,
    /// Whether `expires_in` of a ticket tells the remainder; at WeChat it is always 7200.
    pub ticket_tells_remainder: bool,

    /// Calls a day: plain tokens, stable tokens, tickets; and of the stable API a minute.
    pub plain_daily: u32,
    /// See [`Knobs::plain_daily`].
    pub stable_daily: u32,
    /// See [`Knobs::plain_daily`].
    pub ticket_daily: u32,
    /// See [`Knobs::plain_daily`].
    pub stable_minutely: u32,

    /// Every call is answered this late, in milliseconds.
    pub delay_ms: u64,
}

/// The forms in which 40164 has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpText {
    /// `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: …` (since 2020).
    #[default]
    Rid,
    /// The same with `, rid:`.
    CommaRid,
    /// `invalid ip 1.2.3.4, not in whitelist hint: […]` (2017 to 2019).
    Hint,
}

/// Where the administrator's confirmation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// Nobody asks for one.
    #[default]
    NotNeeded,
    /// Asked for: 89503.
    Waiting,
    /// Given.
    Approved,
    /// Refused once: 89507, for an hour from this moment.
    Refused(Millis),
    /// Refused again and again: 89506, for a day from this moment.
    RefusedAgain(Millis),
}

/// What a forced refresh beyond the limits gets; the pages do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// The current token, unchanged.
    Unchanged,
    /// An errcode: 45011 when too soon, 45009 when too often.
    Refused,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            secret: String::new(),
            whitelist: None,
            seen_ips: Vec::new(),
            ip_text: IpText::Rid,
            confirm: Confirm::NotNeeded,
            frozen_until_ms: None,
            refuse_with: None,
            unauthorized: Vec::new(),
            token_life_s: 7200,
            renew_window_s: 300,
            overlap_s: 300,
            kept: 1,
            overlap_taken: 1.0,
            token_chars: 136,
            forced_too_soon: Forced::Unchanged,
            forced_too_often: Forced::Refused,
            ticket_life_s: 7200,
            ticket_grace_s: 0,
            ticket_chars: 86,
            ticket_tells_remainder: false,
            plain_daily: 2000,
            stable_daily: 500_000,
            ticket_daily: 10_000,
            stable_minutely: 10_000,
            delay_ms: 0,
        }
    }
}
