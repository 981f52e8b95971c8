// The outermost layer of build/index.js. A panic ends the wasm instance, and whoever is being served by it would wait in
// vain: they get a 500 without a word about it, and the next request a new instance (worker-build sees to that).

import Worker, { Keeper as Inner } from "worker-build";

const waiting = new Set();

/** Called by the panic hook (src/panic.rs): nobody will be answered by this instance any more. */
globalThis.__zhongkong_panicked = () => {
  for (const end of waiting) end();
};

const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });
const broken = () => new Response(BROKEN, { status: 500, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } });

/** What `serve` answers, or a 500 when it cannot any more. */
async function guarded(serve) {
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  waiting.add(end);
  try {
    // Whoever is ended by another request's panic makes a response of its own: one cannot be handed over.
    return (await Promise.race([serve(), ended])) ?? broken();
  } catch {
    // What was thrown is in the log already; its text is not for callers.
    return broken();
  } finally {
    waiting.delete(end);
  }
}

export default class extends Worker {
  fetch(request) {
    return guarded(() => super.fetch(request));
  }
}

export class Keeper extends Inner {
  fetch(request) {
    return guarded(() => super.fetch(request));
  }
}
