//! Query strings. No surface of ours knows more than one parameter, and a parameter that nobody reads is a
//! slip, or the rest of a value that was not encoded.

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// A parameter of another name.
    Unknown,
    /// The parameter is there twice.
    Twice,
    /// Its value is no percent-encoded UTF-8.
    Encoding,
}

/// The value of the one parameter `name`, percent-decoded exactly once; `+` stays `+`.
///
/// # Errors
/// [`QueryError`] for whatever else is there.
pub fn only_parameter(query: &str, name: &str) -> Result<Option<String>, QueryError> {
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key != name {
            return Err(QueryError::Unknown);
        }
        if found.is_some() {
            return Err(QueryError::Twice);
        }
        found = Some(decode(value).ok_or(QueryError::Encoding)?);
    }
    Ok(found)
}

/// Percent-decoding; `None` for what is not well encoded.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(rest.next()?)? * 16 + digit(rest.next()?)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    #[test]
    fn one_parameter_and_nothing_else() {
        let url = |query| only_parameter(query, "url");
        assert_eq!(url(""), Ok(None));
        assert_eq!(url("url=a%20b+c"), Ok(Some("a b+c".to_owned())));
        assert_eq!(url("&url=&"), Ok(Some(String::new())));
        assert_eq!(url("url=a%2520"), Ok(Some("a%20".to_owned())), "decoded once");
        assert_eq!(url("url=a&b=c"), Err(QueryError::Unknown));
        assert_eq!(url("URL=a"), Err(QueryError::Unknown));
        assert_eq!(url("url=a&url=a"), Err(QueryError::Twice));
        for bad in ["url=%", "url=%4", "url=%zz", "url=%+1", "url=%ff", "url=%c3%28"] {
            assert_eq!(url(bad), Err(QueryError::Encoding), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(value: String) {
            let query = format!("url={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
            prop_assert_eq!(only_parameter(&query, "url"), Ok(Some(value)));
        }
    }
}
