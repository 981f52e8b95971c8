//! A Keeper's slots, and the values beside them.

use crate::memory::Memory;
use base64ct::{Base64, Encoding as _};
use zhongkong_core::alert::Book;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::to_json;
use zhongkong_core::engine::Slot;
use zhongkong_core::seal::Sealer;
use zhongkong_core::secret::Secret;
use zhongkong_tables::{Loaded, Settings, Slots, Sql};

const TOKEN: Credential = Credential::AccessToken;

fn sealer(byte: u8) -> Sealer {
    let bytes: [u8; 32] = std::array::from_fn(|place| byte.wrapping_mul(31) ^ place as u8);
    Sealer::new(&Secret::new(Base64::encode_string(&bytes))).unwrap()
}

fn saved(slots: &Slots<Memory>, app: &AppName, version: u64, key: u8) {
    slots
        .save(app, TOKEN, &Slot::with_version(Version::new(version)), &sealer(key), [version as u8; 12])
        .unwrap();
}

#[test]
fn a_slot_comes_back_as_it_was() {
    let slots = Slots::open(Memory::new()).unwrap();
    let app = AppName::parse("shop").unwrap();
    saved(&slots, &app, 6, 1);
    saved(&slots, &app, 7, 1);
    let loaded = slots.load(&app, &sealer(1)).unwrap();
    let [(TOKEN, Loaded::Whole(slot))] = loaded.as_slice() else { panic!("{loaded:?}") };
    let as_it_was = Slot::with_version(Version::new(7));
    assert_eq!(to_json(&**slot).unwrap(), to_json(&as_it_was).unwrap());
}

#[test]
fn without_its_key_or_in_another_place_only_its_version_is_known() {
    let memory = Memory::new();
    let slots = Slots::open(memory.clone()).unwrap();
    let app = AppName::parse("shop").unwrap();
    saved(&slots, &app, 7, 1);
    let lost = |app: &AppName, key| {
        let loaded = slots.load(app, &sealer(key)).unwrap();
        matches!(loaded.as_slice(), [(TOKEN, Loaded::DoesNotOpen(_))])
    };
    assert!(lost(&app, 2));
    assert!(lost(&AppName::parse("news").unwrap(), 1));
    // Nor can an older one be put back under the number of a newer one.
    memory.run("UPDATE slots SET version = 9", vec![]).unwrap();
    assert!(lost(&app, 1));
}

#[test]
fn what_this_version_does_not_know_is_left_alone() {
    let memory = Memory::new();
    let slots = Slots::open(memory.clone()).unwrap();
    let app = AppName::parse("shop").unwrap();
    memory.run("INSERT INTO slots VALUES ('of_the_future', 1, 'k', 'x')", vec![]).unwrap();
    assert!(slots.load(&app, &sealer(1)).unwrap().is_empty());
    saved(&slots, &app, 1, 1);
    assert_eq!(memory.number("SELECT count(*) FROM slots"), 2);
}

#[test]
fn a_keeper_knows_its_app() {
    let slots = Slots::open(Memory::new()).unwrap();
    assert_eq!(slots.app().unwrap(), None);
    let shop = AppName::parse("shop").unwrap();
    slots.set_app(&shop).unwrap();
    slots.set_app(&shop).unwrap();
    assert_eq!(slots.app().unwrap(), Some(shop));
}

#[test]
fn a_book_that_cannot_be_read_begins_anew() {
    let settings = Settings::open(Memory::new()).unwrap();
    assert_eq!(settings.book().unwrap(), Book::default());
    settings.set_book(&Book::default()).unwrap();
    assert_eq!(settings.book().unwrap(), Book::default());
    settings.set("alerts", "{\"of\":\"the future\"").unwrap();
    assert_eq!(settings.book().unwrap(), Book::default());
}

#[test]
fn a_database_that_fails_is_an_error_and_no_empty_answer() {
    let memory = Memory::new();
    let slots = Slots::open(memory.clone()).unwrap();
    memory.run("DROP TABLE slots", vec![]).unwrap();
    assert!(slots.load(&AppName::parse("shop").unwrap(), &sealer(1)).is_err());
}
