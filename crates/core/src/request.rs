//! What a request to the centre says, read from its texts before anything else is done: which surface its
//! path names, its one query parameter, its key.
//!
//! In scope: bounds and forms. Nothing here allocates more than the bounds allow.
//! Out of scope: who may do what ([`crate::access`]), bodies, answers.

pub mod query;
pub mod route;

/// A longer URL is refused unread, in bytes.
pub const MAX_URL_BYTES: usize = 12 * 1024;

/// A longer `Authorization` holds no key of ours, in bytes.
const MAX_AUTHORIZATION_BYTES: usize = 1024;

/// The key in an `Authorization` header: `Bearer KEY`, the scheme in any case. Empty where there is none.
pub fn bearer(authorization: &str) -> &str {
    let authorization = if authorization.len() > MAX_AUTHORIZATION_BYTES { "" } else { authorization };
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_behind_their_scheme_only() {
        for header in ["Bearer key", "bearer key", "BEARER  key "] {
            assert_eq!(bearer(header), "key", "{header}");
        }
        for header in
            ["", "key", "Basic key", "Bearer", "Bearer\tkey", &format!("Bearer {}", "k".repeat(2000))]
        {
            assert_eq!(bearer(header), "", "{header}");
        }
    }
}
