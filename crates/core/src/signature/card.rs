//! Signatures for cards and coupons (卡券): `cardExt` for `wx.addCard`, `cardSign` for `wx.chooseCard`
//! (JS-SDK documentation, appendix 4).
//!
//! Both are the SHA-1 of the values that are used, sorted as bytes and joined without anything between;
//! empty values vanish.

use crate::credential::Value;
use crate::digest::hex;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

/// The longest of the values below, in characters; WeChat's own are far shorter.
pub const MAX_CHARS: usize = 128;

/// What is known of the card; whatever is not used stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Card {
    /// Which card.
    pub card_id: String,
    /// `addCard`: the code that is given to the user, for cards with codes of one's own.
    pub code: String,
    /// `addCard`: the user who alone may take it.
    pub openid: String,
    /// `chooseCard`: the shop.
    pub location_id: String,
    /// `chooseCard`: `GROUPON`, `CASH` and so on.
    pub card_type: String,
}

/// The `cardExt` of `wx.addCard`, which takes it as a text of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardExt {
    /// As asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// As asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub openid: String,
    /// Unix seconds, as text.
    pub timestamp: String,
    /// The random text that was signed.
    pub nonce_str: String,
    /// The signature.
    pub signature: String,
}

impl Card {
    /// Whether every value is one that WeChat can have given out.
    pub fn is_sound(&self) -> bool {
        let Self { card_id, code, openid, location_id, card_type } = self;
        [card_id, code, openid, location_id, card_type]
            .iter()
            .all(|value| value.len() <= MAX_CHARS && value.bytes().all(|b| b.is_ascii_graphic()))
    }

    /// For `wx.addCard`.
    pub fn ext(&self, ticket: &Value, timestamp: u64, nonce: &str) -> CardExt {
        let Self { card_id, code, openid, .. } = self;
        let timestamp = timestamp.to_string();
        let signature = sign(&[ticket.expose(), &timestamp, card_id, code, openid, nonce]);
        CardExt {
            code: code.clone(),
            openid: openid.clone(),
            timestamp,
            nonce_str: nonce.to_owned(),
            signature,
        }
    }

    /// The `cardSign` of `wx.chooseCard`.
    pub fn choose(&self, appid: &str, ticket: &Value, timestamp: u64, nonce: &str) -> String {
        let Self { card_id, location_id, card_type, .. } = self;
        let timestamp = timestamp.to_string();
        sign(&[ticket.expose(), appid, location_id, &timestamp, nonce, card_id, card_type])
    }
}

fn sign(values: &[&str]) -> String {
    let mut sorted: Vec<&str> = Vec::new();
    for value in values {
        sorted.insert(sorted.partition_point(|before| before <= value), value);
    }
    hex(&Sha1::digest(sorted.concat().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the official page.
    #[test]
    fn the_official_vector() {
        let card = Card {
            card_id: "pjZ8Yt1XGILfi-FUsewpnnolGgZk".to_owned(),
            code: "1434008071".to_owned(),
            ..Card::default()
        };
        let ticket = Value::parse("ojZ8YtyVyr30HheH3CM73y7h4jJE").unwrap();
        let ext = card.ext(&ticket, 1_404_896_688, "123");
        assert_eq!(ext.signature, "f137ab68b7f8112d20ee528ab6074564e2796250");
        let json = serde_json::to_value(&ext).unwrap();
        assert_eq!((&json["timestamp"], json.get("openid")), (&"1404896688".into(), None));
    }

    #[test]
    fn values_are_sorted_as_bytes_and_empty_ones_vanish() {
        assert_eq!(sign(&["b", "", "B", "10", "9"]), hex(&Sha1::digest(b"109Bb")));
        let ticket = Value::parse("ticket").unwrap();
        let card = Card { card_id: "c".to_owned(), ..Card::default() };
        assert_eq!(card.choose("wx1", &ticket, 5, "n"), hex(&Sha1::digest(b"5cnticketwx1")));
    }

    #[test]
    fn odd_values_are_refused() {
        for bad in ["a b", "中", "a\n", &"x".repeat(129)] {
            assert!(!Card { code: bad.to_owned(), ..Card::default() }.is_sound(), "{bad:?}");
        }
    }
}
