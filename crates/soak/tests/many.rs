//! Ten thousand apps by the cron alone: a tick costs what is due, not what exists.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: a fault here ends it")]

use soak::START;
use soak::scheduler::Scheduler;
use zhongkong_core::app::{App, AppName, Platform, RealToken, TokenApi};
use zhongkong_core::credential::Value;
use zhongkong_core::engine::{Call, Event, Issued, Moment, RotationPolicy, Slot, Stored, decide};
use zhongkong_core::providers::wechat::policy::STABLE;
use zhongkong_core::secret::Secret;
use zhongkong_core::time::UnixTime;

const APPS: usize = 10_000;
const POLICY: RotationPolicy = STABLE;

struct Centre {
    slots: Vec<Slot>,
    scheduler: Scheduler,
    now: UnixTime,
    keeper_calls: usize,
    wechat_calls: usize,
}

impl Centre {
    fn say(&mut self, app: usize, event: Event) -> Option<Call> {
        let dice = u32::try_from(app * 7919 % 65_521).unwrap();
        let (slot, effects) = decide(POLICY, &self.slots[app], Moment { now: self.now, dice }, event);
        self.slots[app] = slot;
        if effects.publish {
            let record = self.slots[app].record(&POLICY).unwrap();
            let stored = Stored { version: record.version, expires_at: record.expires_at, at: self.now };
            self.say(app, Event::Published(Some(stored)));
        }
        effects.call
    }

    /// A Keeper is woken: it does what is due, and notes when it wants to be woken next.
    fn wake(&mut self, app: usize) {
        self.keeper_calls += 1;
        if self.say(app, Event::Tick).is_some() {
            self.wechat_calls += 1;
            let value = Value::parse(&format!("token-{app}-{}", self.now.as_secs())).unwrap();
            let issued = Issued::alone(value, 7200);
            self.say(app, Event::Issued { call: self.slots[app].call_id().unwrap(), issued });
        }
        let moment = Moment { now: self.now, dice: 0 };
        let wake_at = decide(POLICY, &self.slots[app], moment, Event::Tick).1.wake_at.unwrap();
        self.scheduler.note(app, wake_at);
    }

    /// One run of the cron: how many Keepers it woke.
    fn tick(&mut self) -> usize {
        let due = self.scheduler.due(self.now);
        let count = due.len();
        due.into_iter().take(500).for_each(|app| self.wake(app));
        count
    }
}

#[test]
fn with_ten_thousand_apps_a_tick_wakes_who_is_due_and_nobody_else() {
    let identity = App {
        name: AppName::parse("app").unwrap(),
        appid: "wx0123456789abcdef".to_owned(),
        secret: Secret::new("0".repeat(32)),
        platform: Platform::Mini,
        token_api: TokenApi::Stable,
        tickets: vec![],
        api_hosts: vec![],
        sign_hosts: vec![],
        real_token: RealToken::All,
    }
    .identity();
    let mut centre = Centre {
        slots: vec![Slot::default(); APPS],
        scheduler: Scheduler::default(),
        now: UnixTime::from_millis(START),
        keeper_calls: 0,
        wechat_calls: 0,
    };
    // They come one after the other, 90 a minute: together they have 90 rotations due in a minute later on.
    for app in 0..APPS {
        centre.say(app, Event::Configured(identity));
        centre.scheduler.note(app, centre.now.plus(60 * (app as u64 / 90)));
    }
    let (mut quiet, mut most) = (0, 0);
    for _ in 0..600 {
        let before = (centre.keeper_calls, centre.wechat_calls);
        let due = centre.tick();
        let (woken, asked) = (centre.keeper_calls - before.0, centre.wechat_calls - before.1);
        assert_eq!((woken, asked), (due, due), "each Keeper that is woken has something to do");
        quiet += usize::from(due == 0);
        most = most.max(due);
        centre.now = centre.now.plus(60);
    }
    assert!(most < 300, "{most} at once");
    let alive =
        (0..APPS).filter(|app| centre.slots[*app].status(&POLICY, centre.now).expires_in > 60).count();
    assert_eq!(alive, APPS, "by the cron alone");
    // Nothing but five: the others are asked to be left alone for a while.
    for app in 0..APPS {
        centre.scheduler.note(app, centre.now.plus(if app % 2000 == 7 { 0 } else { 3600 }));
    }
    let before = centre.keeper_calls;
    assert_eq!(
        (centre.tick(), centre.keeper_calls - before),
        (5, 5),
        "of {APPS}; {quiet} quiet ticks before"
    );
}
