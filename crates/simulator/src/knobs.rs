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
