//! Paths of the native API.
//!
//! Segments are taken as they stand: nothing is decoded and no case is folded, so `%2f`, `..` or `V1` is
//! simply no path of ours.

use crate::access::Scope;
use crate::credential::{Credential, TicketType};
use crate::facade::has_double_slash;
use crate::history::Action;

/// What can be asked for. The text is an app's name as the path has it, not yet known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/healthz`.
    Health,
    /// `/jssdk.js`.
    Script,
    /// `/openapi.json`.
    OpenApi,
    /// `/metrics`.
    Metrics,
    /// `/v1/alerts/test`.
    TestAlert,
    /// `/v1/apps`.
    Apps,
    /// `/v1/apps/{app}`.
    App(&'a str),
    /// `/v1/apps/{app}/access_token`, `/v1/apps/{app}/tickets/{type}`.
    Read(&'a str, Credential),
    /// The same and `/refresh`.
    Refresh(&'a str, Credential),
    /// `/v1/apps/{app}/access_token/revoke`.
    Revoke(&'a str),
    /// `/v1/apps/{app}/reseal`.
    Reseal(&'a str),
    /// `/v1/apps/{app}/check`.
    Check(&'a str),
    /// `/v1/apps/{app}/events`.
    Events(&'a str),
    /// `/v1/apps/{app}/trends`.
    Trends(&'a str),
    /// `/v1/apps/{app}/api/{path}`: a call of WeChat's `/{path}`, with the token added here.
    Api(&'a str, &'a str),
    /// `/v1/apps/{app}/signature`.
    Signature(&'a str),
    /// `/v1/apps/{app}/signature/explain`.
    Explain(&'a str),
    /// `/v1/apps/{app}/card_signature`.
    CardSignature(&'a str),
}

impl<'a> Route<'a> {
    /// Reads a path; `None` for one that is not ours.
    pub fn parse(path: &'a str) -> Option<Self> {
        if path.ends_with('/') || has_double_slash(path) {
            return None;
        }
        if let Some((app, rest)) = path.strip_prefix("/v1/apps/").and_then(|rest| rest.split_once('/'))
            && let Some(path) = rest.strip_prefix("api/")
        {
            // What is asked of WeChat is looked at there.
            return Some(Self::Api(app, path));
        }
        let mut segments = path.strip_prefix('/')?.split('/');
        let mut next = || segments.next().unwrap_or_default();
        // The longest path has six segments, and an absent one reads like an empty one: neither is ours.
        let first = [next(), next(), next(), next(), next(), next()];
        if segments.next().is_some() {
            return None;
        }
        let ticket = |name| TicketType::parse(name).map(Credential::Ticket);
        let token = Credential::AccessToken;
        Some(match first {
            ["healthz", "", "", "", "", ""] => Self::Health,
            ["jssdk.js", "", "", "", "", ""] => Self::Script,
            ["openapi.json", "", "", "", "", ""] => Self::OpenApi,
            ["metrics", "", "", "", "", ""] => Self::Metrics,
            ["v1", "alerts", "test", "", "", ""] => Self::TestAlert,
            ["v1", "apps", "", "", "", ""] => Self::Apps,
            ["v1", "apps", app, "", "", ""] => Self::App(app),
            ["v1", "apps", app, "access_token", "", ""] => Self::Read(app, token),
            ["v1", "apps", app, "access_token", "refresh", ""] => Self::Refresh(app, token),
            ["v1", "apps", app, "access_token", "revoke", ""] => Self::Revoke(app),
            ["v1", "apps", app, "reseal", "", ""] => Self::Reseal(app),
            ["v1", "apps", app, "check", "", ""] => Self::Check(app),
            ["v1", "apps", app, "events", "", ""] => Self::Events(app),
            ["v1", "apps", app, "trends", "", ""] => Self::Trends(app),
            ["v1", "apps", app, "signature", "", ""] => Self::Signature(app),
            ["v1", "apps", app, "signature", "explain", ""] => Self::Explain(app),
            ["v1", "apps", app, "card_signature", "", ""] => Self::CardSignature(app),
            ["v1", "apps", app, "tickets", name, ""] => Self::Read(app, ticket(name)?),
            ["v1", "apps", app, "tickets", name, "refresh"] => Self::Refresh(app, ticket(name)?),
            _ => return None,
        })
    }

    /// The methods that it knows, as `Allow` lists them.
    pub const fn methods(&self) -> &'static str {
        match self {
            Self::Health
            | Self::Script
            | Self::OpenApi
            | Self::Apps
            | Self::App(_)
            | Self::Events(_)
            | Self::Trends(_)
            | Self::Metrics
            | Self::Read(..) => "GET, HEAD",
            Self::TestAlert
            | Self::Refresh(..)
            | Self::Revoke(_)
            | Self::Reseal(_)
            | Self::Check(_)
            | Self::Explain(_)
            | Self::CardSignature(_) => "POST",
            Self::Signature(_) => "GET, HEAD, POST",
            // Of what WeChat does with HEAD nothing is known.
            Self::Api(..) => "GET, POST",
        }
    }

    /// Whether it does something to the centre as a whole, which is not for a caller of some apps.
    pub const fn concerns_every_app(&self) -> bool {
        matches!(self, Self::TestAlert)
    }

    /// Whether it knows this method.
    pub fn knows(&self, method: &str) -> bool {
        self.methods().split(", ").any(|known| known == method)
    }

    /// Whether it reads the query; everywhere else a parameter is a slip.
    pub const fn takes_parameters(&self) -> bool {
        matches!(
            self,
            Self::Apps
                | Self::Metrics
                | Self::Events(_)
                | Self::Read(_, Credential::AccessToken)
                | Self::Signature(_)
                | Self::Api(..)
        )
    }

    /// Whether pages may ask for it, with a key that stands in them. Not cards: those have no page that bounds them.
    pub const fn is_for_pages(&self) -> bool {
        matches!(self, Self::Signature(_))
    }

    /// The app that it names, as the path has it.
    pub const fn app(&self) -> Option<&'a str> {
        match self {
            Self::Health | Self::Script | Self::OpenApi | Self::Metrics | Self::TestAlert | Self::Apps => {
                None
            }
            Self::App(app)
            | Self::Read(app, _)
            | Self::Refresh(app, _)
            | Self::Revoke(app)
            | Self::Reseal(app)
            | Self::Check(app)
            | Self::Events(app)
            | Self::Trends(app)
            | Self::Api(app, _)
            | Self::Signature(app)
            | Self::Explain(app)
            | Self::CardSignature(app) => Some(*app),
        }
    }

    /// What a caller needs for it.
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Health
            | Self::Script
            | Self::OpenApi
            | Self::Metrics
            | Self::Apps
            | Self::App(_)
            | Self::Trends(_) => Scope::Status,
            Self::Read(_, Credential::AccessToken) => Scope::Token,
            Self::Read(_, Credential::Ticket(_)) => Scope::Ticket,
            Self::Refresh(..) => Scope::Refresh,
            Self::Signature(_) | Self::CardSignature(_) => Scope::Sign,
            Self::Api(..) => Scope::Proxy,
            Self::TestAlert
            | Self::Revoke(_)
            | Self::Reseal(_)
            | Self::Check(_)
            | Self::Events(_)
            | Self::Explain(_) => Scope::Admin,
        }
    }

    /// What the history calls it, and with which credential.
    pub const fn action(&self) -> (Action, Option<Credential>) {
        match self {
            Self::Health
            | Self::Script
            | Self::OpenApi
            | Self::Metrics
            | Self::Apps
            | Self::App(_)
            | Self::Trends(_) => (Action::Status, None),
            Self::Check(_) | Self::TestAlert => (Action::Check, None),
            Self::Read(_, credential) => (Action::Read, Some(*credential)),
            Self::Refresh(_, credential) => (Action::Report, Some(*credential)),
            Self::Revoke(_) => (Action::Revoke, Some(Credential::AccessToken)),
            Self::Reseal(_) => (Action::Reseal, None),
            Self::Events(_) => (Action::Events, None),
            Self::Api(..) => (Action::Pass, None),
            Self::Explain(_) => (Action::Explain, None),
            Self::Signature(_) => (Action::Sign, Some(Credential::Ticket(TicketType::Jsapi))),
            Self::CardSignature(_) => (Action::CardSign, Some(Credential::Ticket(TicketType::WxCard))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSAPI: Credential = Credential::Ticket(TicketType::Jsapi);

    #[test]
    fn the_paths_of_the_api() {
        for (path, route, methods) in [
            ("/healthz", Route::Health, "GET, HEAD"),
            ("/jssdk.js", Route::Script, "GET, HEAD"),
            ("/openapi.json", Route::OpenApi, "GET, HEAD"),
            ("/metrics", Route::Metrics, "GET, HEAD"),
            ("/v1/alerts/test", Route::TestAlert, "POST"),
            ("/v1/apps", Route::Apps, "GET, HEAD"),
            ("/v1/apps/shop", Route::App("shop"), "GET, HEAD"),
            ("/v1/apps/shop/access_token", Route::Read("shop", Credential::AccessToken), "GET, HEAD"),
            ("/v1/apps/shop/access_token/refresh", Route::Refresh("shop", Credential::AccessToken), "POST"),
            ("/v1/apps/shop/access_token/revoke", Route::Revoke("shop"), "POST"),
            ("/v1/apps/shop/tickets/jsapi", Route::Read("shop", JSAPI), "GET, HEAD"),
            ("/v1/apps/shop/tickets/jsapi/refresh", Route::Refresh("shop", JSAPI), "POST"),
            ("/v1/apps/shop/reseal", Route::Reseal("shop"), "POST"),
            ("/v1/apps/shop/check", Route::Check("shop"), "POST"),
            ("/v1/apps/shop/events", Route::Events("shop"), "GET, HEAD"),
            ("/v1/apps/shop/trends", Route::Trends("shop"), "GET, HEAD"),
            ("/v1/apps/shop/signature/explain", Route::Explain("shop"), "POST"),
            ("/v1/apps/shop/signature", Route::Signature("shop"), "GET, HEAD, POST"),
            ("/v1/apps/shop/api/cgi-bin/menu/get", Route::Api("shop", "cgi-bin/menu/get"), "GET, POST"),
            ("/v1/apps/shop/card_signature", Route::CardSignature("shop"), "POST"),
        ] {
            assert_eq!(Route::parse(path), Some(route), "{path}");
            assert_eq!(route.methods(), methods);
            assert!(methods.split(", ").all(|method| route.knows(method)) && !route.knows("DELETE"));
            assert_eq!(route.app(), path.contains("/shop").then_some("shop"));
        }
    }

    #[test]
    fn everything_else_is_none_of_ours() {
        for path in [
            "",
            "/",
            "healthz",
            "/healthz/",
            "/v1",
            "/v1/",
            "/v1/apps/",
            "/v1/apps//",
            "/v1/apps//access_token",
            "//v1/apps",
            "/v1//apps",
            "/V1/apps",
            "/v1/Apps",
            "/v1/apps/shop/",
            "/v1/apps/shop/tickets",
            "/v1/apps/shop/tickets/",
            "/v1/apps/shop/tickets/2",
            "/v1/apps/shop/tickets/JSAPI",
            "/v1/apps/shop/access_token/",
            "/v1/apps/shop/access_token/refresh/x",
            "/v1/apps/shop/tickets/jsapi/refresh/x",
            "/v1/apps/shop/%61ccess_token",
            "/v1/apps/shop/api",
            "/v1/apps/shop/api/",
            "/v1/apps/shop/api/cgi-bin//menu/get",
            "/v1/apps/shop/api/cgi-bin/menu/get/",
            "/v1/apps/shop/x/api/cgi-bin/menu/get",
            "/../v1/apps",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
