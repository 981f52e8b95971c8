//! A provider in memory that does what a policy says, and a Keeper that is driven against it in virtual time.

use super::account::Account;
use super::{CHILD, TOKEN};
use crate::alert::Book;
use crate::app::tests::shop;
use crate::credential::{Credential, Value};
use crate::engine::{Call, Failure, Issued, Refusal, RotationPolicy, Slot, Verdict};
use crate::keeper::{Answered, Effect, Input, Instant, Machine, Setup};
use crate::language::Language;
use crate::protocol::{Ask, Reply};
use crate::providers::{ApiRequest, Inputs, Provider, Reading};
use crate::record::Record;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::rc::Rc;

const CALL_TAKES_MS: u64 = 300;
const READER_WAITS_S: u64 = 6;

/// The provider's side of the wire: JSON in the path.
pub(super) struct Model {
    policies: [RotationPolicy; 2],
}

impl Provider for Model {
    fn policy(&self, credential: Credential) -> RotationPolicy {
        self.policies[usize::from(credential != TOKEN)]
    }

    fn parent(&self, credential: Credential) -> Option<Credential> {
        (credential == CHILD).then_some(TOKEN)
    }

    fn request(&self, _: Credential, call: Call, inputs: Inputs<'_>) -> Option<ApiRequest> {
        let text = |value: Option<&Value>| value.map(|value| value.expose().to_owned());
        let held = text(inputs.held).filter(|_| !call.fetches());
        let asked =
            json!({"held": held, "parent": text(inputs.parent), "refresh": text(inputs.refresh_token)});
        Some(ApiRequest { path_and_query: asked.to_string(), body: None })
    }

    fn read(&self, _: Credential, call: Call, body: &[u8]) -> Option<Reading> {
        let json: Json = serde_json::from_slice(body).ok()?;
        let value = |name: &str| json.get(name).and_then(Json::as_str).and_then(Value::parse);
        if !call.fetches() {
            let lives = json.get("lives").and_then(Json::as_bool)?;
            return Some(Reading::Probed(if lives { Verdict::Alive } else { Verdict::Dead }));
        }
        Some(match (value("value"), json.get("expires_in").and_then(Json::as_u64)) {
            (Some(one), Some(expires_in_s)) => {
                Reading::Issued(Issued { value: one, expires_in_s, refresh_token: value("refresh") })
            }
            _ => Reading::Failed(Failure::Refused(Refusal { code: json.get("code")?.as_i64()?, ip: None })),
        })
    }

    fn advice(&self, _: Credential, _: &Failure, _: Language) -> String {
        String::new()
    }

    fn killed_outside(&self, _: Credential, _: Language) -> &'static str {
        ""
    }

    fn revoking(&self, _: Language) -> &'static str {
        ""
    }
}

/// A Keeper, its provider, and time.
pub(super) struct Run {
    model: Rc<Model>,
    accounts: BTreeMap<Credential, Account>,
    has_refresh_token: bool,
    machine: Option<Machine>,
    slots: BTreeMap<Credential, Slot>,
    book: Book,
    alarm_ms: Option<u64>,
    /// Inputs to come, at their time, of this instance.
    pending: Vec<(u64, Input)>,
    /// Calls under way, with the account as it was before.
    calls: BTreeMap<Credential, Account>,
    outage_until_ms: u64,
    now_ms: u64,
    asked: u64,
    answers: BTreeMap<u64, Result<Reply, &'static str>>,
    /// The next input's effects are carried out up to here only.
    pub(super) kill_after: Option<usize>,
    after_reply: BTreeMap<Credential, Vec<&'static str>>,
}

impl Run {
    pub(super) fn new(policies: [RotationPolicy; 2], has_refresh_token: bool) -> Self {
        Self {
            model: Rc::new(Model { policies }),
            accounts: BTreeMap::from([(TOKEN, Account::default()), (CHILD, Account::default())]),
            has_refresh_token,
            machine: None,
            slots: BTreeMap::new(),
            book: Book::default(),
            alarm_ms: None,
            pending: Vec::new(),
            calls: BTreeMap::new(),
            outage_until_ms: 0,
            now_ms: 1_800_000_000_000,
            asked: 0,
            answers: BTreeMap::new(),
            kill_after: None,
            after_reply: BTreeMap::new(),
        }
    }

    fn feed(&mut self, input: Input) {
        let at = Instant { now_ms: self.now_ms, dice: u32::try_from(self.now_ms % 9_973).unwrap() };
        let mut effects = Vec::new();
        let mut machine = match self.machine.take() {
            Some(machine) => machine,
            None => {
                let setup = Setup {
                    identity: shop().identity(),
                    credentials: vec![TOKEN, CHILD],
                    hosts: 2,
                    provider: self.model.clone(),
                    alerts: None,
                };
                let (machine, first) = Machine::load(setup, self.slots.clone(), self.book.clone(), at);
                effects.extend(first);
                machine
            }
        };
        let answered = if let Input::Answered { credential, .. } = &input { Some(*credential) } else { None };
        effects.extend(machine.handle(input, at));
        self.machine = Some(machine);
        if let Some(credential) = answered {
            self.after_reply.insert(credential, effects.iter().map(name).collect());
        }
        let until = self.kill_after.take().unwrap_or(usize::MAX);
        let is_killed = until < effects.len();
        for effect in effects.into_iter().take(until) {
            self.carry_out(effect);
        }
        if is_killed {
            self.machine = None;
            self.pending.clear();
            let lost = std::mem::take(&mut self.calls);
            if self.has_refresh_token {
                // A reply that has never arrived cannot be kept: then the provider has not answered yet.
                self.accounts.extend(lost);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Commit(credential, slot) => {
                let before = self.slots.insert(credential, *slot.clone());
                assert!(before.is_none_or(|before| before.version() <= slot.version()), "versions only grow");
            }
            Effect::CommitBook(book) => self.book = book,
            Effect::SetAlarm(at_ms) => self.alarm_ms = Some(at_ms),
            Effect::Reply(id, answer) => drop(self.answers.insert(id, answer)),
            Effect::Publish(credential, _) => {
                self.pending.push((self.now_ms + 50, Input::Published(credential)));
            }
            Effect::Note(_) => self.pending.push((self.now_ms + 50, Input::Noted { arrived: true })),
            Effect::Deliver(notice) => {
                self.pending.push((self.now_ms + 50, Input::Delivered { id: notice.id, arrived: true }));
            }
            Effect::Send(asked) => {
                let before = self.accounts[&asked.credential].clone();
                assert!(self.calls.insert(asked.credential, before).is_none(), "one call at a time");
                let answer = self.exchange(asked.credential, asked.kind, &asked.request.path_and_query);
                let input = Input::Answered { credential: asked.credential, call: asked.call, answer };
                self.pending.push((self.now_ms + CALL_TAKES_MS, input));
            }
            Effect::Life(..) | Effect::Tell(_) | Effect::Log(_) => {}
        }
    }

    fn exchange(&mut self, credential: Credential, kind: Call, asked: &str) -> Answered {
        if self.now_ms < self.outage_until_ms {
            return Answered::Nothing;
        }
        let asked: Json = serde_json::from_str(asked).unwrap();
        let text = |name: &str| asked.get(name).and_then(Json::as_str).map(str::to_owned);
        let now_ms = self.now_ms;
        if credential == CHILD && kind.fetches() {
            let parent = text("parent").unwrap();
            if !self.accounts[&TOKEN].lives(&parent, now_ms) {
                return reply(&json!({"code": 1}));
            }
        }
        let policy = self.model.policy(credential);
        let account = self.accounts.get_mut(&credential).unwrap();
        account.calls += 1;
        let days = (now_ms - 1_800_000_000_000) / 86_400_000 + 1;
        assert!(account.calls <= days * 2_400, "no loop: {} calls in {days} days", account.calls);
        if !kind.fetches() {
            return reply(&json!({"lives": account.lives(&text("held").unwrap(), now_ms)}));
        }
        if self.has_refresh_token && credential == CHILD {
            assert_eq!(text("refresh"), account.refresh_token, "16: the newest refresh token is sent");
            account.used += u64::from(account.refresh_token.is_some());
        }
        let (value, expires_in) = account.ask(&policy, now_ms);
        let refresh =
            (self.has_refresh_token && credential == CHILD).then(|| format!("refresh-{}", account.calls));
        if refresh.is_some() {
            account.refresh_token.clone_from(&refresh);
        }
        reply(&json!({"value": value, "expires_in": expires_in, "refresh": refresh}))
    }

    /// Lets so much time pass, in which alarms ring and answers arrive.
    pub(super) fn wait(&mut self, seconds: u64) {
        let end_ms = self.now_ms + seconds * 1000;
        self.go_on_until(end_ms, |_| false);
    }

    pub(super) fn wait_until(&mut self, second: u64) {
        self.wait((second * 1000).saturating_sub(self.now_ms) / 1000);
    }

    fn go_on_until(&mut self, end_ms: u64, is_over: impl Fn(&Self) -> bool) {
        while !is_over(self) {
            let timer_ms = self.machine.as_ref().and_then(Machine::timer_ms);
            let pending_ms = self.pending.iter().map(|(at_ms, _)| *at_ms).min();
            let next = [timer_ms, pending_ms, self.alarm_ms].into_iter().flatten().min();
            let Some(at_ms) = next.filter(|at_ms| *at_ms <= end_ms) else { break };
            self.now_ms = self.now_ms.max(at_ms);
            if let Some(place) = self.pending.iter().position(|(due_ms, _)| *due_ms <= self.now_ms) {
                let (_, input) = self.pending.remove(place);
                if let Input::Answered { credential, .. } = &input {
                    self.calls.remove(credential);
                }
                self.feed(input);
            } else if self.alarm_ms.is_some_and(|due_ms| due_ms <= self.now_ms) {
                self.alarm_ms = None;
                self.asked += 1;
                self.feed(Input::Alarm(self.asked));
            } else {
                self.feed(Input::Timer);
            }
        }
        if !is_over(self) {
            self.now_ms = end_ms;
        }
    }

    pub(super) fn ask(&mut self, ask: Ask) -> Result<Option<Reply>, &'static str> {
        self.asked += 1;
        let id = self.asked;
        self.feed(Input::Question(id, ask));
        self.go_on_until(self.now_ms + READER_WAITS_S * 1000, |run| {
            run.answers.contains_key(&id) || run.machine.is_none()
        });
        self.answers.remove(&id).transpose()
    }

    /// What a reader gets; it has to live.
    pub(super) fn read(&mut self, credential: Credential) -> Option<Record> {
        let ask = || Ask::Read { credential, min_ttl_s: 0, shown: None };
        let mut answer = self.ask(ask()).unwrap();
        if answer.is_none() {
            // The instance was killed: the Worker asks once more.
            answer = self.ask(ask()).unwrap();
        }
        let Some(Reply::Served { record, .. }) = answer else { return None };
        let account = &self.accounts[&credential];
        let value = record.value.expose();
        assert!(
            account.lives(value, self.now_ms) || account.killed.contains(value),
            "1: a dead {credential} was handed out at {}: {record:?}",
            self.now_ms
        );
        Some(record)
    }

    /// Reads once a second until there is something, for at most this number of seconds.
    pub(super) fn wait_for(&mut self, credential: Credential, seconds: u64) {
        let until_ms = self.now_ms + seconds * 1000;
        while self.read(credential).is_none() {
            assert!(self.now_ms < until_ms, "20: {credential} is not back");
            self.wait(1);
        }
    }

    /// No call is answered for this number of seconds; readers ask all the time.
    pub(super) fn outage(&mut self, seconds: u64) {
        self.outage_until_ms = self.now_ms + seconds * 1000;
        while self.now_ms + 30_000 < self.outage_until_ms {
            self.wait(30);
            self.read(TOKEN);
            self.read(CHILD);
        }
        self.wait(self.outage_until_ms.saturating_sub(self.now_ms) / 1000);
    }

    /// The provider ends a value, and a caller reports it.
    pub(super) fn early_death(&mut self, credential: Credential) {
        let Some(record) = self.read(credential) else { return };
        let (now_ms, account) = (self.now_ms, self.accounts.get_mut(&credential).unwrap());
        // Also one that is on its way.
        for live in &mut account.values {
            account.killed.insert(live.value.clone());
            live.dies_ms = live.dies_ms.min(now_ms);
        }
        // Not at once: reports are so far apart.
        for _ in 0..20 {
            let digest = record.value.digest();
            let answer = self.ask(Ask::Stale { credential, digest }).unwrap();
            match answer {
                Some(Reply::Served { record: next, .. }) if next.value == record.value => self.wait(30),
                _ => return,
            }
        }
        panic!("5: a dead {credential} was reported, and is still handed out");
    }

    pub(super) fn calls(&self, credential: Credential) -> u64 {
        self.accounts[&credential].calls
    }

    pub(super) fn refresh_tokens_used(&self) -> u64 {
        self.accounts[&CHILD].used
    }

    /// The effects that the last answer has brought about, in their order.
    pub(super) fn effects_after_reply(&self, credential: Credential) -> &[&'static str] {
        self.after_reply.get(&credential).map_or(&[], Vec::as_slice)
    }
}

const fn name(effect: &Effect) -> &'static str {
    match effect {
        Effect::Commit(..) => "commit",
        Effect::Log(_) | Effect::Tell(_) | Effect::Life(..) => "log",
        _ => "other",
    }
}

fn reply(json: &Json) -> Answered {
    Answered::Reply { status: 200, body: json.to_string().into_bytes() }
}
