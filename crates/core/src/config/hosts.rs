//! `HOSTS`: the host names under which the centre answers. Without it, under every one that Cloudflare brings here; a
//! development server needs it, because a page that has its own name point to 127.0.0.1 could call it with a published key.

use super::Raw;
use super::fault::Fault;
use crate::http;
use crate::signature::HostPattern;

/// Under which host names there is an answer.
#[derive(Clone, Debug, Default)]
pub struct ServedHosts(Option<Vec<HostPattern>>);

impl ServedHosts {
    /// Whether a request with this URL is answered.
    pub fn serve(&self, url: &str) -> bool {
        let Some(hosts) = &self.0 else { return true };
        let host = http::host(url);
        hosts.iter().any(|pattern| pattern.covers(host))
    }
}

pub(super) fn read(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> ServedHosts {
    let Some(given) = (raw.secret)("HOSTS") else { return ServedHosts(None) };
    let names: Option<Vec<String>> = serde_json::from_str(given.expose()).ok();
    let hosts = names.and_then(|names| names.iter().map(|name| raw.host_pattern(name)).collect());
    if hosts.is_none() {
        let fix = "give a list of host names such as [\"token.example.com\", \"localhost\"], or leave it out for all";
        faults.push(Fault::centre("HOSTS", "is no list of host names", fix));
    }
    // With a fault everything is refused, and says so.
    ServedHosts(hosts)
}

#[cfg(test)]
mod tests {
    use crate::config::tests::setup;

    #[test]
    fn a_request_to_another_host_is_not_served() {
        let config = setup().secret("HOSTS", Some(r#"["localhost","*.example.com"]"#)).read();
        assert_eq!(config.faults, []);
        for url in [
            "http://localhost:8787/",
            "http://LOCALHOST/x?y",
            "https://a.example.com",
            "https://a.example.com#x",
        ] {
            assert!(config.hosts.serve(url), "{url}");
        }
        for url in [
            "http://evil.example.org:8787/v1/apps",
            "http://localhost.evil.org/",
            "http://evil.org/?@localhost/",
            "http://evil.org:80/http://localhost/",
            "http://[::1]:8787/",
            "http:///",
        ] {
            assert!(!config.hosts.serve(url), "{url}");
        }
        assert!(setup().read().hosts.serve("http://anything/"));
    }

    #[test]
    fn a_list_that_is_none_lets_nothing_work() {
        for wrong in ["", "localhost", "[1]", r#"["http://localhost"]"#, r#"["a b"]"#] {
            assert_eq!(setup().secret("HOSTS", Some(wrong)).read().fatal().count(), 1, "{wrong}");
        }
    }
}
