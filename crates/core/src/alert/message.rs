//! The words of an alert.

use super::Incident;
use super::book::{Notice, Phase};
use crate::app::AppName;
use crate::credential::Credential;
use crate::language::Language;
use crate::time::UnixTime;
use serde::Serialize;

/// A few lines: what, since when, what to do, and what is at stake.
pub(super) fn summary(app: Option<&AppName>, notice: &Notice, language: Language) -> String {
    let whom = app.map_or_else(|| language.choose("the centre", "中控").to_owned(), ToString::to_string);
    let what = language.choose(en(notice.incident), zh(notice.incident));
    let state = match notice.phase {
        Phase::Firing if notice.incident == Incident::Test => "🔔",
        Phase::Firing => "🔴",
        Phase::Resolved => language.choose("✅ over:", "✅ 已恢复："),
    };
    let mut lines = vec![format!("{state} [zhongkong] {whom}: {what}")];
    if !notice.credentials.is_empty() {
        let names: Vec<&str> = notice.credentials.iter().map(|credential| credential.name()).collect();
        lines.push(format!("{}: {}", language.choose("Credentials", "凭证"), names.join(", ")));
    }
    if let Some(errcode) = notice.errcode {
        lines.push(format!("errcode: {errcode}"));
    }
    if !notice.detail.is_empty() {
        lines.push(notice.detail.clone());
    }
    if let Some(dies_at) = notice.dies_at {
        let left = minutes(notice.at.until(dies_at), language);
        lines.push(match language {
            Language::En => format!("What is held now goes on working for {left}."),
            Language::Zh => format!("现有凭证还能使用 {left}。"),
        });
    }
    if notice.phase == Phase::Resolved {
        let lasted = minutes(notice.since.until(notice.at), language);
        lines.push(match language {
            Language::En => format!("It lasted {lasted}."),
            Language::Zh => format!("持续了 {lasted}。"),
        });
    }
    if notice.untold > 0 {
        lines.push(match language {
            Language::En => format!("{} more came and went without a message.", notice.untold),
            Language::Zh => format!("另有 {} 次未单独通知。", notice.untold),
        });
    }
    lines.join("\n")
}

/// The same for programs.
#[derive(Serialize)]
pub(super) struct Generic<'a> {
    id: u64,
    app: Option<&'a AppName>,
    incident: Incident,
    phase: Phase,
    credentials: &'a [Credential],
    errcode: Option<i64>,
    detail: &'a str,
    expires_at: Option<UnixTime>,
    since: UnixTime,
    at: UnixTime,
    untold: u32,
    text: &'a str,
}

impl<'a> Generic<'a> {
    pub(super) fn of(app: Option<&'a AppName>, notice: &'a Notice, text: &'a str) -> Self {
        Self {
            id: notice.id,
            app,
            incident: notice.incident,
            phase: notice.phase,
            credentials: &notice.credentials,
            errcode: notice.errcode,
            detail: &notice.detail,
            expires_at: notice.dies_at,
            since: notice.since,
            at: notice.at,
            untold: notice.untold,
            text,
        }
    }
}

const fn en(incident: Incident) -> &'static str {
    match incident {
        Incident::RefreshFailing => "credentials cannot be refreshed",
        Incident::KilledOutside => "somebody else kills its tokens",
        Incident::QuotaLow => "the day's quota is running out",
        Incident::Misconfigured => "settings are missing or wrong",
        Incident::Test => "a test message; nothing is wrong",
    }
}

const fn zh(incident: Incident) -> &'static str {
    match incident {
        Incident::RefreshFailing => "凭证刷新失败",
        Incident::KilledOutside => "有其他系统在使它的 token 失效",
        Incident::QuotaLow => "当天调用额度即将用完",
        Incident::Misconfigured => "配置缺失或有误",
        Incident::Test => "测试消息，一切正常",
    }
}

fn minutes(seconds: u64, language: Language) -> String {
    match (seconds / 60, language) {
        (0, Language::En) => format!("{seconds} s"),
        (0, Language::Zh) => format!("{seconds} 秒"),
        (1, Language::En) => "1 minute".to_owned(),
        (minutes, Language::En) if minutes < 120 => format!("{minutes} minutes"),
        (minutes, Language::En) => format!("{} hours", minutes / 60),
        (minutes, Language::Zh) if minutes < 120 => format!("{minutes} 分钟"),
        (minutes, Language::Zh) => format!("{} 小时", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixTime;

    #[test]
    fn an_alert_says_what_to_do_and_a_recovery_how_long_it_was() {
        let at = UnixTime::from_secs(1_800_000_000);
        let mut notice = Notice {
            id: 1,
            incident: Incident::RefreshFailing,
            phase: Phase::Firing,
            credentials: vec![Credential::AccessToken],
            errcode: Some(40164),
            detail: "请把 203.0.113.7 加入白名单".to_owned(),
            dies_at: Some(at.plus(540)),
            since: at,
            at,
            untold: 0,
        };
        let app = AppName::parse("shop").unwrap();
        let text = summary(Some(&app), &notice, Language::Zh);
        assert_eq!(
            text,
            "🔴 [zhongkong] shop: 凭证刷新失败\n凭证: access_token\nerrcode: 40164\n请把 203.0.113.7 加入白名单\n\
             现有凭证还能使用 9 分钟。"
        );
        (notice.phase, notice.at, notice.untold) = (Phase::Resolved, at.plus(1200), 2);
        (notice.credentials, notice.errcode, notice.detail, notice.dies_at) =
            (vec![], None, String::new(), None);
        let text = summary(None, &notice, Language::En);
        assert_eq!(
            text,
            "✅ over: [zhongkong] the centre: credentials cannot be refreshed\nIt lasted 20 minutes.\n\
             2 more came and went without a message."
        );
    }
}
