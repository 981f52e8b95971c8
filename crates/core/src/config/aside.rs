//! What stands beside the work itself: where alerts go, how much is logged, what the history holds. Its faults stop nothing.

use super::Raw;
use super::address::{ONLY_NAMES, is_out_of_reach};
use super::fault::{Fault, Place};
use crate::alert::{Format, Webhook};
use crate::language::Language;
use crate::secret::Secret;

/// The shortest secret that a program may check our signature with, in characters.
const MIN_SECRET_CHARS: usize = 16;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What a person should do something about.
    Error,
    /// And what heals by itself, unless it goes on.
    Warn,
    /// And what happens.
    #[default]
    Info,
}

impl LogLevel {
    const ALL: [(&'static str, Self); 3] =
        [("error", Self::Error), ("warn", Self::Warn), ("info", Self::Info)];

    /// The name, in the configuration and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

/// What the history holds of callers who may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryOf {
    /// Everything that is handed out.
    #[default]
    All,
    /// What changes something, and nothing of reads, signatures and passed calls: those are most of what a busy centre costs.
    Changes,
}

pub(super) fn history(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> HistoryOf {
    let words = [("all", HistoryOf::All), ("changes", HistoryOf::Changes)];
    choice(raw, faults, "HISTORY", &words, "use \"all\" or \"changes\", or leave it out for \"all\"")
        .unwrap_or_default()
}

pub(super) fn log_level(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> LogLevel {
    choice(
        raw,
        faults,
        "LOG_LEVEL",
        &LogLevel::ALL,
        "use \"error\", \"warn\" or \"info\", or leave it out for \"info\"",
    )
    .unwrap_or_default()
}

/// Who is told of incidents; `None` where nobody is to be, or a setting is wrong.
pub(super) fn webhook(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> Option<Webhook> {
    let url = (raw.secret)("ALERT_WEBHOOK");
    let secret = (raw.secret)("ALERT_SECRET");
    let before = faults.len();
    let format = choice(
        raw,
        faults,
        "ALERT_FORMAT",
        &Format::ALL,
        "use \"generic\", \"wecom\", \"feishu\", \"dingtalk\" or \"slack\", or leave it out: the address tells",
    );
    let languages = [("zh", Language::Zh), ("en", Language::En)];
    let language = choice(raw, faults, "ALERT_LANGUAGE", &languages, "use \"zh\" or \"en\", or leave it out");
    let Some(url) = url else {
        for (name, given) in [("ALERT_SECRET", secret.is_some()), ("ALERT_FORMAT", format.is_some())] {
            if given {
                faults.push(aside(
                    "ALERT_WEBHOOK",
                    &format!("is missing, though {name} is there"),
                    PUT_WEBHOOK,
                ));
            }
        }
        return None;
    };
    if !is_url(url.expose()) {
        faults.push(aside("ALERT_WEBHOOK", "is no address that begins with https://", PUT_WEBHOOK));
        return None;
    }
    if is_out_of_reach(url.expose()) {
        faults.push(aside("ALERT_WEBHOOK", "holds an IP address", ONLY_NAMES));
        return None;
    }
    let format = format.unwrap_or_else(|| Format::of_url(url.expose()));
    let long_enough = |secret: &Secret| secret.expose().len() >= MIN_SECRET_CHARS;
    if format == Format::Generic && !secret.as_ref().is_some_and(long_enough) {
        let problem =
            "is missing, or shorter than 16 characters: the receiver could not tell our alerts from others";
        faults.push(aside(
            "ALERT_SECRET",
            problem,
            "make one with `openssl rand -hex 32` and store it with `wrangler secret put`",
        ));
    }
    if faults.len() > before {
        return None;
    }
    Some(Webhook { language: language.unwrap_or_else(|| format.language()), url, format, secret })
}

const PUT_WEBHOOK: &str = "store the whole address of the receiver with `wrangler secret put ALERT_WEBHOOK`";

fn aside(setting: &str, problem: &str, fix: &str) -> Fault {
    Fault::new(Place::Aside, setting, problem, fix)
}

fn choice<T: Copy>(
    raw: &Raw<'_>,
    faults: &mut Vec<Fault>,
    name: &str,
    words: &[(&str, T)],
    fix: &str,
) -> Option<T> {
    let text = (raw.secret)(name)?;
    let found = words.iter().find(|(word, _)| *word == text.expose()).map(|(_, value)| *value);
    if found.is_none() {
        faults.push(aside(name, "is not one of the known words", fix));
    }
    found
}

/// `https://`, or `http://` on this machine; nothing that a URL parser would read in another way than a person.
fn is_url(url: &str) -> bool {
    let here = ["http://127.0.0.1", "http://localhost"];
    let on_this_machine = here.iter().any(|start| {
        url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    let rest = url.strip_prefix("https://").or(url.strip_prefix("http://").filter(|_| on_this_machine));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let sound = !host.is_empty() && host.bytes().all(plain) && port.bytes().all(|b| b.is_ascii_digit());
    sound && url.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECRET, setup};
    use super::*;

    #[test]
    fn what_the_operator_reads() {
        let rows = [
            (
                setup().secret("ALERT_WEBHOOK", Some("http://ops.example.com/hook")),
                "ALERT_WEBHOOK is no address that begins with https://: store the whole address of the receiver with `wrangler secret put ALERT_WEBHOOK`.",
            ),
            (
                setup().secret("ALERT_WEBHOOK", Some("https://ops.example.com@evil.example/hook")),
                "ALERT_WEBHOOK is no address that begins with https://: store the whole address of the receiver with `wrangler secret put ALERT_WEBHOOK`.",
            ),
            (
                setup().secret("ALERT_WEBHOOK", Some("https://ops.example.com:abc/hook")),
                "ALERT_WEBHOOK is no address that begins with https://: store the whole address of the receiver with `wrangler secret put ALERT_WEBHOOK`.",
            ),
            (
                setup().secret("ALERT_WEBHOOK", Some("https://ops.example.com/hook")),
                "ALERT_SECRET is missing, or shorter than 16 characters: the receiver could not tell our alerts from others: make one with `openssl rand -hex 32` and store it with `wrangler secret put`.",
            ),
            (
                setup().secret("ALERT_SECRET", Some(SECRET)),
                "ALERT_WEBHOOK is missing, though ALERT_SECRET is there: store the whole address of the receiver with `wrangler secret put ALERT_WEBHOOK`.",
            ),
            (
                setup().secret("ALERT_FORMAT", Some("teams")),
                "ALERT_FORMAT is not one of the known words: use \"generic\", \"wecom\", \"feishu\", \"dingtalk\" or \"slack\", or leave it out: the address tells.",
            ),
            (
                setup().secret("ALERT_LANGUAGE", Some("de")),
                "ALERT_LANGUAGE is not one of the known words: use \"zh\" or \"en\", or leave it out.",
            ),
            (
                setup().secret("HISTORY", Some("none")),
                "HISTORY is not one of the known words: use \"all\" or \"changes\", or leave it out for \"all\".",
            ),
            (
                setup().secret("LOG_LEVEL", Some("debug")),
                "LOG_LEVEL is not one of the known words: use \"error\", \"warn\" or \"info\", or leave it out for \"info\".",
            ),
        ];
        for (setup, expected) in rows {
            let told: Vec<String> = setup.read().faults.iter().map(ToString::to_string).collect();
            assert_eq!(told, [expected]);
        }
    }

    #[test]
    fn faults_of_alerts_and_of_the_log_stop_nothing_else() {
        let config =
            setup().secret("LOG_LEVEL", Some("loud")).secret("ALERT_WEBHOOK", Some("nowhere")).read();
        assert_eq!((config.faults.len(), config.fatal().count()), (2, 0));
        assert!(config.webhook.is_none() && config.log_level == LogLevel::Info);
        assert_eq!(config.ready_apps().count(), 2);
    }

    #[test]
    fn an_address_that_tells_its_receiver_is_enough() {
        let url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=canary";
        let config = setup().secret("ALERT_WEBHOOK", Some(url)).secret("LOG_LEVEL", Some("error")).read();
        assert_eq!((config.faults.as_slice(), config.log_level), (&[][..], LogLevel::Error));
        let webhook = config.webhook.unwrap();
        assert_eq!((webhook.format, webhook.language), (Format::Wecom, Language::Zh));
        assert!(!format!("{webhook:?}").contains("canary"));
        let generic = setup()
            .secret("ALERT_WEBHOOK", Some("http://127.0.0.1:9000/hook"))
            .secret("ALERT_SECRET", Some(SECRET))
            .secret("ALERT_LANGUAGE", Some("zh"))
            .read();
        assert_eq!(generic.webhook.map(|webhook| webhook.language), Some(Language::Zh));
    }
}
