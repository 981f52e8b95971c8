// A panic on purpose, in a build for this test only: a 500 that says nothing, and the next request works.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { WITHOUT_FAST_PATH } from "../scripts/build.mjs";
import { APPID, CANARY, root, startCentre, until } from "./support/centre.mjs";
import { host } from "./support/host.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const panicking = (entry) => (config) => ({ ...config, alias: { zhongkong: join(root, "build-to-panic", entry) } });

async function start(t, entry = WITHOUT_FAST_PATH) {
  const centre = await startCentre({ bare: panicking(entry) });
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

  for (const how of ["", "trap ", "overflow "]) {
    const named = how ? `a ${how}` : "";
    test(`${named}after a wait for I/O: a 500 as well, not a request that hangs`, async (t) => {
      const centre = await start(t);
      for (let n = 0; n < 3; n++) {
        const started = Date.now();
        saysNothing(await panics(centre, `${how}after`, "/v1/apps/demo"));
        assert.ok(Date.now() - started < 3_000, "at once");
        assert.equal((await centre.call("/v1/apps/demo")).status, 200);
      }
    });

    test(`${named}in the fast path, again and again: a 500, and the next request works, by either path`, async (t) => {
      const centre = await start(t, "index.js");
      const { body } = await centre.token();
      const fast = (ip) => centre.call("/v1/apps/demo/access_token", { headers: { "cf-connecting-ip": ip } });
      for (let n = 0; n < 20; n++) {
        saysNothing(await fast(`${how}fast`));
        const { status, body: next } = n % 2 ? await fast("203.0.113.7") : await centre.call("/v1/apps/demo/access_token", { method: "GET", headers: { "x-long": "x".repeat(2_000) } });
        assert.deepEqual([status, next.access_token], [200, body.access_token]);
        assert.equal((await fast("203.0.113.8")).status, 200);
      }
      assert.ok(centre.logs().every((line) => !line.includes("on purpose")), "the message may quote anything");
      assert.equal((await centre.simulator.calls("stable_token", APPID.demo)).length, 1);
    });

    test(`${named}while others wait: each of them is answered at once`, async (t) => {
      const centre = await start(t, "index.js");
      await centre.simulator.fault({ fault: "delay", ms: 20_000, path: "/cgi-bin/user/get" });
      const slow = Array.from({ length: 5 }, () => centre.call("/v1/apps/demo/api/cgi-bin/user/get"));
      await new Promise((resolve) => setTimeout(resolve, 500));
      const started = Date.now();
      saysNothing(await centre.call("/v1/apps/demo/access_token", { headers: { "cf-connecting-ip": `${how}fast` } }));
      for (const answer of await Promise.all(slow)) saysNothing(answer);
      assert.ok(Date.now() - started < 5_000);
      assert.equal((await centre.token()).status, 200);
    });
  }

  for (const how of ["", "trap ", "overflow "]) {
    test(`${how}while an answer is being searched for secrets: it breaks off, and does not hang`, async (t) => {
      const piece = "x".repeat(5_000);
      let end;
      const there = await host(t, (_, response) => {
        response.writeHead(200, { "content-type": "image/png", "content-length": 10_000 }).write(piece);
        end = () => response.end(piece);
      });
      const { url, stop } = await startWorkerd({
        build: join(root, "build-to-panic"),
        tables: { APPS: { demo: { appid: APPID.demo, tickets: [], api_hosts: [there.url] } }, CALLERS: { all: { apps: ["demo"], scopes: ["proxy", "status"] } } },
        vars: { APP_SECRET_DEMO: CANARY.appSecret, CALLER_KEY_ALL: CANARY.key, SEAL_KEY: CANARY.sealKey },
      });
      t.after(stop);
      const headers = { authorization: `Bearer ${CANARY.key}` };
      const download = () => fetch(`${url}/v1/apps/demo/api/cgi-bin/media/get?media_id=x`, { headers });
      const whole = await download();
      end();
      assert.equal((await whole.text()).length, 10_000);

      const broken = await download();
      const rest = broken.text().then(({ length }) => `whole: ${length}`, () => "broken off");
      assert.equal((await fetch(`${url}/v1/apps/demo`, { headers: { ...headers, "cf-connecting-ip": `${how}fast` } })).status, 500);
      // What comes of it later is nothing that anybody could take.
      setTimeout(end, 1_000);
      assert.equal(await Promise.race([rest, new Promise((resolve) => setTimeout(resolve, 5_000, "hangs"))]), "broken off");
      const next = await download();
      end();
      assert.equal((await next.text()).length, 10_000);
    });
  }

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
