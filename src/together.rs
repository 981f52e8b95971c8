//! Several futures of one kind at once.

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::cell::RefCell;
use std::pin::Pin;

/// Waits for all of them; the outputs stand in the order of the futures. Each is boxed, so that the waiting is compiled once: `join_all`
/// would be compiled anew for each kind of future, with 2 kB of wasm.
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
    // Each has its output by now.
    outputs.into_inner().into_iter().flatten().collect()
}
