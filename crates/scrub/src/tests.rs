use super::*;
use crate::forms::{hex, in_query};
use base64ct::{Base64Unpadded, Encoding as _};
use proptest::prelude::*;
use std::rc::Rc;

const TOKEN: &str = "96_d0-kQx7TtHc5pYb2RmZ1sLwVnA8eGf3uJiOoPq9rSt_UvWxYz-0123";

fn scrubber() -> Scrubber {
    Scrubber::new([TOKEN])
}

fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    scrubber().mask(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn each(encode: impl Fn(u8) -> String) -> String {
    TOKEN.bytes().map(encode).collect()
}

fn base64_of_url(before: &str) -> String {
    Base64Unpadded::encode_string(format!("{before}?access_token={}", in_query(TOKEN.as_bytes())).as_bytes())
}

fn in_lines(ends: &str) -> String {
    let text = Base64Unpadded::encode_string(format!("?access_token={TOKEN}").as_bytes());
    let lines: Vec<String> =
        text.as_bytes().chunks(19).map(|line| String::from_utf8_lossy(line).into()).collect();
    lines.join(ends)
}

/// Escapes of escapes of escapes.
fn nested(times: usize) -> String {
    let once = |text: &str| text.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<String>();
    (0..times).fold(once(TOKEN), |text, _| once(&text))
}

fn in_parts(ends: &str) -> String {
    let lines: Vec<&str> =
        TOKEN.as_bytes().chunks(7).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(ends)
}

/// A token in every way in which an answer may quote it.
fn quoted() -> Vec<(&'static str, String)> {
    let percent = each(|byte| format!("%{byte:02X}"));
    let json = each(|byte| format!("\\u{byte:04x}"));
    vec![
        ("raw", TOKEN.to_owned()),
        ("upper case", TOKEN.to_ascii_uppercase()),
        ("percent-encoded where it must not be", TOKEN.replace('_', "%5F").replace('-', "%2d")),
        ("percent-encoded", percent.clone()),
        ("percent-encoded twice", percent.replace('%', "%25")),
        ("percent-encoded four times", percent.replace('%', "%25252525")),
        ("JSON", json.clone()),
        ("JSON in JSON", json.replace('\\', "\\\\")),
        ("JavaScript", each(|byte| format!("\\x{byte:02x}"))),
        ("ECMAScript 6", each(|byte| format!("\\u{{{byte:x}}}"))),
        ("IIS", each(|byte| format!("%u{byte:04X}"))),
        ("HTML, decimal", each(|byte| format!("&#{byte};"))),
        ("HTML, hex", each(|byte| format!("&#x{byte:X};"))),
        ("HTML, with zeros", each(|byte| format!("&#0000{byte};"))),
        ("HTML, unclosed", each(|byte| format!("&#{byte:03}"))),
        ("HTML, by name", TOKEN.replace('_', "&lowbar;").replace('-', "&hyphen;")),
        ("percent-encoded in HTML", percent.replace('%', "&#37;")),
        ("UTF-16", each(|byte| format!("{}\0", char::from(byte)))),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("hex, upper case", each(|byte| format!("{byte:02X}"))),
        ("base64", Base64Unpadded::encode_string(TOKEN.as_bytes())),
        ("base64url", base64ct::Base64UrlUnpadded::encode_string(TOKEN.as_bytes())),
        ("base64 of a URL", Base64Unpadded::encode_string(format!("?access_token={TOKEN}&x=1").as_bytes())),
        (
            "base64 of a longer one",
            Base64Unpadded::encode_string(format!("/?access_token={TOKEN}").as_bytes()),
        ),
        (
            "base64 of yet another",
            Base64Unpadded::encode_string(format!("a/?access_token={TOKEN}").as_bytes()),
        ),
        ("hex of our URL", hex(format!("?access_token={}", in_query(TOKEN.as_bytes())).as_bytes())),
        ("base64 of our URL", base64_of_url("")),
        ("base64 of a longer one of ours", base64_of_url("/")),
        ("base64 of yet another of ours", base64_of_url("a/")),
        (
            "hex of one encoded more than it has to be",
            hex(TOKEN.replace('_', "%5F").replace('-', "%2D").as_bytes()),
        ),
        ("base64 of a URL in lines", in_lines("\r\n")),
        ("base64 of a URL in lines, in JSON", in_lines("\\n")),
        ("base64 of a URL in lines, in JSON in JSON", in_lines("\\\\r\\\\n")),
        ("base64 of a URL in indented lines", in_lines("\n    ")),
        ("base64 of a URL in lines of a header", in_lines("\r\n\t")),
        ("base64 of a URL in indented lines, in JSON", in_lines("\\n\\t  ")),
        ("base64 of a URL in lines, in HTML", in_lines("&NewLine;&Tab;")),
        ("base64 of a URL in lines that go on", in_lines("\\\n")),
        ("base64 of a URL in lines of a mail", in_lines("=\r\n")),
        ("octal", each(|byte| format!("\\{byte:o}"))),
        ("octal, of three digits", each(|byte| format!("\\{byte:03o}"))),
        ("Python", each(|byte| format!("\\U{byte:08x}"))),
        ("HTML, with many zeros", each(|byte| format!("&#{byte:040};"))),
        ("HTML, hex, with many zeros", each(|byte| format!("&#x{byte:040x};"))),
        ("raw, in indented lines", in_parts("\n      ")),
        ("JSON in JSON in JSON", nested(2)),
        ("raw, in lines that go on", in_parts("\\\r\n\t")),
    ]
}

#[test]
fn no_window_of_a_secret_is_left_in_any_encoding() {
    for (how, text) in quoted() {
        for around in
            [("", ""), ("{\"errmsg\":\"GET /x?access_token=", "&y=1 failed\"}"), ("<p>\u{4e2d}", "</p>")]
        {
            let page = format!("{}{text}{}", around.0, around.1);
            let after = masked(&page);
            assert!(
                scrubber().finds(page.as_bytes()) && !scrubber().finds(after.as_bytes()),
                "{how}: {after}"
            );
            assert_eq!(after.len(), page.len(), "{how}");
            assert!(after.starts_with(around.0) && after.ends_with(around.1), "{how}: {after}");
        }
    }
}

#[test]
fn all_of_it_goes_where_its_characters_can_be_told_apart() {
    for (how, text) in quoted().into_iter().filter(|(how, _)| !how.contains(" of ")) {
        // The last bits of base64 stand in a character of their own.
        let after = masked(&text);
        let left = after.trim_matches('*').len();
        assert!(left <= 1, "{how}: {after}");
    }
}

#[test]
fn a_part_of_it_goes_too_and_what_is_around_stays() {
    let (start, end) = (&TOKEN[..20], &TOKEN[TOKEN.len() - 12..]);
    assert_eq!(
        masked(&format!("url=/x?access_token={start}...")),
        format!("url=/x?access_token={}...", "*".repeat(20))
    );
    assert_eq!(masked(&format!("…{end}\"")), format!("…{}\"", "*".repeat(12)));
    for honest in ["", "{\"errcode\":40001}", "%zz \\u12 &# &#; %", "access_token", &TOKEN[..11], "******"] {
        assert_eq!(masked(honest), honest);
    }
}

/// Who has an answer quote what it has sent, learns by what is masked whether a guess is right.
#[test]
fn fewer_characters_than_a_window_are_told_from_nothing_in_any_encoding() {
    let plain = |text: &str| text.to_owned();
    let in_hex = |text: &str| hex(text.as_bytes());
    let in_base64 = |text: &str| Base64Unpadded::encode_string(text.as_bytes());
    // One character of base64 holds parts of two, and stands for itself in either case.
    let in_longer = |text: &str| Base64Unpadded::encode_string(format!("\u{1}{text}\u{1}").as_bytes());
    type Encode<'e> = &'e dyn Fn(&str) -> String;
    let encodings: [(Encode<'_>, usize); 4] = [(&plain, 1), (&in_hex, 1), (&in_base64, 1), (&in_longer, 3)];
    for secret in [TOKEN, "87_____________________", "0123456789abcdef0123456789abcdef"] {
        let scrubber = Scrubber::new([secret]);
        for start in 0..=secret.len() - WINDOW {
            for (encode, less) in encodings {
                let (guess, window) = (&secret[start..start + WINDOW - less], &secret[start..start + WINDOW]);
                for (text, is_found) in [(guess, false), (window, true)] {
                    for text in [text.to_owned(), in_query(text.as_bytes())] {
                        assert_eq!(scrubber.finds(encode(&text).as_bytes()), is_found, "{text}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_error_page_tells_nothing_of_what_follows_a_name() {
    let by_name = scrubber().by_name();
    let masked = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        by_name.mask(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let start = &TOKEN[..9];
    for (before, after) in [
        ("GET /x?y=1&access_token=", "..."),
        ("{\"access_token\":\"", "\"}"),
        ("ACCESS_TOKEN%3D", "%26y"),
        ("secret='", "'"),
        ("{\"access_token\": \"", "\"}"),
        ("{&quot;access_token&quot;: &quot;", "&quot;}"),
        ("&amp;access&#95;token=", " cut"),
    ] {
        assert_eq!(masked(&format!("{before}{start}{after}")), format!("{before}{}{after}", "*".repeat(9)));
        assert!(!scrubber().finds(format!("{before}{start}{after}").as_bytes()), "elsewhere it stays");
    }
    for honest in ["access_token expired", "the secret of success", "access_token=", "errcode=40001"] {
        assert_eq!(masked(honest), honest);
    }
}

#[test]
fn several_secrets_and_short_ones() {
    let scrubber = Scrubber::new([TOKEN, "gate-key", "ab"]);
    let mut text = format!("{TOKEN} gate%2Dkey gate-ke ab").into_bytes();
    assert!(scrubber.mask(&mut text));
    let masked = format!("{} ********** gate-ke ab", "*".repeat(TOKEN.len()));
    assert_eq!(String::from_utf8(text).unwrap(), masked);
    assert!(!Scrubber::new([]).finds(TOKEN.as_bytes()));
    assert!(!format!("{scrubber:?}").contains("gate"));
}

proptest! {
    /// However a body is cut, what comes out is what would have come out in one piece.
    #[test]
    fn a_stream_is_scrubbed_as_a_whole_is(
        before in "[ -~]{0,700}", after in "[ -~]{0,1500}", which in 0..quoted().len(), cuts in prop::collection::vec(1..400_usize, 1..60)
    ) {
        let (_, text) = quoted().swap_remove(which);
        let page = format!("{before}{text}{after}").into_bytes();
        let mut whole = page.clone();
        scrubber().mask(&mut whole);
        let mut stream = ScrubbedStream::new(Rc::new(scrubber()));
        let (mut rest, mut out) = (page.as_slice(), Vec::new());
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            out.extend(stream.push(piece));
            rest = more;
        }
        out.extend(stream.push(rest));
        out.extend(stream.finish());
        prop_assert_eq!(out.len(), page.len());
        prop_assert!(!scrubber().finds(&out));
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole));
    }

    /// Nothing makes it fail, and what holds no secret stays.
    #[test]
    fn any_bytes_are_taken(bytes: Vec<u8>) {
        let mut after = bytes.clone();
        prop_assert!(!scrubber().mask(&mut after));
        prop_assert_eq!(after, bytes);
    }
}
