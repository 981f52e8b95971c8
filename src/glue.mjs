// What the wasm asks of JavaScript (src/glue.rs): whatever would take a crossing for each of many small steps. What waits is an async
// function throughout: an exception that is thrown at once would leave the wasm in the middle of something.

import openapi_text from "zhongkong-openapi";
import page_text from "zhongkong-page";

// The wasm's futures are woken by this. workerd's own takes some µs each time; a promise of V8's does the same for a tenth.
globalThis.queueMicrotask = (task) => void Promise.resolve().then(task).catch(globalThis.reportError);

/** The headers of every answer of ours. */
const head = (type) => ({ ...(type && { "content-type": type }), "cache-control": "no-store", "x-content-type-options": "nosniff" });

/** Built once, which costs less than to read them for each. */
const JSON_ANSWER = { headers: new Headers(head("application/json")) };

export const json_response = (body) => new Response(body, JSON_ANSWER);

/** Any other answer. `lines` are more headers, or others, as in HTTP. */
export function response(body, status, type, lines) {
  const headers = new Headers(head(type));
  for (const [, name, value] of lines.matchAll(/^(.*?): (.*)$/gm)) headers.set(name, value);
  return new Response(body, { status, headers });
}

export const openapi = () => openapi_text;

export const page_script = () => page_text;

/**
 * The bytes of a stream; of one with more than `most`, its beginning, which is longer than that. Of the rest so much is thrown away
 * (whoever is still sending it might find the connection closed, and not our answer), and then it is cancelled.
 */
export async function read(stream, most, thrownAway) {
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

/** The bytes of a request or response that has said how few they are. */
export const whole = async (message) => new Uint8Array(await message.arrayBuffer());

/**
 * A timer, and the promise that it rings, which is kept as well when it is stopped: what waits for it would never be freed. Where the
 * runtime allows no more of them (10,000 at once) it throws, and a pause takes its instance along.
 */
export function timer(ms) {
  let ring;
  const rings = new Promise((resolve) => (ring = resolve));
  const id = setTimeout(ring, ms);
  const stop = () => {
    clearTimeout(id);
    ring();
  };
  return { rings, stop };
}

/** What is promised; `undefined` when it takes longer than so many ms. */
export async function within(promised, patience) {
  const { rings, stop } = timer(patience);
  try {
    return await Promise.race([promised, rings]);
  } finally {
    stop();
  }
}

/** A redirect would carry a secret to wherever it points; and nothing on the way keeps what belongs to one. */
const GUARDED = { redirect: "manual", cache: "no-store" };

/**
 * A response, once it begins; `undefined` when there is none within so many ms. Why is not told: an error's text may hold the URL. A call that
 * is late is closed by the runtime, with the request that it was made for: an `AbortController` for each would cost more than its timer.
 */
export async function send(url, method, headers, body, patience) {
  try {
    return await within(fetch(url, { ...GUARDED, method, headers, body }), patience);
  } catch {
    return undefined;
  }
}

/**
 * `[status, bytes]` of an answer, of its body so much as `read` gives: nothing of it is read, nor waited for, where `most` is 0. `null`
 * when that takes longer than so many ms, `undefined` when nobody answers. Whatever is still open then is closed.
 */
export async function exchange(url, method, headers, body, patience, most) {
  const abort = new AbortController();
  const answer = async () => {
    const response = await fetch(url, { ...GUARDED, method, headers, body, signal: abort.signal });
    return [response.status, most > 0 && response.body ? await read(response.body, most, 0) : new Uint8Array()];
  };
  try {
    return (await within(answer(), patience)) ?? null;
  } catch {
    return undefined;
  } finally {
    abort.abort();
  }
}

/** The headers of a request, but for those whose names match. */
export function headers_but(request, left) {
  const headers = new Headers();
  for (const [name, value] of request.headers) if (!left.test(name)) headers.append(name, value);
  return headers;
}

export const header_lines = (answer) => [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");

/** A body, scrubbed as it passes: every byte stays in its place, so that a stated length stays true. */
function scrubbed(stream, scrubbing, headers) {
  const length = headers.get("content-encoding") ? null : headers.get("content-length");
  if (length === null) headers.delete("content-length");
  const send = (bytes, to) => bytes.byteLength > 0 && to.enqueue(bytes);
  const through = new TransformStream({
    transform: (piece, to) => send(scrubbing.push(piece), to),
    flush: (to) => send(scrubbing.finish(), to),
  });
  const clean = stream.pipeThrough(through);
  return length === null ? clean : clean.pipeThrough(new FixedLengthStream(Number(length)));
}

/**
 * An answer with this body that goes on to a caller of ours: no cookies, no scripts in what somebody has uploaded, nothing kept. The
 * status text is HTTP's own, since another may quote the URL.
 */
export function passed_on(answer, body, left_out, scrubbing) {
  const headers = new Headers(answer.headers);
  for (const name of ["set-cookie", ...left_out.split("\n")]) if (name) headers.delete(name);
  headers.set("cache-control", "no-store");
  headers.set("x-content-type-options", "nosniff");
  headers.set("content-security-policy", "sandbox");
  return new Response(body instanceof ReadableStream ? scrubbed(body, scrubbing, headers) : body, { status: answer.status, headers });
}

/** What a Durable Object answers to a question in JSON; `undefined` when it is not well. */
export async function ask(objects, name, locationHint, url, question) {
  const answer = await objects.getByName(name, { locationHint }).fetch(url, { method: "POST", body: question });
  return answer.status === 200 ? answer.text() : undefined;
}

/** The rows that a statement finds in an object's SQLite. */
export const sql = (storage, statement, values) => JSON.stringify(storage.exec(statement, ...JSON.parse(values)).toArray());

/** A text of KV; `null` when there is none, `undefined` when it takes longer than so many ms. */
export const kv_get = async (kv, key, cacheTtl, patience) => within(kv.get(key, { type: "text", cacheTtl }), patience);

/** The texts of so many keys at once, in their order, as JSON; `null` for what is not there. */
export async function kv_get_many(kv, keys, patience) {
  const wanted = JSON.parse(keys);
  const texts = await within(kv.get(wanted, { type: "text" }), patience);
  return texts && JSON.stringify(wanted.map((key) => texts.get(key)));
}

/** A text with what stands beside it, as JSON. */
export async function kv_get_whole(kv, key, cacheTtl, patience) {
  const found = await within(kv.getWithMetadata(key, { type: "text", cacheTtl }), patience);
  return found && JSON.stringify({ value: found.value, metadata: found.metadata });
}

export const kv_put = async (kv, key, text, options, patience) => within(kv.put(key, text, JSON.parse(options)).then(() => null), patience);

/** The rows that a statement finds in D1, as JSON. */
export async function d1(db, statement, values, patience) {
  const found = await within(db.prepare(statement).bind(...JSON.parse(values)).all(), patience);
  return found && JSON.stringify(found.results ?? null);
}

/** Whether a rate limit lets this key through. */
export const is_within = async (limit, key) => (await limit.limit({ key })).success;

export const write_data_point = (dataset, point) => dataset.writeDataPoint(JSON.parse(point));

/** A line of the log, as grave as the method of the console says. */
export const log = (method, line) => console[method](line);

export const message = (error) => String(error?.message ?? error);

/** A var or secret as a text: one that is something else as JSON, so that whoever reads it finds what it is. */
export function setting(env, name) {
  const value = env[name] ?? undefined;
  try {
    return typeof value === "string" ? value : JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** What is bound under a name; `null` when it has no such method, `undefined` when there is nothing. */
export function binding(env, name, method) {
  const bound = env[name] ?? undefined;
  return bound === undefined || typeof bound[method] === "function" ? bound : null;
}
