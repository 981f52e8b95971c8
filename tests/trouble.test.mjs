// When something is wrong: with WeChat, with a token, with a secret.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPID, CANARY, pause, startCentre, until } from "./support/centre.mjs";

async function fresh(t, options) {
  const centre = await startCentre(options);
  t.after(() => centre.stop());
  return centre;
}

describe("trouble", { concurrency: 2 }, () => {
  test("40164: the caller gets a 502, and the operator reads the IP and what to do", async (t) => {
    const centre = await fresh(t);
    await centre.simulator.knobs(APPID.demo, { whitelist: [], seen_ips: ["198.51.100.77"] });
    const { status, body, headers } = await centre.token();
    assert.deepEqual([status, body.code, body.errcode], [502, "upstream_refused", 40164]);
    assert.match(body.detail, /Add 198\.51\.100\.77 to the IP whitelist/);
    assert.ok(Number(headers.get("retry-after")) >= 1);
    const shown = (await centre.call("/v1/apps/demo")).body;
    assert.equal(shown.state, "down");
    assert.match(shown.credentials.access_token.trouble.detail, /198\.51\.100\.77/);
    assert.equal((await centre.token("legacy")).status, 200, "another app is not hurt");

    await Promise.all(Array.from({ length: 100 }, () => centre.token()));
    assert.equal((await centre.simulator.calls("stable_token")).length, 1, "refused calls are not repeated in a loop");
    const alerts = centre.logs().filter((line) => line.includes("refresh_failing") && line.includes("access_token"));
    assert.equal(alerts.length, 1, "told once");
  });

  test("WeChat is down: what lives is served; after its death an honest 503", async (t) => {
    const centre = await fresh(t);
    await centre.simulator.knobs(APPID.demo, { token_life_s: 12, renew_window_s: 9 });
    const held = (await centre.token()).body;
    await centre.simulator.knobs(APPID.demo, { refuse_with: -1 });
    let served = 0;
    while (Date.now() / 1000 < held.expires_at - 2) {
      const { status, body } = await centre.token();
      assert.deepEqual([status, body.access_token], [200, held.access_token]);
      served += 1;
      await pause(300);
    }
    assert.ok(served > 10);
    const dead = await until(() => centre.token(), ({ status }) => status !== 200);
    assert.deepEqual([dead.status, dead.body.code, dead.body.errcode], [503, "unavailable", -1]);
    assert.ok(Number(dead.headers.get("retry-after")) >= 1);
    assert.ok(Date.now() / 1000 <= held.expires_at + 1, "not served past its life");
    await centre.simulator.knobs(APPID.demo, { refuse_with: null, token_life_s: 7200, renew_window_s: 300 });
    const { body } = await until(() => centre.token(), ({ status }) => status === 200, 40_000);
    assert.equal(body.version, 2);
  });

  test("the first host is down: the second one serves, for the plain API too", async (t) => {
    const centre = await fresh(t, {
      change: (vars) => {
        for (const app of Object.values(vars.APPS)) app.api_hosts = ["http://127.0.0.1:1", ...app.api_hosts];
        return vars;
      },
    });
    assert.equal((await centre.token("demo")).status, 200);
    assert.equal((await centre.token("legacy")).status, 200, "with no token to lose the second host is asked at once");
    await centre.advance(5600);
    const { body } = await until(() => centre.token("legacy"), ({ body }) => body.version === 2);
    assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
    assert.equal((await centre.call("/v1/apps/legacy")).body.credentials.access_token.trouble, null, "the knock has found the host that answers");
    assert.equal((await centre.simulator.calls("/cgi-bin/token", APPID.legacy)).length, 2);
  });

  test("a slow WeChat: all readers wait for one call", async (t) => {
    const centre = await fresh(t);
    await centre.simulator.knobs(APPID.legacy, { delay_ms: 2000 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => centre.token("legacy")));
    assert.ok(answers.every(({ status, body }) => status === 200 && body.version === 1));
    assert.equal((await centre.simulator.calls("/cgi-bin/token", APPID.legacy)).length, 1);
    assert.ok(answers[0].body.expires_in <= 7198, "life counts from the sending");
  });

  test("a WeChat slower than a reader's patience: 503 now, the token later, still one call", async (t) => {
    const centre = await fresh(t);
    await centre.simulator.knobs(APPID.demo, { delay_ms: 6500 });
    const started = Date.now();
    const { status, body } = await centre.token();
    assert.deepEqual([status, body.code], [503, "unavailable"]);
    assert.ok(Date.now() - started < 6000, "a reader waits for 5 seconds at most");
    assert.equal((await until(() => centre.token(), ({ status }) => status === 200)).body.version, 1);
    assert.equal((await centre.simulator.calls("stable_token")).length, 1);
  });

  test("reports: only the current value counts, and only WeChat's word condemns it", async (t) => {
    const centre = await fresh(t);
    const first = (await centre.token()).body;
    await centre.held();
    const calls = () => centre.simulator.calls();
    const before = (await calls()).length;

    const strangers = await Promise.all(["garbage", "0".repeat(64), `${first.access_token}x`].map((stale) => centre.report("demo", stale)));
    assert.ok(strangers.every(({ status, body }) => status === 200 && body.rotated === false && body.access_token === first.access_token));
    assert.equal((await calls()).length, before, "a report of another value costs nothing");

    const flood = await Promise.all(Array.from({ length: 1000 }, () => centre.report("demo", first.access_token)));
    assert.ok(flood.every(({ body }) => body.rotated === false && body.access_token === first.access_token));
    assert.ok((await centre.simulator.calls("getcallbackip")).length <= 3, "a flood about a living token costs a few probes");
    assert.equal((await centre.simulator.calls("stable_token")).length, 1);
  });

  test("a token that somebody else killed is replaced, by value and by digest, once", async (t) => {
    const centre = await fresh(t);
    const first = (await centre.token()).body;
    await centre.kill(first.access_token);
    const digest = [...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(first.access_token)))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    const reports = await Promise.all(Array.from({ length: 1000 }, (_, n) => centre.report("demo", n % 2 ? digest : first.access_token)));
    assert.deepEqual([...new Set(reports.map(({ body }) => body.version))], [2]);
    assert.ok(reports.some(({ body }) => body.rotated));
    assert.equal(await centre.simulator.tokenAlive(reports[0].body.access_token), true);
    assert.equal((await centre.simulator.calls("stable_token")).length, 2);
    assert.equal((await centre.token()).body.access_token, reports[0].body.access_token, "readers get the new one at once");
  });

  test("a dead token that nobody reports is found by the Keeper's own call for a ticket", async (t) => {
    const centre = await fresh(t);
    const first = (await centre.token()).body;
    await centre.kill(first.access_token);
    // Tickets of an unknown age are asked for every 5 to 7 minutes.
    await centre.advance(430);
    const { body } = await until(() => centre.token(), ({ body }) => body.version === 2);
    assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
    const [asked, probed] = await Promise.all(["stable_token", "getcallbackip"].map((path) => centre.simulator.calls(path)));
    assert.deepEqual([asked.length, probed.length], [2, 0], "asking again is harmless, and has brought the next one");
  });

  test("a changed AppSecret is acted on, and the old token is not served on", async (t) => {
    const centre = await fresh(t);
    const first = (await centre.token()).body;
    await centre.simulator.knobs(APPID.demo, { secret: "another0secret0for0the0account01" });
    await centre.reconfigure((vars) => ({ ...vars, APP_SECRET_DEMO: "another0secret0for0the0account01" }));
    const asked = (await centre.simulator.calls("stable_token")).length;
    const second = (await centre.token()).body;
    assert.equal(second.version, first.version + 1);
    assert.equal((await centre.simulator.calls("stable_token")).length, asked + 1, "fetched anew with the new secret");
  });

  test("no secret, key or token in any log line or error", async (t) => {
    const centre = await fresh(t);
    const texts = [];
    const note = async (asked) => texts.push((await asked).text);
    const tokens = [(await centre.token()).body.access_token, (await centre.token("legacy")).body.access_token];
    await centre.call("/v1/apps/demo/tickets/jsapi");
    await note(centre.call("/v1/apps"));
    await note(centre.call("/v1/apps/demo/access_token", { key: CANARY.webKey }));
    await centre.kill(tokens[0]);
    await centre.report("demo", tokens[0]);
    await centre.kill(tokens[1], "legacy");
    await centre.simulator.knobs(APPID.legacy, { refuse_with: 40125 });
    await note(centre.report("legacy", tokens[1]));
    await centre.simulator.stop();
    await centre.cron();
    await note(centre.token("legacy"));
    const everything = [...texts, ...centre.logs()].join("\n");
    assert.ok(everything.includes("refresh_failing"), "there is something to look through");
    for (const marked of [...Object.values(CANARY), ...tokens, "canary", "access_token="]) {
      assert.ok(!everything.includes(marked), `${marked.slice(0, 12)}… leaked`);
    }
  });
});
