//! Tokens that die before their time without our doing: somebody else rotates this appid.
//!
//! A caller reports the token, WeChat confirms that it is dead, and no call of ours can have done it.
//! That is told once a day at most, because the cure (find the other one) takes people their time.

use super::schedule::Rules;
use super::slot::Slot;
use super::{Alert, Turn};
use crate::language::Language;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// After so long without one more, the next is a new incident.
const INCIDENT_S: u64 = 24 * 3600;

/// A token that is dead so shortly before its end has died of age.
const OF_AGE_S: u64 = 60;

/// Tokens that somebody else has killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outsider {
    /// The first of this incident.
    pub first_at: UnixTime,
    /// The newest.
    pub last_at: UnixTime,
    /// How many.
    pub count: u32,
}

impl Outsider {
    /// What it means and what to do, for people.
    pub const fn advice(rules: Rules, language: Language) -> &'static str {
        let (en, zh) = match rules {
            Rules::Plain { .. } => (
                "A token died before its time, and not by a call of ours: somebody else asks for tokens of this appid with \
                 its AppSecret (an old server, a second centre, a plugin, a developer's machine). Find it and point it here; \
                 until then the two kill each other's tokens and spend the day's quota. token_api = \"stable\" is out of its \
                 reach; resetting the AppSecret locks it out.",
                "有一个 token 提前失效，而且不是我们的调用造成的：还有别的系统在用这个 appid 的 AppSecret 获取 token（旧服务器、另一个中控、\
                 插件、开发者的电脑）。请找到它并改为从这里获取；在此之前双方会互相使对方的 token 失效，并耗尽当天额度。改用 token_api = \
                 \"stable\" 可不受其影响；重置 AppSecret 可将其拒之门外。",
            ),
            Rules::Stable | Rules::Ticket => (
                "A token died before its time, and not by a call of ours: somebody else forces refreshes of this appid's \
                 stable token (force_refresh), its AppSecret was reset, or WeChat ended it. Find who else has the AppSecret; \
                 resetting it locks them out.",
                "有一个 token 提前失效，而且不是我们的调用造成的：有人对这个 appid 的稳定版 token 强制刷新（force_refresh）、AppSecret \
                 被重置，或微信主动使其失效。请查找还有谁持有 AppSecret；重置它可将其拒之门外。",
            ),
        };
        language.choose(en, zh)
    }
}

impl Slot {
    /// The incident, while it may still be going on.
    pub(super) fn outsider_at(&self, now: UnixTime) -> Option<Outsider> {
        self.outsider.filter(|outsider| outsider.last_at.until(now) < INCIDENT_S)
    }

    /// Whether a call of ours may have rotated the token behind our back, or will have.
    fn may_have_rotated_it(&self) -> bool {
        let lost = self.trouble.as_ref().is_some_and(|trouble| trouble.failure.may_have_rotated());
        lost || self.rotation_lost || self.force_lost || self.revoking().is_some()
    }
}

impl Turn {
    /// WeChat has called the held token dead.
    pub(super) fn found_dead(&mut self) {
        let now = self.moment.now;
        if self.slot.left_s(now) <= OF_AGE_S || self.slot.may_have_rotated_it() {
            return;
        }
        let outsider = match self.slot.outsider_at(now) {
            Some(before) => Outsider { last_at: now, count: before.count + 1, ..before },
            None => {
                self.effects.alerts.push(Alert::KilledOutside);
                Outsider { first_at: now, last_at: now, count: 1 }
            }
        };
        self.slot.outsider = Some(outsider);
    }
}
