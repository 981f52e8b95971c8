// What takes minutes and hours, on real workerd with a clock that is moved ahead, here and at the simulator.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPID, CANARY, startCentre, until } from "./support/centre.mjs";

async function fresh(t, options) {
  const centre = await startCentre(options);
  t.after(() => centre.stop());
  return centre;
}

/** Moves on in steps with reads after each; every token that is handed out lives at the simulator. */
async function live(centre, app, { seconds, step = 30, reads = 5 }) {
  const seen = new Set();
  for (let passed = 0; passed < seconds; passed += step) {
    await centre.advance(step);
    const answers = await Promise.all(Array.from({ length: reads }, () => centre.token(app)));
    for (const { status, body } of answers) {
      assert.equal(status, 200, `${passed + step} s: ${JSON.stringify(body)}`);
      seen.add(body.access_token);
    }
    for (const token of new Set(answers.map(({ body }) => body.access_token))) {
      assert.equal(await centre.simulator.tokenAlive(token), true, `dead after ${passed + step} s`);
    }
  }
  return seen.size;
}

const status = async (centre, app) => (await centre.call(`/v1/apps/${app}`)).body.credentials;

/** The reply of the legacy app's next refresh is lost, although WeChat has rotated. */
async function loseTheReply(centre) {
  const { next_refresh_at } = (await status(centre, "legacy")).access_token;
  await centre.simulator.fault({ fault: "lost_after", when: { nth: 1 }, path: "/cgi-bin/token" });
  await centre.advance(next_refresh_at - Math.floor(await centre.now()));
  await until(() => status(centre, "legacy"), ({ access_token }) => access_token.trouble !== null, 20_000);
}

describe("time", { concurrency: 4 }, () => {
  for (const [app, name, { start, outage }] of [
    ["legacy", "plain", { start: 5100, outage: 600 }],
    ["demo", "stable", { start: 6400, outage: 600 }],
  ]) {
    test(`ten minutes without WeChat before and after the refresh of a ${name} token is due: unseen by readers`, async (t) => {
      const centre = await fresh(t);
      const first = (await centre.token(app)).body;
      await centre.advance(start);
      await centre.simulator.fault({ fault: "reset" });
      assert.equal(await live(centre, app, { seconds: outage }), 1, "what lives is served on");
      assert.ok((await centre.simulator.calls("/cgi-bin/")).some(({ fault }) => fault), "the outage struck");
      await centre.simulator.clearFaults();
      await live(centre, app, { seconds: 600 });
      const healed = await until(() => centre.token(app), ({ body }) => body.version === first.version + 1);
      assert.equal(await centre.simulator.tokenAlive(healed.body.access_token), true);
    });
  }

  test("plain: a relay that lets no probe through does not hold the refresh up", async (t) => {
    const centre = await fresh(t);
    const first = (await centre.token("legacy")).body;
    await centre.simulator.fault({ fault: "html", status: 403, done: false, path: "/cgi-bin/getcallbackip" });
    await centre.advance(5600);
    const { body } = await until(() => centre.token("legacy"), ({ body }) => body.version === 2);
    assert.ok(body.expires_in > 7000);
    assert.equal(await centre.simulator.tokenAlive(first.access_token), true, "long before its end");
    assert.equal((await status(centre, "legacy")).access_token.trouble, null);
  });

  test("plain: a lost reply is healed before the old token's fuse has burnt down", async (t) => {
    const centre = await fresh(t);
    await centre.token("legacy");
    await loseTheReply(centre);
    const fuse = (await status(centre, "legacy")).access_token.expires_in;
    assert.ok(fuse > 200 && fuse <= 300, `${fuse} s on the fuse`);
    await live(centre, "legacy", { seconds: 240, step: 20 });
    await centre.advance(60);
    const { body } = await until(() => centre.token("legacy"), ({ body }) => body.version === 2);
    assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
    assert.equal((await centre.simulator.calls("/cgi-bin/token", APPID.legacy)).length, 3, "first, lost, healing");
  });

  test("plain: after its fuse the old token is not served, even while WeChat is down", async (t) => {
    const centre = await fresh(t);
    const old = (await centre.token("legacy")).body.access_token;
    await loseTheReply(centre);
    await centre.simulator.fault({ fault: "errcode", errcode: -1 });
    await live(centre, "legacy", { seconds: 240, step: 40 });
    await centre.advance(60);
    assert.equal(await centre.simulator.tokenAlive(old), false);
    const { status: code, body, headers } = await centre.token("legacy");
    assert.deepEqual([code, body.code], [503, "unavailable"]);
    assert.ok(Number(headers.get("retry-after")) >= 1);
  });

  test("KV answers 503 for minutes, and a token rotates meanwhile: unseen", async (t) => {
    const centre = await fresh(t);
    await centre.token("demo");
    await centre.advance(6840);
    await centre.set({ kv_down: true });
    await live(centre, "demo", { seconds: 420 });
    assert.equal((await centre.token("demo")).body.version, 2, "rotated while KV was down");
    assert.ok(centre.logs().some((line) => line.includes("publish_failed") && line.includes("503")));
    await centre.set({ kv_down: false });
    // By now it is tried every five minutes.
    await centre.advance(300);
    const { TOKENS } = await centre.worker.getEnv();
    await until(async () => JSON.parse(await TOKENS.get("v1/demo/access_token")), ({ version }) => version === 2);
  });

  test("KV never answers: readers are not kept waiting, the Keeper has the truth", async (t) => {
    const centre = await fresh(t);
    const { body: first } = await centre.token("demo");
    await centre.advance(10);
    await centre.set({ kv_silent: true, faster: 20 });
    const started = Date.now();
    const { status, body } = await centre.token("demo");
    assert.deepEqual([status, body.access_token], [200, first.access_token]);
    assert.ok(Date.now() - started < 3_000, `${Date.now() - started} ms, with timers twenty times as fast`);
    await centre.set({ kv_silent: false, faster: 1 });
  });

  test("a leaked token is dead after two forced refreshes, with a restart in between", async (t) => {
    const centre = await fresh(t);
    const revoke = (options) => centre.call("/v1/apps/demo/access_token/revoke", { method: "POST", ...options });
    const leaked = (await centre.token("demo")).body.access_token;
    assert.equal((await revoke({ key: CANARY.webKey, headers: { "cf-connecting-ip": "203.0.113.9" } })).status, 403, "scope admin");
    const begun = await revoke();
    assert.deepEqual([begun.status, begun.body.revoke.state, begun.body.revoke.covers_version], [202, "going_on", 1]);
    const second = await until(() => centre.token("demo"), ({ body }) => body.version === 2);
    const half = (await status(centre, "demo")).access_token.revoke;
    assert.deepEqual([half.state, half.forced_refreshes_left], ["going_on", 1]);
    assert.ok(half.next_at > begun.body.revoke.requested_at + 25);
    assert.equal(await centre.simulator.tokenAlive(leaked), true, "one forced refresh leaves it alive");
    await centre.evict("demo");
    await centre.advance(35);
    const done = await until(() => status(centre, "demo"), ({ access_token }) => access_token.revoke.state === "done");
    assert.equal(done.access_token.calls_today.forced.used, 2);
    assert.equal(await centre.simulator.tokenAlive(leaked), false);
    assert.equal(await centre.simulator.tokenAlive(second.body.access_token), true, "the one between lives on for minutes");
    const third = await until(() => centre.token("demo"), ({ body }) => body.version === 3, 40_000);
    assert.equal(await centre.simulator.tokenAlive(third.body.access_token), true);
    const told = centre.logs().filter((line) => /"event":"revok/.test(line)).map((line) => JSON.parse(line).event);
    assert.deepEqual(told, ["revoking", "revoked"]);
  });

  test("who looks at a revocation all the time does not hold it up, and two forced refreshes are enough", async (t) => {
    const centre = await fresh(t);
    await centre.token("demo");
    await centre.call("/v1/apps/demo/access_token/revoke", { method: "POST" });
    const started = Date.now();
    const done = await until(() => status(centre, "demo"), ({ access_token }) => access_token.revoke.state === "done", 45_000);
    assert.ok(Date.now() - started > 29_000, "on the true clock");
    assert.deepEqual([done.access_token.version, done.access_token.calls_today.forced.used], [3, 2]);
  });

  test("min_ttl: refreshed if the rules allow it, else the answer says what remains", async (t) => {
    const centre = await fresh(t);
    const wish = async (app, seconds) => (await centre.call(`/v1/apps/${app}/access_token?min_ttl=${seconds}`)).body;
    const first = await wish("demo", 7000);
    await centre.advance(4000);
    const early = await wish("demo", 7000);
    assert.equal(early.version, 1, "the stable API would give the same one");
    assert.ok(early.expires_in > 3100 && early.expires_in <= 3200, `${early.expires_in}`);
    await centre.set({ kv_down: true });
    await centre.advance(2912);
    const late = await wish("demo", 600);
    assert.deepEqual([late.version, late.expires_in > 7100], [2, true], "in its last 300 s a new one can be had");
    assert.notEqual(late.access_token, first.access_token);
  });

  test("somebody else refreshes a plain token: told once, with what to do", async (t) => {
    const centre = await fresh(t);
    for (let round = 1; round <= 3; round += 1) {
      const { access_token } = (await until(() => centre.token("legacy"), ({ body }) => body.version === round)).body;
      // Two rotations: the one before the previous is dead at once.
      for (let n = 0; n < 2; n += 1) await centre.simulator.outsider(APPID.legacy, CANARY.appSecret);
      const { body } = await centre.report("legacy", access_token);
      assert.equal(body.version, round + 1, "healed at once");
      await centre.advance(40);
    }
    const { killed_outside } = (await status(centre, "legacy")).access_token;
    assert.equal(killed_outside.count, 3);
    assert.match(killed_outside.detail, /somebody else asks for tokens of this appid/);
    assert.equal(centre.logs().filter((line) => line.includes("killed_outside")).length, 1, "one alert for the incident");
  });

  test("a ticket that fails touches neither the token nor another app", async (t) => {
    const centre = await fresh(t);
    await centre.call("/v1/apps/demo/tickets/jsapi");
    await centre.simulator.fault({ fault: "errcode", errcode: 40097, path: "/cgi-bin/ticket/getticket" });
    await centre.advance(430);
    await until(() => status(centre, "demo"), ({ jsapi }) => jsapi.trouble?.errcode === 40097);
    const { access_token } = await status(centre, "demo");
    assert.deepEqual([access_token.state, access_token.version, access_token.trouble], ["ok", 1, null]);
    assert.equal((await centre.call("/v1/apps/demo/tickets/jsapi")).status, 200, "what lives is served");
    assert.equal((await centre.simulator.calls("stable_token")).length, 1);
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 0);
  });
});

// Alone: evicting an object that has a call under way holds this process up for seconds, and whatever else it does.
test("a Keeper evicted during a slow call loses nothing", async (t) => {
  const centre = await fresh(t);
  const first = (await centre.token("demo")).body;
  await centre.advance(6900);
  await centre.simulator.knobs(APPID.demo, { delay_ms: 2500 });
  await centre.advance(60);
  await until(() => centre.simulator.calls("stable_token"), (calls) => calls.length === 2);
  await centre.evict("demo");
  const { body } = await centre.token("demo");
  assert.deepEqual([body.access_token, body.version], [first.access_token, first.version], "the old one serves on");
  await centre.simulator.knobs(APPID.demo, { delay_ms: 0 });
  await centre.advance(30);
  const second = await until(() => centre.token("demo"), ({ body }) => body.version === 2);
  assert.equal(await centre.simulator.tokenAlive(second.body.access_token), true);
  assert.equal((await centre.simulator.calls("stable_token")).length, 3, "the lost call, and one more");
});

test("the ledger is shown, and survives a restart", async (t) => {
  const centre = await fresh(t);
  const { access_token } = (await centre.token("legacy")).body;
  await centre.report("legacy", access_token);
  const expected = { refreshes: { used: 1, limit: 2000, reserve: 400 }, forced: { used: 0, limit: 20 }, probes: { used: 1, limit: 400 } };
  for (const evicted of [false, true]) {
    if (evicted) await centre.evict("legacy");
    const { until: midnight, ...calls } = (await status(centre, "legacy")).access_token.calls_today;
    assert.deepEqual(calls, expected);
    assert.equal((midnight + 8 * 3600) % 86_400, 0, "midnight in Beijing");
  }
});
