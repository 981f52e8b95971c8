// The state that the `worker` crate and its shim share, by workers-rs' own name: its panic hook sets it there, and ours, in
// the place of that, has to do the same. The next call then gets a new instance.
export const panicked = () => (globalThis.__worker_init_state.criticalError = true);
