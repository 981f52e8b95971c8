//! One WeChat account: its knobs, its two token lanes, its tickets, its quotas.

use crate::knobs::Knobs;
use crate::quota::Quota;
use crate::ticket::TicketSlot;
use crate::token::Lane;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What was used of the quotas.
    pub quota: Quota,
}

impl Account {
    /// An account with this secret that behaves as the pages say.
    pub fn new(secret: &str) -> Self {
        Self { knobs: Knobs { secret: secret.to_owned(), ..Knobs::default() }, ..Self::default() }
    }
}
