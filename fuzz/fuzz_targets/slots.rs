//! Stored slots, and the engine on whatever was read: no panic, one call at a time, nothing past its life.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::credential::Value;
use zhongkong_core::engine::{Answer, Event, Failure, Issued, Moment, Patience, Slot, Verdict, decide};
use zhongkong_core::providers::wechat::policy::{STABLE, TICKET, plain};
use zhongkong_core::time::UnixTime;

fuzz_target!(|data: (&str, u8, Vec<(u8, u16, u32)>)| {
    let (text, policy, steps) = data;
    let mut slot: Slot = serde_json::from_str(text).unwrap_or_default();
    let policy = match policy % 3 {
        0 => STABLE,
        1 => plain(1800, 200),
        _ => TICKET,
    };
    let mut now = 1_800_000_000;
    for (kind, pause, dice) in steps.into_iter().take(64) {
        now += u64::from(pause);
        let call = slot.call_id().unwrap_or_default();
        let Some(value) = Value::parse(&format!("v{}", dice % 5)) else { return };
        let event = match kind % 13 {
            0 => Event::Tick,
            1 => Event::Lost,
            2 => Event::Read { min_ttl_s: u64::from(dice % 7200), patience: Patience::Left },
            3 => Event::Read { min_ttl_s: 0, patience: Patience::Spent },
            4 => Event::StaleReport { digest: value.digest(), patience: Patience::Spent },
            5 | 6 => Event::Issued { call, issued: Issued::alone(value, u64::from(dice % 7200) + 1) },
            7 => Event::Failed { call, failure: Failure::Unreachable },
            8 => Event::Probed {
                call,
                verdict: [Verdict::Alive, Verdict::Dead, Verdict::Unclear, Verdict::Unanswered]
                    [dice as usize % 4],
            },
            9 => Event::Revoke,
            10 => Event::PublishFailed,
            11 => Event::Demand,
            _ => Event::Reseal,
        };
        let version = slot.version();
        let (next, effects) = decide(policy, &slot, Moment { now: UnixTime::from_secs(now), dice }, event);
        assert!(next.version() >= version && effects.wake_at.is_some());
        if let Some(Answer::Serve(record)) = effects.answer {
            assert!(record.expires_at.as_secs() > now);
        }
        slot = next;
    }
});
