// The outermost layer of build/index.js: the head of each request is read here, once; the wasm answers; and what it hands back
// becomes a response. What the wasm asks of JavaScript meanwhile is glue.mjs.
//
// A panic ends the wasm instance, and whoever is being served by it would wait in vain: they get a 500 without a word about
// it, and the next request a new instance. What still calls the old one is refused by wasm-bindgen's script.

import { __wbg_reset_state as anew, scheduled, serve, Keeper as Inner } from "zhongkong-wasm";
import * as glue from "./glue.mjs";

const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });
const broken = () => glue.response(BROKEN, 500, "application/problem+json", "");

/** Which instance serves: those before it have ended. */
let instance = 0;
/** Whether it has not ended. Where nobody hears of the end, whoever comes next sees to a new one. */
let sound = true;
const waiting = new Set();

class Ended extends Error {
  constructor() {
    super("the instance has ended");
    this.name = "Ended";
  }
}

/** Nobody will be answered by this instance any more. The panic hook (src/panic.rs) calls it. */
function end() {
  sound = false;
  for (const one of waiting) one(new Ended());
}

function renew() {
  anew();
  instance++;
  sound = true;
}

/** Whatever has come out of the wasm has ended it, trap or not: a new instance takes its place. */
function ended() {
  end();
  try {
    renew();
  } catch {
    // Tried again before the next call.
  }
}

// It may strike where nobody awaits it: in a task of the wasm's own. What arrives for an instance that has ended is refused by
// wasm-bindgen's script, and is no failure of the one that serves.
addEventListener("error", ({ error }) => {
  if (!/previous wasm instance/i.test(error?.message)) ended();
});
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof WebAssembly.RuntimeError) ended();
});

/** What an instance has promised; fails when it ends before. */
async function kept(promised) {
  let endThis;
  const end = new Promise((_, reject) => (endThis = reject));
  waiting.add(endThis);
  try {
    return await Promise.race([promised, end]);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) ended();
    throw error;
  } finally {
    waiting.delete(endThis);
  }
}

/** Asks the wasm for what it promises; what fails is thrown on. */
async function asked(ask) {
  let promised;
  try {
    if (!sound) renew();
    promised = ask();
  } catch (error) {
    ended();
    throw error;
  }
  return kept(promised);
}

/** A response that is promised, or a 500 when that cannot be kept any more. */
async function answered(promised) {
  try {
    return (await promised) ?? broken();
  } catch (error) {
    // Whoever is ended by another's panic makes a response of its own: one cannot be handed over.
    return error instanceof Ended ? broken() : failed(error);
  }
}

function failed(error) {
  // Its name only: a message may quote what went wrong.
  console.error(JSON.stringify({ level: "error", event: "failed", detail: error?.name ?? "unknown" }));
  return broken();
}

export default {
  fetch(request, env, context) {
    try {
      if (!sound) renew();
      const { headers } = request;
      const answer = serve(request, env, context, request.method, request.url, headers.get("authorization"), headers.get("cf-connecting-ip"), Date.now());
      // Nothing when no answer could be built.
      return answer instanceof Promise ? answered(kept(answer)) : (answer ?? broken());
    } catch (error) {
      ended();
      return failed(error);
    }
  },

  /** What fails is thrown on: the list of the cron's runs shows it. */
  async scheduled(event, env) {
    try {
      await asked(() => scheduled(env));
    } catch (error) {
      failed(error);
      throw error;
    }
  },
};

export class Keeper {
  #state;
  #env;
  #inner;
  #instance;

  constructor(state, env) {
    this.#state = state;
    this.#env = env;
  }

  /** A Keeper of the instance that serves. */
  #serving() {
    if (this.#instance !== instance) {
      this.#inner = new Inner(this.#state, this.#env);
      this.#instance = instance;
    }
    return this.#inner;
  }

  fetch(request) {
    return answered(this.#answer(request));
  }

  async #answer(request) {
    const question = await request.text().catch(() => undefined);
    // Whoever asked has gone.
    if (question === undefined) return undefined;
    const answer = await asked(() => this.#serving().answer(new URL(request.url).pathname, question));
    return answer === undefined ? undefined : new Response(answer);
  }

  /** What fails is thrown on: the runtime tries an alarm again. */
  alarm() {
    return asked(() => this.#serving().alarm());
  }
}

globalThis.__zhongkong = { ...glue, panicked: end };
