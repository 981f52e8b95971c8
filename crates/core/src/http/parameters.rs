//! Query parameters of the native API, with words for what is wrong with them.

use super::query::{self, QueryError};
use crate::problem::{Code, Problem};

/// Nothing lives longer than two hours, so nobody can wish for more.
const MAX_MIN_TTL_S: u64 = 7200;

/// What the page has to send to have its URL signed.
pub const PAGE_URL_HINT: &str = "Send ?url= with encodeURIComponent(location.href.split('#')[0]).";

/// A request that is not understood: 400 with this explanation.
pub fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

/// The parameters `names` of a query, percent-decoded exactly once; `+` stays `+`.
///
/// # Errors
/// 400 with `hint` for any other parameter: it is a slip, or the rest of a value that was not encoded.
pub fn parameters<const N: usize>(
    query: Option<&str>,
    names: [&str; N],
    hint: &str,
) -> Result<[Option<String>; N], Problem> {
    query::parameters(query.unwrap_or_default(), names).map_err(|error| {
        let name = |place: usize| names.get(place).copied().unwrap_or_default();
        invalid(match error {
            QueryError::Unknown => {
                format!("This path knows no query parameter but {}. {hint}", names.join(", "))
            }
            QueryError::Twice(place) => {
                format!("The query parameter {} is there twice. {hint}", name(place))
            }
            QueryError::Encoding(place) => format!("{} is not well encoded. {hint}", name(place)),
        })
    })
}

/// The one parameter `name`.
///
/// # Errors
/// As [`parameters`].
pub fn only_parameter(query: Option<&str>, name: &str, hint: &str) -> Result<Option<String>, Problem> {
    parameters(query, [name], hint).map(|[value]| value)
}

/// `min_ttl`: how many seconds of life a reader wishes for; 0 where it is absent.
///
/// # Errors
/// 400.
pub fn min_ttl_s(query: Option<&str>) -> Result<u64, Problem> {
    let hint = "It is a number of seconds from 0 to 7200.";
    let Some(text) = only_parameter(query, "min_ttl", hint)? else { return Ok(0) };
    let seconds = text.parse().ok().filter(|seconds| *seconds <= MAX_MIN_TTL_S && !text.starts_with('+'));
    seconds.ok_or_else(|| invalid(format!("min_ttl is not understood. {hint}")))
}

/// `url`: the page that is to be signed.
///
/// # Errors
/// 400, also where it is absent.
pub fn page_url(query: Option<&str>) -> Result<String, Problem> {
    let url = only_parameter(query, "url", PAGE_URL_HINT)?;
    url.ok_or_else(|| invalid(format!("The url is missing. {PAGE_URL_HINT}")))
}
