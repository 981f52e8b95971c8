// Who gets what: keys, scopes, apps, addresses, and requests that are none.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APPID, CANARY, startCentre, until } from "./support/centre.mjs";

let centre;
before(async () => (centre = await startCentre()));
after(() => centre.stop());

const TOKEN = "/v1/apps/demo/access_token";
const from = (ip, init = {}) => ({ key: CANARY.webKey, ...init, headers: { "cf-connecting-ip": ip } });

function isProblem(answer, status, code) {
  assert.deepEqual([answer.status, answer.body.code, answer.body.status], [status, code, status], answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.ok(answer.body.title && answer.body.detail);
}

test("without a key, or with one that nobody holds: 401", async () => {
  const wrong = [null, "", "x", CANARY.key.slice(1), `${CANARY.key}x`, CANARY.key.toUpperCase()];
  for (const key of wrong) {
    const answer = await centre.call(TOKEN, { key });
    isProblem(answer, 401, "unauthorized");
    assert.match(answer.headers.get("www-authenticate"), /^Bearer\b/);
  }
  for (const authorization of [CANARY.key, `Basic ${CANARY.key}`, `Bearer ${CANARY.key}, Bearer ${CANARY.key}`]) {
    isProblem(await centre.call(TOKEN, { key: null, headers: { authorization } }), 401, "unauthorized");
  }
});

test("a key in the query opens nothing", async () => {
  isProblem(await centre.call(`${TOKEN}?key=${CANARY.key}`, { key: null }), 401, "unauthorized");
});

test("the next key opens too, and the scheme's case does not matter", async () => {
  assert.equal((await centre.call(TOKEN, { key: CANARY.nextKey })).status, 200);
  assert.equal((await centre.call(TOKEN, { key: null, headers: { authorization: `bearer ${CANARY.key}` } })).status, 200);
});

test("a key that is taken away opens nothing any more, and its twin goes on", async (t) => {
  const other = await startCentre();
  t.after(() => other.stop());
  assert.equal((await other.call(TOKEN, { key: CANARY.nextKey })).status, 200);
  await other.reconfigure(({ CALLER_KEY_ALL_NEXT, ...vars }) => vars);
  isProblem(await other.call(TOKEN, { key: CANARY.nextKey }), 401, "unauthorized");
  assert.equal((await other.call(TOKEN)).status, 200);
});

test("an address outside the caller's ranges: 403", async () => {
  for (const ip of ["203.0.113.7", "2001:db8::7", "::ffff:203.0.113.7"]) {
    assert.equal((await centre.call(TOKEN, from(ip))).status, 200, ip);
  }
  for (const ip of ["203.0.114.7", "2001:db9::7", "junk"]) {
    isProblem(await centre.call(TOKEN, from(ip)), 403, "not_allowed");
  }
});

test("a host name that HOSTS does not list is not answered, from memory as little as by the ordinary path", async (t) => {
  const HOSTS = ["token.example.com"];
  const other = await startCentre({ change: (vars) => ({ ...vars, HOSTS }) });
  t.after(() => other.stop());
  const at = (host, path) => `http://${host}${path}`;
  for (let n = 0; n < 3; n++) assert.equal((await other.call(at("token.example.com", TOKEN))).status, 200);
  for (const path of [TOKEN, "/healthz", "/v1/apps", "/jssdk.js", `/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${CANARY.key}`]) {
    isProblem(await other.call(at("rebound.example.org", path)), 403, "not_allowed");
  }
  await other.reconfigure((vars) => ({ ...vars, HOSTS: "token.example.com" }));
  const { status, body } = await other.call(at("token.example.com", TOKEN));
  assert.deepEqual([status, /^HOSTS is no list of host names/.test(body.detail)], [500, true]);
});

test("a second app with an appid leaves the first working, whatever its name", async (t) => {
  const other = await startCentre();
  t.after(() => other.stop());
  await other.reconfigure((vars) => ({ ...vars, APPS: { ...vars.APPS, aaa: vars.APPS.demo }, APP_SECRET_AAA: vars.APP_SECRET_DEMO }));
  assert.equal((await other.call(TOKEN)).status, 200);
  const second = await other.call("/v1/apps/aaa/access_token");
  assert.deepEqual([second.status, second.body.code], [500, "misconfigured"]);
  const grant = `grant_type=client_credential&appid=${APPID.demo}&secret=${CANARY.key}`;
  assert.ok((await other.call(`/cgi-bin/token?${grant}`, { key: null })).body.access_token);
});

test("X-Forwarded-For is not believed", async () => {
  const headers = { "cf-connecting-ip": "198.51.100.1", "x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7" };
  isProblem(await centre.call(TOKEN, { key: CANARY.webKey, headers }), 403, "not_allowed");
});

test("an unknown app, a forbidden app and a missing scope answer alike", async () => {
  const paths = [
    "/v1/apps/nothere/access_token",
    "/v1/apps/legacy/access_token",
    "/v1/apps/DEMO/access_token",
    "/v1/apps/demo/tickets/jsapi",
    "/v1/apps/demo",
    "/v1/apps",
  ];
  const answers = await Promise.all(paths.map((path) => centre.call(path, from("203.0.113.7"))));
  answers.forEach((answer) => isProblem(answer, 403, "not_allowed"));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
});

test("paths that are none of ours: 404", async () => {
  const paths = ["/", "/v1", "/v1/apps/", "/v1/apps/demo/", "/v1/apps/demo/tickets", "/v1/apps/demo/tickets/2", "/v2/apps", "//v1/apps",
    "/v1/apps/demo/access_token/", "/V1/apps", "/v1/apps/%64emo/access_tokens", "/v1/apps/demo/tickets/%zz"];
  for (const path of paths) isProblem(await centre.call(path), 404, "not_found");
});

test("a method that a path does not know: 405, with those that it knows", async () => {
  for (const [method, path, allow] of [
    ["POST", TOKEN, "GET, HEAD"],
    ["DELETE", TOKEN, "GET, HEAD"],
    ["GET", `${TOKEN}/refresh`, "POST"],
    ["PUT", "/v1/apps/demo/signature", "GET, HEAD, POST"],
    ["POST", "/healthz", "GET, HEAD"],
  ]) {
    const answer = await centre.call(path, { method });
    isProblem(answer, 405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), allow);
  }
});

test("a method that nobody knows is none of ours, and no GET", async () => {
  const send = (method, path, headers = {}) => fetch(new URL(path, centre.url), { method, headers });
  for (const method of ["QUERY", "PROPFIND", "PURGE"]) {
    for (const path of [TOKEN, "/v1/apps/demo/api/cgi-bin/get_api_domain_ip", "/healthz"]) {
      const response = await send(method, path, { authorization: `Bearer ${CANARY.key}` });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal((await response.json()).code, "method_not_allowed");
    }
    for (const path of [`/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${CANARY.key}`, "/cgi-bin/user/get?access_token=x"]) {
      assert.equal((await (await send(method, path)).json()).errcode, 43001, `${method} ${path}`);
    }
  }
});

test("a list is no body, though it holds what the fields would: 400", async () => {
  for (const [path, body] of [
    ["card_signature", "[]"],
    ["access_token/refresh", '["x"]'],
    ["signature", '["https://shop.example.com/"]'],
    ["check", '["access_token"]'],
    ["signature/explain", '["https://shop.example.com/",null,null,null]'],
  ]) isProblem(await centre.call(`/v1/apps/demo/${path}`, { method: "POST", body }), 400, "invalid_request");
});

test("a body with a field twice, or with one that has no place: 400", async () => {
  const url = '"url":"https://shop.example.com/"';
  for (const [path, body] of [
    ["signature", `{${url},${url}}`],
    ["signature", `{${url},"uri":"https://shop.example.com/"}`],
    ["check", '{"credential":"access_token","credential":"access_token"}'],
    ["access_token/refresh", '{"stale":"x","stale":"y"}'],
    ["card_signature", '{"card_id":"a","card_id":"b"}'],
  ]) isProblem(await centre.call(`/v1/apps/demo/${path}`, { method: "POST", body }), 400, "invalid_request");
});

test("a URL of 16 kB, a broken encoding, odd paths: each a clear 4xx", async () => {
  isProblem(await centre.call(`/v1/apps/demo/signature?url=${"a".repeat(16_384)}`), 413, "too_large");
  isProblem(await centre.call(`/${"a".repeat(16_384)}`), 413, "too_large");
  for (const url of ["%", "%4", "%zz", "%ff", "%c3%28"]) isProblem(await centre.call(`/v1/apps/demo/signature?url=${url}`), 400, "invalid_request");
  for (const path of ["/v1/apps/demo/tickets%2fjsapi", "/v1/apps/demo/access_token;x=1", "/v1/apps/demo/access_token%00"]) {
    isProblem(await centre.call(path), 404, "not_found");
  }
  for (const path of ["/v1/apps/d%C3%A9mo/access_token", "/v1/apps/demo%2faccess_token", "/v1/apps/demo%2f..%2flegacy"]) {
    isProblem(await centre.call(path.endsWith("access_token") ? path : `${path}/access_token`), 403, "not_allowed");
  }
  assert.equal((await centre.call("/v1/apps/../apps")).status, 200, "a client's own dots never arrive");
});

test("two keys, and a key of 100 kB, are no key", async () => {
  const headers = new Headers([["authorization", `Bearer ${CANARY.key}`], ["authorization", `Bearer ${CANARY.webKey}`]]);
  const twice = await centre.harness.fetch(TOKEN, { headers });
  assert.equal(twice.status, 401);
  const long = await centre.harness.fetch(TOKEN, { headers: { authorization: `Bearer ${"k".repeat(50_000)}` } }).catch((error) => error);
  assert.ok(long instanceof Error || [401, 431].includes(long.status));
  assert.equal((await centre.token()).status, 200);
});

test("bodies that are too large or not of the form: 413 and 400", async () => {
  const post = (body) => centre.call(`${TOKEN}/refresh`, { method: "POST", body });
  isProblem(await post("x".repeat(16_385)), 413, "too_large");
  isProblem(await post("x".repeat(10_000_000)), 413, "too_large");
  for (const body of [undefined, "", "{", "[]", "{}", '{"stale":1}', '{"stale":""}', '{"stale":"x","y":1}', `{"stale":"${"x".repeat(4097)}"}`]) {
    isProblem(await post(body), 400, "invalid_request");
  }
});

test("parameters that nobody reads are refused", async () => {
  for (const path of ["tickets/jsapi?min_ttl=10", "access_token?foo=1", "access_token?min_ttl=1&min_ttl=2"]) {
    isProblem(await centre.call(`/v1/apps/demo/${path}`), 400, "invalid_request");
  }
  isProblem(await centre.call("/v1/apps?foo=1"), 400, "invalid_request");
  isProblem(await centre.call(`${TOKEN}/refresh?foo=1`, { method: "POST", body: '{"stale":"x"}' }), 400, "invalid_request");
  const body = '{"url":"https://shop.example.com/"}';
  isProblem(await centre.call("/v1/apps/demo/signature?url=https%3A%2F%2Fevil.com", { method: "POST", body }), 400, "invalid_request");
});

test("/healthz needs no key and says little", async () => {
  const { status, text } = await centre.call("/healthz", { key: null });
  assert.deepEqual([status, text], [200, '{"status":"ok"}']);
});

test("the status shows how everything is, and no value", async () => {
  const { body: token } = await centre.token();
  const { status, body, text } = await centre.call("/v1/apps");
  assert.equal(status, 200);
  assert.deepEqual(body.apps.map(({ app }) => app), ["demo", "legacy"]);
  assert.deepEqual(body.faults, []);
  const { access_token: shown } = body.apps[0].credentials;
  assert.deepEqual([shown.state, shown.version, shown.trouble], ["ok", 1, null]);
  assert.ok(shown.next_refresh_at > Date.now() / 1000 && shown.expires_in > 7000);
  assert.ok(!text.includes(token.access_token));
  const one = await centre.call("/v1/apps/demo");
  assert.deepEqual(Object.keys(one.body.credentials), ["access_token", "jsapi", "wx_card"]);
});

test("an explanation signs nothing that somebody else has chosen, and nothing for a caller who may not sign", async () => {
  const body = JSON.stringify({
    url: "https://shop.example.com/",
    signature: "x",
    nonceStr: "abc&timestamp=1700000000&url=https://evil.example.org/?x=1",
    timestamp: 1_700_000_001,
  });
  const { body: explained } = await centre.call("/v1/apps/demo/signature/explain", { method: "POST", body });
  assert.match(explained.nonceStr, /^[A-Za-z0-9]{16}$/);
  assert.ok(explained.signature && !explained.string.includes("evil"));
  const { events } = await until(() => centre.events("demo", "?action=explain"), ({ events }) => events.length > 0, 40_000);
  assert.equal(events[0].caller, "all");
});

test("a report is answered with a value only to a caller who may read it; a refusal shows none either", async (t) => {
  const keys = { report: "canary-key-report-0123456789abcdef", proxied: "canary-key-proxied-0123456789abcde", token: "canary-key-token-0123456789abcdefg", ticket: "canary-key-ticket-0123456789abcdef" };
  const scopes = { report: ["refresh"], proxied: ["proxy", "refresh"], token: ["token", "refresh"], ticket: ["ticket", "refresh"] };
  const other = await startCentre({
    change: (vars) => {
      for (const [name, key] of Object.entries(keys)) {
        vars.CALLERS[name] = { apps: ["demo"], scopes: scopes[name] };
        vars[`CALLER_KEY_${name.toUpperCase()}`] = key;
      }
      return vars;
    },
  });
  t.after(() => other.stop());
  const report = (name, path, stale) => other.call(`/v1/apps/demo/${path}/refresh`, { key: keys[name], method: "POST", body: JSON.stringify({ stale }) });
  const token = (await other.token()).body.access_token;
  const may = { report: [], proxied: [], token: ["access_token"], ticket: ["tickets/jsapi", "tickets/wx_card"] };
  for (const [name, readable] of Object.entries(may)) {
    for (const path of ["access_token", "tickets/jsapi", "tickets/wx_card"]) {
      for (const stale of ["x", "0".repeat(64)]) {
        const { status, body, text } = await report(name, path, stale);
        assert.equal(status, 200, text);
        const fields = readable.includes(path) ? [path === "access_token" ? "access_token" : "ticket", "expires_at", "expires_in", "rotated", "version"] : ["rotated", "version"];
        assert.deepEqual(Object.keys(body).sort(), fields.sort(), `${name} ${path}`);
      }
    }
  }
  // Also where it has rotated.
  await other.kill(token);
  const { body } = await report("proxied", "access_token", token);
  assert.deepEqual(body, { version: 2, rotated: true });
  assert.notEqual((await other.token()).body.access_token, token);
});
