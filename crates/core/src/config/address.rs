//! Hosts that are addresses: a Worker's fetch reaches names only (error 1003).

/// What to do about one.
pub(super) const ONLY_NAMES: &str = "a Worker's fetch reaches host names only (error 1003): give the machine a name in DNS, and a certificate for it";

/// Whether the host of this URL is an IPv4 address other than this machine's, which is for local worlds. In any form that
/// URLs know: the last label is a number.
pub(super) fn is_out_of_reach(url: &str) -> bool {
    let authority =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || hex.is_some_and(is_hex);
    !last.is_empty() && is_number && host != "127.0.0.1"
}
