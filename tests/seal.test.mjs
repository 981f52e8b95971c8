// A change of SEAL_KEY without an outage.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { CANARY, startCentre, until } from "./support/centre.mjs";

const NEW_KEY = "YW5vdGhlci1zZWFsLWtleS0wMTIzNDU2Nzg5YWJjZGU=";

/** Runs `npm run rotate-seal` as an operator does. */
function rotateSeal(origin, key) {
  const child = spawn(process.execPath, ["scripts/rotate-seal.mjs", origin], { env: { ...process.env, KEY: key } });
  return new Promise((resolve) => {
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("exit", (code) => resolve({ code, output }));
  });
}

test("SEAL_KEY is changed: nothing is fetched again, everything is sealed anew, the old key can go", async (t) => {
  const centre = await startCentre();
  t.after(() => centre.stop());
  const tokens = async () => Promise.all(["demo", "legacy"].map(async (app) => (await centre.token(app)).body.access_token));
  const before = await tokens();
  for (const type of ["jsapi", "wx_card"]) await centre.call(`/v1/apps/demo/tickets/${type}`);
  const calls = (await centre.simulator.calls("token")).length;
  const keysOf = async () => {
    const { TOKENS } = await centre.worker.getEnv();
    const { keys } = await TOKENS.list();
    const stored = await Promise.all(keys.map(async ({ name }) => JSON.parse(await TOKENS.get(name)).key));
    const slots = await Promise.all(["demo", "legacy"].map((app) => centre.sql(app, "SELECT key_id FROM slots")));
    return [...new Set([...stored, ...slots.flat().map(({ key_id }) => key_id)])];
  };
  const [oldId] = await until(keysOf, (ids) => ids.length === 1);

  await centre.reconfigure((vars) => ({ ...vars, SEAL_KEY: NEW_KEY, SEAL_KEY_PREVIOUS: CANARY.sealKey }));
  assert.deepEqual(await tokens(), before, "the previous key opens");
  const { url } = await centre.harness.listen();
  const { code, output } = await rotateSeal(url.href, CANARY.key);
  assert.equal(code, 0, output);
  assert.match(output, /✔ demo: 3 sealed with key [0-9a-f]{8}\n✔ legacy: 2 sealed/);
  const [newId] = await until(keysOf, (ids) => ids.length === 1 && ids[0] !== oldId);
  assert.ok(output.includes(newId));

  await centre.reconfigure((vars) => ({ ...vars, SEAL_KEY: NEW_KEY }));
  assert.deepEqual(await tokens(), before, "without the previous key");
  assert.equal((await centre.simulator.calls("token")).length, calls, "WeChat was not asked");
  assert.ok(!centre.logs().some((line) => line.includes("does_not_open")));

  const wrong = await rotateSeal(url.href, CANARY.webKey);
  assert.deepEqual([wrong.code, /Not everything is sealed anew/.test(wrong.output)], [1, true]);
});
