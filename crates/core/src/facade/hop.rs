//! Headers that concern one connection only (RFC 9110, 7.6.1).

/// The headers, in small letters, that `Connection` names, each of which stays on this side. `all` has the names in small
/// letters, as the platform gives them.
pub fn named_by_connection(all: &[(String, String)]) -> Vec<String> {
    let connection = all.iter().filter(|(name, _)| name == "connection");
    let names = connection.flat_map(|(_, value)| value.split(','));
    names.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_is_told() {
        let all = [("connection", "close, X-Hop ,"), ("x-hop", "1"), ("connection", "Upgrade")];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(named_by_connection(&all), ["close", "x-hop", "upgrade"]);
        assert!(named_by_connection(&[]).is_empty());
    }
}
