//! The bodies of answers that are given a thousand times a second: by the fast path and by the ordinary one.

use crate::app::App;
use crate::credential::Credential;
use crate::problem::{Code, Problem};
use crate::providers::wechat::reply::MAX_LIFE_S;
use crate::record::Record;
use crate::signature::{NotSigned, PageUrl, js_sdk};
use crate::time::UnixTime;
use serde::Serialize;

/// Which surface a credential is handed out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// The native API: `expires_at` and `version` as well.
    Native,
    /// The façade: WeChat's own fields.
    Facade,
}

/// A credential as it is handed out, its value under WeChat's own name.
#[derive(Serialize)]
struct Handed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errmsg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated: Option<bool>,
}

/// The body with which a credential is handed out. Its remainder of life is true for this second.
pub fn credential(surface: Surface, credential: Credential, record: &Record, now: UnixTime) -> String {
    text(&handed(surface, credential, record, now))
}

/// The answer to a report that a value is dead: the current one for a caller who may see it
/// ([`crate::access::Caller::may_see`]), its version for any other; and whether it was replaced just now.
pub fn reported(
    credential: Credential,
    record: &Record,
    now: UnixTime,
    rotated: bool,
    may_see: bool,
) -> String {
    let version = Some(record.version.number());
    let unseen = Handed {
        errcode: None,
        errmsg: None,
        access_token: None,
        ticket: None,
        expires_in: None,
        expires_at: None,
        version,
        rotated: None,
    };
    let shown = if may_see { handed(Surface::Native, credential, record, now) } else { unseen };
    text(&Handed { rotated: Some(rotated), ..shown })
}

fn handed(surface: Surface, credential: Credential, record: &Record, now: UnixTime) -> Handed<'_> {
    let (is_token, is_native) = (credential == Credential::AccessToken, surface == Surface::Native);
    let value = record.value.expose();
    // WeChat's tickets come with an errcode, its tokens without.
    let says_ok = !is_token && !is_native;
    Handed {
        errcode: says_ok.then_some(0),
        errmsg: says_ok.then_some("ok"),
        access_token: is_token.then_some(value),
        ticket: (!is_token).then_some(value),
        // Never more than a value lives, whatever a clock says.
        expires_in: Some(record.expires_in_s(now).min(MAX_LIFE_S)),
        expires_at: is_native.then(|| record.expires_at.as_secs()),
        version: is_native.then(|| record.version.number()),
        rotated: None,
    }
}

/// What a page hands to `wx.config`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    app_id: &'a str,
    timestamp: u64,
    nonce_str: &'a str,
    signature: &'a str,
}

/// The page with this URL, if it may be signed for the app.
///
/// # Errors
/// 400 for a text that is no page's URL, 403 for a page that may not be signed.
pub fn signable<'u>(app: &App, url: &'u str) -> Result<PageUrl<'u>, Problem> {
    let page =
        PageUrl::parse(url).map_err(|error| Problem::new(Code::InvalidRequest, format!("{error}.")))?;
    match page.check(&app.sign_hosts) {
        Ok(()) => Ok(page),
        Err(NotSigned::Host) => {
            let name = &app.name;
            let detail = format!(
                "Pages of this host may not be signed for app {name}: add it to APPS.{name}.sign_hosts."
            );
            Err(Problem::new(Code::UrlNotAllowed, detail))
        }
        Err(NotSigned::Ambiguous) => {
            let detail = "This URL holds &url= with the plain address of a page that may not be signed: the signature \
                          would be good for that page too. Encode the inner address with encodeURIComponent.";
            Err(Problem::new(Code::UrlNotAllowed, detail))
        }
    }
}

/// The body with which a page's signature is handed out.
pub fn signature(app: &App, ticket: &Record, page: &PageUrl<'_>, timestamp: u64, nonce: &str) -> String {
    let signature = js_sdk(&ticket.value, nonce, timestamp, page);
    text(&Signed { app_id: &app.appid, timestamp, nonce_str: nonce, signature: &signature })
}

fn text(body: &impl Serialize) -> String {
    // Texts, numbers and flags always have a form.
    serde_json::to_string(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;
    use crate::credential::{TicketType, Value, Version};

    fn record() -> Record {
        let at = UnixTime::from_secs;
        Record {
            version: Version::new(7),
            value: Value::parse("87_one\"-token").unwrap(),
            expires_at: at(1_800_007_200),
            refresh_at: at(1_800_005_400),
            trust_until: at(1_800_005_700),
            identity: shop().identity(),
        }
    }

    #[test]
    fn each_form_is_pinned() {
        let (now, token) = (UnixTime::from_secs(1_800_000_000), Credential::AccessToken);
        let jsapi = Credential::Ticket(TicketType::Jsapi);
        let native =
            r#"{"access_token":"87_one\"-token","expires_in":7200,"expires_at":1800007200,"version":7}"#;
        assert_eq!(credential(Surface::Native, token, &record(), now), native);
        let facade = r#"{"access_token":"87_one\"-token","expires_in":7200}"#;
        assert_eq!(credential(Surface::Facade, token, &record(), now), facade);
        let native = r#"{"ticket":"87_one\"-token","expires_in":7200,"expires_at":1800007200,"version":7}"#;
        assert_eq!(credential(Surface::Native, jsapi, &record(), now), native);
        let facade = r#"{"errcode":0,"errmsg":"ok","ticket":"87_one\"-token","expires_in":7200}"#;
        assert_eq!(credential(Surface::Facade, jsapi, &record(), now), facade);
        let seen = r#"{"ticket":"87_one\"-token","expires_in":7200,"expires_at":1800007200,"version":7,"rotated":true}"#;
        assert_eq!(reported(jsapi, &record(), now, true, true), seen);
        assert_eq!(reported(jsapi, &record(), now, false, false), r#"{"version":7,"rotated":false}"#);
        let app = crate::app::App {
            sign_hosts: vec![crate::signature::HostPattern::parse("a.b").unwrap()],
            ..shop()
        };
        let page = signable(&app, "https://a.b/").unwrap();
        let signed = signature(&app, &record(), &page, 1_800_000_000, "nonce");
        let (appid, wanted) = (&app.appid, js_sdk(&record().value, "nonce", 1_800_000_000, &page));
        assert_eq!(
            signed,
            format!(
                r#"{{"appId":"{appid}","timestamp":1800000000,"nonceStr":"nonce","signature":"{wanted}"}}"#
            )
        );
    }
}
