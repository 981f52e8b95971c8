//! Replies of WeChat, or of whatever stands in between.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::providers::wechat::reply;

fuzz_target!(|body: &[u8]| {
    for read in [reply::token(body), reply::ticket(body)] {
        match read {
            Ok(issued) => {
                assert!((1..=7200).contains(&issued.expires_in_s));
                assert!((1..=4096).contains(&issued.value.expose().len()));
                assert!(reply::is_reply(body), "a value comes from a reply only");
            }
            Err(_) => {}
        }
    }
    let _ = reply::probe(body);
});
