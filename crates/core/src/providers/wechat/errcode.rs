//! What each errcode of the token and ticket endpoints asks of us.
//!
//! Judged by the number alone: WeChat has changed the texts many times. Sources are the official
//! tables of `api_getaccesstoken`, `api_getstableaccesstoken` and the common error codes.

use crate::credential::Credential;
use crate::engine::Class;

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
