// The outermost layer of build/index.js: the head of each request is read here, once; the wasm answers; and what it hands back
// becomes a response. Also what the wasm asks of JavaScript (src/glue.rs).
//
// A panic ends the wasm instance, and whoever is being served by it would wait in vain: they get a 500 without a word about
// it, and the next request a new instance. What still calls the old one is refused by wasm-bindgen's script.

import { __wbg_reset_state as anew, scheduled, serve, Keeper as Inner } from "zhongkong-wasm";
import openapi from "zhongkong-openapi";

/** Of every answer in JSON with status 200: built once, which costs less than to read them for each. */
const JSON_ANSWER = { headers: new Headers({ "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" }) };

const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });
const broken = () => new Response(BROKEN, { status: 500, headers: { "content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff" } });

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
  async scheduled(event, env, context) {
    try {
      await asked(() => scheduled(event, env, context));
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
    return answered(asked(() => this.#serving().fetch(request)));
  }

  /** What fails is thrown on: the runtime tries an alarm again. */
  alarm() {
    return asked(() => this.#serving().alarm());
  }
}

/**
 * The bytes of a stream; of one with more than `most`, its beginning, which is longer than that. Of the rest so much is thrown away
 * (whoever is still sending it might find the connection closed, and not our answer), and then it is cancelled.
 */
async function read(stream, most, thrownAway) {
  const chunks = [];
  let length = 0;
  let thrown = 0;
  for await (const chunk of stream.values({ preventCancel: true })) {
    if (length <= most) {
      chunks.push(chunk);
      length += chunk.byteLength;
    } else {
      thrown += chunk.byteLength;
    }
    // A chunk without a length has no place here.
    if (!(length <= most || thrown < thrownAway)) break;
  }
  // Not waited for: of an answer that is read twice, the other half may still be to come.
  if (!(length <= most)) stream.cancel().catch(() => {});
  const bytes = new Uint8Array(length);
  let place = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, place);
    place += chunk.byteLength;
  }
  return bytes;
}

const json_response = (body) => new Response(body, JSON_ANSWER);

globalThis.__zhongkong = { json_response, read, openapi: () => openapi, panicked: end };
