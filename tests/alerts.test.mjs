// Who is called when a token dies: once when it begins, once when it is over, whoever receives it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { APPID, CANARY, startCentre, until } from "./support/centre.mjs";
import { startReceiver } from "./support/receiver.mjs";

/** Most receivers are addressed by a key in the URL, and it is nobody else's business. */
const HOOK = "canary-hook-0123456789";
const SECRET = "canary-alert-secret-0123456789";
const FORMATS = ["generic", "wecom", "feishu", "dingtalk", "slack"];

/** A centre whose alerts go to a receiver. */
async function watched(t, { format = "generic", language, change = (vars) => vars } = {}) {
  const receiver = await startReceiver(format);
  const alerts = {
    ALERT_WEBHOOK: `${receiver.url}/hook/${HOOK}`,
    ALERT_FORMAT: format,
    ...(format !== "slack" && { ALERT_SECRET: SECRET }),
    ...(language && { ALERT_LANGUAGE: language }),
  };
  const settings = (vars) => change({ ...vars, ...alerts });
  const centre = await startCentre({ change: settings });
  t.after(async () => {
    await centre.stop().finally(receiver.stop);
  });
  centre.mark("the receiver's key", HOOK);
  centre.mark("the receiver's secret", SECRET);
  return { centre, receiver, settings };
}

/** What people read, in each format. */
const TEXT = {
  generic: ({ text }) => text,
  wecom: ({ markdown }) => markdown.content,
  feishu: ({ content }) => content.text,
  dingtalk: ({ text }) => text.content,
  slack: ({ text }) => text,
};

const mac = (key, message, encoding) => createHmac("sha256", key).update(message).digest(encoding);

/** As each receiver checks that it is us. */
const SIGNED = {
  generic: ({ headers, text }) => headers["x-zhongkong-signature"] === `sha256=${mac(SECRET, `${headers["x-zhongkong-timestamp"]}.${text}`, "hex")}`,
  wecom: () => true,
  feishu: ({ body }) => body.sign === mac(`${body.timestamp}\n${SECRET}`, "", "base64"),
  dingtalk: ({ url }) => {
    const query = new URL(url, "http://receiver").searchParams;
    return query.get("sign") === mac(SECRET, `${query.get("timestamp")}\n${SECRET}`, "base64");
  },
  slack: () => true,
};

/** Time goes on in steps, with a reader in each. */
async function pass(centre, seconds, step = 40) {
  for (let passed = 0; passed < seconds; passed += step) {
    await centre.advance(step, ["demo"]);
    await centre.token("demo");
  }
}

describe("alerts", { concurrency: 3 }, () => {
  for (const format of FORMATS) {
    test(`20 minutes without WeChat, over the death of the token: one alert and one recovery (${format})`, async (t) => {
      const { centre, receiver } = await watched(t, { format });
      await centre.token("demo");
      await pass(centre, 6800, 400);
      await centre.simulator.fault({ fault: "reset" });
      await pass(centre, 1200);
      assert.equal((await centre.token("demo")).status, 503, "the outage was longer than the token's life");
      await centre.simulator.clearFaults();
      await pass(centre, 900);
      assert.equal((await centre.token("demo")).status, 200);
      await until(() => receiver.came.length, (count) => count >= 2);
      await pass(centre, 600, 200);
      assert.equal(receiver.came.length, 2, JSON.stringify(receiver.came.map(({ body }) => body)));
      const [alert, recovery] = receiver.came.map(({ body }) => TEXT[format](body));
      assert.match(alert, /demo/);
      assert.match(alert, ["generic", "slack"].includes(format) ? /Credentials: .*WeChat.*\nWhat is held now goes on working for \d+ (minutes?|s)\./s : /凭证: .*微信.*\n现有凭证还能使用 \d+ (分钟|秒)/s);
      assert.match(recovery, ["generic", "slack"].includes(format) ? /^✅ over: .*demo[^]*It lasted (1[5-9]|2\d) minutes/ : /^✅ 已恢复.*demo[^]*持续了 (1[5-9]|2\d) 分钟/);
      for (const message of receiver.came) assert.ok(SIGNED[format](message), "signed as the receiver wants it");
    });
  }

  test("40164: told at once, with the IP; a second app has its own incident; the status knows what was told", async (t) => {
    const { centre, receiver } = await watched(t, { language: "zh" });
    await centre.simulator.knobs(APPID.demo, { whitelist: ["198.51.100.1"] });
    assert.equal((await centre.token("demo")).status, 502);
    const [{ body }] = await until(() => receiver.came, (came) => came.length === 1);
    assert.deepEqual([body.app, body.incident, body.phase, body.errcode], ["demo", "refresh_failing", "firing", 40164]);
    assert.match(body.text, /请把 127\.0\.0\.1 加入该账号的 IP 白名单/);
    await centre.token("legacy");
    const { incidents } = (await until(() => centre.call("/v1/apps/demo"), ({ body }) => body.alerts_waiting === 0)).body;
    assert.deepEqual(incidents.map(({ incident, told }) => [incident, told]), [["refresh_failing", true]]);
    await centre.simulator.knobs(APPID.demo, { whitelist: null });
    await centre.advance(15, ["demo"]);
    const { body: checked } = await centre.call("/v1/apps/demo/check", { method: "POST" });
    assert.equal(checked.state, "ok", JSON.stringify(checked));
    const came = await until(() => receiver.came, (came) => came.length === 2);
    assert.deepEqual([came[1].body.phase, came[1].body.app], ["resolved", "demo"]);
    assert.notEqual(came[0].body.id, came[1].body.id);
    const delivered = (events) => events.filter(({ result }) => result === "delivered").reduce((sum, { count }) => sum + count, 0);
    const { events } = await until(() => centre.events("demo", "?action=alert"), ({ events }) => delivered(events) === 2);
    assert.deepEqual([...new Set(events.map(({ result }) => result))].sort(), ["delivered", "failing", "recovered"]);
  });

  test("a receiver that is away, or says no, gets everything later, in order, once; an evicted Keeper goes on", async (t) => {
    const { centre, receiver } = await watched(t, { format: "wecom" });
    receiver.answer(200, '{"errcode":45009,"errmsg":"api freq out of limit"}');
    await centre.simulator.fault({ fault: "errcode", errcode: 40125, path: "/cgi-bin/stable_token" });
    await centre.token("demo");
    await until(() => receiver.came.length, (count) => count === 1);
    assert.equal((await centre.call("/v1/apps/demo")).body.alerts_waiting, 1);
    receiver.answer(302, "");
    await centre.evict("demo");
    await centre.advance(10, ["demo"]);
    await until(async () => (await centre.token("demo"), receiver.came.length), (count) => count >= 2);
    await centre.simulator.clearFaults();
    await centre.advance(70, ["demo"]);
    await until(() => centre.token("demo"), ({ status }) => status === 200);
    receiver.recover();
    for (let round = 0; round < 10; round++) await centre.advance(40, ["demo"]);
    const taken = await until(() => receiver.taken(), (taken) => taken.length === 2);
    assert.match(taken[0].body.markdown.content, /errcode: 40125/);
    assert.match(taken[1].body.markdown.content, /已恢复/);
    assert.ok(receiver.came.every(({ url }) => url.startsWith("/hook/")), "a redirect is not followed");
  });

  test("an outside refresher is told of once a day", async (t) => {
    const { centre, receiver } = await watched(t);
    for (let round = 0; round < 3; round++) {
      const { body } = await centre.token("legacy");
      await centre.kill(body.access_token, "legacy");
      await centre.report("legacy", body.access_token);
      await centre.advance(400, ["legacy"]);
    }
    const { count } = (await centre.call("/v1/apps/legacy")).body.credentials.access_token.killed_outside;
    assert.ok(count >= 2, `${count} times`);
    await until(() => receiver.came.length, (count) => count >= 1);
    assert.deepEqual(receiver.came.map(({ body }) => [body.incident, body.phase]), [["killed_outside", "firing"]]);
  });

  test("four fifths of the quota", async (t) => {
    const change = (vars) => ((vars.APPS.legacy.daily_limit = 50), vars);
    const { centre, receiver } = await watched(t, { change });
    await centre.simulator.fault({ fault: "errcode", errcode: 40125, path: "/cgi-bin/token" });
    await until(async () => {
      await centre.call("/v1/apps/legacy/check", { method: "POST", body: '{"credential":"access_token"}' });
      await centre.advance(70, ["legacy"]);
      return receiver.came.map(({ body }) => body.incident);
    }, (incidents) => incidents.includes("quota_low"), 60_000);
    const { used, limit } = (await centre.call("/v1/apps/legacy")).body.credentials.access_token.calls_today.refreshes;
    assert.ok(limit === 50 && used >= 40 && used <= 50, `${used} of ${limit}`);
    assert.deepEqual(receiver.came.map(({ body }) => body.incident), ["refresh_failing", "quota_low"]);
    assert.match(receiver.came[1].body.text, /of 50 calls for access_token are used up today/);
  });

  test("wrong settings are told of by the cron, and when they are sound again", async (t) => {
    const { centre, receiver, settings } = await watched(t);
    await centre.cron();
    assert.equal(receiver.came.length, 0);
    await centre.reconfigure((vars) => settings({ ...vars, APP_SECRET_DEMO: "short", LOG_LEVEL: "loud" }));
    await centre.cron();
    await centre.cron();
    const [first] = await until(() => receiver.came, (came) => came.length >= 1);
    assert.deepEqual([first.body.app, first.body.incident], [null, "misconfigured"]);
    assert.match(first.body.text, /APP_SECRET_DEMO[^]*LOG_LEVEL/);
    assert.ok(!first.text.includes("short\""), "never a value");
    // With the whole centre out of order, too.
    await centre.reconfigure((vars) => (({ SEAL_KEY, ...others }) => others)(settings(vars)));
    await centre.cron();
    await centre.cron();
    const [, second] = await until(() => receiver.came, (came) => came.length >= 2);
    assert.match(second.body.text, /SEAL_KEY is missing/);
    await centre.reconfigure(settings);
    await centre.cron();
    await until(() => receiver.came, (came) => came.length === 3);
    assert.equal(receiver.came[2].body.phase, "resolved");
  });

  test("a receiver that comes later is told of what goes on; an app that is taken out has no incident any more", async (t) => {
    const { centre, receiver, settings } = await watched(t, { change: ({ ALERT_WEBHOOK, ALERT_SECRET, ALERT_FORMAT, ...vars }) => ({ ...vars, APP_SECRET_LEGACY: "short" }) });
    await centre.simulator.fault({ fault: "errcode", errcode: 40125, path: "/cgi-bin/stable_token" });
    await centre.token("demo");
    await centre.cron();
    assert.equal(receiver.came.length, 0);
    const told = (vars) => ({ ...settings(vars), ALERT_WEBHOOK: `${receiver.url}/hook/${HOOK}`, ALERT_FORMAT: "generic", ALERT_SECRET: SECRET });
    await centre.reconfigure(told);
    await centre.cron();
    await centre.advance(120, ["demo"]);
    await centre.token("demo");
    const came = await until(() => receiver.came.map(({ body }) => `${body.app} ${body.incident} ${body.phase}`).sort(), (came) => came.length === 2);
    assert.deepEqual(came, ["demo refresh_failing firing", "null misconfigured firing"]);
    await centre.reconfigure((vars) => (({ APPS: { demo, ...APPS }, ...others }) => ({ ...others, APPS, CALLERS: { all: others.CALLERS.all } }))(told(vars)));
    await centre.advance(7300, ["demo"]);
    await until(() => receiver.came.map(({ body }) => `${body.app} ${body.phase}`), (came) => came.includes("demo resolved"));
  });

  test("a test message, taken and refused; without a receiver it says what is missing", async (t) => {
    const { centre, receiver, settings } = await watched(t, { format: "feishu" });
    const send = () => centre.call("/v1/alerts/test", { method: "POST" });
    assert.deepEqual((await send()).body, { delivered: true, detail: null });
    assert.match(receiver.came[0].body.content.text, /^🔔 \[zhongkong\] 中控: 测试消息/);
    assert.equal((await centre.call("/v1/alerts/test", { method: "POST", key: CANARY.webKey })).status, 403);
    await centre.reconfigure((vars) => (({ ALERT_WEBHOOK, ALERT_SECRET, ALERT_FORMAT, ...others }) => others)(settings(vars)));
    const { delivered, detail } = (await send()).body;
    assert.ok(!delivered && detail.startsWith("ALERT_WEBHOOK is missing"));
  });

  test("a test message that the receiver refuses is no delivered one", async (t) => {
    const { centre, receiver } = await watched(t, { format: "feishu" });
    receiver.answer(200, '{"code":19021,"msg":"sign match fail"}');
    const { body } = await centre.call("/v1/alerts/test", { method: "POST" });
    assert.deepEqual(body, { delivered: false, detail: "the receiver refused it, with status 200 and code 19021" });
  });

  test("people are sent one test message a minute, and by callers of all apps only", async (t) => {
    const admin = "an-admin-of-one-app-0123456789abcdef01";
    const { centre, receiver, settings } = await watched(t, { format: "feishu" });
    await centre.reconfigure((vars) => {
      const told = settings(vars);
      return { ...told, CALLERS: { ...told.CALLERS, one: { apps: ["demo"], scopes: ["admin"] } }, CALLER_KEY_ONE: admin };
    });
    const send = (key) => centre.call("/v1/alerts/test", { method: "POST", key });
    assert.equal((await send(admin)).status, 403);
    const all = await Promise.all(Array.from({ length: 20 }, () => send()));
    const statuses = all.map(({ status }) => status).sort();
    assert.deepEqual([statuses[0], ...new Set(statuses.slice(1))], [200, 429]);
    const { headers, body } = all.find(({ status }) => status === 429);
    assert.equal(body.code, "rate_limited");
    assert.ok(Number(headers.get("retry-after")) >= 1 && Number(headers.get("retry-after")) <= 60);
    assert.equal(receiver.came.length, 1);
  });

  test("without a receiver nothing is sent, and the incident is there to be seen", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.simulator.fault({ fault: "errcode", errcode: 40125, path: "/cgi-bin/stable_token" });
    await centre.token("demo");
    const { incidents, alerts_waiting } = (await centre.call("/v1/apps/demo")).body;
    assert.deepEqual([incidents.map(({ incident, told }) => [incident, told]), alerts_waiting], [[["refresh_failing", false]], 0]);
    assert.ok(!JSON.stringify(await centre.call("/v1/apps")).includes(CANARY.appSecret));
  });
});
