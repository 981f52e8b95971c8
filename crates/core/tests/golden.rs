//! What is stored, and what Worker and Keeper say to each other: pinned, byte for byte, in `golden.tsv`.
//!
//! A deployment finds the data of the one before it, and for half a minute both run side by side. A form that
//! changes has to read the old one too: then the old line stays here as one that is read.
//!
//! `GOLDEN=write cargo test -p zhongkong-core --test golden` writes the file anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Write as _;
use std::rc::Rc;
use zhongkong_core::alert::{Book, findings};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{Config, Raw, ReadyApp};
use zhongkong_core::credential::{Credential, TicketType, Value, Version};
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::engine::{
    Call, CallId, Event, Failure, Issued, Moment, Patience, Refusal, Slot, Verdict, decide,
};
use zhongkong_core::history::{Action, Deed, Kind, Line};
use zhongkong_core::language::Language;
use zhongkong_core::protocol::{
    Ask, Asked, Entry, Filter, Held, HistoryAsk, HourCount, Life, Question, Reply, Report, SchedulerAsk,
    SchedulerReply, Tick, Trends,
};
use zhongkong_core::providers::Provider as _;
use zhongkong_core::providers::wechat::policy::STABLE;
use zhongkong_core::record::{Published, Record};
use zhongkong_core::secret::Secret;
use zhongkong_core::tally::{Count, Reads, Source};
use zhongkong_core::time::UnixTime;

const T0: u64 = 1_800_000_000;

/// Each form, by name.
#[derive(Default)]
struct Golden(String);

impl Golden {
    /// Adds one, which must also read back to what it was.
    fn add<T: Serialize + DeserializeOwned>(&mut self, name: &str, value: &T) {
        let text = serde_json::to_string(value).unwrap();
        let back: T = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text, "{name}");
        self.text(name, &text);
    }

    fn text(&mut self, name: &str, text: &str) {
        writeln!(self.0, "{name}\t{text}").unwrap();
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(T0 + seconds)
}

fn config() -> Config {
    let secret = |name: &str| {
        let value = match name {
            "APP_SECRET_SHOP" => "app5ecret0123456789abcdef0123456",
            "CALLER_KEY_WEB" => "k3y-of-web-0123456789abcdef-0123",
            "SEAL_KEY" => "Y2FuYXJ5LXNlYWwta2V5LTAxMjM0NTY3ODlhYmNkZWY=",
            _ => return None,
        };
        Some(Secret::new(value.to_owned()))
    };
    Config::read(&Raw {
        apps: Some(
            json!({"shop": {"appid": "wx0123456789abcdef", "token_api": "plain", "tickets": ["jsapi"]}}),
        ),
        callers: Some(json!({"web": {"apps": ["shop"], "scopes": ["token"]}})),
        store: None,
        secret: &secret,
        to_ascii: &|_| None,
        has_tokens: true,
        has_db: false,
        has_keeper: true,
        has_scheduler: true,
    })
}

/// Slots as events leave them, from empty to one of which everything is known.
fn slots(ready: &ReadyApp) -> Vec<(&'static str, Slot)> {
    let policy = ready.app.policy(Credential::AccessToken);
    let mut now = 0;
    let mut slot = Slot::default();
    // Each event is made of the call that is under way.
    let mut say = |passed: u64, event: &dyn Fn(CallId) -> Event| {
        now += passed;
        let event = event(slot.call_id().unwrap_or_default());
        slot = decide(policy, &slot, Moment { now: at(now), dice: 7 }, event).0;
        slot.clone()
    };
    let issued = || Issued::alone(Value::parse("87_one-token").unwrap(), 7200);
    let alive = |call| Event::Probed { call, verdict: Verdict::Alive };
    let refused = Failure::Refused(Refusal { code: 40164, ip: Some("203.0.113.7".parse().unwrap()) });
    let mut slots = vec![("empty", Slot::default())];
    slots.push(("configured", say(0, &|_| Event::Configured(ready.identity))));
    slots.push(("calling", say(1, &|_| Event::Tick)));
    slots.push(("holding", say(1, &|call| Event::Issued { call, issued: issued() })));
    say(1, &|_| Event::PublishFailed);
    let stored = slots_stored(&slots);
    slots.push(("published", say(20, &|_| Event::Published(stored))));
    let digest = Value::parse("87_one-token").unwrap().digest();
    let reported = |_| Event::StaleReport { digest, patience: Patience::Spent };
    slots.push(("probing", say(60, &reported)));
    slots.push(("cleared", say(1, &alive)));
    say(1, &reported);
    say(5_600, &|_| Event::Tick);
    say(1, &alive);
    slots.push(("failing", say(1, &|call| Event::Failed { call, failure: refused.clone() })));
    slots.push(("revoking", say(60, &|_| Event::Revoke)));
    slots.push(("demanded", say(60, &|_| Event::Demand)));
    slots
}

fn slots_stored(slots: &[(&'static str, Slot)]) -> Option<zhongkong_core::engine::Stored> {
    let version = slots.last().map(|(_, slot)| slot.version()).unwrap();
    Some(zhongkong_core::engine::Stored { version, expires_at: at(7_141), at: at(23) })
}

fn record(ready: &ReadyApp) -> Record {
    Record {
        version: Version::new(7),
        value: Value::parse("87_one-token").unwrap(),
        expires_at: at(7_141),
        refresh_at: at(5_400),
        trust_until: at(5_700),
        identity: ready.identity,
    }
}

fn stored(golden: &mut Golden, config: &Config, ready: &ReadyApp) {
    for (name, slot) in slots(ready) {
        golden.add(&format!("slot {name}"), &slot);
    }
    let (app, sealer) = (&ready.app.name, config.sealer.as_ref().unwrap());
    let withdrawn = Published::Withdrawn { version: Version::new(8), at: at(60) };
    for (name, published) in [("record", Published::Record(record(ready))), ("withdrawn", withdrawn)] {
        let entry = published.seal(sealer, app, Credential::AccessToken, [9; 12]).unwrap();
        assert_eq!(Published::open(&entry.text, sealer, app, Credential::AccessToken), Ok(published));
        golden.text(name, &entry.text);
    }
    let mut book = Book::default();
    golden.add("book empty", &book);
    let (_, failing) = slots(ready).into_iter().find(|(name, _)| *name == "failing").unwrap();
    let status = failing.status(&ready.app.policy(Credential::AccessToken), at(5_700));
    let statuses = [(Credential::AccessToken, status)].into_iter().collect();
    let found = findings(&ready.app, &statuses, false, at(5_700), Language::En);
    book.look(&found, at(5_700), true);
    golden.add("book open", &book);
    book.look(&[], at(5_800), true);
    golden.add("book closed", &book);
}

fn lines() -> Vec<Line> {
    let by_caller = Deed {
        version: Some(Version::new(7)),
        about: Some("/cgi-bin/menu/get"),
        ..Deed::of_caller(
            Some("web"),
            Action::Pass,
            Some(Credential::AccessToken),
            Ok("ok"),
            "203.0.113.7".parse().ok(),
        )
    };
    let refused = Deed {
        errcode: Some(40164),
        ..Deed::of_keeper(Action::Refresh, Some(Credential::AccessToken), "refused")
    };
    vec![Line::new(&by_caller, at(0)), Line::new(&refused, at(1))]
}

fn questions(golden: &mut Golden, ready: &ReadyApp) {
    let (token, jsapi) = (Credential::AccessToken, Credential::Ticket(TicketType::Jsapi));
    let digest = Sha256Digest::of("87_one-token");
    for (name, ask) in [
        ("read", Ask::Read { credential: jsapi, min_ttl_s: 600, shown: Some(Version::new(3)) }),
        ("read, unseen", Ask::Read { credential: token, min_ttl_s: 0, shown: None }),
        ("stale", Ask::Stale { credential: token, digest }),
        ("refused", Ask::Refused { credential: token, digest, by: "web".to_owned() }),
        ("wake", Ask::Wake { shown: vec![(token, Version::new(7)), (jsapi, Version::NONE)] }),
        ("revoke", Ask::Revoke),
        ("reseal", Ask::Reseal),
        ("check one", Ask::Check(Some(token))),
        ("check all", Ask::Check(None)),
        ("status", Ask::Status),
    ] {
        let question = Question { app: ready.app.name.clone(), identity: ready.identity, ask };
        golden.add(&format!("question {name}"), &question);
    }
    let mut reads = Reads::default();
    for source in [Source::Memory, Source::Memory, Source::Keeper] {
        reads.note(source);
    }
    let filter = Filter {
        before: Some(9),
        limit: 100,
        kind: Some(Kind::Access),
        action: Some(Action::Refresh),
        caller: Some("web".to_owned()),
    };
    golden.add("history note", &HistoryAsk::Note { lines: lines(), reads });
    golden.add("history page", &HistoryAsk::Page(filter));
    golden.add("history trends", &HistoryAsk::Trends);
    let shop = || ready.app.name.clone();
    let held =
        Held { digest, identity: ready.identity.fingerprint(), until: at(7_141), others_until: at(300) };
    for (name, ask) in [
        ("due", SchedulerAsk::Due { configured: "f".to_owned(), now: at(0) }),
        (
            "register",
            SchedulerAsk::Register {
                configured: "f".to_owned(),
                apps: vec![(shop(), "i".to_owned())],
                now: at(0),
            },
        ),
        ("note", SchedulerAsk::Note { app: shop(), wake_at: at(60), token: Some(held), now: at(0) }),
        (
            "note without a token",
            SchedulerAsk::Note { app: shop(), wake_at: at(60), token: None, now: at(0) },
        ),
        ("broken", SchedulerAsk::Broken { now: at(0) }),
        ("last tick", SchedulerAsk::LastTick),
        ("whose", SchedulerAsk::Whose { token: digest, now: at(0) }),
        ("test alert", SchedulerAsk::TestAlert { now: at(0) }),
        ("postpone", SchedulerAsk::Postpone { apps: vec![shop()], until: at(180) }),
        ("forget", SchedulerAsk::Forget { apps: vec![shop()] }),
    ] {
        golden.add(&format!("scheduler {name}"), &ask);
    }
}

fn replies(golden: &mut Golden, ready: &ReadyApp) {
    let failures = [
        ("refused", Failure::Refused(Refusal { code: 40164, ip: Some("2001:db8::7".parse().unwrap()) })),
        ("refused without an address", Failure::Refused(Refusal { code: 45009, ip: None })),
        ("unreachable", Failure::Unreachable),
        ("garbled", Failure::Garbled),
        ("no token", Failure::NoToken),
    ];
    golden.add("reply served", &Reply::Served { record: record(ready), rotated: true });
    for (name, failure) in failures {
        let reply =
            Reply::Unavailable { version: Version::new(7), retry_after_s: 60, failure: Some(failure) };
        golden.add(&format!("reply {name}"), &reply);
    }
    golden.add("reply awake", &Reply::Awake);
    golden.add("reply resealed", &Reply::Resealed { slots: 3 });
    for (name, slot) in slots(ready) {
        let policy = ready.app.policy(Credential::AccessToken);
        let report = || Report {
            credentials: [(Credential::AccessToken, slot.status(&policy, at(5_700)))].into_iter().collect(),
            incidents: Default::default(),
            alerts_waiting: 1,
            counts: lines().iter().filter_map(Count::of).collect(),
        };
        golden.add(&format!("reply status {name}"), &Reply::Status(report()));
        if name == "failing" {
            let asked = Asked { call: Some(Call::Knock), rotated: false };
            let asked = [(Credential::AccessToken, asked)].into_iter().collect();
            golden.add("reply checked", &Reply::Checked { asked, report: report() });
        }
    }
    let entry = |ip: Option<&str>| Entry {
        id: 9,
        kind: "caller".to_owned(),
        first_at: T0,
        last_at: T0 + 5,
        count: 2,
        caller: Some("web".to_owned()),
        ip: ip.map(str::to_owned),
        action: "read".to_owned(),
        credential: Some("access_token".to_owned()),
        result: "ok".to_owned(),
        version: Some(7),
        errcode: None,
        about: None,
    };
    golden.add("history entries", &vec![entry(Some("203.0.113.7")), entry(None)]);
    let life = Life { credential: "jsapi".to_owned(), version: 3, at: T0, expires_at: T0 + 7200 };
    let hour = HourCount {
        at: T0,
        what: "refresh".to_owned(),
        credential: "jsapi".to_owned(),
        outcome: "rotated".to_owned(),
        count: 1,
    };
    golden.add("trends", &Trends { rotations: vec![life], hours: vec![hour] });
    let tick = Tick { last_at: Some(at(0)), incidents: Default::default(), alerts_waiting: 0 };
    for (name, reply) in [
        ("due", SchedulerReply::Due(vec![ready.app.name.clone()])),
        ("unknown", SchedulerReply::Unknown),
        ("noted", SchedulerReply::Noted),
        ("tick", SchedulerReply::Tick(tick)),
        ("app", SchedulerReply::App(Some((AppName::parse("shop").unwrap(), "i".to_owned())))),
        ("test alert", SchedulerReply::TestAlert { wait_s: 59 }),
        ("nobody", SchedulerReply::App(None)),
    ] {
        golden.add(&format!("scheduler replies {name}"), &reply);
    }
}

/// A slot with a call under way, as it was stored before calls had ids.
const WITHOUT_CALL_ID: &str = r#"{"version":0,"identity":null,"held":null,"under_way":{"call":"refresh",
    "sent_at":1800000001},"trouble":null,"rotation_lost":false,"checked_at":null,"checked_version":0,"check_at":null,
    "cleared":0,"stored":null,"publish_after":null,"last_success":null}"#;

#[test]
fn a_call_of_before_calls_had_ids_is_lost_and_the_next_one_has_an_id_of_its_own() {
    let slot: Slot = serde_json::from_str(WITHOUT_CALL_ID).unwrap();
    let before = slot.call_id().unwrap();
    let moment = Moment { now: at(60), dice: 0 };
    let slot = decide(STABLE, &slot, moment, Event::Lost).0;
    let slot = decide(STABLE, &slot, Moment { now: at(120), dice: 0 }, Event::Tick).0;
    assert_ne!(slot.call_id().unwrap(), before);
}

#[test]
fn forms_that_are_stored_or_sent_stay_as_they_are() {
    let config = config();
    let ready: Rc<ReadyApp> = Rc::clone(config.ready_apps().next().unwrap());
    let mut golden = Golden::default();
    stored(&mut golden, &config, &ready);
    questions(&mut golden, &ready);
    replies(&mut golden, &ready);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.tsv");
    if std::env::var("GOLDEN").is_ok_and(|wanted| wanted == "write") {
        std::fs::write(file, &golden.0).unwrap();
    }
    let pinned = std::fs::read_to_string(file).unwrap_or_default();
    for (now, before) in golden.0.lines().zip(pinned.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(golden.0.lines().count(), pinned.lines().count());
    assert!(pinned.lines().count() > 60);
}
