// The rate limit for requests without a valid key, where the binding KEY_LIMIT is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CANARY, startCentre, until } from "./support/centre.mjs";

const limited = (config) => ({ ...config, ratelimits: [{ name: "KEY_LIMIT", namespace_id: "1001", simple: { limit: 20, period: 60 } }] });

test("requests without a key are limited by address; whoever has a key never is", async (t) => {
  const centre = await startCentre({ bare: limited });
  t.after(() => centre.stop());
  const from = (ip, key) => centre.call("/v1/apps/demo/access_token", { key, headers: { "cf-connecting-ip": ip } });
  const guess = (ip, n = 0) => from(ip, `guess-${n}-0123456789abcdefghijklmnop`);
  assert.equal((await from("203.0.113.9", CANARY.webKey)).status, 200);
  const statuses = [];
  // The count may begin anew once on the way, with the minute.
  for (let n = 0; n < 60; n++) statuses.push((await guess("203.0.113.9", n)).status);
  assert.deepEqual([...new Set(statuses)].sort(), [401, 429]);
  assert.ok(statuses.slice(0, 20).filter((status) => status === 401).length >= 19, "not before the limit");
  const refused = await until(() => guess("203.0.113.9"), ({ status }) => status === 429);
  assert.equal(refused.body.code, "rate_limited");
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal((await from("203.0.113.9", CANARY.webKey)).status, 200, "the same address with a key");
  assert.equal((await guess("203.0.113.10")).status, 401, "another address");
  // One IPv6 client has a whole /64.
  const before = [];
  for (let n = 0; n < 60; n++) before.push((await guess(`2001:db8:1:2::${n.toString(16)}`)).status);
  assert.ok(before.includes(429));
});

test("a page's key that comes from no page is counted like none", async (t) => {
  const key = "a-key-that-stands-in-a-page-0123456789";
  const change = (vars) => ({ ...vars, CALLERS: { ...vars.CALLERS, page: { apps: ["demo"], scopes: ["sign"], origins: ["https://shop.example.com"] } }, CALLER_KEY_PAGE: key });
  const centre = await startCentre({ bare: limited, change });
  t.after(() => centre.stop());
  const statuses = [];
  for (let n = 0; n < 60; n++) statuses.push((await centre.call("/v1/apps/demo/signature?url=https%3A%2F%2Fshop.example.com%2F", { key, headers: { "cf-connecting-ip": "203.0.113.9" } })).status);
  assert.deepEqual([...new Set(statuses)].sort(), [403, 429]);
});

test("a caller is bounded in what is not answered from memory, where CALLER_LIMIT is bound; others go on", async (t) => {
  const bare = (config) => ({ ...config, ratelimits: [{ name: "CALLER_LIMIT", namespace_id: "1003", simple: { limit: 20, period: 60 } }] });
  const centre = await startCentre({ bare });
  t.after(() => centre.stop());
  await centre.token();
  const reads = await Promise.all(Array.from({ length: 100 }, () => centre.token()));
  assert.ok(reads.every(({ status }) => status === 200), "reads from memory are not counted");
  const all = async (path, n, init) => (await Promise.all(Array.from({ length: n }, () => centre.call(path, init)))).map(({ status }) => status);
  assert.deepEqual([...new Set(await all("/v1/apps", 60))].sort(), [200, 429]);
  const grant = `grant_type=client_credential&appid=wx0000000000000001&secret=${CANARY.key}`;
  const { access_token } = (await centre.call(`/cgi-bin/token?${grant}`, { key: null })).body;
  assert.ok(access_token, "nor are those at the façade");
  const { body } = await centre.call(`/cgi-bin/get_api_domain_ip?access_token=${CANARY.key}`, { key: null });
  assert.deepEqual([body.errcode, access_token.length > 100], [45009, true]);
  // Who shows the real token has no name, and is counted by address.
  const show = async (ip) => (await centre.call(`/cgi-bin/get_api_domain_ip?access_token=${access_token}`, { key: null, headers: { "cf-connecting-ip": ip } })).body.errcode ?? 0;
  const shown = await Promise.all(Array.from({ length: 60 }, () => show("192.0.2.77")));
  assert.deepEqual([...new Set(shown)].sort(), [0, 45009]);
  assert.equal(await show("192.0.2.78"), 0, "from elsewhere it goes on");
  assert.equal((await centre.call("/v1/apps/demo/access_token?min_ttl=1", { key: CANARY.webKey, headers: { "cf-connecting-ip": "203.0.113.9" } })).status, 200);
});

test("without the binding nothing is limited, and nothing fails", async (t) => {
  const centre = await startCentre();
  t.after(() => centre.stop());
  for (let n = 0; n < 100; n++) assert.equal((await centre.call("/v1/apps", { key: `guess-${n}-0123456789abcdefghijklmnop` })).status, 401);
});
