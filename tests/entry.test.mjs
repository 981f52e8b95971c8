// src/entry.js around a shim that does what a test wants: traps where nobody hears of it, instances that do not come up.

import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, mock, test } from "node:test";
import { build } from "esbuild";
import { root } from "./support/centre.mjs";

/** What worker-build makes, as far as src/entry.js knows it: a broken instance is replaced by the constructor of any class. */
const SHIM = `
const state = (globalThis.__worker_init_state = { criticalError: false, instanceId: 1 });
const proxied = (Class) => new Proxy(Class, {
  construct(target, args) {
    if (state.criticalError) {
      globalThis.wasm.reset();
      state.criticalError = false;
      state.instanceId++;
    }
    const made = { inner: new target(...args), instanceId: state.instanceId };
    return new Proxy(made, {
      get(_, name) {
        if (made.instanceId !== state.instanceId) Object.assign(made, { inner: new target(...args), instanceId: state.instanceId });
        return made.inner[name].bind(made.inner);
      },
    });
  },
});
export const FastPath = proxied(class {
  static probe() { globalThis.wasm.probe(); }
  static answer(...head) { return globalThis.wasm.fast(...head); }
});
export const Keeper = proxied(class {
  constructor() { globalThis.wasm.keepers++; }
  fetch() { return globalThis.wasm.answer(); }
  alarm() { return globalThis.wasm.alarm(); }
});
export const Scheduler = Keeper;
export default proxied(class {
  fetch() { return globalThis.wasm.serve(); }
  scheduled() { return globalThis.wasm.scheduled(); }
});`;

const standIn = {
  name: "stand-in",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker-build$/ }, ({ path }) => ({ path, namespace: "stand-in" }));
    onLoad({ filter: /.*/, namespace: "stand-in" }, () => ({ contents: SHIM }));
  },
};

const heard = {};
globalThis.addEventListener = (name, listener) => (heard[name] = listener);

async function entry(fast) {
  const { outputFiles } = await build({ entryPoints: [join(root, "src/entry.js")], bundle: true, format: "esm", write: false, plugins: [standIn], define: { FAST_PATH: String(fast) } });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
const { default: plain } = await entry(false);
const { default: Worker, Keeper } = await entry(true);
const state = globalThis.__worker_init_state;

const trap = () => new WebAssembly.RuntimeError("unreachable");
const request = { method: "GET", url: "https://host/", headers: new Headers({ authorization: "Bearer key", "cf-connecting-ip": "203.0.113.7" }) };
const ask = async () => (await Worker.fetch(request, {}, {})).status;
const panic = () => (state.criticalError = true);
const never = () => new Promise(() => {});

let wasm;
beforeEach(async () => {
  mock.restoreAll();
  mock.method(console, "error", () => {});
  wasm = globalThis.wasm = { fast: () => undefined, probe: () => {}, serve: async () => new Response("ok"), scheduled: async () => {}, answer: async () => new Response("ok"), alarm: async () => {}, resets: 0, keepers: 0, reset: () => wasm.resets++ };
  assert.equal(await ask(), 200);
  wasm.resets = 0;
});

test("nothing but these can be called from outside: not by RPC either", () => {
  const names = (object) => (object && object !== Object.prototype ? [...Object.getOwnPropertyNames(object), ...names(Object.getPrototypeOf(object))] : []);
  assert.deepEqual(names(Worker).sort(), ["fetch", "scheduled"]);
  assert.deepEqual(names(Keeper.prototype).sort(), ["alarm", "constructor", "fetch"]);
});

test("what the fast path answers is the answer, and the ordinary path hears nothing of it", async () => {
  let served = 0;
  wasm.serve = async () => (served++, new Response("slow"));
  wasm.fast = (...head) => JSON.stringify(head.slice(0, 4));
  const answer = Worker.fetch(request, {}, {});
  assert.ok(answer instanceof Response, "at once, without a promise");
  assert.deepEqual(await answer.json(), ["GET", "https://host/", "Bearer key", "203.0.113.7"]);
  assert.deepEqual(["content-type", "cache-control", "x-content-type-options"].map((name) => answer.headers.get(name)), ["application/json", "no-store", "nosniff"]);
  wasm.fast = () => new TextEncoder().encode("{}");
  assert.equal(await (await Worker.fetch(request, {}, {})).text(), "{}");
  assert.equal(served, 0);
  wasm.fast = () => undefined;
  assert.equal(await (await Worker.fetch(request, {}, {})).text(), "slow");
});

test("without the fast path it is not asked", async () => {
  wasm.fast = () => assert.fail("asked");
  assert.equal(await (await plain.fetch(request, {}, {})).text(), "ok");
});

test("each way of the wasm is tried without texts first: they would be written into the memory of an instance that has trapped", async () => {
  const calls = [];
  for (const name of ["probe", "fast", "serve", "scheduled", "answer", "alarm"]) {
    const before = wasm[name];
    wasm[name] = (...args) => (calls.push(name), before(...args));
  }
  const keeper = new Keeper({}, {});
  for (const use of [() => Worker.fetch(request, {}, {}), () => Worker.scheduled({}, {}, {}), () => keeper.fetch(request), () => keeper.alarm()]) await use();
  assert.deepEqual(calls, ["probe", "fast", "probe", "serve", "probe", "scheduled", "probe", "answer", "probe", "alarm"]);
});

for (const [what, error] of [["a trap", trap()], ["a stack overflow", new RangeError("Maximum call stack size exceeded")]]) {
  test(`${what} in the fast path is a 500, and the next request has a new instance`, async () => {
    wasm.fast = () => { throw error; };
    assert.equal(await ask(), 500);
    wasm.fast = () => "{}";
    assert.deepEqual([await ask(), wasm.resets], [200, 1]);
  });

  test(`${what} in the ordinary path is a 500, and the next request has a new instance`, async () => {
    for (const serve of [() => { throw error; }, async () => { throw error; }]) {
      wasm.serve = serve;
      wasm.resets = 0;
      assert.equal(await ask(), 500);
      wasm.serve = async () => new Response("ok");
      assert.deepEqual([await ask(), await ask(), wasm.resets], [200, 200, 1]);
    }
  });
}

test("an error of a handler's own is a 500 of an instance that goes on", async () => {
  wasm.serve = async () => { throw new Error("of its own"); };
  assert.deepEqual([await ask(), await ask(), wasm.resets], [500, 500, 0]);
});

test("every request that waits is answered when the instance ends", async () => {
  wasm.serve = never;
  const [one, other] = [ask(), ask()];
  await Promise.resolve();
  panic();
  assert.deepEqual([await one, await other, wasm.resets], [500, 500, 0]);
  wasm.serve = async () => new Response("ok");
  assert.deepEqual([await ask(), await ask(), wasm.resets], [200, 200, 1], "the next one sees to a new instance, once");
});

test("an instance that does not come up is tried again, and the old one is asked nothing", async () => {
  let fails = 3;
  wasm.reset = () => {
    wasm.resets++;
    if (fails-- > 0) throw new RangeError("no memory");
  };
  panic();
  let served = 0;
  wasm.serve = async () => (served++, new Response("ok"));
  assert.deepEqual([await ask(), await ask(), await ask(), served], [500, 500, 500, 0]);
  assert.deepEqual([await ask(), served, wasm.resets], [200, 1, 4]);
});

test("errors that nobody awaits end the instance, but not those of one that has ended", async () => {
  heard.error({ error: new Error("Cannot invoke closure from previous WASM instance") });
  heard.unhandledrejection({ reason: new Error("of a handler's own") });
  assert.equal(state.criticalError, false);
  for (const strike of [() => heard.error({ error: trap() }), () => heard.error({}), () => heard.unhandledrejection({ reason: trap() })]) {
    strike();
    assert.equal(state.criticalError, true);
    assert.equal(await ask(), 200);
  }
  assert.equal(wasm.resets, 3);
});

test("a tick and an alarm that fail are failures", async () => {
  wasm.scheduled = async () => { throw trap(); };
  await assert.rejects(Worker.scheduled({}, {}, {}), WebAssembly.RuntimeError);
  wasm.alarm = never;
  const ringing = new Keeper({}, {}).alarm();
  panic();
  await assert.rejects(ringing, { name: "Ended" });
  wasm.alarm = async () => { throw new Error("of the Keeper's own"); };
  await assert.rejects(new Keeper({}, {}).alarm(), { message: "of the Keeper's own" });
  assert.equal(wasm.resets, 2);
});

test("a Keeper is made anew for a new instance, and only then", async () => {
  const keeper = new Keeper({}, {});
  for (let n = 0; n < 2; n++) assert.equal((await keeper.fetch(request)).status, 200);
  assert.equal(wasm.keepers, 1);
  wasm.answer = () => { throw trap(); };
  assert.equal((await keeper.fetch(request)).status, 500);
  wasm.answer = async () => new Response("ok");
  assert.equal((await keeper.fetch(request)).status, 200);
  assert.equal(wasm.keepers, 2);
});
