// A panic on purpose, in a build for this test only: a 500 that says nothing, and the next request works.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { APPID, root, startCentre, until } from "./support/centre.mjs";

const panicking = (config) => ({ ...config, alias: { zhongkong: join(root, "build-to-panic", "index.js") } });

async function start(t) {
  const centre = await startCentre({ bare: panicking });
  t.after(() => centre.stop());
  assert.equal((await centre.token()).status, 200);
  return centre;
}

const panics = (centre, where, path = "/v1/apps/demo/access_token") => centre.call(path, { headers: { "x-panic": where } });

function saysNothing(answer) {
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.body, { type: "about:blank", status: 500, title: "Internal error", code: "internal" });
  assert.equal(answer.headers.get("cache-control"), "no-store");
}

const panicked = (centre) => centre.logs().filter((line) => line.includes('"event":"panicked"'));

describe("a panic", { concurrency: 1 }, () => {
  for (const where of ["before", "after"]) {
    test(`${where} the handler's work: a 500 without a word, and the next request works`, async (t) => {
      const centre = await start(t);
      const { body } = await centre.token();
      for (let n = 1; n <= 3; n++) {
        saysNothing(await panics(centre, where));
        const next = await centre.token();
        assert.deepEqual([next.status, next.body.access_token], [200, body.access_token]);
        assert.equal((await until(() => panicked(centre), (lines) => lines.length === n)).length, n);
      }
      assert.match(panicked(centre)[0], /"detail":"src\/panic\.rs:\d+:\d+"/);
      assert.ok(centre.logs().every((line) => !line.includes("on purpose")), "the message may quote anything");
      assert.equal((await centre.simulator.calls("stable_token", APPID.demo)).length, 1);
    });
  }

  test("after a wait for I/O: a 500 as well, not a request that hangs", async (t) => {
    const centre = await start(t);
    saysNothing(await panics(centre, "after", "/v1/apps/demo"));
    assert.equal((await centre.call("/v1/apps/demo")).status, 200);
  });

  test("those who were being served meanwhile get an answer, and the Keeper goes on", async (t) => {
    const centre = await start(t);
    await centre.simulator.fault({ fault: "delay", ms: 1500, path: "/cgi-bin/token" });
    const slow = Array.from({ length: 5 }, () => centre.token("legacy"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    saysNothing(await panics(centre, "before"));
    for (const { status } of await Promise.all(slow)) assert.ok([200, 500, 503].includes(status), `${status}`);
    const { body } = await until(() => centre.token("legacy"), ({ status }) => status === 200, 60_000);
    assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
  });

  test("in the Keeper: the next question finds a new one, with everything that it knew", async (t) => {
    const centre = await start(t);
    const { body } = await centre.token();
    for (let n = 1; n <= 3; n++) {
      await centre.set({ panic_keeper: 1 });
      const status = await centre.call("/v1/apps/demo");
      // Here Worker and Keeper share an instance; where they do not, the Worker asks a second time.
      if (status.status !== 200) saysNothing(status);
      assert.equal(panicked(centre).length, n);
      assert.equal((await centre.call("/v1/apps/demo")).body.credentials.access_token.state, "ok");
    }
    assert.equal((await centre.token()).body.access_token, body.access_token);
    assert.equal((await centre.simulator.calls("stable_token", APPID.demo)).length, 1);
  });
});
