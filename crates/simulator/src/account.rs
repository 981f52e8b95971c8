//! One WeChat account: its secret, its knobs, its two token lanes and its tickets.

use crate::ticket::TicketSlot;
use crate::token::Lane;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// The address that WeChat sees, where that is another than the connection's (NAT).
    pub seen_ip: Option<IpAddr>,
    /// How long a token lives, in seconds.
    pub token_life_s: u64,
    /// The stable API gives a new token when less than this is left, in seconds.
    pub renew_window_s: u64,
    /// How long the token before stays good after a rotation, in seconds.
    pub overlap_s: u64,
    /// Length of a token, in characters.
    pub token_chars: usize,
    /// How long a ticket lives, in seconds.
    pub ticket_life_s: u64,
    /// How long a ticket still verifies after its successor appeared, in seconds.
    pub ticket_grace_s: u64,
    /// Every call is answered with this errcode, where one is set.
    pub refuse_with: Option<i64>,
    /// Every call is answered this late, in milliseconds.
    pub delay_ms: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            secret: String::new(),
            whitelist: None,
            seen_ip: None,
            token_life_s: 7200,
            renew_window_s: 300,
            overlap_s: 300,
            token_chars: 136,
            ticket_life_s: 7200,
            ticket_grace_s: 0,
            refuse_with: None,
            delay_ms: 0,
        }
    }
}

/// One account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    /// How it behaves.
    pub knobs: Knobs,
    /// Tokens of `GET /cgi-bin/token`.
    pub plain: Lane,
    /// Tokens of `POST /cgi-bin/stable_token`. The two lanes never touch each other.
    pub stable: Lane,
    /// Tickets by WeChat's `type`.
    pub tickets: BTreeMap<String, TicketSlot>,
}

impl Account {
    /// An account with this secret that behaves as the pages say.
    pub fn new(secret: &str) -> Self {
        Self { knobs: Knobs { secret: secret.to_owned(), ..Knobs::default() }, ..Self::default() }
    }
}
