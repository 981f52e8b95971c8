//! The promises about order: what leaves a Keeper is committed, and what was decided is carried out.

use super::SECOND;
use crate::Millis;
use crate::centre::Centre;
use crate::scenario::{Disturbance, Trouble};
use crate::store::Key;
use zhongkong_core::alert::Notice;
use zhongkong_core::engine::Slot;
use zhongkong_core::keeper::Asked;
use zhongkong_core::record::{Published, Record};

/// A write that was not taken is tried again within five minutes; each of these has a minute more.
const STORE_FOLLOWS_IN: Millis = 12 * 60 * SECOND;

/// Invariant 9: versions only grow.
pub fn committed(centre: &mut Centre, key: Key, before: &Slot) -> Result<(), String> {
    let (now, keeper) = (centre.unix(), &centre.keepers[key.0]);
    let slot = keeper.slot(key.1);
    if slot.version() < before.version() {
        return Err("9: a version went back".to_owned());
    }
    if slot.version() > before.version() && slot.status(&keeper.policy(key.1), now).age_known {
        centre.truth.age_known.insert((key, slot.version()));
    }
    if slot.version() > before.version() {
        centre.truth.rotated_at.insert(key, centre.now);
    }
    centre.tally.rotations += slot.version().number() - before.version().number();
    Ok(())
}

/// Invariant 10: what leaves the Keeper is committed, else a kill would take it back.
pub fn replied(centre: &Centre, key: Key, record: &Record) -> Result<(), String> {
    let slot = centre.keepers[key.0].slot(key.1);
    let is_committed = slot.version() > record.version || slot.held_value() == Some(&record.value);
    if is_committed { Ok(()) } else { Err(format!("10: a {} was answered before it was committed", key.1)) }
}

/// Invariants 9 and 10: what goes to the store is committed, and no older write overtakes a newer one.
pub fn published(centre: &mut Centre, key: Key, published: &Published) -> Result<(), String> {
    let version = match published {
        Published::Record(record) => {
            replied(centre, key, record)
                .map_err(|_| format!("10: a {} was published before it was committed", key.1))?;
            record.version
        }
        Published::Withdrawn { version, .. } => *version,
    };
    let last = centre.truth.published.entry(key).or_default();
    if version < *last {
        return Err(format!("9: an older {} was published after a newer one", key.1));
    }
    *last = version;
    Ok(())
}

/// Invariant 10: a call that is sent is committed, and an alarm stands for the case that its Keeper is killed.
pub fn sent(centre: &Centre, app: usize, asked: &Asked) -> Result<(), String> {
    let (now, keeper) = (centre.now, &centre.keepers[app]);
    if keeper.slot(asked.credential).call_id() != Some(asked.call) {
        return Err(format!("10: a call for a {} was sent before it was committed", asked.credential));
    }
    let lost = |what: &Trouble| matches!(what, Trouble::AlarmLost | Trouble::AlarmLate(_));
    let alarms_ring = !centre.lately().any(|d| d.lasted(now, 3_600 * SECOND) && lost(&d.what));
    if alarms_ring && keeper.alarm_at.is_none_or(|at| at > now + 31 * SECOND) {
        return Err(
            "10: a call was sent, and no alarm stands for a Keeper that is killed meanwhile".to_owned()
        );
    }
    Ok(())
}

/// Invariant 5: what looks like the provider's word about a living token costs each caller's budget, and no more.
#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn word_cost(centre: &mut Centre, key: Key, reader: usize) -> Result<(), String> {
    // A kill takes the Keeper's count away.
    if centre.lately().any(|d| matches!(d.what, Trouble::Kills(_))) {
        centre.truth.word_budget.clear();
        return Ok(());
    }
    let now = centre.now;
    // Five and one a minute; beyond that it is a report, of which one in thirty seconds counts.
    let (most, a_minute) = (7.0, 3.0);
    let (left, at) = centre.truth.word_budget.get(&(key, reader)).copied().unwrap_or((most, now));
    let minutes = (now - at) as f64 / 60_000.0;
    let left = (left + minutes * a_minute).min(most) - 1.0;
    centre.truth.word_budget.insert((key, reader), (left, now));
    if left < 0.0 { Err("5: a caller's word cost more than its budget".to_owned()) } else { Ok(()) }
}

/// Every question is answered, if its Keeper lives.
pub fn all_answered(centre: &Centre) -> Result<(), String> {
    let questions = centre.keepers.iter().flat_map(|keeper| keeper.questions.values());
    let oldest = questions.map(|question| question.asked_at).min();
    if oldest.is_some_and(|at| centre.now > at + 60 * SECOND) {
        return Err("4: a reader was never answered".to_owned());
    }
    Ok(())
}

/// Invariant 9, its other half: the store follows, a while after whatever has kept it from that.
pub fn store_follows(centre: &Centre) -> Result<(), String> {
    let recent = |at: Millis| centre.now < at + STORE_FOLLOWS_IN;
    let touches =
        |what: &Trouble| !matches!(what, Trouble::Flood | Trouble::CronDoubled | Trouble::Upstream(..));
    // A store that has lied is only found out by readers, or by the next write.
    let lies = |what: &Trouble| matches!(what, Trouble::StoreLoses | Trouble::StoreDelays(_));
    let excuses = |d: &Disturbance| {
        d.lasted(centre.now, STORE_FOLLOWS_IN) && touches(&d.what)
            || d.lasted(centre.now, 8_000 * SECOND) && lies(&d.what)
    };
    if centre.lately().any(excuses) {
        return Ok(());
    }
    for (key, rotated_at) in centre.truth.rotated_at.iter().filter(|(_, at)| !recent(**at)) {
        let (held, stored) = (centre.keepers[key.0].slot(key.1).version(), centre.store.newest(*key));
        if centre.left_s(*key) > 0 && stored != Some(held) {
            let for_s = (centre.now - rotated_at) / SECOND;
            return Err(format!(
                "9: for {for_s} s the store has not followed a {}: {stored:?} of {held:?}",
                key.1
            ));
        }
    }
    Ok(())
}

/// At the end of a run, if nothing was wrong lately: the scheduler knows when each Keeper is to be woken.
pub fn in_line(centre: &Centre) -> Result<(), String> {
    let touches =
        |what: &Trouble| !matches!(what, Trouble::Flood | Trouble::CronDoubled | Trouble::CronMissed);
    if centre.lately().any(|d| d.lasted(centre.now, 10_000 * SECOND) && touches(&d.what)) {
        return Ok(());
    }
    for (app, keeper) in centre.keepers.iter().enumerate() {
        if keeper.machine.is_none() {
            continue;
        }
        if centre.scheduler.wake_at(app).is_none_or(|at| at.plus(3_600) < centre.unix()) {
            return Err("10: the scheduler does not know when a Keeper is to be woken".to_owned());
        }
    }
    Ok(())
}

/// A notice is sent once, but for a kill; and it is in the committed book.
pub fn notified(centre: &Centre, app: usize, notice: &Notice) -> Result<(), String> {
    if !centre.keepers[app].book.is_waiting(notice.id) {
        return Err("11: a notice was sent that no restart would know of".to_owned());
    }
    if centre.truth.told.get(&(app, notice.id)) == Some(&centre.keepers[app].instance) {
        return Err("11: a notice that has arrived was sent again".to_owned());
    }
    Ok(())
}
