//! Virtual tokens: what a caller who may call WeChat through us, but not hold a token, gets in its place.
//!
//! One looks like a token of WeChat's, and is valid here only. Nothing is stored: it names app and
//! caller, and an HMAC over both and the caller's key proves that it was given out here. It is the same
//! until the key changes, never dies of a rotation, and is dead the moment the key is gone.

use crate::access::{Caller, Callers, KeyDigest};
use crate::app::AppName;
use crate::seal::Sealer;
use base64ct::{Base64UrlUnpadded, Encoding as _};

/// WeChat's own tokens begin with a number that was 8 in 2018 and 85 in 2024; it is never 0.
const PREFIX: &str = "0_";

/// Bytes of the HMAC.
const MAC_BYTES: usize = 32;

/// The virtual token of `caller` for `app`, bound to the key that it has shown.
pub fn issue(sealer: &Sealer, app: &AppName, caller: &Caller, key: &KeyDigest) -> String {
    let mut bytes = format!("{app}\0{}\0", caller.name).into_bytes();
    bytes.extend_from_slice(&sealer.mac(&parts(app, caller, key)));
    format!("{PREFIX}{}", Base64UrlUnpadded::encode_string(&bytes))
}

/// Whose virtual token it is, and for which app; `None` for any other text.
pub fn read<'c>(sealer: &Sealer, callers: &'c Callers, token: &str) -> Option<(&'c Caller, AppName)> {
    let encoded = token.strip_prefix(PREFIX).filter(|encoded| encoded.len() <= 512)?;
    let bytes = Base64UrlUnpadded::decode_vec(encoded).ok()?;
    let (names, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
    let (app, caller) = core::str::from_utf8(names).ok()?.strip_suffix('\0')?.split_once('\0')?;
    let (app, caller) = (AppName::parse(app)?, callers.named(caller)?);
    let ours = caller.keys.iter().any(|key| sealer.is_mac(&parts(&app, caller, key), mac));
    ours.then_some((caller, app))
}

fn parts(app: &AppName, caller: &Caller, key: &KeyDigest) -> [String; 4] {
    ["zhongkong virtual token 1".to_owned(), app.to_string(), caller.name.clone(), key.to_hex()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AllowedApps, Scope};
    use crate::seal::tests::key;
    use crate::secret::Secret;

    fn digest(text: &str) -> KeyDigest {
        KeyDigest::of(&Secret::new(text.to_owned()))
    }

    fn caller(name: &str, keys: &[&str]) -> Caller {
        Caller {
            name: name.to_owned(),
            keys: keys.iter().map(|key| digest(key)).collect(),
            apps: AllowedApps::All,
            scopes: vec![Scope::Proxy],
            ips: vec![],
            paths: None,
            origins: vec![],
        }
    }

    fn shop() -> AppName {
        AppName::parse("shop").unwrap()
    }

    #[test]
    fn it_tells_caller_and_app_and_looks_like_a_token() {
        let (sealer, web) = (Sealer::new(&key(1)).unwrap(), caller("web", &["one", "two"]));
        let callers = Callers::new(vec![caller("job", &["three"]), web.clone()]);
        for presented in ["one", "two"] {
            let token = issue(&sealer, &shop(), &web, &digest(presented));
            let (found, app) = read(&sealer, &callers, &token).unwrap();
            assert_eq!((found.name.as_str(), app), ("web", shop()));
            assert!(token.len() <= 512);
            let (number, rest) = token.split_once('_').unwrap();
            assert!(number.bytes().all(|b| b.is_ascii_digit()));
            assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }
    }

    #[test]
    fn it_is_dead_when_the_key_is_gone() {
        let (sealer, web) = (Sealer::new(&key(1)).unwrap(), caller("web", &["one", "two"]));
        let token = issue(&sealer, &shop(), &web, &digest("one"));
        let left = |keys: &[&str]| Callers::new(vec![caller("web", keys)]);
        assert!(read(&sealer, &left(&["two", "one"]), &token).is_some());
        assert!(read(&sealer, &left(&["two"]), &token).is_none());
        assert!(read(&sealer, &Callers::default(), &token).is_none());
        assert!(read(&sealer, &Callers::new(vec![caller("other", &["one"])]), &token).is_none());
    }

    #[test]
    fn it_outlives_a_change_of_the_seal_key_while_the_previous_one_is_there() {
        let web = caller("web", &["one"]);
        let callers = Callers::new(vec![web.clone()]);
        let token = issue(&Sealer::new(&key(1)).unwrap(), &shop(), &web, &digest("one"));
        let both = Sealer::new(&key(2)).unwrap().with_previous(&key(1)).unwrap();
        assert!(read(&both, &callers, &token).is_some());
        assert!(read(&Sealer::new(&key(2)).unwrap(), &callers, &token).is_none());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let (sealer, web) = (Sealer::new(&key(1)).unwrap(), caller("web", &["one"]));
        let callers = Callers::new(vec![web.clone(), caller("wea", &["one"])]);
        let token = issue(&sealer, &shop(), &web, &digest("one"));
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            assert!(read(&sealer, &callers, core::str::from_utf8(&bytes).unwrap()).is_none(), "{place}");
        }
        for other in ["", "0_", "0_AAAA", "87_abc", &token[..token.len() - 1], &format!("{token}A")] {
            assert!(read(&sealer, &callers, other).is_none(), "{other}");
        }
    }
}
