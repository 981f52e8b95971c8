// What is deployed: the built wasm and the configurations in the repository.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createTestHarness } from "wrangler";
import { startFront } from "../scripts/front.mjs";
import { startSimulator } from "./support/simulator.mjs";

const DEV_KEY = "dev-only-key-0123456789abcdef0123456789";
const wasm = readFileSync(new URL("../build/index_bg.wasm", import.meta.url));

test("the wasm has not grown beyond reason", () => {
  const kb = gzipSync(wasm, { level: 9 }).length / 1000;
  assert.ok(kb < 1000, `${kb} kB, gzipped`);
});

test("the wasm imports nothing but wasm-bindgen's script and src/js: no clock, no system", () => {
  const module = new WebAssembly.Module(wasm);
  const modules = new Set(WebAssembly.Module.imports(module).map((entry) => entry.module));
  const ours = readdirSync(new URL("../src/js", import.meta.url)).map((file) => `./snippets/zhongkong/src/js/${file}`);
  assert.deepEqual([...modules].map((module) => module.replace(/\/zhongkong-[0-9a-f]+\//, "/zhongkong/")).sort(), ["./index_bg.js", ...ours].sort());
});

test("the environment of `npm start` works as it stands in wrangler.toml", async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const app = (appid, more) => ({ appid, api_hosts: [simulator.url], ...more });
  const APPS = {
    demo: app("wx0000000000000001", { tickets: ["jsapi", "wx_card"] }),
    legacy: app("wx0000000000000002", { token_api: "plain" }),
    mini: app("wx0000000000000003", { platform: "mini" }),
  };
  const harness = createTestHarness({ workers: [{ configPath: "wrangler.toml", env: "local", vars: { APPS } }] });
  t.after(() => harness.close());
  const { url } = await harness.listen();
  for (const name of Object.keys(APPS)) {
    const headers = { authorization: `Bearer ${DEV_KEY}` };
    const response = await harness.fetch(`/v1/apps/${name}/access_token`, { headers });
    const { access_token: token } = await response.json();
    assert.equal(response.status, 200);
    assert.equal(await simulator.tokenAlive(token), true);
  }
  // As `npm start` has it, no page with a name of its own gets past HOSTS: not by a header of wrangler's either.
  const front = await startFront(0, url.port);
  t.after(() => front.close());
  const ask = async (host, more = {}) => {
    const headers = { host, authorization: `Bearer ${DEV_KEY}`, ...more };
    const asked = request({ host: "127.0.0.1", port: front.address().port, path: "/v1/apps/demo/access_token", headers }).end();
    const [answer] = await once(asked, "response");
    return [answer.statusCode, await text(answer)];
  };
  const forged = { "MF-Original-URL": "http://localhost/v1/apps/demo/access_token" };
  for (const [host, more, status] of [["localhost:8787", {}, 200], ["127.0.0.1", forged, 200], ["evil.example", {}, 403], ["evil.example:8787", forged, 403]]) {
    const [got, body] = await ask(host, more);
    assert.equal(got, status, `${host}: ${body}`);
    assert.equal(body.includes("access_token"), status === 200, body);
  }
});

test("production never points at this machine, and its secrets are required", () => {
  const [production] = readFileSync(new URL("../wrangler.toml", import.meta.url), "utf8").split("[env.local]");
  assert.ok(!/127\.0\.0\.1|localhost|http:\/\//.test(production));
  assert.match(production, /required = \["SEAL_KEY", "APP_SECRET_SHOP", "CALLER_KEY_WEB", "CALLER_KEY_OPS"\]/);
  assert.match(production, /invocation_logs = false/);
});
