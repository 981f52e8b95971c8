// Calls that the façade passes on to WeChat: who may, what goes up and comes back, and how a dead token is healed.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { APPID, CANARY, until } from "./support/centre.mjs";
import { PROXY_KEY, USERS, ask, asJson, form, grant, start, tokenOf, withProxy } from "./support/facade.mjs";

describe("passing through", { concurrency: 2 }, () => {
  test("by real token, virtual token, key, and natively: WeChat's own answer", async (t) => {
    const centre = await start(t);
    const real = await tokenOf(centre);
    const virtual = await tokenOf(centre, { secret: PROXY_KEY });
    for (const [path, init] of [
      [`${USERS}?access_token=${real}&next_openid=`],
      [`http://centre.example//cgi-bin//user/get?access_token=${virtual}`],
      [`${USERS}?access_token=${CANARY.webKey}`, { headers: { "cf-connecting-ip": "203.0.113.9" } }],
    ]) {
      const { status, body } = await ask(centre, path, init);
      assert.deepEqual([status, body.errcode], [200, path.includes(CANARY.webKey) ? 40013 : 0], path);
    }
    const native = await centre.call(`/v1/apps/demo/api${USERS}?next_openid=x`, { key: PROXY_KEY });
    assert.deepEqual([native.status, native.body], [200, { errcode: 0, errmsg: "ok" }]);
    const sent = await ask(centre, `/cgi-bin/message/custom/send?access_token=${virtual}`, asJson({ touser: "o", msgtype: "text" }));
    assert.equal(sent.body.errcode, 0);
    const refused = await ask(centre, `/cgi-bin/nothing/here?access_token=${real}`);
    assert.equal(refused.body.errcode, 40066, "WeChat's word, not ours");
    assert.match(refused.body.errmsg, /rid/);
  });

  test("a virtual token is the same until the key goes, shows nothing of the real one, and dies with the key", async (t) => {
    const centre = await start(t);
    const real = await tokenOf(centre);
    const virtual = await tokenOf(centre, { secret: PROXY_KEY });
    assert.match(virtual, /^\d+_[A-Za-z0-9_-]+$/);
    assert.ok(virtual.length <= 512 && virtual !== real);
    assert.equal(await tokenOf(centre, { secret: PROXY_KEY }), virtual);
    const call = () => ask(centre, `${USERS}?access_token=${virtual}`);
    assert.equal((await call()).body.errcode, 0);
    assert.equal((await ask(centre, `/cgi-bin/ticket/getticket?type=jsapi&access_token=${virtual}`)).body.errcode, 0, "it has scope ticket");
    // Rotated, and killed from outside: nothing of it is seen.
    await centre.kill(real);
    assert.equal((await call()).body.errcode, 0);
    assert.equal((await call()).body.errcode, 0);
    // Its scope, its app or its address are taken away, and at last its key.
    const errcode = async (change) => {
      await centre.reconfigure((vars) => change(withProxy(vars)));
      return (await call()).body.errcode;
    };
    const caller = (more) => (vars) => ({ ...vars, CALLERS: { ...vars.CALLERS, proxy: { ...vars.CALLERS.proxy, ...more } } });
    assert.equal(await errcode(caller({ scopes: ["ticket"] })), 40013);
    assert.equal(await errcode(caller({ apps: ["legacy"] })), 40013);
    await centre.reconfigure((vars) => caller({ scopes: ["proxy"] })(withProxy(vars)));
    const ticket = await ask(centre, `/cgi-bin/ticket/getticket?type=jsapi&access_token=${virtual}`);
    assert.deepEqual([ticket.body.errcode, /scope ticket/.test(ticket.body.errmsg)], [48001, true], "it may not read tickets");
    assert.equal(await errcode(caller({ ips: ["203.0.113.0/24"] })), 40164);
    assert.equal(await errcode((vars) => vars), 0);
    assert.equal(await errcode((vars) => ({ ...vars, CALLER_KEY_PROXY: "another-key-of-proxy-0123456789abcd" })), 40001);
  });

  test("strangers who guess tokens hold up nobody who has one", async (t) => {
    const centre = await start(t);
    const from = (ip) => ({ headers: { "cf-connecting-ip": ip } });
    const { access_token } = (await ask(centre, `/cgi-bin/token?${form(grant())}`)).body;
    const show = async (token, ip) => (await ask(centre, `${USERS}?access_token=${token}`, from(ip))).body;
    // A new isolate, which has not heard of the token.
    await centre.reconfigure((vars) => vars);
    const flood = Array.from({ length: 300 }, (_, n) => show(`87_guessed-${n}-0123456789`, "198.51.100.7"));
    const answers = (await Promise.all(flood)).map(({ errcode }) => errcode);
    assert.deepEqual([...new Set(answers)].sort(), [-1, 40001]);
    assert.equal((await show(access_token, "192.0.2.9")).errcode, 0, "heard of for the first time, while they guess");
    assert.equal((await show("87_another-guess-0123456789", "198.51.100.7")).errcode, -1, "they are still held up");
    assert.equal((await show(access_token, "198.51.100.7")).errcode, 0, "known by now, from wherever it is shown");
  });

  test("nobody gains a right by showing the real token, unless the app says so", async (t) => {
    const HOLDER = "canary-key-holder-0123456789abcdef";
    const withHolder = (ips, real_token) => (vars) => {
      vars.CALLERS.holder = { apps: ["demo"], scopes: ["token"], ...(ips && { ips }) };
      vars.CALLER_KEY_HOLDER = HOLDER;
      if (real_token) vars.APPS.demo.real_token = real_token;
      return vars;
    };
    const centre = await start(t, { change: withHolder() });
    const { access_token } = (await ask(centre, `/cgi-bin/token?${form(grant({ secret: HOLDER }))}`)).body;
    const errcode = async (path) => (await ask(centre, `${path}access_token=${access_token}`)).body.errcode;
    const tries = async () => [await errcode(`${USERS}?`), await errcode("/cgi-bin/ticket/getticket?type=jsapi&")];
    assert.deepEqual(await tries(), [48001, 48001], "another caller may do both");
    // A deployment in the middle of a fetch would cost the next reader a few seconds.
    await centre.held();
    await centre.reconfigure(withHolder(["203.0.113.0/24"]));
    assert.deepEqual(await tries(), [0, 0], "from here only callers who may do both may hold it");
    await centre.reconfigure(withHolder(undefined, "any"));
    assert.deepEqual(await tries(), [0, 0]);
    await centre.reconfigure(withHolder(["203.0.113.0/24"], "none"));
    assert.deepEqual(await tries(), [48001, 48001], "nothing, from wherever it is shown");
    assert.equal((await ask(centre, `${USERS}?access_token=${CANARY.key}`)).body.errcode, 40013, "the key of several apps");
    assert.equal((await centre.call("/v1/apps/demo/api/cgi-bin/user/get")).status, 200);
  });

  test("the real token opens only what some caller may do from there, and nothing after the AppSecret was reset", async (t) => {
    const HOLDER = "canary-key-holder-0123456789abcdef";
    const narrow = (vars) => {
      delete vars.CALLERS.all;
      delete vars.CALLER_KEY_ALL;
      delete vars.CALLER_KEY_ALL_NEXT;
      // Who may hold it from there as well, and may not do as much.
      delete vars.CALLERS.web;
      delete vars.CALLER_KEY_WEB;
      vars.CALLERS.holder = { apps: ["demo"], scopes: ["token", "proxy"], ips: ["203.0.113.0/24"], paths: ["/cgi-bin/user/*"] };
      vars.CALLER_KEY_HOLDER = HOLDER;
      return vars;
    };
    const centre = await start(t, { change: narrow });
    const from = (ip) => ({ headers: { "cf-connecting-ip": ip } });
    const { access_token } = (await ask(centre, `/cgi-bin/token?${form(grant({ secret: HOLDER }))}`, from("203.0.113.9"))).body;
    const use = async (ip, path = USERS) => (await ask(centre, `${path}?access_token=${access_token}`, from(ip))).body.errcode;
    assert.equal(await use("203.0.113.9"), 0);
    assert.equal(await use("198.51.100.66"), 40164, "carried off, it opens no more here than at WeChat");
    assert.equal(await use("203.0.113.9", "/cgi-bin/menu/get"), 48001);
    assert.equal((await ask(centre, `/cgi-bin/ticket/getticket?type=jsapi&access_token=${access_token}`, from("203.0.113.9"))).body.errcode, 48001, "nobody with scope ticket");
    const secret = "canary0app0secret0a1b2c3d4e5f6ff";
    await centre.simulator.knobs(APPID.demo, { secret });
    await centre.reconfigure((vars) => ({ ...narrow(vars), APP_SECRET_DEMO: secret }));
    assert.equal(await use("203.0.113.9"), 40001);
    // Nobody who may: the token that he holds opens nothing.
    await centre.simulator.knobs(APPID.demo, { secret: CANARY.appSecret });
    await centre.reconfigure((vars) => {
      delete vars.CALLERS.holder;
      return vars;
    });
  });

  test("a token that dies is healed, once, and the call repeated where that can be done", async (t) => {
    const centre = await start(t);
    const real = await tokenOf(centre);
    assert.equal((await ask(centre, `${USERS}?access_token=${real}`)).body.errcode, 0);
    await centre.kill(real);
    const send = await ask(centre, `/cgi-bin/message/custom/send?access_token=${real}`, asJson({ touser: "o" }));
    assert.equal(send.body.errcode, 0);
    assert.equal((await centre.simulator.calls("custom/send")).length, 2, "refused, then sent");
    assert.equal((await centre.simulator.calls("stable_token")).length, 2, "one rotation");
    // An SDK that keeps the old one is not troubled, for five minutes.
    assert.equal((await ask(centre, `${USERS}?access_token=${real}`)).body.errcode, 0);
    // A body that is too large to be kept: the caller hears of it, the token is healed all the same.
    const next = await tokenOf(centre);
    await centre.advance(40);
    await centre.kill(next);
    const large = await ask(centre, `/cgi-bin/media/upload?type=image&access_token=${next}`, { method: "POST", body: randomBytes(2 * 1024 * 1024) });
    assert.equal(large.body.errcode, 40001);
    assert.notEqual(await tokenOf(centre), next);
  });

  test("an errcode that only looks like a dead token costs a few checks, and reaches the caller", async (t) => {
    const centre = await start(t);
    const real = await tokenOf(centre);
    assert.equal((await ask(centre, `${USERS}?access_token=${real}`)).body.errcode, 0);
    await centre.simulator.fault({ fault: "errcode", errcode: 40001, path: "/cgi-bin/draft/count" });
    for (let n = 0; n < 30; n++) assert.equal((await ask(centre, `/cgi-bin/draft/count?access_token=${real}`)).body.errcode, 40001);
    // A budget of five, and the one check that a report would have had.
    const [asked, probed] = await Promise.all(["stable_token", "getcallbackip"].map((path) => centre.simulator.calls(path)));
    assert.ok(asked.length <= 1 + 5 && probed.length <= 5 + 1, `${asked.length} ${probed.length}`);
    assert.equal(await tokenOf(centre), real);
  });

  test("paths are bounded for each caller, and nobody leaves WeChat's", async (t) => {
    const centre = await start(t);
    const virtual = await tokenOf(centre, { secret: PROXY_KEY });
    assert.equal((await ask(centre, `/cgi-bin/menu/get?access_token=${virtual}`)).body.errcode, 48001);
    assert.equal((await centre.call("/v1/apps/demo/api/cgi-bin/menu/get", { key: PROXY_KEY })).body.code, "not_allowed");
    for (const path of ["evil.example", "/evil.example/x", "cgi-bin/..%2fx", "cgi-bin/token", "cgi-bin/%2e%2e/x", "cgi-bin/user/get@evil.example"]) {
      assert.equal((await centre.call(`/v1/apps/demo/api/${path}`)).status, 404, path);
    }
    assert.equal((await centre.call(`/v1/apps/demo/api${USERS}?access_token=x`)).status, 400);
    assert.equal((await centre.call(`/v1/apps/demo/api${USERS}`, { key: CANARY.webKey, headers: { "cf-connecting-ip": "203.0.113.9" } })).status, 403);
  });

  test("users sign in with the caller's key where WeChat wants the AppSecret", async (t) => {
    const centre = await start(t);
    const path = (secret) => `/sns/jscode2session?appid=${APPID.demo}&secret=${secret}&js_code=abc&grant_type=authorization_code`;
    assert.deepEqual((await ask(centre, path(PROXY_KEY))).body.openid, "openid-of-abc");
    assert.equal((await ask(centre, path("nobody-holds-this-key-0123456789abc"))).body.errcode, 40125);
    for (const appid of ["", `appid=${APPID.demo}&`]) {
      const native = await centre.call(`/v1/apps/demo/api/sns/jscode2session?${appid}js_code=abc`, { key: PROXY_KEY });
      assert.equal(native.body.openid, "openid-of-abc");
    }
    const other = await centre.call(`/v1/apps/demo/api/sns/jscode2session?appid=${APPID.legacy}&js_code=abc`, { key: PROXY_KEY });
    assert.equal(other.status, 400, "not this app's AppSecret with another's appid");
    assert.equal((await ask(centre, `${path(PROXY_KEY)}&appid=${APPID.legacy}`)).body.errcode, 47001);
    assert.equal((await ask(centre, "/sns/userinfo?access_token=a-users-own&openid=o")).body.errcode, 48001);
  });

  test("a revoked token opens nothing here any more", async (t) => {
    const centre = await start(t);
    const leaked = await tokenOf(centre);
    const use = () => ask(centre, `${USERS}?access_token=${leaked}`);
    await until(use, ({ body }) => body.errcode === 0);
    await centre.advance(310);
    await centre.call("/v1/apps/demo/access_token/revoke", { method: "POST" });
    await until(() => centre.token(), ({ body }) => body.access_token && body.access_token !== leaked);
    await centre.advance(61);
    await until(use, ({ body }) => body.errcode === 40001);
  });

  test("what goes on and what stays here: headers, and the relay's key", async (t) => {
    const centre = await start(t, {
      change: (vars) => ({ ...withProxy(vars), GATEWAY_KEY: "canary-gateway-key-0123456789abcdef" }),
    });
    await centre.call(`/v1/apps/demo/api${USERS}`, { headers: { cookie: "a=b", "x-forwarded-for": "1.2.3.4", "cf-connecting-ip": "203.0.113.9", "x-request-id": "kept", "wechatmp-serial": "kept", "x-api-key": CANARY.key, "x-of-nobody": "1", range: "bytes=0-9" } });
    const head = (await centre.simulator.heads()).find((head) => head.includes(USERS));
    const names = head.split("\n").slice(1).map((line) => line.split(":")[0]);
    for (const name of ["x-request-id", "wechatmp-serial", "x-gateway-key"]) assert.ok(names.includes(name), name);
    for (const name of ["authorization", "cookie", "x-forwarded-for", "cf-connecting-ip", "x-api-key", "x-of-nobody"]) assert.ok(!names.includes(name), name);
  });

  test("10 MB up and down, byte by byte", async (t) => {
    const centre = await start(t);
    const real = await tokenOf(centre);
    assert.equal((await ask(centre, `${USERS}?access_token=${real}`)).body.errcode, 0);
    const bytes = randomBytes(10 * 1024 * 1024);
    const up = await ask(centre, `/cgi-bin/media/upload?type=image&access_token=${real}`, { method: "POST", body: bytes });
    assert.equal(up.body.media_id, createHash("sha256").update(bytes).digest("hex"));
    const down = await centre.harness.fetch(`/cgi-bin/media/get?access_token=${real}&media_id=bytes-10485760`);
    const got = Buffer.from(await down.arrayBuffer());
    assert.equal(down.headers.get("content-type"), "image/jpeg");
    assert.equal(got.length, 10 * 1024 * 1024);
    assert.ok(got.every((byte, n) => byte === n % 251));
  });

  test("the history tells who called what", async (t) => {
    const centre = await start(t);
    const virtual = await tokenOf(centre, { secret: PROXY_KEY });
    await ask(centre, `${USERS}?access_token=${virtual}`);
    await ask(centre, `/cgi-bin/menu/get?access_token=${virtual}`);
    await centre.set({ faster: 50 });
    const { events } = await until(() => centre.events("demo", "?caller=proxy"), ({ events }) => events.length >= 3, 40_000);
    const told = events.map(({ kind, action, result, about }) => [kind, action, result, about].join(" ")).sort();
    assert.deepEqual(told, ["access pass ok /cgi-bin/user/get", "access read virtual ", "refusal pass not_allowed "]);
  });
});

