// GET /metrics: well formed as Prometheus wants it, true to what has happened, and for those alone who may see it. And the data
// points of Analytics Engine.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { APPID, CANARY, root, startCentre, until } from "./support/centre.mjs";

const promtool = process.env.PROMTOOL;
const VIEWER = "canary-key-viewer-0123456789abcdef";

async function fresh(t, options) {
  const centre = await startCentre(options);
  t.after(() => centre.stop());
  return centre;
}

/** The page, and its samples by name and labels. */
async function metrics(centre, query = "") {
  const response = await fetch(new URL(`/metrics${query}`, centre.url), { headers: { authorization: `Bearer ${CANARY.key}` } });
  const text = await response.text();
  const samples = Object.fromEntries(text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
  return { status: response.status, type: response.headers.get("content-type"), text, samples, get: (name) => samples[`zhongkong_${name}`] };
}

describe("metrics", { concurrency: 2 }, () => {
  test("what has happened is counted, and promtool finds no fault", async (t) => {
    const centre = await fresh(t);
    const token = (await centre.token("demo")).body.access_token;
    for (let read = 0; read < 5; read++) await centre.token("demo");
    await centre.report("demo", token);
    await centre.call("/v1/apps/demo/tickets/jsapi");
    await centre.simulator.knobs(APPID.legacy, { whitelist: ["198.51.100.1"] });
    await centre.token("legacy");
    await centre.cron();
    const page = await until(() => metrics(centre), (page) => page.get('reads_total{app="demo",source="memory"}') >= 4, 40_000);
    assert.equal(page.status, 200);
    assert.equal(page.type, "text/plain; version=0.0.4; charset=utf-8");
    const expiry = page.get('credential_expiry_seconds{app="demo",credential="access_token"}');
    assert.ok(expiry > 7100 && expiry <= 7200, `${expiry}`);
    assert.equal(page.get('rotations_total{app="demo",credential="access_token"}'), 1);
    assert.equal(page.get('reports_total{app="demo",credential="access_token",result="current"}'), 1);
    assert.equal(page.get('upstream_calls_total{app="demo",credential="access_token",call="probe"}'), 1);
    assert.equal(page.get('refresh_failures_total{app="legacy",credential="access_token",class="operator"}'), 1);
    assert.equal(page.get('upstream_calls_today{app="legacy",credential="access_token",call="refresh"}'), 1);
    assert.equal(page.get('upstream_quota_left{app="legacy",credential="access_token",call="refresh"}'), 1999);
    assert.equal(page.get('incident_open{app="legacy",incident="refresh_failing"}'), 1);
    assert.equal(page.get('incident_open{app="demo",incident="refresh_failing"}'), 0);
    assert.equal(page.get('credential_expiry_seconds{app="legacy",credential="access_token"}'), 0);
    assert.ok(Math.abs(page.get("cron_last_tick_timestamp_seconds") - (await centre.now())) < 60);
    assert.ok(!page.text.includes(token));
    // Counters only grow, also when the Keeper is gone and comes back.
    await centre.evict("demo");
    assert.equal((await metrics(centre)).get('rotations_total{app="demo",credential="access_token"}'), 1);
    if (!promtool) return process.env.CI ? assert.fail("CI needs promtool: `npm test` brings it on Debian") : t.diagnostic("left out: promtool was not found");
    const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: page.text, encoding: "utf8" });
    t.diagnostic(`promtool check metrics: exit ${status}, ${page.text.split("\n").length - 1} lines ${stdout}${stderr}`);
    assert.deepEqual([status, stdout + stderr], [0, ""]);
  });

  test("a key sees its own apps; an app can be asked for by name; nobody else sees anything", async (t) => {
    const change = (vars) => {
      vars.CALLERS.viewer = { apps: ["legacy"], scopes: ["status"] };
      return { ...vars, CALLER_KEY_VIEWER: VIEWER };
    };
    const centre = await fresh(t, { change });
    const { text } = await metrics(centre, "?app=demo");
    assert.ok(text.includes('app="demo"') && !text.includes('app="legacy"'));
    const raw = (path, key) => fetch(new URL(path, centre.url), { headers: key ? { authorization: `Bearer ${key}` } : {} });
    assert.ok(!(await (await raw("/metrics", VIEWER)).text()).includes('app="demo"'));
    for (const [path, key, status] of [["/metrics", null, 401], ["/metrics", CANARY.webKey, 403], ["/metrics?app=demo", VIEWER, 403], ["/metrics?app=none", CANARY.key, 403], ["/metrics?app=DEMO", CANARY.key, 400], ["/metrics?apps=demo", CANARY.key, 400]]) {
      const response = await raw(path, key);
      assert.equal(response.status, status, path);
      await response.text();
    }
  });

  test("an app that is misconfigured is shown as such, the others as ever", async (t) => {
    const centre = await fresh(t, { change: ({ APP_SECRET_LEGACY, ...vars }) => vars });
    const page = await metrics(centre);
    assert.deepEqual([page.get('app_configured{app="legacy"}'), page.get('app_configured{app="demo"}'), page.get('keeper_up{app="demo"}')], [0, 1, 1]);
    assert.equal(page.get("configuration_faults"), 1);
  });

  test("the dashboard asks for metrics that there are", async (t) => {
    const centre = await fresh(t);
    await centre.token("demo");
    await centre.report("demo", (await centre.token("demo")).body.access_token);
    const { text } = await metrics(centre);
    const known = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name).concat("zhongkong_cron_last_tick_timestamp_seconds"));
    const dashboard = readFileSync(join(root, "docs", "grafana.json"), "utf8");
    const asked = new Set([...dashboard.matchAll(/zhongkong_\w+/g)].map(([name]) => name));
    assert.ok(asked.size >= 8, `${asked.size} metrics`);
    assert.deepEqual([...asked].filter((name) => !known.has(name)), []);
    const documented = new Set([...readFileSync(join(root, "docs", "metrics.md"), "utf8").matchAll(/zhongkong_\w+/g)].map(([name]) => name));
    assert.deepEqual([...known].filter((name) => !documented.has(name)), [], "docs/metrics.md names them all");
  });

  test("where ANALYTICS is bound, each line of the history is a data point, and none holds a secret", async (t) => {
    const centre = await fresh(t, { bare: (config) => ({ ...config, analytics_engine_datasets: [{ binding: "ANALYTICS", dataset: "zhongkong" }] }) });
    const { access_token } = (await centre.token("demo")).body;
    await centre.call("/v1/apps/demo/tickets/sdk");
    const points = await until(() => centre.points(), (points) => points.some(({ blobs }) => blobs[1] === "read" && blobs[0] === "source"), 40_000);
    const words = points.map(({ blobs }) => blobs.join(" ").trimEnd());
    for (const expected of ["upkeep refresh access_token  rotated", "access read access_token all ok", "source read   keeper"]) assert.ok(words.includes(expected), `${expected}\n${words.join("\n")}`);
    assert.ok(points.every(({ indexes, doubles }) => indexes[0] === "demo" && doubles[0] >= 1));
    for (const secret of [access_token, ...Object.values(CANARY)]) assert.ok(!JSON.stringify(points).includes(secret));
  });
});
