// WeChat's own word in a call that is passed through: it heals a dead token within that call, and costs little where it is not true.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPID, CANARY, startCentre } from "./support/centre.mjs";

const USERS = "/cgi-bin/user/get";
const PROXY_KEY = "canary-key-proxy-0123456789abcdefgh";
const OTHER_KEY = "canary-key-other-0123456789abcdefgh";

function withProxies(vars) {
  const caller = { apps: ["demo", "legacy"], scopes: ["proxy"] };
  Object.assign(vars.CALLERS, { proxy: caller, other: caller });
  return Object.assign(vars, { CALLER_KEY_PROXY: PROXY_KEY, CALLER_KEY_OTHER: OTHER_KEY });
}

async function start(t) {
  const centre = await startCentre({ change: withProxies });
  t.after(() => centre.stop());
  const ask = async (path) => (await centre.call(path, { key: "" })).body;
  const virtual = async (app, secret = PROXY_KEY) => (await ask(`/cgi-bin/token?grant_type=client_credential&appid=${APPID[app]}&secret=${secret}`)).access_token;
  return { centre, ask, virtual };
}

/** Upstream calls of the Keeper for an app, by path. */
async function cost({ simulator }, app) {
  const paths = app === "demo" ? ["stable_token", "getcallbackip"] : ["/cgi-bin/token", "getcallbackip"];
  const [fetched, probed] = await Promise.all(paths.map((path) => simulator.calls(path, APPID[app])));
  return { fetched: fetched.length, probed: probed.length };
}

describe("healing by WeChat's own word", { concurrency: 2 }, () => {
  for (const app of ["demo", "legacy"]) {
    test(`${app}: a token that was checked just now and dies then fails no business call`, async (t) => {
      const { centre, ask, virtual } = await start(t);
      const real = (await centre.token(app)).body.access_token;
      await centre.held(app);
      const token = await virtual(app);
      assert.equal((await ask(`${USERS}?access_token=${token}`)).errcode, 0);
      // Three token requests within a second count as reports: the token is checked, and lives.
      for (let n = 0; n < 3; n++) await centre.call(`/cgi-bin/token?grant_type=client_credential&appid=${APPID[app]}&secret=${CANARY.key}`, { key: "" });
      assert.equal((await centre.report(app, real)).body.rotated, false);
      const before = await cost(centre, app);
      await centre.simulator.kill(real);
      const answers = [];
      for (let n = 0; n < 20; n++) answers.push((await ask(`${USERS}?access_token=${token}`)).errcode);
      const together = await Promise.all(Array.from({ length: 20 }, () => ask(`${USERS}?access_token=${token}`)));
      const failed = [...answers, ...together.map(({ errcode }) => errcode)].filter((errcode) => errcode !== 0).length;
      assert.equal(failed, 0);
      assert.equal((await centre.token(app)).body.version, 2);
      const after = await cost(centre, app);
      t.diagnostic(`${app}: 0 of 40 failed; ${after.fetched - before.fetched} fetches and ${after.probed - before.probed} probes`);
    });

    test(`${app}: an API that always answers 40001 rotates nothing, and costs a few calls`, async (t) => {
      const { centre, ask, virtual } = await start(t);
      const real = (await centre.token(app)).body.access_token;
      await centre.held(app);
      const [token, other] = [await virtual(app), await virtual(app, OTHER_KEY)];
      await centre.simulator.fault({ fault: "errcode", errcode: 40001, path: "/cgi-bin/draft/count" });
      const before = await cost(centre, app);
      const started = Date.now();
      for (let n = 0; n < 50; n++) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(`/cgi-bin/draft/count?access_token=${token}`)));
        assert.ok(answers.every(({ errcode }) => errcode === 40001));
      }
      const minutes = Math.ceil((Date.now() - started) / 60_000);
      const after = await cost(centre, app);
      assert.equal((await centre.token(app)).body.access_token, real);
      const [fetched, probed] = [after.fetched - before.fetched, after.probed - before.probed];
      t.diagnostic(`${app}: 1,000 calls cost ${fetched} fetches and ${probed} probes`);
      assert.ok(fetched <= (app === "demo" ? 5 + minutes : 0) && probed <= 7 + 2 * minutes, `${fetched} ${probed}`);
      // The other caller's word counts all the same.
      await centre.simulator.clearFaults();
      await centre.simulator.kill(real);
      assert.equal((await ask(`${USERS}?access_token=${other}`)).errcode, 0, "another caller has a budget of its own");
    });
  }
});
