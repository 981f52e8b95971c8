//! What a reply of WeChat means. Content decides, never the headers: JSON has been seen as
//! `text/plain`, with a byte order mark, and with unknown fields.

use super::errcode::{Endpoint, classify};
use crate::credential::{Credential, Value};
use crate::engine::{Call, Class, Failure, Issued, Refusal, Verdict};
use crate::providers::Reading;
use serde_json::{Map, Value as Json};
use std::net::IpAddr;

/// Reads a body that answers a call. `None` when it is no reply of WeChat, whatever it says.
pub(super) fn read(credential: Credential, call: Call, body: &[u8]) -> Option<Reading> {
    let reply = object(body)?;
    if !call.fetches() {
        return Some(Reading::Probed(verdict(&reply)));
    }
    let field = match credential {
        Credential::AccessToken => "access_token",
        Credential::Ticket(_) => "ticket",
    };
    Some(value(&reply, field).map_or_else(Reading::Failed, Reading::Issued))
}

/// Longest life that a reply is believed to grant, in seconds: a longer claim has never been true.
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
        Some(refusal) if classify(Endpoint::WithToken, refusal.code) == Class::DeadToken => Verdict::Dead,
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
    Ok(Issued::alone(value, life.min(MAX_LIFE_S)))
}

fn object(body: &[u8]) -> Option<Map<String, Json>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // A text in GBK is JSON all the same: what is read here is ASCII.
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
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
    Some(Refusal { code: errcode, ip })
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
        let good = Issued::alone(Value::parse("85_abc").unwrap(), 7200);
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
    fn a_dead_token_is_known_in_gbk_too() {
        assert_eq!(probe(b"{\"errcode\":40001,\"errmsg\":\"\xce\xde\xd0\xa7\"}"), Verdict::Dead);
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
            assert_eq!(token(body.as_bytes()), Err(Failure::Refused(Refusal { code: 40164, ip })), "{text}");
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
