// Many apps: a tick of the cron costs what is due, not what exists.

import assert from "node:assert/strict";
import { test } from "node:test";
import { APPID, CANARY, startCentre, until } from "./support/centre.mjs";

const COUNT = 200;
const DUE = 5;
const names = Array.from({ length: COUNT }, (_, n) => `app-${n}`);
const appid = (n) => `wx${`${n}`.padStart(16, "0")}`;

async function manyApps(t) {
  const centre = await startCentre({
    change: (vars) => {
      const [host] = vars.APPS.demo.api_hosts;
      vars.APPS = Object.fromEntries(names.map((name, n) => [name, { appid: appid(n), platform: "mini", api_hosts: [host] }]));
      vars.CALLERS = { all: vars.CALLERS.all };
      for (const name of names) vars[`APP_SECRET_${name.toUpperCase().replace("-", "_")}`] = CANARY.appSecret;
      // Only the cron is left.
      return { ...vars, TEST_WITHOUT_ALARM: "yes" };
    },
  });
  t.after(() => centre.stop());
  for (let n = 0; n < COUNT; n += 1) await centre.simulator.knobs(appid(n), { secret: CANARY.appSecret });
  // Most tokens live for two hours; these have to be replaced within minutes.
  for (let n = 40; n < 40 + DUE; n += 1) await centre.simulator.knobs(appid(n), { token_life_s: 900 });
  return centre;
}

const byCron = ({ "kv by cron": kv = 0, Keeper = 0, scheduler = 0 }) => ({ kv, Keeper, scheduler });

test(`${COUNT} apps of which ${DUE} are due: a tick costs ${DUE} calls of Keepers and no operation of KV`, async (t) => {
  const centre = await manyApps(t);
  await centre.cron();
  assert.equal(byCron(await centre.counts()).Keeper, COUNT, "at first every app is due");
  assert.equal((await centre.simulator.calls("stable_token")).length, COUNT);

  const seen = [];
  for (let next = ""; next !== null; ) {
    const { body } = await centre.call(`/v1/apps${next && `?after=${next}`}`);
    seen.push(...body.apps.map(({ app }) => app));
    next = body.next;
  }
  assert.deepEqual(seen, [...names].sort(), "pages of the status");
  await centre.counts();
  await centre.cron();
  const quiet = byCron(await centre.counts());
  assert.deepEqual([quiet.kv, quiet.Keeper], [0, 0], "nothing is due");

  await centre.advance(700, []);
  await centre.cron();
  const counts = await centre.counts();
  t.diagnostic(`the tick: ${JSON.stringify(counts)}`);
  const { kv, Keeper } = byCron(counts);
  assert.deepEqual([kv, Keeper], [0, DUE]);
  assert.equal((await centre.simulator.calls("stable_token")).length, COUNT + DUE);
});

test("without the scheduler the cron looks at the store, and a lost scheduler is made anew", async (t) => {
  const centre = await startCentre({ change: (vars) => ({ ...vars, TEST_WITHOUT_ALARM: "yes" }) });
  t.after(() => centre.stop());
  await centre.set({ scheduler_down: true });
  await centre.cron();
  assert.ok(byCron(await centre.counts()).kv > 0);
  assert.deepEqual((await centre.simulator.calls("", "")).filter(({ path }) => /token$/.test(path)).length, 2, "both apps were woken");
  await centre.cron();
  assert.equal(byCron(await centre.counts()).Keeper, 0, "the store says that nothing is due");
  assert.ok(centre.logs().some((line) => line.includes("scheduler_unreachable")));
  await centre.set({ scheduler_down: false });
  const versions = async () => (await centre.call("/v1/apps")).body.apps.map(({ credentials }) => credentials.access_token.version);
  await centre.advance(7000, []);
  await centre.cron();
  await until(versions, (all) => all.every((version) => version === 2));
});

test("an app that leaves the configuration is forgotten, one that changes is woken", async (t) => {
  const centre = await startCentre({ change: (vars) => ({ ...vars, TEST_WITHOUT_ALARM: "yes" }) });
  t.after(() => centre.stop());
  await centre.cron();
  await centre.simulator.knobs(APPID.demo, { secret: "another0secret0for0the0account01" });
  await centre.reconfigure((vars) => {
    delete vars.APPS.legacy;
    return { ...vars, APP_SECRET_DEMO: "another0secret0for0the0account01", TEST_WITHOUT_ALARM: "yes" };
  });
  await centre.cron();
  assert.equal((await centre.simulator.calls("stable_token")).length, 2, "fetched with the new secret, though nobody reads");
  await centre.advance(7000, []);
  await centre.cron();
  await until(async () => centre.logs(), (lines) => lines.some((line) => line.includes("scheduler_forgets") && line.includes("legacy")));
});

test("a Keeper that readers have woken before the cron came is not woken again and again", async (t) => {
  const centre = await startCentre({
    change: (vars) => {
      for (const app of Object.values(vars.APPS)) app.tickets = [];
      return { ...vars, TEST_WITHOUT_ALARM: "yes" };
    },
  });
  t.after(() => centre.stop());
  await centre.token("demo");
  await centre.token("legacy");
  await until(centre.counts, ({ scheduler = 0 }) => scheduler === 0);
  await centre.cron();
  await until(centre.counts, ({ scheduler = 0 }) => scheduler === 0);
  await centre.cron();
  assert.equal(byCron(await centre.counts()).Keeper, 0);
});

test("a wrangler.toml of before the scheduler was a class of its own: everything goes on, and a fault says what to add", async (t) => {
  const bare = (config) => ({ ...config, durable_objects: { bindings: config.durable_objects.bindings.filter(({ name }) => name !== "SCHEDULER") } });
  const centre = await startCentre({ change: (vars) => ({ ...vars, TEST_WITHOUT_ALARM: "yes" }), bare });
  t.after(() => centre.stop());
  assert.equal((await centre.call("/healthz", { key: "" })).status, 200);
  const first = (await centre.token()).body;
  assert.equal(first.version, 1);
  const { faults } = (await centre.call("/v1/apps")).body;
  assert.ok(faults.some((fault) => /^SCHEDULER is not bound: .*Scheduler/.test(fault)), JSON.stringify(faults));
  await centre.advance(7000, []);
  await centre.cron();
  await until(() => centre.token(), ({ body }) => body.version === 2);
});
