// Static pages without a server: a key that stands in a page opens signatures for its pages, from its origins, and nothing else.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPID, CANARY, startCentre } from "./support/centre.mjs";

const PAGE_KEY = "published-key-0123456789abcdefghijkl";
const SHOP = "https://shop.example.com";
const PATH = "/v1/apps/demo/signature";
const URL_OF_PAGE = `${SHOP}/a?b=c`;

function withPage(vars) {
  vars.CALLERS.page = { apps: ["demo"], scopes: ["sign"], origins: [SHOP, "http://localhost:3000"] };
  vars.CALLER_KEY_PAGE = PAGE_KEY;
  return vars;
}

async function start(t, options = {}) {
  const centre = await startCentre({ change: withPage, ...options });
  t.after(() => centre.stop());
  return centre;
}

const sign = (centre, { origin = SHOP, url = URL_OF_PAGE, key = PAGE_KEY, ip = "198.51.100.7", ...init } = {}) =>
  centre.call(PATH, { method: "POST", key, body: JSON.stringify({ url }), ...init, headers: { ...(origin && { origin }), "cf-connecting-ip": ip, ...init.headers } });

describe("a key that stands in a page", { concurrency: 2 }, () => {
  test("signs its pages for browsers that come from them", async (t) => {
    const centre = await start(t);
    const { status, headers, body } = await sign(centre);
    assert.equal(status, 200);
    assert.equal(headers.get("access-control-allow-origin"), SHOP);
    assert.match(headers.get("vary"), /Origin/);
    assert.equal(await centre.simulator.verify({ ...body, url: URL_OF_PAGE }), true);
    assert.equal((await sign(centre, { origin: "http://localhost:3000" })).status, 200);
  });

  test("opens from nowhere else, and nothing else", async (t) => {
    const centre = await start(t);
    for (const origin of [null, "null", "https://evil.example", `${SHOP}.evil.example`, "http://shop.example.com", `${SHOP}:8443`]) {
      const { status, headers, body } = await sign(centre, { origin });
      assert.deepEqual([status, body.code, headers.get("access-control-allow-origin")], [403, "not_allowed", null], `${origin}`);
    }
    assert.equal((await sign(centre, { url: "https://evil.example/" })).body.code, "url_not_allowed");
    const from = { key: PAGE_KEY, headers: { origin: SHOP } };
    for (const path of ["/v1/apps/demo/access_token", "/v1/apps/demo/tickets/jsapi", "/v1/apps/demo", "/v1/apps", "/v1/apps/demo/events", "/v1/apps/legacy/signature?url=x", "/v1/apps/demo/api/cgi-bin/user/get"]) {
      assert.equal((await centre.call(path, from)).status, 403, path);
    }
    const card = await centre.call("/v1/apps/demo/card_signature", { ...from, method: "POST", body: JSON.stringify({ card_id: "p", code: "1" }) });
    assert.equal(card.status, 403, "cards have no page that bounds them");
    const facade = async (path) => (await centre.call(path, { key: "", headers: { origin: SHOP } })).body.errcode;
    assert.equal(await facade(`/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${PAGE_KEY}`), 40013);
    assert.equal(await facade(`/cgi-bin/user/get?access_token=${PAGE_KEY}`), 40013);
    assert.equal(await facade(`/cgi-bin/ticket/getticket?type=jsapi&access_token=${PAGE_KEY}`), 40013);
  });

  test("browsers may ask beforehand, from its pages only", async (t) => {
    const centre = await start(t);
    const ask = (origin, path = PATH) => centre.call(path, { method: "OPTIONS", key: "", headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type" } });
    const { status, headers } = await ask(SHOP);
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), SHOP);
    assert.match(headers.get("access-control-allow-headers"), /authorization/);
    const other = await ask("https://evil.example");
    assert.deepEqual([other.status, other.headers.get("access-control-allow-origin")], [403, null]);
    // It tells nothing about apps.
    assert.equal((await ask(SHOP, "/v1/apps/nosuchapp/signature")).status, 204);
    assert.equal((await ask(SHOP, "/v1/apps/demo/access_token")).status, 405);
  });

  test("is bounded for each visitor, where SIGN_LIMIT is bound, and servers are not", async (t) => {
    const limited = (config) => ({ ...config, ratelimits: [{ name: "SIGN_LIMIT", namespace_id: "1002", simple: { limit: 10, period: 60 } }] });
    const centre = await start(t, { bare: limited });
    const statuses = [];
    for (let n = 0; n < 30; n++) statuses.push((await sign(centre)).status);
    assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
    assert.ok(statuses.slice(0, 10).filter((status) => status === 200).length >= 9);
    assert.equal((await sign(centre, { ip: "198.51.100.8" })).status, 200, "another visitor");
    for (let n = 0; n < 30; n++) assert.equal((await sign(centre, { key: CANARY.key, origin: null })).status, 200);
  });

  test("visitors leave no address in the history", async (t) => {
    const centre = await start(t);
    await sign(centre);
    await centre.call("/v1/apps/demo/reseal", { method: "POST" });
    const { events } = await centre.events("demo", "?caller=page");
    assert.ok(events.length > 0 && events.every(({ ip, action }) => ip === null && action === "sign"));
  });

  test("more scopes than sign are a fault, and the key opens nothing", async (t) => {
    const centre = await start(t, {
      change: (vars) => {
        withPage(vars).CALLERS.page.scopes = ["sign", "token"];
        return vars;
      },
    });
    assert.equal((await sign(centre)).status, 401);
    const { body } = await centre.call("/v1/apps");
    assert.ok(body.faults.some((fault) => fault.startsWith("CALLERS.page.scopes")), JSON.stringify(body.faults));
  });

  test("the script is public and may be kept", async (t) => {
    const centre = await start(t);
    const response = await centre.harness.fetch("/jssdk.js");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.match(response.headers.get("cache-control"), /max-age/);
    assert.match(await response.text(), /wx\.config/);
  });
});
