//! Where a page comes from.

/// Where a page comes from, as browsers write it in `Origin`: `https://shop.example.com`, with a port
/// where it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin; plain http is for this machine only. `None` for anything else: a path, a
    /// wildcard, capitals.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, this_machine) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(host), _) => (host, false),
            (_, Some(host)) => (host, true),
            _ => return None,
        };
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        let sound_name = !name.is_empty() && name.bytes().all(plain) && !name.starts_with('.');
        let usual = if this_machine { "80" } else { "443" };
        let sound_port =
            port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n.to_string() == port) && port != usual);
        let here = matches!(name, "localhost" | "127.0.0.1");
        (sound_name && sound_port && (!this_machine || here)).then(|| Self(text.to_owned()))
    }

    /// As browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for sound in [
            "https://shop.example.com",
            "https://shop.example.com:8443",
            "http://localhost:8787",
            "http://127.0.0.1:3000",
        ] {
            assert_eq!(Origin::parse(sound).unwrap().as_str(), sound);
        }
        for wrong in [
            "",
            "*",
            "https://",
            "https://*.example.com",
            "https://Shop.example.com",
            "https://shop.example.com/",
            "shop.example.com",
            "https://shop.example.com:443",
            "https://shop.example.com:0443",
            "http://shop.example.com",
            "null",
            "https://a b",
            "https://a@b",
        ] {
            assert_eq!(Origin::parse(wrong), None, "{wrong}");
        }
    }
}
