//! Stored records: whatever was done to them, they open as they were sealed or not at all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::record::{Header, Published};
use zhongkong_core::seal::Sealer;
use zhongkong_core::secret::Secret;

fuzz_target!(|text: &str| {
    let key = Secret::new("YW5vdGhlci1zZWFsLWtleS0wMTIzNDU2Nzg5YWJjZGU=".to_owned());
    let (Ok(sealer), Some(app)) = (Sealer::new(&key), AppName::parse("shop")) else { return };
    assert!(Published::open(text, &sealer, &app, Credential::AccessToken).is_err(), "nobody forges a seal");
    let _ = Header::peek(text);
});
