//! WeChat's endpoints.

mod business;
mod gate;
mod media;
mod quota;
mod sns;
mod ticket;
mod token;

use crate::account::Account;
use crate::knobs::Millis;
use crate::random::Random;
use crate::request::Request;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

type Accounts = BTreeMap<String, Account>;

/// What a call comes to.
pub(crate) struct Done {
    pub(crate) appid: Option<String>,
    pub(crate) body: Result<Value, i64>,
    pub(crate) rotated: bool,
}

/// A refusal, and the account where one was found.
struct Refused(Option<String>, i64);

type Outcome = Result<Done, Refused>;

fn done(appid: String, body: Value) -> Done {
    Done { appid: Some(appid), body: Ok(body), rotated: false }
}

/// One call, with what it needs of the world.
struct Call<'a> {
    accounts: &'a mut Accounts,
    random: &'a mut Random,
    now: Millis,
    request: &'a Request<'a>,
    ip: IpAddr,
}

/// Answers one call. `ip` is the address that WeChat sees.
pub(crate) fn answer(
    accounts: &mut Accounts,
    random: &mut Random,
    now: Millis,
    request: &Request<'_>,
    ip: IpAddr,
) -> Done {
    let call = Call { accounts, random, now, request, ip };
    let outcome = match request.path {
        "/cgi-bin/token" => token::plain(call),
        "/cgi-bin/stable_token" => token::stable(call),
        "/cgi-bin/ticket/getticket" => ticket::get(call),
        "/cgi-bin/media/upload" => media::upload(call),
        "/cgi-bin/media/get" => media::download(call),
        "/sns/jscode2session" | "/sns/oauth2/access_token" => sns::session(call),
        "/cgi-bin/getcallbackip" | "/cgi-bin/get_api_domain_ip" => business::addresses(call),
        "/cgi-bin/openapi/quota/get" => quota::get(call),
        "/cgi-bin/clear_quota" => quota::clear(call),
        "/cgi-bin/clear_quota/v2" => quota::clear_by_secret(call),
        _ => business::any(call),
    };
    outcome.unwrap_or_else(|Refused(appid, errcode)| Done { appid, body: Err(errcode), rotated: false })
}
