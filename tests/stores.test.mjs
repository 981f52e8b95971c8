// The stores that STORE chooses: all keep what the readers and the Keeper need of them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startCentre, until } from "./support/centre.mjs";

const D1 = { binding: "DB", database_name: "zhongkong", database_id: "local-db", migrations_dir: "migrations" };

async function withStore(t, store, { migrate = true } = {}) {
  const centre = await startCentre({
    change: (vars) => ({ ...vars, STORE: store }),
    bare: (config) => ({ ...config, ...(store !== "kv" && { kv_namespaces: [] }), ...(store === "d1" && { d1_databases: [D1] }) }),
  });
  t.after(() => centre.stop());
  if (store === "d1" && migrate) await centre.worker.applyD1Migrations("DB");
  return centre;
}

/** What the store holds for the demo app's token, as its own text. */
const READ = {
  kv: async (centre) => (await centre.worker.getEnv()).TOKENS.get("v1/demo/access_token"),
  d1: async (centre) => {
    const { DB } = await centre.worker.getEnv();
    return (await DB.prepare("SELECT value FROM credentials WHERE key = 'v1/demo/access_token'").first())?.value;
  },
};

describe("stores", { concurrency: 3 }, () => {
  for (const store of ["kv", "d1", "memory"]) {
    test(`${store}: reads, rotates, signs`, async (t) => {
      const centre = await withStore(t, store);
      const first = (await centre.token()).body;
      assert.equal(first.version, 1, JSON.stringify(first));
      assert.equal((await centre.call("/v1/apps/demo/tickets/jsapi")).status, 200);
      await centre.advance(6960);
      const second = await until(() => centre.token(), ({ body }) => body.version === 2);
      assert.equal(await centre.simulator.tokenAlive(second.body.access_token), true);
      assert.notEqual(second.body.access_token, first.access_token);
      if (READ[store]) await until(async () => JSON.parse(await READ[store](centre)), ({ version }) => version === 2);
    });
  }

  for (const store of ["kv", "d1"]) {
    test(`${store}: a Keeper that has lost its memory goes on counting where the store stands`, async (t) => {
      const centre = await withStore(t, store);
      await centre.token();
      for (const version of [2, 3]) {
        await centre.advance(6960);
        await until(() => centre.token(), ({ body }) => body.version === version);
        await until(async () => JSON.parse(await READ[store](centre)), (record) => record.version === version);
      }
      await centre.sql("demo", "DELETE FROM slots");
      await centre.evict("demo");
      await centre.cron();
      await centre.call("/v1/apps/demo/access_token?min_ttl=7200");
      await until(async () => JSON.parse(await READ[store](centre)), ({ version }) => version === 4);
      assert.ok(centre.logs().some((line) => line.includes("store_ahead")));
      const status = await centre.call("/v1/apps/demo");
      assert.equal(status.body.credentials.access_token.version, 4, "a newer version never loses to an older one");
    });
  }

  for (const store of ["kv", "d1"]) {
    test(`${store}: a newer version that does not open, or is an older record, is written over and told once`, async (t) => {
      const centre = await withStore(t, store);
      const FAR = Number.MAX_SAFE_INTEGER - 1;
      const stored = (version) => until(() => READ[store](centre), (text) => text && JSON.parse(text).version === version);
      const forge = async (text) => {
        const { TOKENS, DB } = await centre.worker.getEnv();
        if (store === "kv") return TOKENS.put("v1/demo/access_token", text, { metadata: { version: FAR, expires_at: FAR } });
        return DB.prepare("UPDATE credentials SET version = ?1, expires_at = ?1, value = ?2 WHERE key = 'v1/demo/access_token'").bind(FAR, text).run();
      };
      assert.equal((await centre.token()).body.version, 1);
      const genuine = await stored(1);
      const forged = { ...JSON.parse(genuine), version: FAR, refresh_at: FAR, expires_at: FAR, trust_until: FAR };
      for (const [version, text] of [[2, JSON.stringify(forged)], [3, genuine]]) {
        await forge(text);
        await centre.advance(6960);
        assert.equal((await until(() => centre.token(), ({ body }) => body.version === version)).status, 200);
        await stored(version);
      }
      assert.equal(centre.logs().filter((line) => line.includes("record_written_over")).length, 2);
      assert.ok(!centre.logs().some((line) => line.includes("publish_failed")));
    });
  }

  test("d1: rows are sealed, and a spoilt one is not served", async (t) => {
    const centre = await withStore(t, "d1");
    const first = (await centre.token()).body;
    const { DB } = await centre.worker.getEnv();
    await until(async () => READ.d1(centre), Boolean);
    await DB.prepare("UPDATE credentials SET value = replace(value, '\"sealed\":\"', '\"sealed\":\"AA')").run();
    await centre.advance(10);
    assert.equal((await centre.token()).body.access_token, first.access_token, "the Keeper answers instead");
    assert.ok(centre.logs().some((line) => line.includes("record_does_not_open")));
    const rows = (await DB.prepare("SELECT key, value FROM credentials").all()).results;
    assert.ok(rows.length >= 1 && rows.every(({ value }) => !value.includes(first.access_token)), "sealed");
  });

  test("d1 without its table: tokens are served by the Keeper, and the log says what to run", async (t) => {
    const centre = await withStore(t, "d1", { migrate: false });
    assert.equal((await centre.token()).status, 200);
    await until(async () => centre.logs(), (lines) => lines.some((line) => line.includes("publish_failed") && line.includes("wrangler d1 migrations apply DB")));
  });

  test("d1 without its binding is a fault that names it", async (t) => {
    const centre = await startCentre({ change: (vars) => ({ ...vars, STORE: "d1" }) });
    t.after(() => centre.stop());
    const { status, body } = await centre.token();
    assert.deepEqual([status, body.code], [500, "misconfigured"]);
    assert.match(body.detail, /DB is not bound/);
  });
});
