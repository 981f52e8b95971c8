//! Content codings: which of them an answer may come in, so that it can be looked through for secrets.
//!
//! The runtime unpacks an answer when its `Content-Encoding` is exactly `gzip` or `br`; one in any other coding, or
//! in one that is written in capitals, reaches us as it was packed.

/// Whether the runtime shows the plain bytes of an answer with this `Content-Encoding` (empty: without one).
pub fn is_unpacked(content_encoding: &str) -> bool {
    matches!(content_encoding, "" | "identity" | "gzip" | "br")
}

/// An `Accept-Encoding` without the codings that could not be looked through. Where none is left it is `identity`,
/// since a request without the header would leave the choice to the server.
pub fn only_unpacked(accept_encoding: &str) -> String {
    let accepted = accept_encoding.split(',').map(str::trim);
    let known = accepted.filter(|item| {
        let name = item.split(';').next().unwrap_or_default().trim();
        ["gzip", "br", "identity"].iter().any(|known| name.eq_ignore_ascii_case(known))
    });
    let kept = known.collect::<Vec<_>>().join(", ");
    if kept.is_empty() { "identity".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::{is_unpacked, only_unpacked};

    #[test]
    fn what_the_runtime_does_not_open_is_not_readable() {
        for encoding in ["", "identity", "gzip", "br"] {
            assert!(is_unpacked(encoding), "{encoding}");
        }
        for encoding in
            ["GZIP", "Br", "x-gzip", "deflate", "zstd", "compress", "gzip, gzip", "gzip,br", " gzip"]
        {
            assert!(!is_unpacked(encoding), "{encoding}");
        }
    }

    #[test]
    fn only_readable_codings_are_asked_for() {
        for (accepted, asked) in [
            ("gzip, deflate, br;q=0.5, zstd", "gzip, br;q=0.5"),
            ("GZIP ; q=1,identity;q=0", "GZIP ; q=1, identity;q=0"),
            ("deflate", "identity"),
            ("*", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(only_unpacked(accepted), asked);
        }
    }
}
