//! A published credential: what readers find in the store, and how far they may trust it.
//!
//! The header is in clear, so that the cron can see what is due without a key; the value is sealed
//! and bound to app, credential, version and the rest of the header.

use crate::app::{AppName, Identity};
use crate::credential::{Credential, Value, Version};
use crate::encoding::{from_json, to_json};
use crate::seal::{DoesNotOpen, NONCE_BYTES, Sealed, Sealer};
use crate::store::Entry;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// One credential as the Keeper hands it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts the rotations.
    pub version: Version,
    /// The value.
    pub value: Value,
    /// The end of its life, on the safe side.
    pub expires_at: UnixTime,
    /// From here on the Keeper means to replace it.
    pub refresh_at: UnixTime,
    /// From here on a copy may be wrong: whoever holds one asks the Keeper.
    pub trust_until: UnixTime,
    /// The identity it was fetched under.
    pub identity: Identity,
}

/// How far a copy of a record may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and wake the Keeper: it should have been replaced by now.
    Due,
    /// Ask the Keeper: it may be dead.
    Doubtful,
}

impl Record {
    /// How far this copy may be trusted at `now` by a Worker that runs under `identity`.
    pub fn freshness(&self, now: UnixTime, identity: Identity) -> Freshness {
        if identity != self.identity || now >= self.trust_until {
            Freshness::Doubtful
        } else if now >= self.refresh_at {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// Seconds of life left at `now`.
    pub fn expires_in_s(&self, now: UnixTime) -> u64 {
        now.until(self.expires_at)
    }
}

/// What the Keeper has published last: a record, or that there is none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// This is to be handed out.
    Record(Record),
    /// Nothing up to this version is to be handed out. Such a mark stays for an hour, so that no late
    /// write of an older record comes back.
    Withdrawn {
        /// The newest version that there was.
        version: Version,
        /// When it was withdrawn.
        at: UnixTime,
    },
}

/// How long a mark stays in the store, in seconds.
const MARK_STAYS_S: u64 = 3600;

impl Published {
    /// The version that it is about.
    pub const fn version(&self) -> Version {
        match self {
            Self::Record(record) => record.version,
            Self::Withdrawn { version, .. } => *version,
        }
    }

    /// What is saved in a store. `nonce` must be random and new.
    ///
    /// # Errors
    /// [`DoesNotOpen`] is never seen for records of honest size.
    pub fn seal(
        &self,
        sealer: &Sealer,
        app: &AppName,
        credential: Credential,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Entry, DoesNotOpen> {
        let (header, body) = match self.clone() {
            Self::Record(record) => {
                let Record { version, value, expires_at, refresh_at, trust_until, identity } = record;
                let header = Header { v: FORMAT, version, refresh_at, expires_at, trust_until };
                (header, Body { value: Some(value), identity: Some(identity) })
            }
            Self::Withdrawn { version, at } => {
                let header = Header { v: FORMAT, version, refresh_at: at, expires_at: at, trust_until: at };
                (header, Body { value: None, identity: None })
            }
        };
        let plain = to_json(&body).map_err(|_| DoesNotOpen)?;
        let sealed = sealer.seal(&header.place(app, credential), &plain, nonce)?;
        let stays_s = if matches!(self, Self::Record(_)) { 0 } else { MARK_STAYS_S };
        let (version, expires_at) = (header.version, header.expires_at.plus(stays_s));
        let text = to_json(&Stored::new(&header, sealed)).map_err(|_| DoesNotOpen)?;
        Ok(Entry { version, expires_at, text })
    }

    /// Opens a stored text.
    ///
    /// # Errors
    /// [`DoesNotOpen`] when it was not sealed by a key we have, for this app and credential, or is
    /// of another format.
    pub fn open(
        text: &str,
        sealer: &Sealer,
        app: &AppName,
        credential: Credential,
    ) -> Result<Self, DoesNotOpen> {
        let stored: Stored = from_json(text).map_err(|_| DoesNotOpen)?;
        let header = stored.header();
        let Header { v, version, refresh_at, expires_at, trust_until } = header;
        if v != FORMAT {
            return Err(DoesNotOpen);
        }
        let sealed = Sealed { key_id: stored.key, text: stored.sealed };
        let plain = sealer.open(&header.place(app, credential), &sealed)?;
        match from_json(&plain).map_err(|_| DoesNotOpen)? {
            Body { value: Some(value), identity: Some(identity) } => {
                Ok(Self::Record(Record { version, value, expires_at, refresh_at, trust_until, identity }))
            }
            _ => Ok(Self::Withdrawn { version, at: expires_at }),
        }
    }
}

/// The format of stored records. A change of format takes a new number.
const FORMAT: u8 = 1;

/// The part of a stored record that is in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    v: u8,
    /// The record's version.
    pub version: Version,
    /// When the Keeper means to replace it.
    pub refresh_at: UnixTime,
    /// The end of its life.
    pub expires_at: UnixTime,
    trust_until: UnixTime,
}

impl Header {
    /// Reads the header of a stored text; `None` when it is of another format. Nothing is opened:
    /// good for planning, not for trusting.
    pub fn peek(text: &str) -> Option<Self> {
        from_json::<Stored>(text).ok().map(|stored| stored.header()).filter(|header| header.v == FORMAT)
    }

    /// The associated data: all that is in clear, and where the record belongs.
    fn place(&self, app: &AppName, credential: Credential) -> String {
        let Self { v, version, refresh_at, expires_at, trust_until } = self;
        format!(
            "zhongkong record\n{v}\n{app}\n{credential}\n{}\n{}\n{}\n{}",
            version.number(),
            refresh_at.as_secs(),
            expires_at.as_secs(),
            trust_until.as_secs()
        )
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u8,
    version: Version,
    refresh_at: UnixTime,
    expires_at: UnixTime,
    trust_until: UnixTime,
    key: String,
    sealed: String,
}

impl Stored {
    fn new(header: &Header, sealed: Sealed) -> Self {
        let Header { v, version, refresh_at, expires_at, trust_until } = *header;
        Self { v, version, refresh_at, expires_at, trust_until, key: sealed.key_id, sealed: sealed.text }
    }

    const fn header(&self) -> Header {
        let Self { v, version, refresh_at, expires_at, trust_until, .. } = *self;
        Header { v, version, refresh_at, expires_at, trust_until }
    }
}

#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
}

/// The key of a record in the store. It names app and credential and nothing else.
pub fn store_key(app: &AppName, credential: Credential) -> String {
    format!("v1/{app}/{credential}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;
    use crate::credential::TicketType;
    use crate::seal::tests::key;

    const JSAPI: Credential = Credential::Ticket(TicketType::Jsapi);

    fn record() -> Record {
        Record {
            version: Version::new(7),
            value: Value::parse("canary-value").unwrap(),
            expires_at: UnixTime::from_secs(9000),
            refresh_at: UnixTime::from_secs(8700),
            trust_until: UnixTime::from_secs(8940),
            identity: shop().identity(),
        }
    }

    fn sealed(published: &Published) -> Entry {
        let sealer = Sealer::new(&key(1)).unwrap();
        published.seal(&sealer, &shop().name, JSAPI, [9; 12]).unwrap()
    }

    fn opened(text: &str, app: &AppName, credential: Credential) -> Result<Published, DoesNotOpen> {
        Published::open(text, &Sealer::new(&key(1)).unwrap(), app, credential)
    }

    /// Stored data outlives a deployment: this layout may only change with a new `v`.
    #[test]
    fn the_stored_layout_is_pinned() {
        let Entry { version, expires_at, text } = sealed(&Published::Record(record()));
        assert_eq!((version.number(), expires_at.as_secs()), (7, 9000));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&json["v"], &json["version"], &json["refresh_at"], &json["expires_at"], &json["trust_until"]),
            (&1.into(), &7.into(), &8700.into(), &9000.into(), &8940.into())
        );
        assert_eq!(json["key"].as_str().unwrap().len(), 8);
        assert_eq!(json.as_object().unwrap().len(), 7);
        assert!(!text.contains("canary"), "the value is sealed");
        assert_eq!(store_key(&shop().name, JSAPI), "v1/shop/jsapi");
    }

    #[test]
    fn a_withdrawal_stays_for_an_hour_and_opens_as_one() {
        let withdrawn = Published::Withdrawn { version: Version::new(7), at: UnixTime::from_secs(100) };
        let entry = sealed(&withdrawn);
        assert_eq!((entry.version.number(), entry.expires_at.as_secs()), (7, 3700));
        assert_eq!(opened(&entry.text, &shop().name, JSAPI), Ok(withdrawn));
        assert!(
            Header::peek(&entry.text).unwrap().refresh_at.as_secs() == 100,
            "the cron sees that it is due"
        );
    }

    #[test]
    fn opens_in_its_place_only() {
        let text = sealed(&Published::Record(record())).text;
        assert_eq!(opened(&text, &shop().name, JSAPI), Ok(Published::Record(record())));
        assert_eq!(Header::peek(&text).unwrap().refresh_at, record().refresh_at);

        let other = AppName::parse("other").unwrap();
        assert_eq!(opened(&text, &other, JSAPI), Err(DoesNotOpen));
        assert_eq!(opened(&text, &shop().name, Credential::AccessToken), Err(DoesNotOpen));
        for (from, to) in
            [("\"version\":7", "\"version\":8"), ("8700", "8701"), ("9000", "9001"), ("8940", "8941")]
        {
            let forged = text.replace(from, to);
            assert_ne!(forged, text);
            assert_eq!(opened(&forged, &shop().name, JSAPI), Err(DoesNotOpen), "{from}");
        }
    }

    #[test]
    fn trust_ends_before_life_does() {
        let at = |secs| record().freshness(UnixTime::from_secs(secs), shop().identity());
        assert_eq!(at(8699), Freshness::Fresh);
        assert_eq!(at(8700), Freshness::Due);
        assert_eq!(at(8940), Freshness::Doubtful);
        let changed = crate::app::App { appid: "wx1".to_owned(), ..shop() }.identity();
        assert_eq!(record().freshness(UnixTime::from_secs(0), changed), Freshness::Doubtful);
    }
}
