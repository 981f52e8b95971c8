// The history of an app: who was handed what, who was refused, what became of each call to WeChat. In the Keeper's SQLite,
// bounded, without a value.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { CANARY, pause, startCentre, until } from "./support/centre.mjs";

const from = (ip) => ({ headers: { "cf-connecting-ip": ip } });
const WEB = { key: CANARY.webKey, ...from("203.0.113.9") };

/** What an administrator does is noted at once, and takes along what has gathered. */
const nudge = (centre, app = "demo") => centre.call(`/v1/apps/${app}/reseal`, { method: "POST" });

/** The lines of a kind, as `caller action credential result version ×count`. */
async function lines(centre, kind, app = "demo") {
  const { events } = await centre.events(app, `?kind=${kind}&limit=500`);
  return events.map((line) => [line.caller, line.action, line.credential, line.result, line.version, `×${line.count}`].filter((word) => word !== null).join(" ")).reverse();
}

/** Merges lines that differ only in their minute. */
function merged(lines) {
  const counts = new Map();
  for (const line of lines) {
    const [, what, count] = line.match(/^(.*) ×(\d+)$/);
    counts.set(what, (counts.get(what) ?? 0) + Number(count));
  }
  return [...counts].map(([what, count]) => `${what} ×${count}`);
}

describe("the history", { concurrency: 2 }, () => {
  test("tells who was handed what, how often, from where", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    const { body } = await centre.call("/v1/apps/demo/access_token", WEB);
    await until(() => lines(centre, "access"), (found) => found.length === 1);
    for (let n = 0; n < 49; n++) await centre.call("/v1/apps/demo/access_token", WEB);
    for (let n = 0; n < 3; n++) await centre.call("/v1/apps/demo/tickets/jsapi");
    await centre.call("/v1/apps/demo/signature?url=https%3A%2F%2Fshop.example.com%2F", from("198.51.100.7"));
    for (const stale of ["some-other-value", "and-another", body.access_token]) await centre.report("demo", stale);
    await nudge(centre);
    const found = merged(await until(() => lines(centre, "access"), (found) => found.some((line) => line.includes("sign"))));
    assert.deepEqual(found, ["web read access_token ok 1 ×50", "all read jsapi ok 1 ×3", "all sign jsapi ok 1 ×1"]);
    const { events } = await centre.events("demo", "?action=read&caller=web");
    assert.ok(events.length >= 1 && events.every(({ ip, first_at, last_at }) => ip === "203.0.113.9" && last_at - first_at < 60));
    const [sign] = (await centre.events("demo", "?action=sign")).events;
    assert.equal(sign.ip, null, "visitors' addresses are not kept");
    // Of the reported values only the one that was handed out is named, by its digest.
    const digest = createHash("sha256").update(body.access_token).digest("hex").slice(0, 8);
    const { events: reports } = await centre.events("demo", "?kind=report");
    assert.deepEqual(reports.map(({ about, result, count }) => [about, result, count]).reverse(), [[null, "current", 2], [digest, "current", 1]]);
  });

  test("a read that nobody follows leaves its trace within half a minute", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.token();
    await until(() => lines(centre, "access"), (found) => merged(found).includes("all read access_token ok 1 ×1"));
    await centre.token();
    assert.deepEqual(merged(await lines(centre, "access")), ["all read access_token ok 1 ×1"], "not at once");
    await until(() => lines(centre, "access"), (found) => merged(found).includes("all read access_token ok 1 ×2"), 30_000);
  });

  test("tells who was refused, callers and strangers apart", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.set({ faster: 50 });
    const stranger = { key: "nobody-holds-this-key-0123456789abc", ...from("2001:db8:1:2:3:4:5:6") };
    await centre.call("/v1/apps/demo/access_token", { ...WEB, ...from("192.0.2.1") });
    await centre.call("/v1/apps/demo/tickets/jsapi", WEB);
    await centre.call("/v1/apps/demo/access_token?min_ttl=x", WEB);
    await centre.call("/v1/apps/demo/events", WEB);
    await centre.call("/v1/apps/demo/signature?url=https%3A%2F%2Fevil.example%2F");
    await centre.call("/v1/apps/demo/tickets/sdk");
    for (let n = 0; n < 7; n++) await centre.call("/v1/apps/demo/access_token", stranger);
    await centre.call("/v1/apps/demo/signature?url=x", { ...stranger, ...from("192.0.2.66") });
    await centre.call("/v1/apps/demo", { key: "" });
    await centre.call("/v1/apps/demo", { method: "DELETE" });
    const refusals = merged(await until(() => lines(centre, "refusal"), (found) => found.length >= 6)).sort();
    assert.deepEqual(refusals, [
      "all read sdk not_found ×1",
      "all sign jsapi url_not_allowed ×1",
      "web events not_allowed ×1",
      "web read access_token invalid_request ×1",
      "web read access_token not_allowed ×1",
      "web read jsapi not_allowed ×1",
    ]);
    const strangers = merged(await until(() => lines(centre, "stranger"), (found) => found.length >= 4)).sort();
    assert.deepEqual(strangers, ["read access_token unauthorized ×7", "sign jsapi unauthorized ×1", "status method_not_allowed ×1", "status unauthorized ×1"]);
    const ips = (await centre.events("demo", "?kind=stranger")).events.map(({ action, ip }) => `${action} ${ip}`);
    assert.ok(ips.includes("read 2001:db8:1:2::") && ips.includes("sign 192.0.2.66"), ips.join());
  });

  test("with HISTORY = changes reads leave no line and no message, and refusals do", async (t) => {
    const centre = await startCentre({ change: (vars) => ({ ...vars, HISTORY: "changes" }) });
    t.after(() => centre.stop());
    await centre.set({ faster: 50 });
    await centre.token();
    await centre.counts();
    for (let n = 0; n < 5; n++) await centre.token();
    await centre.call("/v1/apps/demo/signature?url=https%3A%2F%2Fshop.example.com%2F");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal((await centre.counts()).history ?? 0, 0, "nothing is sent");
    await centre.call("/v1/apps/demo/access_token", { key: "" });
    await centre.report("demo", "a value that was never handed out");
    const { events } = await until(() => centre.events("demo"), ({ events }) => events.some(({ kind }) => kind === "stranger") && events.some(({ kind }) => kind === "report"));
    assert.deepEqual(events.filter(({ kind }) => kind === "access"), []);
  });

  test("what names no app of ours is counted in the log", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.set({ faster: 50 });
    for (let n = 0; n < 30; n++) await centre.call(`/v1/apps/nosuchapp${n}/access_token`, { key: "" });
    await centre.call("/wp-login.php", { key: "" });
    const sums = (lines) => {
      const sums = {};
      for (const { action, result, count } of lines) sums[`${action} ${result}`] = (sums[`${action} ${result}`] ?? 0) + count;
      return sums;
    };
    const found = await until(() => centre.logs().filter((line) => line.includes('"event":"refused"')).map((line) => JSON.parse(line)), (found) => sums(found)["unknown not_found"]);
    assert.deepEqual(sums(found), { "read unauthorized": 30, "unknown not_found": 1 });
    assert.ok(found.length < 10, `${found.length} lines`);
    assert.equal((await centre.counts()).history ?? 0, 0);
  });

  for (const [method, path] of [["GET", "access_token"], ["POST", "access_token/refresh"], ["POST", "access_token/revoke"], ["GET", "signature?url=x"]]) {
    test(`a thousand strangers at ${method} …/${path} cost a few lines and messages to the Keeper`, async (t) => {
      const centre = await startCentre();
      t.after(() => centre.stop());
      await centre.token();
      await centre.set({ faster: 50 });
      await centre.counts();
      const guess = (n) => centre.call(`/v1/apps/demo/${path}`, { method, key: `guess-${String(n).padStart(30, "0")}`, ...from(`198.51.100.${n % 200}`) });
      const started = Date.now();
      for (let n = 0; n < 1000; n += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => guess(n + k)));
      const { Keeper = 0, history = 0 } = await centre.counts();
      // The timers run fifty times as fast here: one message in half a second, not one a request.
      const most = 10 + (2 * (Date.now() - started)) / 1000;
      assert.ok(Keeper === 0 && history <= most, `${Keeper} questions, ${history} messages`);
      const { events } = await until(() => centre.events("demo", "?kind=stranger"), ({ events }) => events.reduce((sum, { count }) => sum + count, 0) === 1000);
      assert.ok(events.length <= 2 * (8 + 1), `${events.length} lines in two minutes at most`);
    });
  }

  test("a caller cannot push out what it was handed by making noise", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.set({ faster: 50 });
    await centre.call("/v1/apps/demo/access_token", WEB);
    for (let n = 0; n < 300; n++) await Promise.all([centre.report("demo", `value-${n}`), centre.call("/v1/apps/legacy/access_token", { ...WEB, ...from(`203.0.113.${n % 250}`) })]);
    await until(() => lines(centre, "report"), (found) => merged(found).some((line) => line.endsWith("×300")));
    const { events } = await centre.events("demo", "?kind=report");
    assert.ok(events.length <= 3, `${events.length} lines of reports`);
    const refused = await until(() => centre.events("legacy", "?kind=refusal"), ({ events }) => events.reduce((sum, { count }) => sum + count, 0) === 300);
    assert.ok(refused.events.length <= 2 * (8 + 1), `${refused.events.length} lines of refusals`);
    assert.deepEqual(merged(await lines(centre, "access")), ["web read access_token ok 1 ×1"]);
  });

  test("tells what became of each call to WeChat, of alerts and of a revocation", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.simulator.fault({ fault: "errcode", errcode: 40164, path: "/cgi-bin/stable_token", when: { nth: 1 } });
    assert.equal((await centre.token()).status, 502);
    await centre.advance(600);
    const { body } = await until(() => centre.token(), ({ status }) => status === 200);
    await centre.kill(body.access_token);
    await centre.report("demo", body.access_token);
    await centre.call("/v1/apps/demo/access_token/revoke", { method: "POST" });
    const found = await until(
      async () => merged(await lines(centre, "upkeep")).map((line) => line.replace(/ ×\d+$/, "")).filter((line) => line.includes("access_token")),
      (found) => found.some((line) => line.startsWith("all revoke")),
    );
    for (const line of ["refresh access_token refused 0", "alert access_token failing 0", "refresh access_token rotated 1", "alert access_token recovered 1", "probe access_token dead 1", "alert access_token revoking 2", "all revoke access_token ok"]) {
      assert.ok(found.includes(line), `${line} is missing in ${JSON.stringify(found)}`);
    }
    const [refused] = (await centre.events("demo", "?action=refresh")).events.filter(({ result }) => result === "refused");
    assert.equal(refused.errcode, 40164);
    await nudge(centre);
    const [report] = (await until(() => centre.events("demo", "?kind=report"), ({ events }) => events.length === 1)).events;
    assert.equal(report.result, "rotated");
    // It is in SQLite, so it outlives the Keeper.
    await centre.evict("demo");
    assert.ok((await lines(centre, "upkeep")).length >= found.length);
  });

  test("comes in pages, and refuses what it does not understand", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.token();
    const add = (n) => centre.sql("demo", `INSERT INTO events (minute, kind, action, result, first_at, last_at, count) SELECT strftime('%s') / 60, 'upkeep', 'probe', 'made up ${n}', strftime('%s'), strftime('%s'), 1`);
    for (let n = 0; n < 10; n++) await add(n);
    const { events } = await centre.events();
    const ids = [];
    for (let next = ""; next !== null; ) {
      const page = await centre.events("demo", `?limit=3${next && `&before=${next}`}`);
      ids.push(...page.events.map(({ id }) => id));
      next = page.next;
      // What comes meanwhile is newer, and moves no page.
      await add(`later ${next}`);
    }
    // A line of the Worker's own may have come between the two; it is newer too.
    assert.ok(ids.every((id, n) => n === 0 || id < ids[n - 1]), `${ids}`);
    assert.deepEqual(ids.filter((id) => id <= events[0].id), events.map(({ id }) => id));
    for (const query of ["?before=x", "?before=-1", "?before=9007199254740992", "?before=18446744073709551615", "?limit=0", "?limit=501", "?limit=+5", "?kind=x", "?action=x", "?since=1", "?limit=1&limit=1"]) {
      assert.equal((await centre.call(`/v1/apps/demo/events${query}`)).body.code, "invalid_request", query);
    }
    assert.deepEqual((await centre.events("demo", "?caller=nobody")).events, []);
    const [other, unknown] = [await centre.call("/v1/apps/demo/events", WEB), await centre.call("/v1/apps/nosuch/events", WEB)];
    assert.deepEqual([other.status, other.text], [403, unknown.text]);
  });

  test("a faulty app has its fault in it, once for each configuration", async (t) => {
    const centre = await startCentre({
      change: (vars) => {
        delete vars.APP_SECRET_DEMO;
        return vars;
      },
    });
    t.after(() => centre.stop());
    for (let n = 0; n < 3; n++) await centre.cron();
    const { events } = await centre.events();
    assert.deepEqual(events.map(({ action, result, about, count }) => [action, result, about, count]), [["configuration", "misconfigured", "APP_SECRET_DEMO", 1]]);
    assert.equal((await centre.token()).status, 500);
    await until(() => lines(centre, "refusal"), (found) => merged(found).includes("all read access_token misconfigured ×1"));
  });

  test("what does not open any more is in it", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.token();
    await until(() => centre.worker.getEnv().then(({ TOKENS }) => TOKENS.get("v1/demo/access_token")), Boolean);
    await centre.reconfigure((vars) => ({ ...vars, SEAL_KEY: "YW5vdGhlci1zZWFsLWtleS0wMTIzNDU2Nzg5YWJjZGU=" }));
    assert.equal((await centre.token()).status, 200);
    await nudge(centre);
    const found = await until(() => lines(centre, "upkeep"), (found) => found.some((line) => line.includes("record_does_not_open")));
    assert.ok(found.some((line) => line.startsWith("open access_token slot_does_not_open 1")), JSON.stringify(found));
  });

  test("an errcode that is none does no harm to it", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.simulator.fault({ fault: "errcode", errcode: 9007199254740994, path: "/cgi-bin/stable_token", when: { nth: 1 } });
    assert.equal((await centre.token()).status, 503);
    await nudge(centre);
    await until(() => lines(centre, "refusal"), (found) => merged(found).includes("all read access_token unavailable ×1"));
    const { events } = await centre.events("demo", "?action=refresh");
    assert.deepEqual(events.map(({ result, errcode }) => [result, errcode]), [["garbled", null]]);
  });

  test("while it cannot be written, answers go on, and what gathers arrives later", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.set({ history_down: true });
    for (let n = 0; n < 5; n++) assert.equal((await centre.call("/v1/apps/demo/access_token", WEB)).status, 200);
    await until(() => centre.logs(), (logs) => logs.some((line) => line.includes("history_unreachable")));
    await centre.set({ history_down: false });
    await nudge(centre);
    await until(() => lines(centre, "access"), (found) => merged(found).includes("web read access_token ok 1 ×5"));
  });

  test("is bounded in number, each kind for itself, and in age", async (t) => {
    const centre = await startCentre();
    t.after(() => centre.stop());
    await centre.token();
    await pause(500);
    const fill = (kind, count, minute) =>
      centre.sql(
        "demo",
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
         INSERT INTO events (minute, kind, action, result, first_at, last_at, count)
         SELECT ${minute}, '${kind}', 'read', 'made up', ${minute * 60}, ${minute * 60}, 1 FROM n`,
      );
    const counted = async () => Object.fromEntries((await centre.sql("demo", "SELECT kind, count(*) AS n FROM events GROUP BY kind")).map(({ kind, n }) => [kind, n]));
    const newest = async () => (await centre.sql("demo", "SELECT max(id) AS id FROM events"))[0].id;
    const now = Math.floor((await centre.now()) / 60);
    const before = await counted();
    // The next line but one has a round number, and sweeps.
    for (const [kind, most] of [["stranger", 5_000], ["refusal", 10_000], ["report", 10_000], ["access", 40_000]]) {
      await fill(kind, most + 700, now - 10);
      await fill("upkeep", 499 - ((await newest()) % 500), now - 10);
      await nudge(centre);
      const left = await until(counted, (left) => left[kind] <= most);
      assert.equal(left[kind], most);
      for (const [other, count] of Object.entries(before)) if (other !== kind) assert.ok(left[other] >= count, `${other} has stayed`);
      await centre.sql("demo", `DELETE FROM events WHERE result = 'made up'`);
      await pause(50);
    }
    await centre.sql("demo", `UPDATE events SET id = id + 1000000`);
    await centre.sql("demo", `INSERT INTO events (id, minute, kind, action, result, first_at, last_at, count) VALUES (1, ${now - 31 * 24 * 60}, 'access', 'read', 'old', 1, 1, 1)`);
    const { events } = await centre.events("demo", "?limit=500");
    assert.ok(events.every(({ result }) => result !== "old"), "what is too old is not shown");
    await centre.evict("demo");
    await centre.call("/v1/apps/demo");
    assert.equal((await centre.sql("demo", "SELECT count(*) AS n FROM events WHERE result = 'old'"))[0].n, 0, "nor kept");
  });
});
