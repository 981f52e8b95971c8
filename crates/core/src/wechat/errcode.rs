//! What each errcode of the token and ticket endpoints asks of us.
//!
//! Judged by the number alone: WeChat has changed the texts many times. Sources are the official
//! tables of `api_getaccesstoken`, `api_getstableaccesstoken` and the common error codes.

use crate::credential::Credential;

/// What a refusal asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// WeChat is busy: ask again soon, then less and less often.
    Soon,
    /// The minute's quota is used up: ask again in a minute.
    Minute,
    /// The day's quota is used up: nothing before midnight in Beijing.
    Day,
    /// A person has to do something first: ask again slowly.
    Operator {
        /// The pause after the first refusal, in seconds; it doubles with each further one.
        first_s: u64,
        /// The longest pause between two attempts, in seconds.
        every_s: u64,
    },
    /// The request was wrong: a fault of ours, which asking again does not mend.
    OurFault,
    /// The access token that went along is dead (ticket requests only).
    DeadToken,
}

impl Class {
    /// A name for statistics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soon => "busy",
            Self::Minute => "minute_quota",
            Self::Day => "day_quota",
            Self::Operator { .. } => "operator",
            Self::OurFault => "our_fault",
            Self::DeadToken => "dead_token",
        }
    }

    /// Whether somebody has to do something, so that it is worth telling at once.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Operator { .. } | Self::OurFault | Self::Day)
    }
}

/// What the endpoint was asked for; 40001 means different things to the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/cgi-bin/token` or `/cgi-bin/stable_token`.
    Token,
    /// `/cgi-bin/ticket/getticket` and other calls that carry a token.
    WithToken,
}

impl Endpoint {
    /// The endpoint that gives out a credential.
    pub const fn of(credential: Credential) -> Self {
        match credential {
            Credential::AccessToken => Self::Token,
            Credential::Ticket(_) => Self::WithToken,
        }
    }
}

/// A person mends a setting within minutes, and wants to see that it helped.
const PERSON: Class = Class::Operator { first_s: 60, every_s: 600 };

/// The class of an errcode.
pub const fn classify(endpoint: Endpoint, errcode: i64) -> Class {
    match (endpoint, errcode) {
        (Endpoint::WithToken, 40001 | 40014 | 42001) => Class::DeadToken,
        (_, 45011) => Class::Minute,
        (_, 45009) => Class::Day,
        (_, 89506) => Class::Operator { first_s: 24 * 3600, every_s: 24 * 3600 },
        (_, 89507) => Class::Operator { first_s: 3600, every_s: 3600 },
        (
            _,
            40001
            | 40013
            | 40125
            | 40164
            | 40243
            | 48001
            | 48004
            | 50002
            | 50004
            | 50007
            | 61024
            | 89501..=89505,
        ) => PERSON,
        (_, 40002 | 40066 | 40097 | 41001 | 41002 | 41004 | 43002 | 43003 | 44002 | 47001) => Class::OurFault,
        // -1, -1000, and whatever WeChat may think of next.
        _ => Class::Soon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_official_tables_has_its_class() {
        use Class::{Day, DeadToken, Minute, Operator, OurFault, Soon};
        let person = Operator { first_s: 60, every_s: 600 };
        let rows = [
            (Endpoint::Token, &[-1, -1000, 99999][..], Soon),
            (Endpoint::Token, &[45011], Minute),
            (Endpoint::Token, &[45009], Day),
            (Endpoint::Token, &[40001, 40013, 40125, 40164, 40243, 50004, 50007, 61024, 89503], person),
            (Endpoint::Token, &[89506], Operator { first_s: 86_400, every_s: 86_400 }),
            (Endpoint::Token, &[89507], Operator { first_s: 3600, every_s: 3600 }),
            (Endpoint::Token, &[40002, 41002, 41004, 43002, 44002, 47001], OurFault),
            (Endpoint::WithToken, &[40001, 40014, 42001], DeadToken),
            (Endpoint::WithToken, &[40097, 41001], OurFault),
            (Endpoint::WithToken, &[48001, 40164], person),
        ];
        for (endpoint, codes, class) in rows {
            for &code in codes {
                assert_eq!(classify(endpoint, code), class, "{code}");
            }
        }
    }
}
