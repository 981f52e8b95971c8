//! What a reply of WeChat means. Content decides, never the headers: JSON has been seen as
//! `text/plain`, with a byte order mark, and with unknown fields.

use super::errcode::{Class, Endpoint, classify};
use crate::credential::{Credential, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::net::IpAddr;

/// A credential as WeChat gave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The value, whole.
    pub value: Value,
    /// Seconds of life that the reply claims, cut to 7200: a longer claim has never been true.
    pub expires_in_s: u64,
}

/// WeChat understood the request and said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// WeChat's code.
    pub errcode: i64,
    /// The address WeChat saw us under, where the text says so (40164).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
}

/// Why a request for a credential brought none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// WeChat answered with an errcode. Nothing was rotated.
    Refused(Refusal),
    /// An answer came that is no reply of WeChat. A rotation may have happened behind it.
    Garbled,
    /// No answer came. A rotation may have happened all the same.
    Unreachable,
    /// There was no live access token to ask with (tickets). Nothing was sent.
    NoToken,
    /// The stable API gave out again a token that it calls dead.
    DeadAgain,
    /// The day's calls are used up by the centre's own count. Nothing was sent.
    LedgerFull,
}

impl Failure {
    /// Whether WeChat may have rotated the credential although we did not get it.
    pub const fn may_have_rotated(&self) -> bool {
        matches!(self, Self::Garbled | Self::Unreachable)
    }

    /// What it asks of us.
    pub fn class(&self, endpoint: Endpoint) -> Class {
        match self {
            Self::Refused(refusal) => classify(endpoint, refusal.errcode),
            Self::Garbled | Self::Unreachable | Self::NoToken | Self::DeadAgain => Class::Soon,
            Self::LedgerFull => Class::Day,
        }
    }

    /// WeChat's code, where it gave one.
    pub const fn errcode(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.errcode),
            Self::Garbled | Self::Unreachable | Self::NoToken | Self::DeadAgain | Self::LedgerFull => None,
        }
    }

    /// What tells one kind of bad news from another: WeChat's code, else a number of ours.
    pub const fn news(&self) -> i64 {
        match self {
            Self::Refused(refusal) => refusal.errcode,
            Self::Garbled | Self::Unreachable | Self::NoToken | Self::DeadAgain => 0,
            Self::LedgerFull => 1,
        }
    }
}

/// What a probe found out about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// WeChat took the token.
    Alive,
    /// WeChat refused the token as dead or replaced.
    Dead,
    /// WeChat answered something else.
    Unclear,
    /// No reply of WeChat came.
    Unanswered,
}

/// What the answer to a call means, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It brings a value.
    Issued(Issued),
    /// It brings none.
    Failed(Failure),
    /// It is the answer to a probe.
    Probed(Verdict),
}

impl Reading {
    /// Reads a body that answers a call for this credential, or (without `fetches`) a probe. `None` when it is no reply
    /// of WeChat, whatever it says: another host may do better.
    pub fn of(credential: Credential, fetches: bool, body: &[u8]) -> Option<Self> {
        let reply = object(body)?;
        if !fetches {
            return Some(Self::Probed(verdict(&reply)));
        }
        let field = match credential {
            Credential::AccessToken => "access_token",
            Credential::Ticket(_) => "ticket",
        };
        Some(value(&reply, field).map_or_else(Self::Failed, Self::Issued))
    }

    /// What it means when no host has given a reply of WeChat; the last one that said something did so with this
    /// status.
    pub const fn of_no_reply(fetches: bool, status: Option<u16>) -> Self {
        match (fetches, status) {
            (true, Some(_)) => Self::Failed(Failure::Garbled),
            (true, None) => Self::Failed(Failure::Unreachable),
            // A relay that lets only tokens and tickets through is there all the same.
            (false, Some(400..500)) => Self::Probed(Verdict::Unclear),
            (false, _) => Self::Probed(Verdict::Unanswered),
        }
    }
}

/// Longest life that a reply is believed to grant, in seconds.
pub const MAX_LIFE_S: u64 = 7200;

/// Reads the reply of a token endpoint. Success is the presence of `access_token`: there is no
/// errcode beside it.
///
/// # Errors
/// [`Failure`] when the reply brings no token.
pub fn token(body: &[u8]) -> Result<Issued, Failure> {
    issued(body, "access_token")
}

/// Reads the reply of `getticket`.
///
/// # Errors
/// [`Failure`] when the reply brings no ticket.
pub fn ticket(body: &[u8]) -> Result<Issued, Failure> {
    issued(body, "ticket")
}

/// Whether a body is a reply of WeChat at all, whatever it says. Another host may do better.
pub fn is_reply(body: &[u8]) -> bool {
    object(body).is_some()
}

/// Reads the reply of the probe.
pub fn probe(body: &[u8]) -> Verdict {
    object(body).map_or(Verdict::Unanswered, |reply| verdict(&reply))
}

fn verdict(reply: &Map<String, Json>) -> Verdict {
    match refusal(reply) {
        Some(refusal) if classify(Endpoint::WithToken, refusal.errcode) == Class::DeadToken => Verdict::Dead,
        None if reply.contains_key("ip_list") => Verdict::Alive,
        _ => Verdict::Unclear,
    }
}

fn issued(body: &[u8], field: &str) -> Result<Issued, Failure> {
    value(&object(body).ok_or(Failure::Garbled)?, field)
}

fn value(reply: &Map<String, Json>, field: &str) -> Result<Issued, Failure> {
    if let Some(refusal) = refusal(reply) {
        return Err(Failure::Refused(refusal));
    }
    let value = reply.get(field).and_then(Json::as_str).and_then(Value::parse).ok_or(Failure::Garbled)?;
    let life = reply.get("expires_in").and_then(seconds).filter(|&s| s > 0).ok_or(Failure::Garbled)?;
    Ok(Issued { value, expires_in_s: life.min(MAX_LIFE_S) })
}

fn object(body: &[u8]) -> Option<Map<String, Json>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).ok()
}

/// A whole number of seconds; a number in quotes counts as one.
fn seconds(json: &Json) -> Option<u64> {
    json.as_u64().or_else(|| json.as_str()?.parse().ok())
}

fn refusal(reply: &Map<String, Json>) -> Option<Refusal> {
    // WeChat's codes have six digits at most. What is no code is no reply either.
    let errcode = reply.get("errcode")?.as_i64().filter(|&code| code != 0 && i32::try_from(code).is_ok())?;
    let text = reply.get("errmsg").and_then(Json::as_str).unwrap_or_default();
    let ip = if errcode == 40164 { seen_ip(text) } else { None };
    Some(Refusal { errcode, ip })
}

/// The address in `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: …`, in each of
/// the forms seen since 2017.
fn seen_ip(errmsg: &str) -> Option<IpAddr> {
    let rest = errmsg.split_once("invalid ip ")?.1;
    let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':')).unwrap_or(rest.len());
    rest.get(..end)?.trim_end_matches(['.', ':']).parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        let good = Issued { value: Value::parse("85_abc").unwrap(), expires_in_s: 7200 };
        for body in [
            &b"{\"access_token\":\"85_abc\",\"expires_in\":7200}"[..],
            b"\xef\xbb\xbf{\"access_token\":\"85_abc\",\"expires_in\":7200}",
            b"{\"errcode\":0,\"errmsg\":\"ok\",\"access_token\":\"85_abc\",\"expires_in\":7200,\"new\":[1]}",
            b"{\"access_token\":\"85_abc\",\"expires_in\":\"7200\"}",
            b"{\"access_token\":\"85_abc\",\"expires_in\":86400}",
        ] {
            assert_eq!(token(body), Ok(good.clone()), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn what_is_no_reply_is_garbled() {
        for body in [
            "",
            "<html>502 Bad Gateway</html>",
            "{\"access_token\":\"85_abc\",\"expi",
            "[]",
            "null",
            "{}",
            "{\"access_token\":null,\"expires_in\":7200}",
            "{\"access_token\":\"\",\"expires_in\":7200}",
            "{\"access_token\":\"85_abc\"}",
            "{\"access_token\":\"85_abc\",\"expires_in\":0}",
            "{\"access_token\":\"85_abc\",\"expires_in\":-1}",
            "{\"access_token\":\"85_abc\",\"expires_in\":7200.5}",
            "{\"ticket\":\"abc\",\"expires_in\":7200}",
        ] {
            assert_eq!(token(body.as_bytes()), Err(Failure::Garbled), "{body}");
        }
    }

    #[test]
    fn the_ip_of_40164_is_found_in_all_its_forms() {
        for (text, ip) in [
            ("invalid ip 1.2.3.4, not in whitelist hint: [abc]", Some("1.2.3.4")),
            (
                "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 65112232-35da441e-28f02baf",
                Some("1.2.3.4"),
            ),
            ("invalid ip 2001:db8::7, not in whitelist, rid: 1-2-3", Some("2001:db8::7")),
            ("invalid ip ::ffff:9.8.7.6, not in whitelist", Some("9.8.7.6")),
            ("something else", None),
            ("invalid ip , not in whitelist", None),
        ] {
            let body = serde_json::json!({"errcode": 40164, "errmsg": text}).to_string();
            let ip = ip.map(|ip| ip.parse().unwrap());
            assert_eq!(
                token(body.as_bytes()),
                Err(Failure::Refused(Refusal { errcode: 40164, ip })),
                "{text}"
            );
        }
    }

    #[test]
    fn probes() {
        assert_eq!(probe(b"{\"ip_list\":[\"1.1.1.1\"]}"), Verdict::Alive);
        for code in [40001, 40014, 42001] {
            assert_eq!(probe(format!("{{\"errcode\":{code},\"errmsg\":\"x\"}}").as_bytes()), Verdict::Dead);
        }
        for body in ["{}", "{\"errcode\":-1}", "{\"errcode\":45009}", "{\"errcode\":40164}"] {
            assert_eq!(probe(body.as_bytes()), Verdict::Unclear, "{body}");
        }
        for body in ["", "<html>", "{\"ip_list\""] {
            assert_eq!(probe(body.as_bytes()), Verdict::Unanswered, "{body}");
        }
    }
}
