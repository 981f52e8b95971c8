// The outermost layer of build/index.js, around what worker-build has made of the crate: it tries the fast path first
// (src/fast.rs), and it sees to it that a panic hurts one moment only. Everything else is workers-rs' own.
//
// A panic or a trap ends the wasm instance. Requests that it is serving would wait for ever, or for as long as their
// own I/O takes, so they get a 500 at once; the next call gets a new instance. For that this file relies on internals
// of `worker` =0.8.7 and wasm-bindgen =0.2.130, which are pinned, and tested by tests/entry.test.mjs and panic.test.mjs.

import Shim, { FastPath, Keeper as InnerKeeper, Scheduler as InnerScheduler } from "worker-build";

const { answer, probe } = FastPath;
/**
 * workers-rs' handlers. Not by way of the shim's own object: its two proxies do what `renew` and `kept` do here, for
 * each request.
 */
const { fetch: fetched, scheduled } = Shim.prototype;
/**
 * `{ criticalError, instanceId }`, by workers-rs' own name: its crate and its shim share it there, and it exports
 * no other way to it.
 */
const state = globalThis.__worker_init_state;
const waiting = new Set();

class Ended extends Error {
  name = "Ended";
}

// Set by the panic hook, by the start function of a new instance, by the shim and below: whichever it is, nobody will be
// answered by the instance before.
for (const name of Object.keys(state)) {
  let value = state[name];
  const set = (to) => {
    value = to;
    if (to) for (const end of waiting) end(new Ended());
  };
  Object.defineProperty(state, name, { get: () => value, set });
}

/** Marks the instance as broken by this error, unless it comes from one that was replaced already. */
function critical(error) {
  if (!/previous wasm instance/i.test(error?.message)) state.criticalError = true;
}

// Where nobody awaits it: in a task of the wasm's own. The shim takes a `RuntimeError` only; a stack overflow is a `RangeError`.
addEventListener("error", ({ error }) => critical(error));
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof WebAssembly.RuntimeError) critical(reason);
});

/** Replaces a broken instance. Before every call: wasm-bindgen would replace it when the texts of the call are in the old one's memory. */
function renew() {
  // The shim's way, which a constructor of any class triggers; then wasm-bindgen's own, which any export does.
  if (state.criticalError) new FastPath();
  probe();
}

/** What the wasm promises; fails when its instance ends before. */
async function kept(ask) {
  renew();
  let end;
  const ended = new Promise((_, reject) => waiting.add((end = reject)));
  // Where `ask` throws at once nobody awaits it.
  ended.catch(() => {});
  try {
    return await Promise.race([ask(), ended]);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) critical(error);
    throw error;
  } finally {
    waiting.delete(end);
  }
}

const GUARDED = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
/** Built once, which costs less than to read them for each answer. */
const JSON_ANSWER = { headers: new Headers({ "content-type": "application/json", ...GUARDED }) };
const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });

/** A 500 without a word about it. Of the error its name is logged only: a message may quote what went wrong. */
function broken(error) {
  console.error(JSON.stringify({ level: "error", event: "failed", detail: error?.name ?? "unknown" }));
  return new Response(BROKEN, { status: 500, headers: { "content-type": "application/problem+json", ...GUARDED } });
}

/** The answer from memory, or `undefined`. */
function fast({ method, url, headers }) {
  renew();
  const body = answer(method, url, headers.get("authorization"), headers.get("cf-connecting-ip"), Date.now());
  return body === undefined ? undefined : new Response(body, JSON_ANSWER);
}

// A plain object, and a class without a base: nothing of the wasm can be called by RPC.
export default {
  fetch(request, env, context) {
    try {
      const answer = FAST_PATH ? fast(request) : undefined;
      if (answer) return answer;
    } catch (error) {
      critical(error);
      return broken(error);
    }
    return kept(() => fetched.call({ env, ctx: context }, request)).catch(broken);
  },

  /** What fails is thrown on: the list of the cron's runs shows it. */
  scheduled(event, env, context) {
    return kept(() => scheduled.call({ env, ctx: context }, event)).catch((error) => {
      broken(error);
      throw error;
    });
  },
};

/** Around a class of the wasm's own, since a panic in an object would leave those who have asked it without an answer. */
const guarded = (Inner) =>
  class {
    #inner;
    #arguments;

    constructor(...args) {
      this.#arguments = args;
    }

    fetch(request) {
      return kept(() => this.#served().fetch(request)).catch(broken);
    }

    /** What fails is thrown on: the runtime tries an alarm again. */
    alarm() {
      return kept(() => this.#served().alarm());
    }

    #served() {
      return (this.#inner ??= new Inner(...this.#arguments));
    }
  };

export const Keeper = guarded(InnerKeeper);
export const Scheduler = guarded(InnerScheduler);
