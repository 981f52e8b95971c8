//! Several futures of one kind at once.

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::cell::RefCell;
use std::pin::Pin;

/// Waits for all of them; the outputs stand in the order of the futures. All that wait do so as one kind of future: `join_all` is
/// compiled anew for each, which is 2 kB of wasm a time.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let outputs = RefCell::new(Vec::new());
    let noted = |(place, future): (usize, F)| -> Pin<Box<dyn Future<Output = ()> + '_>> {
        outputs.borrow_mut().push(None);
        let outputs = &outputs;
        Box::pin(async move {
            let output = future.await;
            if let Some(its) = outputs.borrow_mut().get_mut(place) {
                *its = Some(output);
            }
        })
    };
    let mut waiting: FuturesUnordered<_> = futures.into_iter().enumerate().map(noted).collect();
    while waiting.next().await.is_some() {}
    drop(waiting);
    outputs.into_inner().into_iter().flatten().collect()
}
