//! What a client sees of one call: bytes and headers, late, in pieces, or nothing at all.

use crate::faults::Kind;
use serde_json::{Value, json};

/// One reply on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How it arrives.
    pub delivery: Delivery,
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// How a reply arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Whole, so many milliseconds after the request.
    After(u64),
    /// In pieces, the last one so many milliseconds after the request.
    Drip(u64),
    /// Never: the connection stays open.
    Never,
    /// Never: the connection is cut.
    Cut,
}

const JSON: &str = "application/json; charset=utf-8";

impl Exchange {
    /// A reply as it should be.
    pub(crate) fn whole(body: &Value, delay_ms: u64) -> Self {
        if let Some(count) = body.get("$bytes").and_then(Value::as_u64) {
            return Self {
                delivery: Delivery::After(delay_ms),
                status: 200,
                content_type: "image/jpeg",
                body: (0..count).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect(),
            };
        }
        Self {
            delivery: Delivery::After(delay_ms),
            status: 200,
            content_type: JSON,
            body: body.to_string().into_bytes(),
        }
    }

    fn nothing(delivery: Delivery) -> Self {
        Self { delivery, status: 200, content_type: JSON, body: Vec::new() }
    }

    /// What a fault makes of a reply; `body` is what WeChat had to say.
    pub(crate) fn spoilt(kind: &Kind, mut body: Value, delay_ms: u64) -> Self {
        let whole = Self::whole(&body, delay_ms);
        match kind {
            Kind::Delay { ms } => Self { delivery: Delivery::After(delay_ms + ms), ..whole },
            Kind::Drip { ms } => Self { delivery: Delivery::Drip(delay_ms + ms), ..whole },
            Kind::LostBefore | Kind::LostAfter => Self::nothing(Delivery::Never),
            Kind::Reset | Kind::HostDown => Self::nothing(Delivery::Cut),
            Kind::Html { status, .. } => Self {
                status: *status,
                content_type: "text/html",
                body: format!(
                    "<html><head><title>{status}</title></head><body>{status} Bad Gateway</body></html>"
                )
                .into(),
                ..whole
            },
            Kind::Empty => Self { content_type: "text/html; charset=gbk", body: Vec::new(), ..whole },
            Kind::Truncated => {
                let half = whole.body.len() / 2;
                Self { body: whole.body.into_iter().take(half).collect(), ..whole }
            }
            Kind::Bom => Self { body: [b"\xef\xbb\xbf".as_slice(), &whole.body].concat(), ..whole },
            Kind::TextPlain => Self { content_type: "text/plain", ..whole },
            Kind::Odd => {
                set(&mut body, "x_new_field", json!({"nested": [1, null]}));
                Self { content_type: "application/json; encoding=utf-8", ..Self::whole(&body, delay_ms) }
            }
            Kind::Errcode { .. } => whole,
            Kind::ExpiresIn { value } => {
                set(&mut body, "expires_in", value.clone());
                Self::whole(&body, delay_ms)
            }
            Kind::NoValue => {
                for field in ["access_token", "ticket"] {
                    if body.get(field).is_some() {
                        set(&mut body, field, Value::Null);
                    }
                }
                Self::whole(&body, delay_ms)
            }
        }
    }
}

fn set(body: &mut Value, field: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

impl Kind {
    /// Whether WeChat does the work all the same.
    pub(crate) const fn work_is_done(&self) -> bool {
        match self {
            Self::LostBefore
            | Self::Reset
            | Self::HostDown
            | Self::Empty
            | Self::Errcode { .. }
            | Self::Html { done: false, .. } => false,
            Self::Delay { .. }
            | Self::Drip { .. }
            | Self::LostAfter
            | Self::Html { done: true, .. }
            | Self::Truncated
            | Self::Bom
            | Self::TextPlain
            | Self::Odd
            | Self::ExpiresIn { .. }
            | Self::NoValue => true,
        }
    }

    /// Whether a client that reads by content gets what it came for.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Bom | Self::TextPlain | Self::Odd)
    }
}
