//! What each errcode of the token and ticket endpoints asks of us.
//!
//! Judged by the number alone: WeChat has changed the texts many times. Sources are the official
//! tables of `api_getaccesstoken`, `api_getstableaccesstoken` and the common error codes.

use crate::credential::Credential;
use std::net::IpAddr;

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

/// What happened and what to do next, for the person who reads the status or the alert.
pub fn advice(endpoint: Endpoint, errcode: i64, ip: Option<IpAddr>) -> String {
    match errcode {
        40164 => {
            let ip = ip
                .map_or_else(|| "our outgoing IP (WeChat did not say which)".to_owned(), |ip| ip.to_string());
            format!(
                "WeChat does not allow calls from {ip}. Add {ip} to the IP whitelist of the account \
                 (mp.weixin.qq.com, 设置与开发 → 基本配置 → IP白名单), or send the calls through a relay with a fixed IP. \
                 Changes take a few minutes."
            )
        }
        code => fixed_advice(endpoint, code).to_owned(),
    }
}

const fn fixed_advice(endpoint: Endpoint, errcode: i64) -> &'static str {
    match (endpoint, errcode) {
        (Endpoint::Token, 40001) | (_, 40125) => {
            "WeChat does not know this AppSecret. Copy it again, or reset it in the account's console, and store it \
             with `wrangler secret put`."
        }
        (_, 40013) => {
            "WeChat does not know this appid. Compare it, case included, with the account's console."
        }
        (_, 40243) => {
            "The AppSecret is frozen. Unfreeze it in the account's console; that takes effect after ten minutes."
        }
        (_, 50004) => "WeChat has forbidden this account the token interface. Ask WeChat's support.",
        (_, 50002 | 50007) => "The account is frozen or restricted. See the notices in its console.",
        (_, 61024) => {
            "This appid belongs to a third-party platform, which has its own tokens and cannot be used here."
        }
        (_, 89501..=89505) => {
            "WeChat asks the account's administrator to confirm our IP. Answer the message in WeChat, or add the IP to \
             the whitelist."
        }
        (_, 89506) => {
            "The administrator has refused our IP repeatedly; WeChat blocks it for 24 hours. Add the IP to the whitelist."
        }
        (_, 89507) => {
            "The administrator has refused our IP; WeChat blocks it for an hour. Add the IP to the whitelist."
        }
        (_, 45009) => {
            "The day's quota of this account is used up; it starts anew at midnight in Beijing. Look for somebody else \
             who asks for tokens of this account, or clear the quota in the console."
        }
        (_, 45011) => "The minute's quota is used up; the next attempt follows in a minute.",
        (_, 48001) => {
            "The account has no permission for this call. A mini program, for instance, has no jsapi ticket."
        }
        (_, 48004) => "WeChat has forbidden this account the interface. See the notices in its console.",
        (Endpoint::WithToken, 40001 | 40014 | 42001) => {
            "WeChat says that the access token is dead; it is being checked."
        }
        (_, 40002 | 40066 | 40097 | 41001 | 41002 | 41004 | 43002 | 43003 | 44002 | 47001) => {
            "WeChat did not understand our request. This is a fault of zhongkong; please report it."
        }
        _ => "WeChat is busy or unwell; the next attempt follows by itself.",
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

    #[test]
    fn the_whitelist_advice_names_the_ip() {
        let advice = advice(Endpoint::Token, 40164, Some("203.0.113.7".parse().unwrap()));
        assert!(advice.contains("Add 203.0.113.7 to the IP whitelist"), "{advice}");
    }
}
