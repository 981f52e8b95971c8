//! How WeChat's credentials rotate.

use super::errcode::{Endpoint, classify};
use super::reply::MAX_LIFE_S;
use crate::app::{App, TokenApi};
use crate::credential::Credential;
use crate::engine::{Check, Class, Lead, LifeRule, Limits, OldValue, Repeat, RotationPolicy};

/// Quotas end at midnight in Beijing, which is UTC+8 all year round.
const BEIJING_S: u64 = 8 * 3600;

/// Forced refreshes of the stable API: 20 a day, 30 s apart (api_getstableaccesstoken), counted from the reply before
/// and with times rounded down. The probe has a quota of its own, of unknown size.
const LIMITS: Limits = Limits {
    refreshes: 10_000,
    probes: 400,
    forced: 20,
    forced_for_revoking: 4,
    forced_apart_s: 31,
    day_offset_s: BEIJING_S,
};

/// A token of the stable API: asking before the last 300 s returns the same one. A call at exactly 300 s would still get
/// the old one, because our clock runs ahead by the way of the request. WeChat allows 500,000 calls a day
/// (api_getstableaccesstoken); a centre that needs more than 10,000 is in a loop.
pub const STABLE: RotationPolicy = RotationPolicy {
    repeat: Repeat::Same { early_window_s: 300 },
    life: LifeRule::Stated,
    longest_s: MAX_LIFE_S,
    old: OldValue::Lives { for_s: 300 },
    check: Check::Probe,
    lead: Lead { ahead_s: 290, again_s: 15 },
    limits: LIMITS,
    class_of: of_token,
};

/// A ticket: the same value for 7200 s, with `expires_in` always 7200, whatever its age. Of 10,000 getticket calls a day
/// (JS-SDK, appendix 5) for three kinds of ticket.
pub const TICKET: RotationPolicy = RotationPolicy {
    repeat: Repeat::Same { early_window_s: 0 },
    life: LifeRule::Observed { life_s: 7200 },
    longest_s: MAX_LIFE_S,
    old: OldValue::LivesOn,
    check: Check::AskAgain { apart_s: 60 },
    lead: Lead { ahead_s: 30, again_s: 30 },
    limits: Limits { refreshes: 3_000, ..LIMITS },
    class_of: with_token,
};

/// A token of the plain API: every call makes a new one; the old one lives 300 s more at most, and no longer when the new
/// one is replaced as well (access_token 使用说明). Replaced `ahead_s` before its end, within the account's calls of a day.
pub const fn plain(ahead_s: u64, daily_limit: u32) -> RotationPolicy {
    RotationPolicy {
        repeat: Repeat::New,
        life: LifeRule::Stated,
        longest_s: MAX_LIFE_S,
        old: OldValue::Lives { for_s: 300 },
        check: Check::Probe,
        lead: Lead { ahead_s, again_s: 600 },
        limits: Limits { refreshes: daily_limit, ..LIMITS },
        class_of: of_token,
    }
}

/// The policy of a credential of an app.
pub const fn of(app: &App, credential: Credential) -> RotationPolicy {
    match (credential, app.token_api) {
        (Credential::Ticket(_), _) => TICKET,
        (Credential::AccessToken, TokenApi::Stable) => STABLE,
        (Credential::AccessToken, TokenApi::Plain { lead_s, daily_limit }) => plain(lead_s, daily_limit),
    }
}

const fn of_token(errcode: i64) -> Class {
    classify(Endpoint::Token, errcode)
}

const fn with_token(errcode: i64) -> Class {
    classify(Endpoint::WithToken, errcode)
}
