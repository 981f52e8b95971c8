//! Query strings. A parameter that nobody reads is a slip, or the rest of a value that was not encoded.

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// A parameter of another name.
    Unknown,
    /// A parameter is there twice: the one at this place among the names.
    Twice(usize),
    /// Its value is no percent-encoded UTF-8.
    Encoding(usize),
}

/// The values of the parameters `names`, percent-decoded exactly once; `+` stays `+`.
///
/// # Errors
/// [`QueryError`] for whatever else is there.
pub fn parameters<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<String>; N], QueryError> {
    let mut found = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = names.iter().position(|name| *name == key).ok_or(QueryError::Unknown)?;
        let slot = found.get_mut(place).ok_or(QueryError::Unknown)?;
        if slot.is_some() {
            return Err(QueryError::Twice(place));
        }
        *slot = Some(decode(value).ok_or(QueryError::Encoding(place))?);
    }
    Ok(found)
}

/// Percent-decoding; `None` for what is not well encoded.
pub(crate) fn decode(text: &str) -> Option<String> {
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
        let url = |query| parameters(query, ["url"]).map(|[url]| url);
        assert_eq!(url(""), Ok(None));
        assert_eq!(url("url=a%20b+c"), Ok(Some("a b+c".to_owned())));
        assert_eq!(url("&url=&"), Ok(Some(String::new())));
        assert_eq!(url("url=a%2520"), Ok(Some("a%20".to_owned())), "decoded once");
        assert_eq!(url("url=a&b=c"), Err(QueryError::Unknown));
        assert_eq!(url("URL=a"), Err(QueryError::Unknown));
        assert_eq!(url("url=a&url=a"), Err(QueryError::Twice(0)));
        for bad in ["url=%", "url=%4", "url=%zz", "url=%+1", "url=%ff", "url=%c3%28"] {
            assert_eq!(url(bad), Err(QueryError::Encoding(0)), "{bad}");
        }
    }

    #[test]
    fn several_parameters_in_any_order() {
        let page = |query| parameters(query, ["before", "kind"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(page(""), Ok([None, None]));
        assert_eq!(page("kind=access&before=7"), Ok([some("7"), some("access")]));
        assert_eq!(page("before=7"), Ok([some("7"), None]));
        assert_eq!(page("before=7&limit=1"), Err(QueryError::Unknown));
        assert_eq!(page("before=7&kind=a&kind=a"), Err(QueryError::Twice(1)));
        assert_eq!(page("before=7&kind=%"), Err(QueryError::Encoding(1)));
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(value: String) {
            let query = format!("url={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
            prop_assert_eq!(parameters(&query, ["url"]), Ok([Some(value)]));
        }
    }
}
