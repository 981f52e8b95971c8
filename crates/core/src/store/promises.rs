//! What every store promises, as a check that any implementation can be held to.

use super::{Entry, Saved, Store, StoreFailure};
use crate::credential::Version;
use crate::time::UnixTime;

fn entry(version: u64, expires_at: UnixTime) -> Entry {
    Entry { version: Version::new(version), expires_at, text: format!("text of version {version}") }
}

/// Tries a store under keys that begin with `prefix`, which must be unused, at the true time `now`.
///
/// # Errors
/// The first promise that it does not keep, or why it did not answer.
pub async fn check(store: &impl Store, prefix: &str, now: UnixTime) -> Result<(), String> {
    let failed = |failure: StoreFailure| format!("the store did not answer: {failure}");
    let key = format!("{prefix}/access_token");
    let other = format!("{prefix}/jsapi");
    let expect = |what: &str, good: bool| if good { Ok(()) } else { Err(what.to_owned()) };
    let text = |version: u64| Some(format!("text of version {version}"));
    let (soon, later) = (now.plus(600), now.plus(7200));

    expect("an unused key holds nothing", store.find(&key).await.map_err(failed)?.is_none())?;
    let saved = store.save(&key, &entry(7, later), now).await.map_err(failed)?;
    expect("the first entry is taken", saved == Saved::Here)?;
    expect("what was saved is found", store.find(&key).await.map_err(failed)? == text(7))?;
    expect("another key holds nothing", store.find(&other).await.map_err(failed)?.is_none())?;

    let saved = store.save(&key, &entry(8, soon), now).await.map_err(failed)?;
    expect("a newer version replaces the older one", saved == Saved::Here)?;
    let saved = store.save(&key, &entry(7, later), now).await.map_err(failed)?;
    expect(
        "an older version is refused, with the newer text",
        saved == Saved::Newer("text of version 8".into()),
    )?;
    expect("the newer version stays", store.find(&key).await.map_err(failed)? == text(8))?;

    let again = Entry { text: "the same version again".to_owned(), ..entry(8, later) };
    let saved = store.save(&key, &again, now).await.map_err(failed)?;
    expect("the same version may be saved again", saved == Saved::Here)?;
    expect("and replaces itself", store.find(&key).await.map_err(failed)?.as_ref() == Some(&again.text))?;

    store.replace(&key, &entry(3, later), now).await.map_err(failed)?;
    let found = store.find(&key).await.map_err(failed)?;
    expect("what is there can be replaced, whatever its version", found == text(3))?;
    let saved = store.save(&key, &entry(4, later), now).await.map_err(failed)?;
    expect("and then it is the version that counts", saved == Saved::Here)?;

    let saved = store.save(&key, &entry(1, later.plus(7200)), later.plus(1)).await.map_err(failed)?;
    expect("an entry past its end is in nobody's way", saved == Saved::Here)?;

    let long = Entry { text: "x".repeat(6000), ..entry(1, later) };
    let saved = store.save(&other, &long, now).await.map_err(failed)?;
    expect("6 kB are kept", saved == Saved::Here)?;
    let found = store.find_many(&[other.clone(), format!("{prefix}/none"), other]).await.map_err(failed)?;
    expect("many keys are answered in their order", found == [Some(long.text.clone()), None, Some(long.text)])
}
