//! The requests that the Keeper sends to WeChat, as data.

use crate::app::{App, TokenApi};
use crate::credential::{TicketType, Value};
use crate::providers::ApiRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// Asks for the app's access token. `force` has a meaning for the stable API only: the current token is replaced (20 a
/// day and 30 s apart at most, says its page).
pub fn token(app: &App, force: bool) -> ApiRequest {
    match app.token_api {
        TokenApi::Stable => ApiRequest {
            path_and_query: "/cgi-bin/stable_token".to_owned(),
            body: Some(StableToken::of(app, force).to_json()),
        },
        TokenApi::Plain { .. } => ApiRequest {
            path_and_query: format!(
                "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
                in_query(&app.appid),
                in_query(app.secret.expose())
            ),
            body: None,
        },
    }
}

/// Asks for a ticket, with a live access token.
pub fn ticket(ticket: TicketType, token: &Value) -> ApiRequest {
    let (token, kind) = (in_query(token.expose()), ticket.wechat_type());
    get(format!("/cgi-bin/ticket/getticket?access_token={token}&type={kind}"))
}

/// Asks whether a token lives: `getcallbackip` does nothing and refuses a dead token.
pub fn probe(token: &Value) -> ApiRequest {
    get(format!("/cgi-bin/getcallbackip?access_token={}", in_query(token.expose())))
}

const fn get(path_and_query: String) -> ApiRequest {
    ApiRequest { path_and_query, body: None }
}

/// The body of `POST /cgi-bin/stable_token`.
#[derive(Serialize)]
struct StableToken<'a> {
    grant_type: &'static str,
    appid: &'a str,
    secret: &'a str,
    force_refresh: bool,
}

impl<'a> StableToken<'a> {
    fn of(app: &'a App, force_refresh: bool) -> Self {
        Self {
            grant_type: "client_credential",
            appid: &app.appid,
            secret: app.secret.expose(),
            force_refresh,
        }
    }

    fn to_json(&self) -> String {
        // Texts and a flag always have a form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// All but the unreserved characters (RFC 3986, 2.3). Those stay: relays and logs compare texts.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as it stands in the query of what we send to WeChat.
pub fn in_query(text: &str) -> impl core::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;

    #[test]
    fn the_stable_api_keeps_the_secret_out_of_the_url() {
        let request = token(&shop(), false);
        assert_eq!(request.path_and_query, "/cgi-bin/stable_token");
        let body: serde_json::Value = serde_json::from_str(&request.body.unwrap()).unwrap();
        assert_eq!(body["secret"], "0123456789abcdef0123456789abcdef");
        assert_eq!(body["force_refresh"], false);
    }

    #[test]
    fn the_plain_api_is_a_get() {
        let app = App { token_api: TokenApi::Plain { lead_s: 1800, daily_limit: 2000 }, ..shop() };
        let request = token(&app, false);
        assert!(request.body.is_none());
        assert_eq!(
            request.path_and_query,
            "/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=0123456789abcdef0123456789abcdef"
        );
    }

    #[test]
    fn the_sdk_ticket_is_the_digit_two_and_a_token_stands_as_it_is() {
        let value = Value::parse("85_a-b_c").unwrap();
        assert_eq!(
            ticket(TicketType::Sdk, &value).path_and_query,
            "/cgi-bin/ticket/getticket?access_token=85_a-b_c&type=2"
        );
    }
}
