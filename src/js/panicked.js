// The `worker` crate's own state, which its panic hook would have set: the next call gets a new instance.
export const panicked = () => (globalThis.__worker_init_state.criticalError = true);
