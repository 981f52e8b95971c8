//! The promises, checked against what the simulator knows to be true.

mod orchestration;

pub use orchestration::{
    all_answered, committed, in_line, notified, published, replied, sent, store_follows, word_cost,
};

use crate::Millis;
use crate::centre::Centre;
use crate::scenario::Trouble;
use crate::store::Key;
use crate::tally::Tally;
use core::fmt;
use simulator::World;
use simulator::faults::Kind;
use simulator::token::Lane;
use std::collections::{BTreeMap, BTreeSet};
use zhongkong_core::credential::{Credential, Value, Version};
use zhongkong_core::engine::{Call, CallId, Failure, Revoke};
use zhongkong_core::record::Record;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in milliseconds.
    pub at: Millis,
    /// Which promise, by its number in the design, and how.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} s: {}", (self.at - crate::START) / 1000, self.what)
    }
}

/// What is remembered for the checks.
#[derive(Default)]
pub struct Truth {
    /// Tokens that somebody outside has put an end to.
    pub killed: BTreeSet<String>,
    /// Versions whose end was known when they were last looked at.
    pub age_known: BTreeSet<(Key, Version)>,
    /// What was handed out last.
    pub last: BTreeMap<Key, String>,
    /// The versions at the last change of secret: none of them may be handed out any more.
    pub before_change: BTreeMap<Key, Version>,
    /// When that was the last time, for each app.
    pub killed_at: Vec<(usize, Millis)>,
    /// Tokens that are to be killed, by app.
    pub leaked: Vec<(usize, String)>,
    /// Notices that have arrived, by app and id, with the instance that had sent them.
    pub told: BTreeMap<(usize, u64), u64>,
    /// Checks in vain that a reader's word has brought about and that it may still bring about, and when that was counted.
    pub word_budget: BTreeMap<(Key, usize), (f64, Millis)>,
    /// When the newest version came.
    pub rotated_at: BTreeMap<Key, Millis>,
    /// The newest version that went to the store.
    pub published: BTreeMap<Key, Version>,
    /// When WeChat's own word that a token is dead was last told to the Keeper.
    pub worded_at: BTreeMap<Key, Millis>,
    calls: BTreeMap<Key, CallId>,
    probes: BTreeMap<Key, Millis>,
    forced: BTreeMap<Key, Millis>,
    /// Calls by the day in Beijing.
    days: BTreeMap<(u64, Key, &'static str), u32>,
}

impl Truth {
    /// Notes a call; false when a host was asked for it before.
    pub fn is_new_call(&mut self, key: Key, call: CallId) -> bool {
        self.calls.insert(key, call) != Some(call)
    }
}

const SECOND: Millis = 1000;

/// Quotas begin anew at midnight in Beijing.
const BEIJING_S: u64 = 8 * 3600;

/// Invariants 1 and 15: what is handed out lives, and was fetched under the present identity.
pub fn handed_out(centre: &mut Centre, key: Key, record: &Record) -> Result<(), String> {
    let now = centre.now;
    let value = record.value.expose();
    centre.tally.served += 1;
    if record.identity != centre.keepers[key.0].ready.identity {
        return Err(format!("15: {} of an earlier identity was handed out", key.1));
    }
    if centre.truth.before_change.get(&key).is_some_and(|before| record.version <= *before) {
        return Err(format!("15: {} fetched with another secret was handed out", key.1));
    }
    centre.truth.last.insert(key, value.to_owned());
    if is_alive(&centre.world, key, value, now) {
        return Ok(());
    }
    if centre.truth.killed.contains(value) {
        centre.tally.dead_unknowable += 1;
        return Ok(());
    }
    // Until a ticket's age is known it is confirmed every few minutes only, and said to be short-lived.
    if key.1 != Credential::AccessToken && !centre.truth.age_known.contains(&(key, record.version)) {
        centre.tally.dead_of_unknown_age += 1;
        return Ok(());
    }
    centre.tally.dead += 1;
    let (version, end) = (record.version.number(), record.expires_at.as_secs());
    Err(format!(
        "1: a dead {} of app {} was handed out, version {version}, believed to live until {end}",
        key.1, key.0
    ))
}

fn is_alive(world: &World, key: Key, value: &str, now: Millis) -> bool {
    match key.1 {
        Credential::AccessToken => {
            world.find_token(value, now).is_some_and(|(_, _, standing)| standing.is_alive())
        }
        Credential::Ticket(_) => world.find_ticket(value, now).is_some(),
    }
}

/// Invariants 3 and 4: a reader gets nothing only for a reason.
pub fn got_nothing(centre: &mut Centre, key: Key, failure: Option<&Failure>) -> Result<(), String> {
    let now = centre.now;
    let lasted = |after: Millis, what: fn(&Trouble) -> bool| {
        centre.lately().any(|d| d.lasted(now, after * SECOND) && what(&d.what))
    };
    let upstream = lasted(1200, |what| matches!(what, Trouble::Upstream(..)));
    let killed = centre.truth.killed_at.iter().any(|(app, at)| *app == key.0 && now < at + 1200 * SECOND);
    // With no forced refresh left, a token that is dead and given out all the same ends by itself.
    let undead =
        failure == Some(&Failure::DeadAgain) && lasted(7500, |what| matches!(what, Trouble::TokenUndead));
    let killed = killed || undead;
    // Near the limit of the day what is not planned is paced.
    let today = (centre.unix().day(BEIJING_S), (key.0, Credential::AccessToken), "token");
    let refreshes = centre.truth.days.get(&today).copied().unwrap_or(0);
    let paced = key.0 == 1 && refreshes >= centre.scenario.daily_limit * 4 / 5;
    let kills = lasted(60, |what| matches!(what, Trouble::Kills(_)));
    // What was fetched with the secret before is given up, and the new fetch may fail.
    let secret_changed_lately = lasted(7200, |what| matches!(what, Trouble::SecretChanged));
    let changed = lasted(30, |what| matches!(what, Trouble::SecretChanged));
    let reason = if upstream || failure.is_some_and(|failure| failure.code().is_some()) {
        // A stable token that lives is served however WeChat fares. Whether it does is not asked of
        // the Keeper: it may have lost it.
        let current = centre.world.accounts.get(centre.appid(0)).and_then(|account| account.stable.current());
        let last = centre.truth.last.get(&key).filter(|last| is_alive(&centre.world, key, last, now));
        let lives =
            current.is_some_and(|token| Some(&token.value) == last && now + 10 * SECOND < token.dies_at);
        // A forced refresh whose reply was lost may have put it on its fuse.
        let revoking = revoke_of(centre, key).is_some_and(|revoke| revoke.goes_on());
        // What WeChat says of the end of a token's life is believed, and it may have said a short one.
        let said_short = |what: &Trouble| match what {
            Trouble::Upstream(Kind::ExpiresIn { value }, _) => value.as_u64().is_some(),
            _ => false,
        };
        let said_short = centre.lately().any(|d| d.lasted(now, 7_200 * SECOND) && said_short(&d.what));
        let excused = killed || changed || secret_changed_lately || revoking || said_short;
        if key == (0, Credential::AccessToken) && lives && !excused {
            return Err(format!("3: a living {} was withheld ({failure:?})", key.1));
        }
        "WeChat out of order for longer than the life that was left"
    } else if killed {
        "killed from outside"
    } else if paced {
        "the day's calls are nearly used up"
    } else if kills {
        "the Keeper was killed again and again"
    } else if changed {
        "the secret was changed"
    } else if key.1 != Credential::AccessToken {
        "a ticket in the seconds in which it may have ended"
    } else {
        return Err(format!("4: nothing to serve and no reason ({failure:?})"));
    };
    Tally::count(&mut centre.tally.outages, reason);
    Ok(())
}

/// Invariants 2, 5 and 8: what a call to WeChat has to keep to.
pub fn called(centre: &mut Centre, key: Key, call: Call) -> Result<(), String> {
    let now = centre.now;
    let living = |centre: &Centre| {
        let slot = centre.keepers[key.0].slot(key.1);
        let value = slot.held_value().map(|value| value.expose().to_owned())?;
        let token = centre.world.find_token(&value, now)?;
        (token.2.is_alive() && !centre.truth.killed.contains(&value)).then_some(centre.left_s(key))
    };
    let kind = match (call, key.1) {
        (Call::Probe, _) => {
            // One that WeChat's own word has brought about counts for no other.
            let worded = centre.truth.worded_at.get(&key).is_some_and(|at| now < at + 30 * SECOND);
            let last = if worded { None } else { centre.truth.probes.insert(key, now) };
            if last.is_some_and(|at| now < at + 29 * SECOND) {
                return Err("5: two probes within 30 seconds".to_owned());
            }
            "probe"
        }
        (Call::Knock, _) => "knock",
        (Call::ForcedRefresh, _) => {
            if centre.truth.forced.insert(key, now).is_some_and(|at| now < at + 30 * SECOND) {
                return Err("8: forced refreshes beyond the limits".to_owned());
            }
            if revoke_of(centre, key).is_some_and(|revoke| revoke.goes_on()) {
                note_revoked(centre, key);
            } else if living(centre).is_some() {
                return Err("5: a living token was replaced by force".to_owned());
            }
            "forced refresh"
        }
        (Call::Refresh, Credential::AccessToken) => {
            if key.0 == 1 && living(centre).is_some_and(|left_s| left_s > 2100) {
                return Err("5: a living plain token was replaced long before its time".to_owned());
            }
            "token"
        }
        (Call::Refresh, Credential::Ticket(_)) => "ticket",
    };
    Tally::count(&mut centre.tally.calls, kind);
    Tally::count(&mut centre.tally.calls_of_app, key.0);
    if now >= crate::START + (centre.scenario.days - 1) * 86_400 * SECOND {
        Tally::count(&mut centre.tally.calls_on_last_day, key.0);
    }
    let today = centre.truth.days.entry((centre.unix().day(BEIJING_S), key, kind)).or_default();
    *today += 1;
    // At its limit the ledger leaves one call an hour.
    let most = match kind {
        "forced refresh" => 20,
        "probe" | "knock" => 400,
        "token" if key.0 == 1 => centre.scenario.daily_limit + 24,
        "token" => 10_000 + 24,
        _ => 3000,
    };
    if *today > most {
        return Err(format!("8: {today} calls of the kind {kind} in one day"));
    }
    Ok(())
}

fn revoke_of(centre: &Centre, key: Key) -> Option<Revoke> {
    let keeper = &centre.keepers[key.0];
    keeper.slot(key.1).status(&keeper.policy(key.1), centre.unix()).revoke
}

/// A forced refresh that kills: whatever the Keeper does not hold any more may die, and copies of it.
fn note_revoked(centre: &mut Centre, key: Key) {
    let account = centre.world.accounts.get(centre.appid(key.0));
    let lane = account.map(|account| if key.0 == 0 { &account.stable } else { &account.plain });
    let slot = centre.keepers[key.0].slot(key.1);
    let held = slot.held_value().map(Value::expose);
    let values = lane.into_iter().flat_map(Lane::values).filter(|value| Some(*value) != held);
    centre.truth.killed.extend(values.map(str::to_owned));
}

/// What the engine calls revoked is dead at WeChat.
pub fn revoked(centre: &mut Centre, app: usize) -> Result<(), String> {
    centre.tally.revokes.1 += 1;
    let (leaked, others) =
        std::mem::take(&mut centre.truth.leaked).into_iter().partition(|(leaked, _)| *leaked == app);
    centre.truth.leaked = others;
    let leaked: Vec<(usize, String)> = leaked;
    if leaked
        .iter()
        .any(|(_, value)| is_alive(&centre.world, (app, Credential::AccessToken), value, centre.now))
    {
        return Err("a token was called revoked and lives".to_owned());
    }
    Ok(())
}

/// What a whole run may have cost.
pub fn cost(centre: &Centre) -> Result<(), String> {
    in_line(centre)?;
    // Until the ages of tickets are known they are asked for every few minutes, then every few seconds
    // once: 100 calls each; the goal is for the days after.
    let most_of_app = centre.tally.calls_of_app.values().max().copied().unwrap_or(0);
    let calls = most_of_app.saturating_sub(300) / centre.scenario.days;
    // Each reader may have a living token checked a few times, and once a minute during a flood.
    let most = if centre.scenario.is_quiet() { 200 } else { 600 + 10 * centre.scenario.readers };
    // While no call is answered and readers ask, attempts follow each other within seconds.
    let troubled = centre.scenario.disturbances.iter().filter(|d| matches!(d.what, Trouble::Upstream(..)));
    let troubled_s: u64 = troubled.map(|d| d.for_ms / SECOND).sum();
    let most = most + troubled_s / 5 / centre.scenario.days;
    // What an outage costs is measured by itself.
    if calls > most && !centre.scenario.is_outage {
        return Err(format!("7: {calls} calls to WeChat for an app and day: {:?}", centre.tally.calls));
    }
    // The first two hours cost a write for each sight of a ticket; the goal is for the days after.
    let kept: u64 = centre.keepers.iter().map(|keeper| keeper.credentials().len() as u64).sum();
    let writes = centre.tally.writes.saturating_sub(15 * kept) / centre.scenario.days / kept;
    if centre.scenario.is_quiet() && writes > 15 {
        return Err(format!("7: {writes} writes to the store for a credential and day"));
    }
    for app in 0..centre.keepers.len() {
        let revoke = revoke_of(centre, (app, Credential::AccessToken));
        if revoke.is_some_and(|revoke| revoke.goes_on() && revoke.dead_at.plus(7200) < centre.unix()) {
            return Err("a revocation never came to its end".to_owned());
        }
    }
    Ok(())
}
