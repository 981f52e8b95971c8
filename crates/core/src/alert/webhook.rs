//! Where alerts go, and in which form.
//!
//! Forms and signatures follow the receivers' own documentation: 企业微信 群机器人配置说明, 飞书 自定义机器人使用指南,
//! 钉钉 自定义机器人安全设置, Slack Incoming Webhooks. All but Slack answer a refused message with status 200.

use super::book::Notice;
use super::message::{Generic, summary};
use crate::app::AppName;
use crate::digest::hex;
use crate::encoding::to_json;
use crate::language::Language;
use crate::secret::Secret;
use crate::time::UnixTime;
use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::Sha256;

/// 企业微信 takes a markdown text of 4096 bytes; the others take more.
const LONGEST_TEXT: usize = 4000;

/// Who receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A program of one's own: JSON, signed with HMAC-SHA256.
    Generic,
    /// 企业微信群机器人.
    Wecom,
    /// 飞书自定义机器人.
    Feishu,
    /// 钉钉自定义机器人.
    Dingtalk,
    /// Slack.
    Slack,
}

impl Format {
    /// All of them, by the name in the configuration.
    pub const ALL: [(&'static str, Self); 5] = [
        ("generic", Self::Generic),
        ("wecom", Self::Wecom),
        ("feishu", Self::Feishu),
        ("dingtalk", Self::Dingtalk),
        ("slack", Self::Slack),
    ];

    /// The receiver that such an address belongs to.
    pub fn of_url(url: &str) -> Self {
        let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        match host {
            "qyapi.weixin.qq.com" => Self::Wecom,
            "open.feishu.cn" | "open.larksuite.com" => Self::Feishu,
            "oapi.dingtalk.com" => Self::Dingtalk,
            "hooks.slack.com" => Self::Slack,
            _ => Self::Generic,
        }
    }

    /// The language of its readers, unless they choose another.
    pub const fn language(self) -> Language {
        match self {
            Self::Generic | Self::Slack => Language::En,
            Self::Wecom | Self::Feishu | Self::Dingtalk => Language::Zh,
        }
    }

    /// Whether its answer has a code of its own; of all others the status says everything.
    pub const fn answers_with_code(self) -> bool {
        matches!(self, Self::Wecom | Self::Dingtalk | Self::Feishu)
    }

    /// The code of an answer: 0 for a message that was taken.
    pub fn code(self, body: &[u8]) -> Option<i64> {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = |name: &str| answer.get(name).and_then(Value::as_i64);
        match self {
            Self::Generic | Self::Slack => None,
            Self::Wecom | Self::Dingtalk => code("errcode"),
            Self::Feishu => code("code").or_else(|| code("StatusCode")),
        }
    }

    /// Whether the answer of a receiver says that it has taken the message.
    pub fn has_taken(self, status: u16, body: &[u8]) -> bool {
        (200..300).contains(&status) && (!self.answers_with_code() || self.code(body) == Some(0))
    }
}

/// A receiver of alerts.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its address. For most receivers it holds the key to their group: never to be shown.
    pub url: Secret,
    /// The form that it wants.
    pub format: Format,
    /// What the messages are signed with, for receivers that check it.
    pub secret: Option<Secret>,
    /// The language of its readers.
    pub language: Language,
}

/// A message, ready to be sent by POST as JSON.
#[derive(Debug)]
pub struct Envelope {
    /// Where to.
    pub url: Secret,
    /// Headers beside `Content-Type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Webhook {
    /// The message about an app, or about the centre as a whole.
    pub fn envelope(&self, app: Option<&AppName>, notice: &Notice, now: UnixTime) -> Envelope {
        let mut text = summary(app, notice, self.language);
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        let mut url = self.url.expose().to_owned();
        let mut headers = Vec::new();
        let body = match self.format {
            Format::Generic => {
                let body = to_json(&Generic::of(app, notice, &text)).unwrap_or_default();
                if let Some(secret) = &self.secret {
                    let signed = mac(secret.expose(), &format!("{}.{body}", now.as_secs()));
                    headers.push(("X-Zhongkong-Timestamp", now.as_secs().to_string()));
                    headers.push(("X-Zhongkong-Signature", format!("sha256={}", hex(&signed))));
                }
                body
            }
            Format::Wecom => json!({"msgtype": "markdown", "markdown": {"content": text}}).to_string(),
            Format::Feishu => {
                let content = FeishuText { text: &text };
                let mut body = FeishuMessage { msg_type: "text", content, timestamp: None, sign: None };
                if let Some(secret) = &self.secret {
                    let timestamp = now.as_secs().to_string();
                    let signed = mac(&format!("{timestamp}\n{}", secret.expose()), "");
                    body.sign = Some(Base64::encode_string(&signed));
                    body.timestamp = Some(timestamp);
                }
                to_json(&body).unwrap_or_default()
            }
            Format::Dingtalk => {
                if let Some(secret) = &self.secret {
                    let timestamp = now.as_secs() * 1000;
                    let signed = mac(secret.expose(), &format!("{timestamp}\n{}", secret.expose()));
                    let sign = Base64::encode_string(&signed);
                    let sign = utf8_percent_encode(&sign, NON_ALPHANUMERIC);
                    let joint = if url.contains('?') { '&' } else { '?' };
                    url.push_str(&format!("{joint}timestamp={timestamp}&sign={sign}"));
                }
                json!({"msgtype": "text", "text": {"content": text}}).to_string()
            }
            Format::Slack => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                json!({"text": text}).to_string()
            }
        };
        Envelope { url: Secret::new(url), headers, body }
    }
}

/// A message to 飞书; a receiver that checks signatures finds its own in it.
#[derive(Serialize)]
struct FeishuMessage<'a> {
    msg_type: &'static str,
    content: FeishuText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
}

#[derive(Serialize)]
struct FeishuText<'a> {
    text: &'a str,
}

/// HMAC-SHA256. Keys of every length are taken.
fn mac(key: &str, message: &str) -> [u8; 32] {
    <Hmac<Sha256>>::new_from_slice(key.as_bytes())
        .map(|mac| mac.chain_update(message.as_bytes()).finalize().into_bytes().into())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Incident;
    use super::super::book::Phase;
    use super::*;
    use crate::credential::Credential;
    use serde_json::json;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn notice() -> Notice {
        Notice {
            id: 7,
            incident: Incident::RefreshFailing,
            phase: Phase::Firing,
            credentials: vec![Credential::AccessToken],
            errcode: Some(40164),
            detail: "Add 203.0.113.7 <here> & there".to_owned(),
            dies_at: Some(NOW.plus(540)),
            since: NOW,
            at: NOW,
            untold: 0,
        }
    }

    fn sent(format: Format, url: &str) -> (Envelope, Value) {
        let secret = Some(Secret::new("SEC-of-the-receiver".to_owned()));
        let webhook =
            Webhook { url: Secret::new(url.to_owned()), format, secret, language: format.language() };
        let app = AppName::parse("shop").unwrap();
        let envelope = webhook.envelope(Some(&app), &notice(), NOW);
        let body = serde_json::from_str(&envelope.body).unwrap();
        (envelope, body)
    }

    #[test]
    fn generic_is_whole_and_signed_over_time_and_body() {
        let (envelope, body) = sent(Format::Generic, "https://ops.example.com/hook");
        assert_eq!(body["app"], "shop");
        assert_eq!((&body["incident"], &body["phase"]), (&json!("refresh_failing"), &json!("firing")));
        assert_eq!((&body["errcode"], &body["id"]), (&json!(40164), &json!(7)));
        let signed = mac("SEC-of-the-receiver", &format!("1800000000.{}", envelope.body));
        assert!(envelope.headers.contains(&("X-Zhongkong-Signature", format!("sha256={}", hex(&signed)))));
    }

    /// Computed with Python's hmac, as the receivers' documentation has it.
    #[test]
    fn receivers_find_their_own_signatures() {
        let (envelope, _) = sent(Format::Dingtalk, "https://oapi.dingtalk.com/robot/send?access_token=x");
        assert_eq!(
            envelope.url.expose(),
            "https://oapi.dingtalk.com/robot/send?access_token=x&timestamp=1800000000000&sign=EozIT5VI%2FWxR%2BdiSHpZCaoE5pqX1daA1wyby%2BeE1lpg%3D"
        );
        let (_, body) = sent(Format::Feishu, "https://open.feishu.cn/open-apis/bot/v2/hook/x");
        assert_eq!(
            (&body["timestamp"], &body["sign"]),
            (&json!("1800000000"), &json!("WAwRsLq4HoWgoNWIukcZrabZQza/PainjIrFtP5sJbM="))
        );
    }

    #[test]
    fn each_receiver_gets_its_form() {
        let text = |format, path: &str| {
            let (_, body) = sent(format, "https://example.com/");
            body.pointer(path).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
        };
        assert!(text(Format::Wecom, "/markdown/content").contains("shop"));
        assert!(text(Format::Feishu, "/content/text").contains("40164"));
        assert!(text(Format::Dingtalk, "/text/content").contains("shop"));
        assert!(text(Format::Slack, "/text").contains("&lt;here&gt; &amp; there"));
    }

    #[test]
    fn a_refusal_with_status_200_is_one() {
        let wecom = |body: &[u8]| Format::Wecom.has_taken(200, body);
        assert!(wecom(br#"{"errcode":0,"errmsg":"ok"}"#) && !wecom(br#"{"errcode":93000}"#) && !wecom(b""));
        let feishu = |body: &[u8]| Format::Feishu.has_taken(200, body);
        assert!(feishu(br#"{"code":0}"#) && feishu(br#"{"StatusCode":0}"#) && !feishu(br#"{"code":19021}"#));
        assert!(Format::Slack.has_taken(200, b"ok") && !Format::Slack.has_taken(302, b""));
    }

    #[test]
    fn an_address_tells_its_receiver() {
        for (url, format) in [
            ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1", Format::Wecom),
            ("https://open.feishu.cn/open-apis/bot/v2/hook/1", Format::Feishu),
            ("https://oapi.dingtalk.com/robot/send?access_token=1", Format::Dingtalk),
            ("https://hooks.slack.com/services/1", Format::Slack),
            ("https://ops.example.com/hooks.slack.com", Format::Generic),
        ] {
            assert_eq!(Format::of_url(url), format, "{url}");
        }
    }
}
