//! What happened and what to do next, in words for the person who reads the status or the alert.

use super::errcode::Endpoint;
use crate::app::{App, TokenApi};
use crate::credential::Credential;
use crate::engine::Failure;
use crate::language::Language;
use std::net::IpAddr;

/// Tokens die before their time, and not by a call of ours.
pub(super) const fn killed_outside(app: &App, credential: Credential, language: Language) -> &'static str {
    let (en, zh) = match (credential, app.token_api) {
        (Credential::AccessToken, TokenApi::Plain { .. }) => (
            "A token died before its time, and not by a call of ours: somebody else asks for tokens of this appid with \
             its AppSecret (an old server, a second centre, a plugin, a developer's machine). Find it and point it here; \
             until then the two kill each other's tokens and spend the day's quota. token_api = \"stable\" is out of its \
             reach; resetting the AppSecret locks it out.",
            "有一个 token 提前失效，而且不是我们的调用造成的：还有别的系统在用这个 appid 的 AppSecret 获取 token（旧服务器、另一个中控、\
             插件、开发者的电脑）。请找到它并改为从这里获取；在此之前双方会互相使对方的 token 失效，并耗尽当天额度。改用 token_api = \
             \"stable\" 可不受其影响；重置 AppSecret 可将其拒之门外。",
        ),
        _ => (
            "A token died before its time, and not by a call of ours: somebody else forces refreshes of this appid's \
             stable token (force_refresh), its AppSecret was reset, or WeChat ended it. Find who else has the AppSecret; \
             resetting it locks them out.",
            "有一个 token 提前失效，而且不是我们的调用造成的：有人对这个 appid 的稳定版 token 强制刷新（force_refresh）、AppSecret \
             被重置，或微信主动使其失效。请查找还有谁持有 AppSecret；重置它可将其拒之门外。",
        ),
    };
    language.choose(en, zh)
}

/// A caller has asked for the token to be killed.
pub(super) const fn revoking(language: Language) -> &'static str {
    language.choose(
        "A caller has asked for the access token to be killed: two forced refreshes, 30 s apart. \
                          Callers that hold the old one get 40001 and should ask for the new one. If the AppSecret \
                          may have leaked too, reset it.",
        "有调用方要求使该 access_token 失效：间隔 30 秒强制刷新两次。仍持有旧 token 的调用方会收到 40001，应重新获取。若 AppSecret \
         也可能已泄露，请重置。",
    )
}

/// What happened and what to do next.
pub(super) fn of(endpoint: Endpoint, failure: &Failure, language: Language) -> String {
    let (en, zh) = match failure {
        Failure::Refused(refusal) if refusal.code == 40164 => return whitelist(refusal.ip, language),
        Failure::Refused(refusal) => of_errcode(endpoint, refusal.code),
        Failure::Garbled => (
            "WeChat, or something in between, answered with what is no reply of WeChat; the next attempt follows by itself.",
            "收到的回复不是微信的回复（可能来自中间的代理）；稍后会自动重试。",
        ),
        Failure::Unwell => (
            "WeChat, or something in between, answered with a server error (HTTP 5xx); the next attempt follows by itself.",
            "微信（或中间的代理）返回了服务器错误（HTTP 5xx）；稍后会自动重试。",
        ),
        Failure::Unreachable => (
            "WeChat did not answer in time; the next attempt follows by itself. If it lasts, check api_hosts.",
            "微信没有及时回复；稍后会自动重试。若持续出现，请检查 api_hosts。",
        ),
        Failure::NoToken => (
            "There is no live access token to ask for the ticket with; see the access token.",
            "没有可用的 access_token，无法获取 ticket；请查看 access_token 的状态。",
        ),
        Failure::DeadAgain => (
            "WeChat keeps giving out a token that it calls dead; a forced refresh follows as soon as WeChat's limits \
                 allow it (30 s apart, 20 a day).",
            "微信反复下发它自己判定失效的 access_token；在微信的限额允许时（间隔 30 秒，每天 20 次）会强制刷新。",
        ),
        Failure::LedgerFull => (
            "This account's calls for today are used up by our own count, so WeChat is asked once an hour only until \
                 midnight in Beijing. Look for somebody else who refreshes this appid, and for a loop in a caller. With \
                 token_api = \"plain\" and a larger quota, set the app's daily_limit.",
            "按中控自己的计数，该账号今天的调用次数已用完，北京时间零点前每小时只请求一次。请查找是否有其他系统在刷新同一个 \
                 appid，或调用方是否陷入循环。若 token_api = \"plain\" 且账号额度更大，请设置该 app 的 daily_limit。",
        ),
    };
    language.choose(en, zh).to_owned()
}

fn whitelist(ip: Option<IpAddr>, language: Language) -> String {
    let unknown = language
        .choose("our outgoing IP (WeChat did not say which)", "本服务的出口 IP（微信没有说明是哪个）");
    let ip = ip.map_or_else(|| unknown.to_owned(), |ip| ip.to_string());
    match language {
        Language::En => format!(
            "WeChat does not allow calls from {ip}. Add {ip} to the IP whitelist of the account \
             (mp.weixin.qq.com, 设置与开发 → 基本配置 → IP白名单; of a 小程序: 开发管理 → 开发设置), or send the calls through a relay with a fixed IP. \
             Changes take a few minutes."
        ),
        Language::Zh => format!(
            "微信不允许来自 {ip} 的调用。请把 {ip} 加入该账号的 IP 白名单（mp.weixin.qq.com，设置与开发 → 基本配置 → \
             IP白名单；小程序：开发管理 → 开发设置），或通过固定 IP 的中转转发。修改几分钟后生效。"
        ),
    }
}

/// In both languages.
const fn of_errcode(endpoint: Endpoint, errcode: i64) -> (&'static str, &'static str) {
    match (endpoint, errcode) {
        (Endpoint::Token, 40001) | (_, 40125) => (
            "WeChat does not know this AppSecret. Copy it again, or reset it in the account's console, and store it \
             with `wrangler secret put`.",
            "微信不认识这个 AppSecret。请重新复制，或在账号后台重置，然后用 `wrangler secret put` 保存。",
        ),
        (_, 40013) => (
            "WeChat does not know this appid. Compare it, case included, with the account's console.",
            "微信不认识这个 appid。请与账号后台核对（区分大小写）。",
        ),
        (_, 40243) => (
            "The AppSecret is frozen. Unfreeze it in the account's console; that takes effect after ten minutes.",
            "AppSecret 已被冻结。请在账号后台解冻，十分钟后生效。",
        ),
        (_, 50004) => (
            "WeChat has forbidden this account the token interface. Ask WeChat's support.",
            "微信禁止该账号使用 token 接口。请联系微信客服。",
        ),
        (_, 50002 | 50007) => (
            "The account is frozen or restricted. See the notices in its console.",
            "该账号被冻结或受限。请查看账号后台的通知。",
        ),
        (_, 61024) => (
            "This appid belongs to a third-party platform, which has its own tokens and cannot be used here.",
            "这个 appid 属于第三方平台，它有自己的 token，不能在这里使用。",
        ),
        (_, 89501..=89505) => (
            "WeChat asks the account's administrator to confirm our IP. Answer the message in WeChat, or add the IP to \
             the whitelist.",
            "微信要求账号管理员确认我们的 IP。请在微信里确认，或把该 IP 加入白名单。",
        ),
        (_, 89506) => (
            "The administrator has refused our IP repeatedly; WeChat blocks it for 24 hours. Add the IP to the whitelist.",
            "管理员多次拒绝了我们的 IP，微信会屏蔽它 24 小时。请把该 IP 加入白名单。",
        ),
        (_, 89507) => (
            "The administrator has refused our IP; WeChat blocks it for an hour. Add the IP to the whitelist.",
            "管理员拒绝了我们的 IP，微信会屏蔽它 1 小时。请把该 IP 加入白名单。",
        ),
        (_, 45009) => (
            "The day's quota of this account is used up; it starts anew at midnight in Beijing. Look for somebody else \
             who asks for tokens of this account, or clear the quota in the console.",
            "该账号今天的调用额度已用完，北京时间零点重置。请查找是否有其他系统在获取该账号的 token，或在后台清零额度。",
        ),
        (_, 45011) => (
            "The minute's quota is used up; the next attempt follows in a minute.",
            "每分钟的调用额度已用完；一分钟后自动重试。",
        ),
        (_, 48001) => (
            "The account has no permission for this call. A mini program, for instance, has no jsapi ticket.",
            "该账号没有这个接口的权限。例如小程序没有 jsapi_ticket。",
        ),
        (_, 48004) => (
            "WeChat has forbidden this account the interface. See the notices in its console.",
            "微信封禁了该账号的这个接口。请查看账号后台的通知。",
        ),
        (Endpoint::WithToken, 40001 | 40014 | 42001) => (
            "WeChat says that the access token is dead; it is being checked.",
            "微信说 access_token 已失效；正在核实。",
        ),
        (_, 40002 | 40066 | 40097 | 41001 | 41002 | 41004 | 43002 | 43003 | 44002 | 47001) => (
            "WeChat did not understand our request. This is a fault of zhongkong; please report it.",
            "微信不理解我们的请求。这是 zhongkong 的缺陷，请报告给我们。",
        ),
        _ => (
            "WeChat is busy or unwell; the next attempt follows by itself.",
            "微信繁忙或暂时异常；稍后会自动重试。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Refusal;

    #[test]
    fn the_whitelist_advice_names_the_ip_in_both_languages() {
        let refusal = Refusal { code: 40164, ip: Some("203.0.113.7".parse().unwrap()) };
        let advice = |language| of(Endpoint::Token, &Failure::Refused(refusal.clone()), language);
        assert!(advice(Language::En).contains("Add 203.0.113.7 to the IP whitelist"));
        assert!(advice(Language::Zh).contains("请把 203.0.113.7 加入该账号的 IP 白名单"));
    }

    #[test]
    fn every_advice_is_said_in_both_languages() {
        let codes =
            [-1, 40001, 40013, 40097, 40125, 40164, 40243, 45009, 45011, 48001, 48004, 50002, 50004, 61024];
        let refused =
            codes.into_iter().chain(89501..=89507).map(|code| Failure::Refused(Refusal { code, ip: None }));
        let others = [
            Failure::Garbled,
            Failure::Unwell,
            Failure::Unreachable,
            Failure::NoToken,
            Failure::DeadAgain,
            Failure::LedgerFull,
        ];
        for failure in refused.chain(others) {
            for endpoint in [Endpoint::Token, Endpoint::WithToken] {
                assert!(of(endpoint, &failure, Language::En).contains(' '));
                assert!(!of(endpoint, &failure, Language::Zh).is_ascii(), "{failure:?}");
            }
        }
    }
}
