//! The state of a run: WeChat, Keepers, store, readers, and the queue of what happens next.

use crate::check::{Truth, Violation};
use crate::keeper::Keeper;
use crate::reader::Reader;
use crate::scenario::{Disturbance, Scenario, Trouble};
use crate::scheduler::Scheduler;
use crate::store::{Key, Store};
use crate::tally::Tally;
use crate::{Millis, START};
use simulator::World;
use simulator::account::Account;
use simulator::random::Random;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use zhongkong_core::app::{App, AppName, Platform, RealToken, TokenApi};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::engine::CallId;
use zhongkong_core::secret::Secret;
use zhongkong_core::time::UnixTime;

/// Something that will happen.
#[derive(Clone, Debug)]
pub enum Next {
    /// A reader wants a credential.
    Read(usize),
    /// A reader reports what it holds as dead.
    Report(usize, Key, String),
    /// WeChat refuses a reader's business call as one with a dead token.
    Refused(usize, Key, String),
    /// The answer to a call, if there is one, arrives at the instance that made it.
    Answered(usize, u64, Credential, CallId, Option<(u16, Vec<u8>)>),
    /// The store has taken a write, or not.
    Written(usize, u64, Credential, bool),
    /// A Keeper's note arrives at the scheduler.
    Noted(usize, u64, UnixTime),
    /// A notice has arrived at its receiver, or not.
    Delivered(usize, u64, u64, bool),
    /// An instance was promised to be woken.
    Timer(usize, u64, Millis),
    /// The alarm of a Keeper, as it was set.
    Alarm(usize, Millis),
    /// The cron.
    Cron,
    /// A disturbance begins.
    Disturb(usize),
    /// A disturbance ends.
    Calm(usize),
}

/// A run in progress.
pub struct Centre {
    /// What is run.
    pub scenario: Scenario,
    /// The time.
    pub now: Millis,
    /// Everything random that is not the simulator's.
    pub random: Random,
    /// WeChat.
    pub world: World,
    /// One Keeper an app: the first stable, the second plain.
    pub keepers: Vec<Keeper>,
    /// Where credentials are published.
    pub store: Store,
    /// Who is due when.
    pub scheduler: Scheduler,
    /// Isolates.
    pub readers: Vec<Reader>,
    /// For the checks.
    pub truth: Truth,
    /// For the report.
    pub tally: Tally,
    /// The disturbances that last just now, by their place in the scenario.
    lasting: Vec<usize>,
    /// What was dead when an outage ended, since then.
    pub dead_since: std::collections::BTreeMap<Key, Millis>,
    /// Those that have ended within the last hours.
    ended: Vec<usize>,
    queue: BinaryHeap<Reverse<(Millis, u64)>>,
    nexts: std::collections::HashMap<u64, Next>,
    serial: u64,
}

/// What a step comes to: a violation ends the run.
pub type Step = Result<(), Violation>;

/// Disturbances are remembered for so long after their end: longer than any excuse reaches back.
const REMEMBERED: Millis = 4 * 3_600_000;

const APPIDS: [&str; 2] = ["wx00000000000000a1", "wx00000000000000a2"];

impl Centre {
    /// The beginning of a scenario.
    pub fn new(scenario: Scenario) -> Self {
        let mut random = Random::new(scenario.seed);
        let mut world = World::new(scenario.seed);
        for appid in APPIDS {
            world.accounts.insert(appid.to_owned(), Account::new(&secret(0)));
        }
        let pace = scenario.reads_per_s.map(|rate| (1000 * scenario.readers / rate.max(1)).max(1));
        let readers = (0..scenario.readers).map(|_| match pace {
            Some(pause_ms) => Reader::with_pause(&mut random, pause_ms),
            None if scenario.is_outage => Reader::with_pause(&mut random, 2_000),
            None => Reader::any(&mut random),
        });
        let readers = readers.collect();
        let keepers = [0, 1].map(|app| Keeper::new(ready(app, 0, scenario.daily_limit))).into();
        let store = Store::new(scenario.store);
        let mut centre = Self {
            scenario,
            now: START,
            random,
            world,
            keepers,
            store,
            scheduler: Scheduler::default(),
            readers,
            truth: Truth::default(),
            tally: Tally::default(),
            lasting: Vec::new(),
            dead_since: std::collections::BTreeMap::new(),
            ended: Vec::new(),
            queue: BinaryHeap::new(),
            nexts: std::collections::HashMap::new(),
            serial: 0,
        };
        for reader in 0..centre.readers.len() {
            // Where costs are compared, the first call is the cron's in any case.
            let first = if pace.is_some() { 30_000 } else { 0 };
            let pause = first + centre.random.below(10_000);
            centre.in_ms(pause, Next::Read(reader));
        }
        for app in 0..centre.keepers.len() {
            centre.scheduler.note(app, UnixTime::from_secs(0));
        }
        centre.in_ms(20_000, Next::Cron);
        for index in 0..centre.scenario.disturbances.len() {
            let at = centre.scenario.disturbances[index].from;
            centre.in_ms(at - START, Next::Disturb(index));
        }
        centre
    }

    /// Plans something.
    pub fn in_ms(&mut self, pause: Millis, next: Next) {
        self.serial += 1;
        self.queue.push(Reverse((self.now + pause, self.serial)));
        self.nexts.insert(self.serial, next);
    }

    /// What happens next, with the clock set to it; `None` at the end of the run.
    pub fn pop(&mut self) -> Option<Next> {
        let Reverse((at, serial)) = self.queue.pop()?;
        self.now = at;
        let over = at >= START + self.scenario.days * 86_400_000;
        self.nexts.remove(&serial).filter(|_| !over)
    }

    /// A number below `bound` that chance decides about jitter and the time that things take. Where costs
    /// are compared nothing is left to chance.
    pub fn chance(&mut self, bound: u64) -> u64 {
        if self.scenario.reads_per_s.is_some() { 0 } else { self.random.below(bound) }
    }

    /// The disturbances that last just now.
    pub fn lasting(&self) -> impl Iterator<Item = &Trouble> {
        let now = self.now;
        let all = &self.scenario.disturbances;
        self.lasting.iter().map(|index| &all[*index]).filter(move |d| d.lasts(now)).map(|d| &d.what)
    }

    /// The disturbances that last, or have ended within the last four hours.
    pub fn lately(&self) -> impl Iterator<Item = &Disturbance> {
        self.lasting.iter().chain(&self.ended).map(|index| &self.scenario.disturbances[*index])
    }

    /// A disturbance begins.
    pub fn begin(&mut self, index: usize, for_ms: Millis) {
        self.lasting.push(index);
        self.in_ms(for_ms, Next::Calm(index));
    }

    fn note_what_is_dead(&mut self) {
        for app in 0..self.keepers.len() {
            for credential in self.keepers[app].credentials() {
                if self.left_s((app, credential)) == 0 {
                    self.dead_since.insert((app, credential), self.now);
                }
            }
        }
    }

    /// A disturbance has ended.
    pub fn calm(&mut self, index: usize) {
        self.lasting.retain(|other| *other != index);
        if self.scenario.is_outage {
            self.note_what_is_dead();
        }
        let (now, all) = (self.now, &self.scenario.disturbances);
        self.ended.retain(|index| all[*index].lasted(now, REMEMBERED));
        self.ended.push(index);
    }

    /// Whether one of a kind lasts just now.
    pub fn lasts(&self, what: impl Fn(&Trouble) -> bool) -> bool {
        self.lasting().any(what)
    }

    /// The time as the core takes it.
    pub const fn unix(&self) -> UnixTime {
        UnixTime::from_millis(self.now)
    }

    /// Seconds of life that the Keeper believes to be left.
    pub fn left_s(&self, key: Key) -> u64 {
        let keeper = &self.keepers[key.0];
        keeper.slot(key.1).status(&keeper.policy(key.1), self.unix()).expires_in
    }

    /// The appid of an app.
    pub fn appid(&self, app: usize) -> &'static str {
        APPIDS[app]
    }

    /// The secret of an app is changed, at WeChat and in the configuration: a new deployment.
    pub fn change_secret(&mut self, app: usize) {
        let nth = self.now;
        if let Some(account) = self.world.accounts.get_mut(APPIDS[app]) {
            account.knobs.secret = secret(nth);
        }
        self.kill(app);
        let keeper = &mut self.keepers[app];
        keeper.ready = Rc::new(ready(app, nth, self.scenario.daily_limit));
        self.scheduler.note(app, UnixTime::from_secs(0));
        for (credential, slot) in &keeper.slots {
            self.truth.before_change.insert((app, *credential), slot.version());
        }
    }

    /// A promise was broken.
    pub fn violated(&self, what: String) -> Violation {
        Violation { at: self.now, what }
    }
}

fn secret(nth: u64) -> String {
    format!("{nth:0>32}")
}

fn ready(app: usize, nth: u64, daily_limit: u32) -> ReadyApp {
    let names = ["stable", "plain"];
    let app = App {
        name: AppName::parse(names[app]).unwrap_or_else(|| unreachable!("both are names")),
        appid: APPIDS[app].to_owned(),
        secret: Secret::new(secret(nth)),
        platform: Platform::Official,
        token_api: if app == 0 { TokenApi::Stable } else { TokenApi::Plain { lead_s: 1800, daily_limit } },
        tickets: if app == 0 {
            vec![TicketType::Jsapi, TicketType::WxCard, TicketType::Sdk]
        } else {
            vec![TicketType::Jsapi]
        },
        api_hosts: vec!["https://api.weixin.qq.com".to_owned(), "https://api2.weixin.qq.com".to_owned()],
        sign_hosts: vec![],
        real_token: RealToken::All,
    };
    ReadyApp { identity: app.identity(), app }
}
