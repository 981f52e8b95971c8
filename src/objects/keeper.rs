//! The Keeper of one app as a Durable Object: it carries out, in order, what the machine in the core decides
//! ([`zhongkong_core::keeper`]), and feeds back what became of it.
//!
//! Inside one Durable Object a request may wait for what another one has started. Between an input and the commit of what
//! it comes to there is no await, so no other input comes between.

use super::announce::announce;
use super::database::Database;
use super::instance::{Instance, failed};
use super::notices::{Notices, commit_book, deliver};
use super::{alarm_failed, set_alarm, set_alarm_at, unreadable};
use crate::bindings;
use crate::client::{self, HISTORY_PATH};
use crate::{log, platform, store, upstream};
use futures_channel::oneshot;
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zhongkong_core::alert::Notice;
use zhongkong_core::app::AppName;
use zhongkong_core::config::AppEntry;
use zhongkong_core::credential::Credential;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::keeper::{Asked, Effect, Input, Note, QuestionId, RESTING_S};
use zhongkong_core::protocol::{HistoryAsk, Question, Reply, SchedulerAsk};
use zhongkong_core::record::Published;
use zhongkong_tables::{History, Slots};

/// The Durable Object class.
#[durable_object(alarm)]
pub struct Keeper {
    object: Rc<Object>,
}

impl DurableObject for Keeper {
    fn new(state: State, env: Env) -> Self {
        Self { object: Rc::new(Object { state, env, instance: RefCell::default() }) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let path = request.path();
        #[cfg(feature = "panic-on-purpose")]
        crate::panic::on_purpose(path.strip_prefix("/panic/"), "keeper");
        let answer = match (request.text().await, path.as_str()) {
            (Err(error), _) => Err(error),
            (Ok(question), HISTORY_PATH) => self.object.answer_history(&question),
            (Ok(question), _) => self.object.answer(&question).await,
        };
        match answer {
            Ok(answer) => Response::ok(answer),
            Err(error) => {
                // Storage and platform errors: they hold no secret, and callers do not see them.
                log::warn("keeper_failed", json!({"app": self.object.app(), "detail": error.to_string()}));
                Response::error("the Keeper could not answer", 500)
            }
        }
    }

    /// The planned moment.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.object.alarm().await {
            alarm_failed(&self.object.state, &error).await?;
        }
        Response::empty()
    }
}

struct Object {
    state: State,
    env: Env,
    instance: RefCell<Option<Rc<Instance>>>,
}

impl Object {
    fn app(&self) -> Option<AppName> {
        self.instance.borrow().as_ref().map(|instance| instance.ready.app.name.clone())
    }

    /// Answers a [`Question`] with a [`Reply`].
    async fn answer(self: &Rc<Self>, question: &str) -> worker::Result<String> {
        let Question { app, identity, ask } = from_json(question).map_err(unreadable)?;
        let instance = self.open(&app)?;
        if identity != instance.ready.identity {
            // During a deployment the Worker and the Keeper may be of different versions.
            return Err(failed("the Keeper runs under another identity than the Worker"));
        }
        let reply = self.ask(&instance, |id| Input::Question(id, ask)).await?;
        to_json(&reply).map_err(unreadable)
    }

    /// Answers a [`HistoryAsk`].
    fn answer_history(&self, question: &str) -> worker::Result<String> {
        let not_written = |error: worker::Error| {
            log::warn("history_not_written", json!({"detail": error.to_string()}));
        };
        let ask: HistoryAsk = from_json(question).map_err(unreadable)?;
        History::open(Database::of(&self.state))?.answer(ask, platform::now(), not_written)
    }

    /// Feeds an input that asks something, and waits for the answer.
    async fn ask(
        self: &Rc<Self>,
        instance: &Rc<Instance>,
        input: impl FnOnce(QuestionId) -> Input,
    ) -> worker::Result<Reply> {
        let (sender, mut answer) = oneshot::channel();
        let id = instance.asked.get() + 1;
        instance.asked.set(id);
        instance.questions.borrow_mut().insert(id, sender);
        self.feed(instance, input(id));
        loop {
            let timer_ms = instance.machine.borrow().timer_ms();
            let answered = match timer_ms {
                Some(at_ms) => {
                    let left = Duration::from_millis(at_ms.saturating_sub(platform::now_millis()).max(1));
                    platform::timeout(&mut answer, left).await
                }
                None => Some((&mut answer).await),
            };
            match answered {
                Some(Ok(answer)) => return answer.map_err(failed),
                Some(Err(oneshot::Canceled)) => return Err(failed("the Keeper could not commit")),
                None => self.feed(instance, Input::Timer),
            }
        }
    }

    /// The alarm. A Keeper that was never asked has nothing to do, nor has one whose app is gone or faulty: a deployment
    /// that mends it comes with a cron and readers.
    async fn alarm(self: &Rc<Self>) -> worker::Result<()> {
        let database = Database::of(&self.state);
        let Some(app) = Slots::open(database.clone())?.app()? else { return Ok(()) };
        let centre = bindings::centre(&self.env);
        if matches!(centre.config.apps.get(&app), Some(AppEntry::Ready(_))) {
            let instance = self.open(&app)?;
            return self.ask(&instance, Input::Alarm).await.map(drop);
        }
        log::info("keeper_rests", json!({"app": app, "detail": "the app is not configured, or wrongly"}));
        // Its history ends with its time. Set first: what waits to be said sets its own.
        let now = platform::now();
        if History::open(database)?.forget_old(now)? {
            set_alarm(&self.state, now.plus(RESTING_S)).await?;
        }
        let is_gone = !centre.config.apps.contains_key(&app);
        let notices = Notices::open(&self.state, &centre, Some(app))?;
        if is_gone {
            return notices.look(&self.state, &centre, &[]).await;
        }
        notices.deliver(&self.state, &centre).await
    }

    /// The instance; the first time it is loaded from SQLite. After a failure the next event tries again.
    fn open(self: &Rc<Self>, app: &AppName) -> worker::Result<Rc<Instance>> {
        if let Some(instance) = &*self.instance.borrow() {
            return Ok(Rc::clone(instance));
        }
        let (instance, effects) = Instance::load(&self.state, &self.env, app)?;
        let instance = Rc::new(instance);
        *self.instance.borrow_mut() = Some(Rc::clone(&instance));
        self.carry_out(&instance, effects);
        if instance.is_over.get() { Err(failed("the Keeper could not commit")) } else { Ok(instance) }
    }

    fn feed(self: &Rc<Self>, instance: &Rc<Instance>, input: Input) {
        if instance.is_over.get() {
            return;
        }
        let effects = instance.machine.borrow_mut().handle(input, platform::instant());
        self.carry_out(instance, effects);
    }

    /// Carries out effects in their order. When a commit fails the instance ends: the next question loads what SQLite
    /// holds.
    fn carry_out(self: &Rc<Self>, instance: &Rc<Instance>, effects: Vec<Effect>) {
        for effect in effects {
            if let Err(error) = self.start(instance, effect) {
                let app = &instance.ready.app.name;
                log::error("not_committed", json!({"app": app, "detail": error.to_string()}));
                instance.is_over.set(true);
                instance.questions.borrow_mut().clear();
                *self.instance.borrow_mut() = None;
                return;
            }
        }
    }

    /// Carries out what can be at once, and starts the rest.
    ///
    /// # Errors
    /// When a slot could not be committed.
    fn start(self: &Rc<Self>, instance: &Rc<Instance>, effect: Effect) -> worker::Result<()> {
        let app = &instance.ready.app.name;
        match effect {
            Effect::Commit(credential, slot) => return instance.commit(credential, &slot),
            Effect::CommitBook(book) => commit_book(&instance.settings, Some(app), &book),
            Effect::Life(credential, status) => {
                if let Err(error) = instance.history.counts().note_life(credential, &status) {
                    log::warn("history_not_written", json!({"app": app, "detail": error.to_string()}));
                }
            }
            Effect::Tell(deed) => instance.tell(&deed),
            Effect::Log(what) => announce(&instance.ready, &what),
            Effect::Reply(id, answer) => instance.reply(id, answer),
            Effect::SetAlarm(at_ms) => self.spawn(instance, Self::set_alarm, at_ms),
            Effect::Send(asked) => self.spawn(instance, Self::send, asked),
            Effect::Publish(credential, record) => {
                self.spawn(instance, Self::publish, (credential, record));
            }
            Effect::Note(note) => self.spawn(instance, Self::note, note),
            Effect::Deliver(notice) => self.spawn(instance, Self::deliver, notice),
        }
        Ok(())
    }

    /// Does something beside everything else, and feeds back what became of it.
    fn spawn<T: 'static>(
        self: &Rc<Self>,
        instance: &Rc<Instance>,
        work: impl AsyncFn(&Self, &Instance, T) -> Option<Input> + 'static,
        what: T,
    ) {
        let (object, instance) = (Rc::clone(self), Rc::clone(instance));
        self.state.wait_until(async move {
            if let Some(input) = work(&object, &instance, what).await {
                object.feed(&instance, input);
            }
        });
    }

    async fn set_alarm(&self, instance: &Instance, at_ms: u64) -> Option<Input> {
        let error = set_alarm_at(&self.state, at_ms).await.err()?;
        let app = &instance.ready.app.name;
        log::warn("alarm_not_set", json!({"app": app, "detail": error.to_string()}));
        Some(Input::AlarmNotSet)
    }

    async fn send(&self, instance: &Instance, asked: Asked) -> Option<Input> {
        let Asked { credential, call, host, request, .. } = asked;
        let hosts = &instance.ready.app.api_hosts;
        let answer = upstream::send(hosts.get(host)?, &request, &instance.centre.config).await;
        Some(Input::Answered { credential, call, answer })
    }

    async fn publish(
        &self,
        instance: &Instance,
        (credential, published): (Credential, Published),
    ) -> Option<Input> {
        let app = &instance.ready.app.name;
        Some(match store::save(&self.env, &instance.centre, app, credential, &published).await {
            Ok(None) => Input::Published(credential),
            Ok(Some(newer)) => Input::StoreAhead(credential, newer),
            Err(failure) => {
                let detail = failure.to_string();
                log::warn("publish_failed", json!({"app": app, "credential": credential, "detail": detail}));
                Input::PublishFailed(credential)
            }
        })
    }

    async fn note(&self, instance: &Instance, note: Note) -> Option<Input> {
        let (app, Note { wake_at, token, now }) = (instance.ready.app.name.clone(), note);
        let noted = client::ask_scheduler(&self.env, &SchedulerAsk::Note { app, wake_at, token, now }).await;
        if let Err(error) = &noted {
            let app = &instance.ready.app.name;
            log::warn("scheduler_unreachable", json!({"app": app, "detail": error.to_string()}));
        }
        Some(Input::Noted { arrived: noted.is_ok() })
    }

    async fn deliver(&self, instance: &Instance, notice: Notice) -> Option<Input> {
        let arrived = deliver(&instance.centre, Some(&instance.ready.app.name), &notice).await;
        Some(Input::Delivered { id: notice.id, arrived })
    }
}
