//! The whole of it: accounts, the audit, and the seed of everything random.

use crate::account::Account;
use crate::audit::Audit;
use crate::endpoints;
use crate::errors::refusal;
use crate::knobs::Millis;
use crate::random::Random;
use crate::request::Request;
use crate::token::Standing;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use zhongkong_core::credential::Value as TicketValue;
use zhongkong_core::signature::{PageUrl, js_sdk};

/// A WeChat.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// Accounts by appid.
    pub accounts: BTreeMap<String, Account>,
    /// What was asked of it.
    pub audit: Audit,
    random: Random,
}

/// A reply, and how late it is sent.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The JSON body; the HTTP status is always 200.
    pub body: Value,
    /// Milliseconds to wait before it is sent.
    pub delay_ms: u64,
}

impl World {
    /// A world without accounts.
    pub fn new(seed: u64) -> Self {
        Self { accounts: BTreeMap::new(), audit: Audit::default(), random: Random::new(seed) }
    }

    /// The three accounts of the environment `local`.
    pub fn local(seed: u64) -> Self {
        let mut world = Self::new(seed);
        for (appid, secret) in [
            ("wx0000000000000001", "demo0secret0for0the0simulator001"),
            ("wx0000000000000002", "legacy0secret0for0the0simulator2"),
            ("wx0000000000000003", "mini0secret0for0the0simulator003"),
        ] {
            world.accounts.insert(appid.to_owned(), Account::new(secret));
        }
        world
    }

    /// Answers one request at the moment `now`.
    pub fn handle(&mut self, now: Millis, request: &Request<'_>) -> Reply {
        let done = endpoints::answer(&mut self.accounts, &mut self.random, now, request);
        let knobs =
            done.appid.as_ref().and_then(|appid| self.accounts.get(appid)).map(|account| &account.knobs);
        let ip = knobs.and_then(|knobs| knobs.seen_ip).unwrap_or(request.ip);
        let delay_ms = knobs.map_or(0, |knobs| knobs.delay_ms);
        let errcode = done.body.as_ref().err().copied().unwrap_or(0);
        let body = done.body.unwrap_or_else(|errcode| refusal(errcode, ip, now, &mut self.random));
        self.audit.note(now, request.path, done.appid, errcode, done.rotated);
        Reply { body, delay_ms }
    }

    /// Where a token stands, and whose it is.
    pub fn find_token(&self, value: &str, now: Millis) -> Option<(&str, &'static str, Standing)> {
        self.accounts.iter().find_map(|(appid, account)| {
            [("plain", &account.plain), ("stable", &account.stable)].into_iter().find_map(|(lane, tokens)| {
                let standing = tokens.standing(value, now);
                (standing != Standing::Unknown).then_some((appid.as_str(), lane, standing))
            })
        })
    }

    /// Whose ticket it is, and of which type, if it verifies.
    pub fn find_ticket(&self, value: &str, now: Millis) -> Option<(&str, &str)> {
        self.accounts.iter().find_map(|(appid, account)| {
            let slot = account.tickets.iter().find(|(_, slot)| slot.is_alive(value, now));
            slot.map(|(kind, _)| (appid.as_str(), kind.as_str()))
        })
    }

    /// Kills a token before its time, as when somebody else rotates it away.
    pub fn kill_token(&mut self, value: &str) -> bool {
        self.accounts.values_mut().any(|account| account.plain.kill(value) || account.stable.kill(value))
    }

    /// Whether a page's signature is one that WeChat would take: made with a ticket that lives.
    pub fn verify_page(
        &self,
        now: Millis,
        appid: &str,
        url: &str,
        nonce: &str,
        timestamp: u64,
        signature: &str,
    ) -> bool {
        let (Some(account), Ok(page)) = (self.accounts.get(appid), PageUrl::parse(url)) else { return false };
        account.tickets.get("jsapi").is_some_and(|slot| {
            slot.alive(now).any(|ticket| {
                TicketValue::parse(&ticket.value)
                    .is_some_and(|value| js_sdk(&value, nonce, timestamp, &page) == signature)
            })
        })
    }
}

#[cfg(test)]
mod tests;
