// Reading credentials: what is handed out lives, and costs WeChat as little as it can.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { APPID, pause, startCentre } from "./support/centre.mjs";

let centre;
before(async () => (centre = await startCentre()));
after(() => centre.stop());

test("500 readers at once on an empty store: one upstream call, one version", async () => {
  const answers = await Promise.all(Array.from({ length: 500 }, () => centre.token()));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.deepEqual([...new Set(answers.map(({ body }) => body.version))], [1]);
  assert.equal(new Set(answers.map(({ body }) => body.access_token)).size, 1);
  assert.equal((await centre.simulator.calls("stable_token")).length, 1);
});

test("the token lives, and its remainder is true", async () => {
  const { body, headers } = await centre.token();
  assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
  assert.deepEqual(Object.keys(body).sort(), ["access_token", "expires_at", "expires_in", "version"]);
  assert.ok(body.expires_in > 7100 && body.expires_in <= 7200);
  assert.ok(Math.abs(body.expires_at - body.expires_in - Date.now() / 1000) < 2);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("content-type"), "application/json");
});

test("tickets live, and each type is its own", async () => {
  const [jsapi, card] = await Promise.all(["jsapi", "wx_card"].map((type) => centre.call(`/v1/apps/demo/tickets/${type}`)));
  assert.equal(await centre.simulator.ticketAlive(jsapi.body.ticket), true);
  assert.equal(await centre.simulator.ticketAlive(card.body.ticket), true);
  assert.notEqual(jsapi.body.ticket, card.body.ticket);
  assert.ok(jsapi.body.expires_in <= 600, "short, until the ticket's age is known");
});

test("three kinds of ticket beside the token, 512 and 4096 characters long, are kept whole", async (t) => {
  for (const chars of [512, 4096]) {
    const whole = await startCentre({
      change: (vars) => {
        vars.APPS.demo.tickets = ["jsapi", "wx_card", "sdk"];
        return vars;
      },
    });
    t.after(() => whole.stop());
    await whole.simulator.knobs(APPID.demo, { token_chars: chars, ticket_chars: chars });
    const { access_token } = (await whole.token()).body;
    assert.deepEqual([access_token.length, await whole.simulator.tokenAlive(access_token)], [chars, true]);
    const tickets = await Promise.all(["jsapi", "wx_card", "sdk"].map(async (type) => (await whole.call(`/v1/apps/demo/tickets/${type}`)).body.ticket));
    for (const ticket of tickets) assert.deepEqual([ticket.length, await whole.simulator.ticketAlive(ticket)], [chars, true]);
    assert.equal(new Set(tickets).size, 3);
    await whole.evict("demo");
    assert.equal((await whole.report("demo", "another")).body.access_token, access_token, "and come back whole");
  }
});

test("a ticket that is not kept is named, with the setting", async () => {
  const { status, body } = await centre.call("/v1/apps/demo/tickets/sdk");
  assert.equal(status, 404);
  assert.match(body.detail, /APPS\.demo\.tickets/);
});

test("a signature by GET and by POST is one that WeChat takes", async () => {
  const url = "https://shop.example.com/a?b=1&c=%E4%B8%AD#/route?x=1";
  const asked = [
    await centre.call(`/v1/apps/demo/signature?url=${encodeURIComponent(url)}`),
    await centre.call("/v1/apps/demo/signature", { method: "POST", body: JSON.stringify({ url }) }),
  ];
  for (const { status, body } of asked) {
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ["appId", "nonceStr", "signature", "timestamp"]);
    assert.equal(await centre.simulator.verify({ ...body, url: url.split("#")[0] }), true);
    assert.equal(await centre.simulator.verify({ ...body, url: "https://shop.example.com/other" }), false);
  }
});

test("a card's signatures are those of the official rule", async () => {
  const card = { card_id: "pjZ8Yt1XGILfi-FUsewpnnolGgZk", code: "1434008071", location_id: "4", card_type: "GROUPON" };
  const ask = (body) => centre.call("/v1/apps/demo/card_signature", { method: "POST", body: JSON.stringify(body) });
  const { status, body } = await ask(card);
  assert.equal(status, 200);
  const { ticket } = (await centre.call("/v1/apps/demo/tickets/wx_card")).body;
  const sha1 = (values) => createHash("sha1").update(values.filter(Boolean).sort().join("")).digest("hex");
  const ext = JSON.parse(body.cardExt);
  assert.equal(ext.signature, sha1([ticket, ext.timestamp, card.card_id, card.code, ext.nonce_str]));
  assert.equal(body.cardSign, sha1([ticket, APPID.demo, card.location_id, `${body.timestamp}`, body.nonceStr, card.card_id, card.card_type]));
  assert.equal((await ask({ code: "with space" })).status, 400);
  assert.equal((await ask({ cardid: "a slip" })).status, 400);
  assert.equal((await centre.call("/v1/apps/legacy/card_signature", { method: "POST", body: "{}" })).status, 404, "no wx_card ticket is kept");
});

test("a page of another host is not signed", async () => {
  for (const url of ["https://evil.com/", "https://shop.example.com.evil.com/", "https://evil.com/?shop.example.com"]) {
    const { status, body } = await centre.call(`/v1/apps/demo/signature?url=${encodeURIComponent(url)}`);
    assert.deepEqual([status, body.code], [403, "url_not_allowed"], url);
  }
});

test("a URL that a browser writes otherwise is explained as the same page, and how", async () => {
  const explain = async (url, more = {}) => (await centre.call("/v1/apps/demo/signature/explain", { method: "POST", body: JSON.stringify({ url, ...more }) })).body;
  for (const [url, shown, hint] of [
    ["https://商店.shop.example.com/", "https://xn--czrs0t.shop.example.com/", "host_not_ascii"],
    ["HTTPS://shop.example.com/", "https://shop.example.com/", "capitals"],
    ["https://shop.example.com:443/a", "https://shop.example.com/a", "default_port"],
    ["https://shop.example.com", "https://shop.example.com/", "no_slash"],
    ["https://shop.example.com/a?q=中 b", "https://shop.example.com/a?q=%E4%B8%AD%20b", "blanks"],
    ["https://shop.example.com/a?q=x+y", null, "blanks"],
    ["https://shop.example.com/a?q=%e4", null, "escapes"],
    ["https://shop.example.com./", null, "trailing_dot"],
  ]) {
    const { location_href, hints } = await explain(url);
    assert.equal(location_href, shown, url);
    assert.ok(hints.some((found) => found.hint === hint), `${url}: ${JSON.stringify(hints)}`);
  }
  const url = "https://shop.example.com/a?q=x+y&from=timeline";
  const { body: signed } = await centre.call("/v1/apps/demo/signature", { method: "POST", body: JSON.stringify({ url: "https://shop.example.com/a?q=x%20y&from=timeline" }) });
  const { verdict } = await explain(url, { signature: signed.signature, nonceStr: signed.nonceStr, timestamp: signed.timestamp });
  assert.deepEqual([verdict.result, verdict.signed], ["other_url", "https://shop.example.com/a?q=x%20y&from=timeline"]);
});

test("a page whose signature would be good for another one is not signed, by either method, nor shown by the explanation", async () => {
  const evil = "https://evil.example.org/p";
  const ambiguous = `https://shop.example.com/?x&timestamp=1700000000&url=${evil}`;
  const post = (path, url) => centre.call(path, { method: "POST", body: JSON.stringify({ url }) });
  const asked = [await centre.call(`/v1/apps/demo/signature?url=${encodeURIComponent(ambiguous)}`), await post("/v1/apps/demo/signature", ambiguous)];
  for (const { status, body } of asked) {
    assert.deepEqual([status, body.code, body.signature], [403, "url_not_allowed", undefined]);
    assert.match(body.detail, /encodeURIComponent/);
  }
  const explained = (await post("/v1/apps/demo/signature/explain", ambiguous)).body;
  assert.deepEqual([explained.host_allowed, explained.signature], [false, null]);
  assert.ok(explained.hints.some(({ hint }) => hint === "ambiguous"));
  for (const honest of ["https://shop.example.com/?timestamp=1&from=x", `https://shop.example.com/?a&timestamp=1&url=${encodeURIComponent(evil)}`, "https://shop.example.com/?a&url=https://shop.example.com/b"]) {
    const { status, body } = await post("/v1/apps/demo/signature", honest);
    assert.equal(status, 200, honest);
    assert.equal(await centre.simulator.verify({ ...body, url: honest }), true, honest);
  }
});

test("a url that was not encoded is recognised, and the page's developer told", async () => {
  const { status, body } = await centre.call("/v1/apps/demo/signature?url=https://shop.example.com/?a=1&b=2");
  assert.equal(status, 400);
  assert.match(body.detail, /encodeURIComponent/);
});

test("what is stored in KV is sealed, and gone from its key's name and metadata", async () => {
  const { body } = await centre.token();
  const env = await centre.worker.getEnv();
  const { keys } = await env.TOKENS.list();
  assert.deepEqual(keys.map(({ name }) => name).sort(), ["v1/demo/access_token", "v1/demo/jsapi", "v1/demo/wx_card"]);
  for (const { metadata, expiration } of keys) {
    assert.ok(expiration > Date.now() / 1000);
    assert.deepEqual(Object.keys(metadata).sort(), ["expires_at", "version"], "what the next write compares with");
  }
  const stored = await env.TOKENS.get("v1/demo/access_token");
  assert.ok(!stored.includes(body.access_token));
  assert.deepEqual(Object.keys(JSON.parse(stored)).sort(), ["expires_at", "key", "refresh_at", "sealed", "trust_until", "v", "version"]);
});

test("the tables of a Keeper and of the scheduler are pinned: a deployment finds those of the one before it", async () => {
  await centre.cron();
  const tables = {};
  for (const object of ["demo", "*scheduler"]) {
    const rows = await centre.sql(object, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name");
    tables[object] = Object.fromEntries(rows.map(({ name, sql }) => [name, sql.replace(/\s+/g, " ")]));
  }
  assert.deepEqual(tables, JSON.parse(readFileSync(new URL("golden/tables.json", import.meta.url), "utf8")));
});

test("SQLite holds nothing in clear", async () => {
  const { body } = await centre.token();
  const rows = await centre.sql("demo", "SELECT * FROM slots");
  assert.ok(rows.length >= 3 && !JSON.stringify(rows).includes(body.access_token));
});

test("a Keeper that was evicted comes back whole, and asks nothing of WeChat", async () => {
  const before = (await centre.token()).body;
  const calls = (await centre.simulator.calls("stable_token")).length;
  const env = await centre.worker.getEnv();
  await centre.evict("demo");
  await env.TOKENS.delete("v1/demo/access_token");
  await pause(5100); // The isolate's own copy grows stale.
  assert.deepEqual((await centre.token()).body.access_token, before.access_token);
  assert.equal((await centre.simulator.calls("stable_token")).length, calls);
});

test("a record that was moved or spoilt in KV is not served, and the Keeper answers instead", async () => {
  const env = await centre.worker.getEnv();
  const good = (await centre.token()).body;
  await env.TOKENS.put("v1/demo/access_token", await env.TOKENS.get("v1/demo/jsapi"));
  await pause(5100);
  const { status, body } = await centre.token();
  assert.deepEqual([status, body.access_token], [200, good.access_token]);
  assert.ok(centre.logs().some((line) => line.includes("record_does_not_open")));
});

test("the hot read is served from the isolate: the stores may be gone", async () => {
  const warm = (await centre.token("legacy")).body;
  const env = await centre.worker.getEnv();
  await env.TOKENS.delete("v1/legacy/access_token");
  const calls = (await centre.simulator.calls("", APPID.legacy)).length;
  assert.equal((await centre.token("legacy")).body.access_token, warm.access_token);
  assert.equal((await centre.simulator.calls("", APPID.legacy)).length, calls);
});

test("min_ttl is a number of seconds", async () => {
  assert.equal((await centre.call("/v1/apps/demo/access_token?min_ttl=7200")).status, 200);
  for (const wrong of ["-1", "abc", "7201", "1.5", "", "%2B5"]) {
    const { status, body } = await centre.call(`/v1/apps/demo/access_token?min_ttl=${wrong}`);
    assert.deepEqual([status, body.code], [400, "invalid_request"], wrong);
  }
});
