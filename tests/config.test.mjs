// Wrong configuration → what the operator reads, on real workerd. The whole table of faults, with
// their words, is a test of the core (crates/core/src/config/tests.rs); here the way of a fault to
// the operator is tested: the log, the API, and that nothing else is hurt.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CANARY, startCentre } from "./support/centre.mjs";

async function fresh(t, change, bare) {
  const centre = await startCentre({ change, bare });
  t.after(() => centre.stop());
  return centre;
}

const faultsInLog = (centre) => centre.logs().filter((line) => line.includes('"misconfigured"')).map((line) => JSON.parse(line).setting);

test("every fault is logged at once, once; the faulty app says so, the others work", async (t) => {
  const centre = await fresh(t, (vars) => {
    vars.APPS.demo.appid = "gh_canary";
    vars.APPS.demo.tickets = ["jsapi", "canary"];
    vars.CALLERS.web.scopes = ["canary"];
    delete vars.APP_SECRET_DEMO;
    return vars;
  });
  const { status, body } = await centre.token("demo");
  assert.deepEqual([status, body.code], [500, "misconfigured"]);
  for (const setting of ["APPS.demo.appid", "APPS.demo.tickets[1]", "APP_SECRET_DEMO"]) assert.ok(body.detail.includes(setting), setting);
  assert.equal((await centre.token("legacy")).status, 200);
  const { body: shown } = await centre.call("/v1/apps");
  assert.equal(shown.apps.find(({ app }) => app === "demo").state, "misconfigured");
  assert.equal(shown.faults.length, 4);
  assert.deepEqual(faultsInLog(centre), ["APPS.demo.appid", "APPS.demo.tickets[1]", "APP_SECRET_DEMO", "CALLERS.web.scopes[0]"]);
  assert.ok(!centre.logs().join("\n").includes("canary"), "no value is shown");
});

test("no caller that works: any request tells the operator what to set", async (t) => {
  const centre = await fresh(t, ({ CALLER_KEY_ALL, ...vars }) => ({ ...vars, CALLER_KEY_WEB: "short" }));
  const { status, body } = await centre.token();
  assert.deepEqual([status, body.code], [500, "misconfigured"]);
  assert.match(body.detail, /CALLER_KEY_ALL is missing: make one with `npm run new-key`/);
  assert.match(body.detail, /CALLER_KEY_WEB is shorter than 32 characters/);
  assert.equal((await centre.call("/healthz", { key: null })).status, 200, "the centre itself is sound");
});

test("no SEAL_KEY: nothing is handed out unsealed, /healthz says so, strangers learn nothing", async (t) => {
  const centre = await fresh(t, ({ SEAL_KEY, ...vars }) => vars);
  const { status, body } = await centre.token();
  assert.deepEqual([status, body.code], [500, "misconfigured"]);
  assert.match(body.detail, /^SEAL_KEY is missing/);
  assert.deepEqual((await centre.call("/healthz", { key: null })).body, { status: "misconfigured" });
  assert.equal((await centre.call("/v1/apps/demo/access_token", { key: "x".repeat(40) })).status, 401);
  await centre.cron();
  assert.ok(centre.logs().some((line) => line.includes("cron_cannot_run")));
});

test("no KV binding", async (t) => {
  const centre = await fresh(t, (vars) => vars, ({ kv_namespaces, ...config }) => config);
  const { status, body } = await centre.token();
  assert.deepEqual([status, body.code], [500, "misconfigured"]);
  assert.match(body.detail, /^TOKENS is not bound/);
});

test("tables given as JSON text are read as well", async (t) => {
  const centre = await fresh(t, (vars) => ({ ...vars, APPS: JSON.stringify(vars.APPS), CALLERS: JSON.stringify(vars.CALLERS) }));
  assert.equal((await centre.token()).status, 200);
});

test("a seal key that was exchanged: the previous one still opens", async (t) => {
  const centre = await fresh(t);
  const before = (await centre.token()).body;
  const SEAL_KEY = "bmV3LXNlYWwta2V5LTAxMjM0NTY3ODlhYmNkZWYwMTI=";
  await centre.reconfigure((vars) => ({ ...vars, SEAL_KEY, SEAL_KEY_PREVIOUS: CANARY.sealKey }));
  assert.deepEqual((await centre.token()).body.access_token, before.access_token);
  assert.equal((await centre.simulator.calls("stable_token")).length, 1);
});
