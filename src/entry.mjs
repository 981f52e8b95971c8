// The outermost layer of build/index.js. A panic ends the wasm instance, and whoever is being served by it would wait in
// vain: they get a 500 without a word about it, and the next request a new instance (worker-build sees to that).

import Worker, { Keeper as Inner } from "worker-build";
import openapi from "../docs/openapi.json";

/** For src/api/openapi.rs. */
globalThis.__zhongkong_openapi = () => JSON.stringify(openapi);

const waiting = new Set();

/** Nobody will be answered by this instance any more. The panic hook (src/panic.rs) calls it. */
function end() {
  for (const one of waiting) one();
}
globalThis.__zhongkong_panicked = end;

// A trap that is no panic: out of memory, the stack. It may strike where nobody awaits it.
const isTrap = (error) => error instanceof WebAssembly.RuntimeError;
addEventListener("error", ({ error }) => isTrap(error) && end());

const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });
const broken = () => new Response(BROKEN, { status: 500, headers: { "content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff" } });

/** What `serve` answers, or a 500 when it cannot any more. */
async function guarded(serve) {
  let endThis;
  const ended = new Promise((resolve) => (endThis = resolve));
  waiting.add(endThis);
  try {
    // Whoever is ended by another request's panic makes a response of its own: one cannot be handed over.
    return (await Promise.race([serve(), ended])) ?? broken();
  } catch (error) {
    if (isTrap(error)) end();
    // Its name only: a message may quote what went wrong.
    console.error(JSON.stringify({ level: "error", event: "failed", detail: error?.name ?? "unknown" }));
    return broken();
  } finally {
    waiting.delete(endThis);
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
