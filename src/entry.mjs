// The outermost layer of build/index.js: the head of each request is read here, once; the wasm answers; and what it hands back
// becomes a response. Also what the wasm asks of JavaScript (src/glue.rs).
//
// A panic ends the wasm instance, and whoever is being served by it would wait in vain: they get a 500 without a word about
// it, and the next request a new instance (worker-build sees to that).

import Worker, { Keeper as Inner } from "worker-build";
import openapi from "../docs/openapi.json";

const { serve } = Worker.prototype;
const state = globalThis.__worker_init_state;

/** Of every answer in JSON with status 200: built once, which costs less than to read them for each. */
const JSON_ANSWER = { headers: new Headers({ "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" }) };

const BROKEN = JSON.stringify({ type: "about:blank", status: 500, title: "Internal error", code: "internal" });
const broken = () => new Response(BROKEN, { status: 500, headers: { "content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff" } });

const waiting = new Set();

/** Nobody will be answered by this instance any more. The panic hook (src/panic.rs) calls it. */
function end() {
  for (const one of waiting) one();
}

/** Whatever has come out of the wasm has ended it, trap or not: the next request gets a new instance. */
function ended() {
  state.criticalError = true;
  end();
}

// It may strike where nobody awaits it: in a timer, in an answer that has arrived.
addEventListener("error", ended);

function failed(error) {
  // Its name only: a message may quote what went wrong.
  console.error(JSON.stringify({ level: "error", event: "failed", detail: error?.name ?? "unknown" }));
  return broken();
}

/** What is promised, or a 500 when it cannot be kept any more. */
async function guarded(promised) {
  let endThis;
  const end = new Promise((resolve) => (endThis = resolve));
  waiting.add(endThis);
  try {
    // Whoever is ended by another request's panic makes a response of its own: one cannot be handed over.
    return (await Promise.race([promised, end])) ?? broken();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) ended();
    return failed(error);
  } finally {
    waiting.delete(endThis);
  }
}

export default {
  fetch(request, env, context) {
    try {
      // A constructor of worker-build's looks whether the instance is sound.
      if (state.criticalError) new Worker(context, env);
      const { headers } = request;
      const answer = serve(request, env, context, request.method, request.url, headers.get("authorization"), headers.get("cf-connecting-ip"), Date.now());
      // Nothing when no answer could be built.
      return answer instanceof Promise ? guarded(answer) : (answer ?? broken());
    } catch (error) {
      ended();
      return failed(error);
    }
  },

  scheduled(event, env, context) {
    return new Worker(context, env).scheduled(event);
  },
};

export class Keeper extends Inner {
  fetch(request) {
    try {
      return guarded(super.fetch(request));
    } catch (error) {
      ended();
      return failed(error);
    }
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

globalThis.__zhongkong = { json_response, read, openapi: () => JSON.stringify(openapi), panicked: end };
