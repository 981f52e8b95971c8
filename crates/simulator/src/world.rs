//! The whole of it: accounts, the audit, and the seed of everything random.

use crate::account::Account;
use crate::audit::{Audit, Entry};
use crate::endpoints::{self, Done};
use crate::errors::refusal;
use crate::exchange::Exchange;
use crate::faults::{Kind, Script};
use crate::knobs::{IpText, Millis};
use crate::random::Random;
use crate::request::Request;
use crate::token::Standing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use zhongkong_core::credential::Value as TicketValue;
use zhongkong_core::signature::{PageUrl, js_sdk};

/// A WeChat.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// Accounts by appid.
    pub accounts: BTreeMap<String, Account>,
    /// What was asked of it.
    pub audit: Audit,
    /// What goes wrong.
    #[serde(default)]
    pub script: Script,
    random: Random,
}

impl World {
    /// A world without accounts.
    pub fn new(seed: u64) -> Self {
        Self {
            accounts: BTreeMap::new(),
            audit: Audit::default(),
            script: Script::default(),
            random: Random::new(seed),
        }
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

    /// One call at the moment `now`: what the client sees of it, faults included.
    pub fn exchange(&mut self, now: Millis, request: &Request<'_>) -> Exchange {
        let fault = self.script.strike(now, request, &mut self.random);
        let is_done = fault.as_ref().is_none_or(Kind::work_is_done);
        let nothing = Done { appid: None, body: Err(0), rotated: false };
        let done = if is_done { self.work(now, request) } else { nothing };
        let knobs =
            done.appid.as_ref().and_then(|appid| self.accounts.get(appid)).map(|account| &account.knobs);
        let (delay_ms, form) = knobs.map_or((0, IpText::Rid), |knobs| (knobs.delay_ms, knobs.ip_text));
        let errcode = match &fault {
            Some(Kind::Errcode { errcode }) => *errcode,
            _ => done.body.as_ref().err().copied().unwrap_or(0),
        };
        let ip = self.seen_ip(done.appid.as_deref(), request);
        let body = match done.body {
            Ok(body) => body,
            Err(_) => refusal(errcode, ip, form, now, &mut self.random),
        };
        self.audit.note(Entry {
            number: 0,
            at_ms: now,
            path: request.path.to_owned(),
            appid: done.appid,
            errcode,
            rotated: done.rotated,
            fault: fault.clone(),
        });
        match fault {
            None => Exchange::whole(&body, delay_ms),
            Some(kind) => Exchange::spoilt(&kind, body, delay_ms),
        }
    }

    fn work(&mut self, now: Millis, request: &Request<'_>) -> Done {
        let appid = request.parameter("appid").or_else(|| self.owner(request, now));
        let ip = self.seen_ip(appid.as_deref(), request);
        endpoints::answer(&mut self.accounts, &mut self.random, now, request, ip)
    }

    /// Whose token or appid goes along: the address that WeChat sees may depend on it.
    fn owner(&self, request: &Request<'_>, now: Millis) -> Option<String> {
        let token = request.parameter("access_token");
        let by_token =
            token.and_then(|token| self.find_token(&token, now).map(|(appid, ..)| appid.to_owned()));
        by_token.or_else(|| request.json().ok()?.get("appid")?.as_str().map(str::to_owned))
    }

    /// The address that WeChat sees: the connection's, or one of several exits in turn.
    fn seen_ip(&self, appid: Option<&str>, request: &Request<'_>) -> IpAddr {
        let seen = appid.and_then(|appid| self.accounts.get(appid)).map(|account| &account.knobs.seen_ips);
        let turn = usize::try_from(self.audit.count()).unwrap_or(0);
        seen.and_then(|ips| ips.get(turn.checked_rem(ips.len())?).copied()).unwrap_or(request.ip)
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
    pub fn kill_token(&mut self, value: &str, now: Millis) -> bool {
        self.accounts
            .values_mut()
            .any(|account| account.plain.kill(value, now) || account.stable.kill(value, now))
    }

    /// The stable token of an account is dead, and the stable API gives it out all the same.
    pub fn make_undead(&mut self, appid: &str) {
        if let Some(account) = self.accounts.get_mut(appid) {
            account.stable.make_undead();
        }
    }

    /// Somebody else asks the plain API for a token of this account, and rotates ours away.
    pub fn rotate_from_outside(&mut self, appid: &str, now: Millis) {
        if let Some(account) = self.accounts.get_mut(appid) {
            account.plain.rotate(now, &account.knobs, &mut self.random);
        }
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
