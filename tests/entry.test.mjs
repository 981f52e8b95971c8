// src/entry.mjs around a wasm that does what a test wants: traps where nobody hears of it, instances that do not come up.

import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, mock, test } from "node:test";
import { build } from "esbuild";
import { root } from "./support/centre.mjs";

const WASM = `
export const serve = () => globalThis.wasm.serve();
export const scheduled = () => globalThis.wasm.scheduled();
export const __wbg_reset_state = () => globalThis.wasm.reset();
export class Keeper {
  constructor() { globalThis.wasm.keepers++; }
  answer() { return globalThis.wasm.answer(); }
  alarm() { return globalThis.wasm.alarm(); }
}`;

const standIns = {
  name: "stand-ins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^zhongkong-/ }, ({ path }) => ({ path, namespace: "stand-in" }));
    onLoad({ filter: /^zhongkong-wasm$/, namespace: "stand-in" }, () => ({ contents: WASM }));
    onLoad({ filter: /^zhongkong-(openapi|page)$/, namespace: "stand-in" }, () => ({ contents: "{}", loader: "text" }));
  },
};

const heard = {};
globalThis.addEventListener = (name, listener) => (heard[name] = listener);
const { outputFiles } = await build({ entryPoints: [join(root, "src/entry.mjs")], bundle: true, format: "esm", write: false, plugins: [standIns] });
const { default: Worker, Keeper } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

const trap = () => new WebAssembly.RuntimeError("unreachable");
const request = { method: "GET", url: "https://host/", headers: new Headers(), text: async () => "" };
const ask = async () => (await Worker.fetch(request, {}, {})).status;
const panic = () => globalThis.__zhongkong.panicked();

let wasm;
beforeEach(async () => {
  mock.restoreAll();
  mock.method(console, "error", () => {});
  wasm = globalThis.wasm = { serve: () => new Response("ok"), scheduled: async () => {}, answer: async () => "ok", alarm: async () => {}, resets: 0, keepers: 0, reset: () => wasm.resets++ };
  assert.equal(await ask(), 200);
  wasm.resets = 0;
});

test("a trap on the way is a 500, and the next request has a new instance", async () => {
  wasm.serve = () => { throw trap(); };
  assert.equal(await ask(), 500);
  wasm.serve = () => new Response("ok");
  assert.deepEqual([await ask(), wasm.resets], [200, 1]);
});

test("no answer is a 500 of an instance that goes on", async () => {
  wasm.serve = () => undefined;
  assert.deepEqual([await ask(), wasm.resets], [500, 0]);
});

test("whoever waits is answered when the instance ends, though nobody hears how", async () => {
  wasm.serve = () => new Promise(() => {});
  const [one, other] = [ask(), ask()];
  panic();
  assert.deepEqual([await one, await other, wasm.resets], [500, 500, 0]);
  wasm.serve = () => new Response("ok");
  assert.deepEqual([await ask(), await ask(), wasm.resets], [200, 200, 1], "the next one sees to a new instance, once");
});

test("an instance that does not come up is tried again", async () => {
  let fails = 3;
  wasm.reset = () => {
    wasm.resets++;
    if (fails-- > 0) throw new RangeError("no memory");
  };
  wasm.serve = () => { throw trap(); };
  assert.equal(await ask(), 500);
  let served = 0;
  wasm.serve = () => (served++, new Response("ok"));
  assert.deepEqual([await ask(), served], [500, 0], "the old one is asked nothing");
  assert.deepEqual([await ask(), served, wasm.resets], [200, 1, 4]);
});

test("errors that nobody awaits end the instance, but not those of one that has ended", () => {
  heard.error({ error: new Error("Cannot invoke closure from previous WASM instance") });
  heard.unhandledrejection({ reason: new Error("of a handler's own") });
  assert.equal(wasm.resets, 0);
  heard.error({ error: trap() });
  heard.unhandledrejection({ reason: trap() });
  heard.error({});
  assert.equal(wasm.resets, 3);
});

test("a promise that breaks late does not end the instance that serves by then", async () => {
  let fail;
  wasm.serve = () => new Promise((_, reject) => (fail = reject));
  const late = ask();
  heard.error({ error: trap() });
  fail(trap());
  assert.deepEqual([await late, wasm.resets], [500, 1]);
});

test("a tick and an alarm that fail are failures", async () => {
  wasm.scheduled = async () => { throw trap(); };
  await assert.rejects(Worker.scheduled({}, {}, {}), WebAssembly.RuntimeError);
  assert.equal(wasm.resets, 1);
  wasm.alarm = () => new Promise(() => {});
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
  wasm.answer = async () => "ok";
  assert.equal((await keeper.fetch(request)).status, 200);
  assert.equal(wasm.keepers, 2);
});

test("a timer that is stopped is gone, and whoever waits for it goes on", async () => {
  const pending = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = pending();
  const { rings, stop } = globalThis.__zhongkong.timer(600_000);
  assert.equal(pending(), before + 1);
  stop();
  await rings;
  assert.equal(pending(), before);
});
