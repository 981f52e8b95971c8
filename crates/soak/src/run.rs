//! One run: what happens is taken from the queue, one after the other, until the days are over or a
//! promise is broken.

mod effects;
mod events;
mod upstream;

use crate::centre::{Centre, Next, Step};
use crate::check::{self, Violation};
use crate::scenario::Scenario;
use crate::tally::Tally;
use zhongkong_core::credential::Credential;
use zhongkong_core::keeper::Input;

/// Runs a scenario to its end.
///
/// # Errors
/// The first broken promise.
pub fn run(scenario: Scenario) -> Result<Tally, Violation> {
    let mut centre = Centre::new(scenario);
    while let Some(next) = centre.pop() {
        centre.happen(next)?;
    }
    let cost = check::cost(&centre);
    cost.map_err(|what| centre.violated(what))?;
    let tally = &mut centre.tally;
    tally.runs = 1;
    tally.app_days = centre.scenario.days * centre.keepers.len() as u64;
    if centre.scenario.is_quiet() {
        tally.quiet_app_days = tally.app_days;
        tally.quiet_calls = tally.all_calls();
        tally.quiet_writes = tally.writes;
    }
    Ok(centre.tally)
}

/// Makes a failing scenario smaller, as long as it breaks a promise of the same number.
pub fn shrink(scenario: Scenario, violation: &Violation, tries: usize) -> (Scenario, Violation) {
    let kind = |violation: &Violation| violation.what.split(':').next().unwrap_or_default().to_owned();
    let (mut scenario, mut violation, mut left) = (scenario, violation.clone(), tries);
    'again: loop {
        for smaller in scenario.smaller() {
            if left == 0 {
                break 'again;
            }
            left -= 1;
            if let Err(found) = run(smaller.clone())
                && kind(&found) == kind(&violation)
            {
                (scenario, violation) = (smaller, found);
                continue 'again;
            }
        }
        break;
    }
    (scenario, violation)
}

impl Centre {
    fn happen(&mut self, next: Next) -> Step {
        match next {
            Next::Read(reader) => self.read(reader),
            Next::Report(reader, key, value) => self.report(reader, key, value),
            Next::Refused(reader, key, value) => self.refused(reader, key, value),
            Next::Answered(app, instance, credential, call, body) => {
                if credential != Credential::AccessToken
                    && body.as_ref().is_some_and(|(_, body)| upstream::calls_token_dead(body))
                {
                    self.truth.worded_at.insert((app, Credential::AccessToken), self.now);
                }
                let answer = upstream::answered(body);
                self.feed_instance(app, instance, Input::Answered { credential, call, answer })
            }
            Next::Written(app, instance, credential, ok) => {
                if self.keepers[app].instance == instance {
                    self.keepers[app].writes.remove(&credential);
                }
                let input = if ok { Input::Published(credential) } else { Input::PublishFailed(credential) };
                self.feed_instance(app, instance, input)
            }
            Next::Noted(app, instance, wake_at) => self.noted(app, instance, wake_at),
            Next::Delivered(app, instance, id, arrived) => {
                self.feed_instance(app, instance, Input::Delivered { id, arrived })
            }
            Next::Timer(app, instance, at) => self.timer(app, instance, at),
            Next::Alarm(app, at) => self.alarm(app, at),
            Next::Cron => self.cron(),
            Next::Disturb(index) => self.disturb(index),
            Next::Calm(index) => {
                self.calm(index);
                Ok(())
            }
        }
    }
}
