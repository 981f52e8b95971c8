//! What happens in a run besides the ordinary: a seed and a list of disturbances, each with its time.

use crate::{Millis, START};
use core::fmt;
use simulator::faults::Kind;
use simulator::random::Random;
use zhongkong_core::config::StoreKind;

/// One run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Where everything else that is random comes from.
    pub seed: u64,
    /// How long it lasts, in days.
    pub days: u64,
    /// How many isolates read.
    pub readers: u64,
    /// Reads a second of all of them together; `None`: each isolate at a pace of its own.
    pub reads_per_s: Option<u64>,
    /// Where they read.
    pub store: StoreKind,
    /// Calls a day that the plain app has.
    pub daily_limit: u32,
    /// Whether it is about one outage of everything upstream.
    pub is_outage: bool,
    /// What goes wrong.
    pub disturbances: Vec<Disturbance>,
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbance {
    /// When it begins.
    pub from: Millis,
    /// How long it lasts.
    pub for_ms: Millis,
    /// What it is.
    pub what: Trouble,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// WeChat, or the way there: this fault with this probability.
    Upstream(Kind, f64),
    /// The store refuses writes (429, 503).
    StoreRefuses,
    /// The store takes writes and loses them.
    StoreLoses,
    /// Writes become visible so late, each by itself: a newer one may be overtaken.
    StoreDelays(Millis),
    /// The store cannot be read.
    StoreUnreadable,
    /// The Keeper cannot be reached.
    KeeperUnreachable,
    /// The Keeper is killed at any effect, with this probability for each.
    Kills(f64),
    /// The cron does not run.
    CronMissed,
    /// The cron runs three times each time.
    CronDoubled,
    /// Alarms are lost.
    AlarmLost,
    /// Alarms come so late.
    AlarmLate(Millis),
    /// Somebody else asks the plain API for a token.
    Outsider,
    /// Somebody else does so again and again, with these pauses.
    Quarrel(Millis),
    /// A token has leaked, and is to be killed.
    Revoke,
    /// The scheduler cannot be reached.
    SchedulerUnreachable,
    /// WeChat kills the token.
    TokenKilled,
    /// The stable token is dead, and the stable API gives it out all the same; and WeChat is mostly too
    /// busy for forced refreshes while it lasts.
    TokenUndead,
    /// Readers report what they hold, dead or not, again and again.
    Flood,
    /// Somebody at the console wants everything tried now, again and again, with these pauses.
    Impatience(Millis),
    /// The AppSecret is changed, here and there.
    SecretChanged,
}

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const DAY: Millis = 24 * 60 * MINUTE;

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64, days: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5eed_5eed_5eed_5eed);
        let readers = 1 + random.below(if seed.is_multiple_of(10) { 50 } else { 12 });
        // One run in eight is quiet: what it costs is what an ordinary day costs.
        let count = if seed % 8 == 7 { 0 } else { days * (1 + random.below(6)) };
        let mut disturbances: Vec<Disturbance> =
            (0..count).map(|_| Disturbance::any(&mut random, days)).collect();
        // The replies of a revocation are worth losing.
        let revokes = disturbances.iter().filter(|disturbance| disturbance.what == Trouble::Revoke);
        let losses: Vec<Disturbance> = revokes
            .map(|Disturbance { from, .. }| Disturbance {
                from: *from,
                for_ms: 3 * MINUTE,
                what: Trouble::Upstream(Kind::LostAfter, 0.4),
            })
            .collect();
        disturbances.extend(losses);
        // Drawn apart from all else: the scripts of seeds that were found before stay what they were.
        let mut random = Random::new(seed ^ 0x1417_a71e_0f17_4e57);
        disturbances.extend((0..count.div_ceil(4)).map(|_| Disturbance {
            from: START + random.below(days * DAY),
            for_ms: MINUTE * (1 + random.below(10)),
            what: Trouble::Impatience(SECOND * (1 + random.below(60))),
        }));
        disturbances.sort_by_key(|disturbance| disturbance.from);
        let store = [StoreKind::Kv, StoreKind::Kv, StoreKind::Kv, StoreKind::D1, StoreKind::Memory];
        let store = store[usize::try_from(seed % 5).unwrap_or(0)];
        let daily_limit = if seed.is_multiple_of(2) { 200 } else { 2000 };
        Self { seed, days, readers, reads_per_s: None, store, daily_limit, is_outage: false, disturbances }
    }

    /// Days on which nothing goes wrong, with so many reads a second; 0 for nobody who reads.
    pub const fn quiet(seed: u64, days: u64, reads_per_s: u64) -> Self {
        let readers = if reads_per_s == 0 { 0 } else { 100 };
        Self {
            seed,
            days,
            readers,
            reads_per_s: Some(reads_per_s),
            store: StoreKind::Kv,
            daily_limit: 2000,
            is_outage: false,
            disturbances: Vec::new(),
        }
    }

    /// A day with one outage of everything upstream, so long that whatever was held dies in it, while readers go on asking:
    /// how soon after its end are they served again?
    pub fn outage(seed: u64, kind: Kind, minutes: u64) -> Self {
        let mut random = Random::new(seed ^ 0x0a7a_6e00_0000_0000);
        let from = START + 4 * 60 * MINUTE + random.below(120 * MINUTE);
        let what = Trouble::Upstream(kind, 1.0);
        let for_ms = minutes * MINUTE + random.below(MINUTE);
        Self {
            seed,
            days: 1 + (minutes + 6 * 60) / (24 * 60),
            readers: 20,
            reads_per_s: None,
            store: StoreKind::Kv,
            daily_limit: 2000,
            is_outage: true,
            disturbances: vec![Disturbance { from, for_ms, what }],
        }
    }

    /// Whether nothing goes wrong in it.
    pub const fn is_quiet(&self) -> bool {
        self.disturbances.is_empty()
    }

    /// Smaller scenarios that might fail in the same way, the smallest first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let count = self.disturbances.len();
        let mut piece = count.div_ceil(2);
        while piece >= 1 && count > 0 {
            for start in (0..count).step_by(piece) {
                let kept = self.disturbances.iter().enumerate();
                let kept = kept.filter(|(index, _)| !(start..start + piece).contains(index));
                smaller.push(Self { disturbances: kept.map(|(_, d)| d.clone()).collect(), ..self.clone() });
            }
            if piece == 1 {
                break;
            }
            piece = piece.div_ceil(2);
        }
        if self.readers > 1 {
            smaller.push(Self { readers: self.readers / 2, ..self.clone() });
        }
        smaller
    }
}

impl Disturbance {
    fn any(random: &mut Random, days: u64) -> Self {
        let from = START + random.below(days * DAY);
        let short = SECOND * (5 + random.below(120));
        let long = MINUTE * (1 + random.below(180));
        let some = [0.1, 0.5, 1.0][usize::try_from(random.below(3)).unwrap_or(0)];
        let (what, for_ms) = match random.below(24) {
            0..=6 => {
                (Trouble::Upstream(any_fault(random), some), if random.happens(0.5) { short } else { long })
            }
            7 => (Trouble::StoreRefuses, long),
            8 => (Trouble::StoreLoses, long),
            9 => (Trouble::StoreDelays(SECOND * (10 + random.below(170))), long),
            10 => (Trouble::StoreUnreadable, long),
            11 => (Trouble::KeeperUnreachable, SECOND * (1 + random.below(20))),
            12 => (Trouble::Kills(some / 2.0), short),
            13 => (Trouble::CronMissed, long),
            14 => (Trouble::CronDoubled, long),
            15 => (if random.happens(0.5) { Trouble::AlarmLost } else { Trouble::AlarmLate(short) }, long),
            16 => (Trouble::Outsider, 0),
            17 => (Trouble::TokenKilled, 0),
            18 => (Trouble::Flood, short),
            19 => (Trouble::TokenUndead, 5 * short),
            20 => (Trouble::Quarrel(SECOND * (20 + random.below(100))), 3 * long),
            21 => (Trouble::Revoke, 0),
            22 => (Trouble::SchedulerUnreachable, long),
            _ => (Trouble::SecretChanged, 0),
        };
        Self { from, for_ms, what }
    }

    /// Whether it lasts at this moment.
    pub const fn lasts(&self, now: Millis) -> bool {
        self.from <= now && now < self.from + self.for_ms
    }

    /// Whether it lasts, or ended not longer ago than `after`.
    pub const fn lasted(&self, now: Millis, after: Millis) -> bool {
        self.from <= now && now < self.from + self.for_ms + after
    }
}

fn any_fault(random: &mut Random) -> Kind {
    let ms = 500 + random.below(20_000);
    match random.below(20) {
        0 => Kind::Delay { ms },
        1 => Kind::Drip { ms },
        2 => Kind::LostBefore,
        3..=5 => Kind::LostAfter,
        6 => Kind::Reset,
        7 => Kind::HostDown,
        8 => Kind::Html { status: 502, done: true },
        9 => Kind::Html { status: 504, done: false },
        10 => Kind::Empty,
        11 => Kind::Truncated,
        12 => Kind::Bom,
        13 => Kind::TextPlain,
        14 => Kind::Odd,
        15 => Kind::NoValue,
        16 => Kind::ExpiresIn { value: absurd_life(random) },
        17 => Kind::Errcode { errcode: 45011 },
        18 => Kind::Errcode { errcode: 40164 },
        _ => Kind::Errcode { errcode: -1 },
    }
}

/// Lives that are no lives, and some that are only odd; never one that would be a lie to live by.
fn absurd_life(random: &mut Random) -> serde_json::Value {
    match random.below(5) {
        0 => 0.into(),
        1 => (-1).into(),
        2 => 299.into(),
        3 => serde_json::Value::Null,
        _ => "soon".into(),
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, days, readers, store, daily_limit, .. } = self;
        writeln!(
            f,
            "seed {seed}, {days} days, {readers} readers, store {store:?}, {daily_limit} calls a day"
        )?;
        for Disturbance { from, for_ms, what } in &self.disturbances {
            writeln!(f, "  at {:>9} s for {:>6} s: {what:?}", (from - START) / 1000, for_ms / 1000)?;
        }
        Ok(())
    }
}
