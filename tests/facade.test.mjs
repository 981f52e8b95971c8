// The façade over plain HTTP, what any SDK pointed at this host sees: tokens and tickets.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPID, CANARY, until } from "./support/centre.mjs";
import { start, form, asForm, asJson, grant, USERS, ask, tokenOf } from "./support/facade.mjs";

describe("the façade", { concurrency: 2 }, () => {
  test("hands out tokens to GET and POST, query, form and JSON, and to paths with //", async (t) => {
    const centre = await start(t);
    const fields = grant();
    const answers = [
      await ask(centre, `/cgi-bin/token?${form(fields)}`),
      await ask(centre, `http://centre.example//cgi-bin//token?${form(fields)}`),
      await ask(centre, "/cgi-bin/token", asForm(fields)),
      await ask(centre, "/cgi-bin/token", asJson(fields)),
      await ask(centre, "/cgi-bin/stable_token", asJson(fields)),
      await ask(centre, `/cgi-bin/stable_token?grant_type=client_credential`, asJson({ appid: fields.appid, secret: fields.secret })),
    ];
    for (const { status, headers, body } of answers) {
      assert.deepEqual([status, headers.get("content-type"), headers.get("cache-control")], [200, "application/json", "no-store"]);
      assert.deepEqual(Object.keys(body).sort(), ["access_token", "expires_in"]);
      assert.ok(Number.isInteger(body.expires_in) && body.expires_in > 7100 && body.expires_in <= 7200, `${body.expires_in}`);
      assert.equal(body.access_token, answers[0].body.access_token);
    }
    assert.equal(await centre.simulator.tokenAlive(answers[0].body.access_token), true);
    assert.equal((await centre.simulator.calls("stable_token")).length, 1);
  });

  test("refuses as WeChat does: HTTP 200, an errcode that SDKs know, a text that helps", async (t) => {
    const centre = await start(t);
    const from = (ip) => ({ headers: { "cf-connecting-ip": ip } });
    const post = asJson(grant());
    for (const [errcode, path, init] of [
      [40125, `/cgi-bin/token?${form(grant({ secret: "nobody-holds-this-key-0123456789abc" }))}`],
      [40125, `/cgi-bin/token?${form(grant({ appid: "wx00000000000000ff", secret: "nobody-holds-this-key-0123456789abc" }))}`],
      [40013, `/cgi-bin/token?${form(grant({ appid: "wx00000000000000ff" }))}`],
      [40013, `/cgi-bin/token?${form(grant({ appid: APPID.legacy, secret: CANARY.webKey }))}`, from("203.0.113.9")],
      [40164, `/cgi-bin/token?${form(grant({ secret: CANARY.webKey }))}`, from("192.0.2.1")],
      // From a wrong address no appid is told from another.
      [40164, `/cgi-bin/token?${form(grant({ appid: APPID.legacy, secret: CANARY.webKey }))}`, from("192.0.2.1")],
      [40164, `/cgi-bin/token?${form(grant({ appid: "wx00000000000000ff", secret: CANARY.webKey }))}`, from("192.0.2.1")],
      [47001, `${USERS}?access_token=${await tokenOf(centre)}&secret=${CANARY.key}`],
      [40002, `/cgi-bin/token?${form(grant({ grant_type: "authorization_code" }))}`],
      [41002, `/cgi-bin/token?grant_type=client_credential&secret=${CANARY.key}`],
      [41004, `/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}`],
      [43002, `/cgi-bin/stable_token?${form(grant())}`],
      [43001, "/cgi-bin/token", { method: "PUT", body: "x" }],
      [47001, `/cgi-bin/token?${form(grant())}&appid=wx2`],
      [47001, "/cgi-bin/token", { ...post, body: "{" }],
      [47001, "/cgi-bin/token", { ...post, body: `{"appid":"${"a".repeat(20_000)}"}` }],
      [47001, `/cgi-bin/token?${form(grant())}&x=${"a".repeat(16_000)}`],
      [41001, "/cgi-bin/ticket/getticket?type=jsapi"],
      [40001, "/cgi-bin/ticket/getticket?type=jsapi&access_token=87_garbage"],
      [40097, `/cgi-bin/ticket/getticket?type=x&access_token=${await tokenOf(centre)}`],
      [48001, `/cgi-bin/ticket/getticket?type=2&access_token=${await tokenOf(centre)}`],
      [41001, USERS],
      [40001, `${USERS}?access_token=87_garbage`],
      [40001, `${USERS}?access_token=0_Z2FyYmFnZQ`],
      [47001, `${USERS}?access_token=a&access_token=b`],
    ]) {
      const { status, body, text } = await ask(centre, path, init);
      assert.deepEqual([status, body.errcode], [200, errcode], `${path}: ${text}`);
      assert.ok(body.errmsg.length > 10 && !text.includes(CANARY.appSecret));
    }
    const { body } = await ask(centre, `/cgi-bin/token?${form(grant({ secret: CANARY.webKey }))}`, from("192.0.2.1"));
    assert.match(body.errmsg, /^invalid ip 192\.0\.2\.1, not in whitelist/);
    // A path that is none of WeChat's stays the native API's.
    assert.equal((await ask(centre, "/cgi-bin/../v1/apps")).status, 401);
    assert.equal((await ask(centre, "/cgi-bin/%74oken")).status, 404);
  });

  test("WeChat's own trouble with the centre is -1, and says why to people", async (t) => {
    const centre = await start(t);
    await centre.simulator.knobs(APPID.demo, { refuse_with: 40164 });
    const { status, body } = await ask(centre, `/cgi-bin/token?${form(grant())}`);
    assert.deepEqual([status, body.errcode], [200, -1], "an SDK must not take it for its own");
    assert.match(body.errmsg, /demo/);
  });

  test("tickets belong to the token that is shown: the current one, and the one before for five minutes", async (t) => {
    const centre = await start(t);
    const [demo, legacy] = [await tokenOf(centre), await tokenOf(centre, { appid: APPID.legacy })];
    const ticket = async (token, init) => (await ask(centre, `/cgi-bin/ticket/getticket?type=jsapi&access_token=${token}`, init)).body;
    const [one, other] = [await ticket(demo), await ticket(legacy)];
    assert.deepEqual([one.errcode, one.errmsg], [0, "ok"]);
    assert.ok(Number.isInteger(one.expires_in) && one.ticket !== other.ticket);
    assert.ok((await centre.simulator.ticketAlive(one.ticket)) && (await centre.simulator.ticketAlive(other.ticket)));
    const posted = await ask(centre, "/cgi-bin/ticket/getticket", asForm({ access_token: demo, type: "jsapi" }));
    assert.equal(posted.body.ticket, one.ticket);
    assert.equal((await ticket(CANARY.webKey, { headers: { "cf-connecting-ip": "203.0.113.9" } })).errcode, 40013, "a key without the scope");
    await centre.kill(demo);
    await centre.report("demo", demo);
    assert.notEqual(await tokenOf(centre), demo);
    assert.equal((await ticket(demo)).errcode, 0);
    await centre.advance(361);
    await until(() => ticket(demo), ({ errcode }) => errcode === 40001);
  });

  test("who asks again within seconds is taken to report: a dead token is replaced, a living one kept", async (t) => {
    const centre = await start(t);
    const first = await tokenOf(centre);
    assert.equal(await tokenOf(centre), first);
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 1, "looked at once");
    for (let n = 0; n < 20; n++) assert.equal(await tokenOf(centre), first);
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 1, "and not again and again");
    await centre.kill(first);
    await centre.advance(40);
    await tokenOf(centre);
    const second = await tokenOf(centre);
    assert.notEqual(second, first);
    assert.equal(await centre.simulator.tokenAlive(second), true);
  });

  test("force_refresh replaces a dead token, once for everybody who asks, and never a living one", async (t) => {
    const centre = await start(t);
    const forced = () => ask(centre, "/cgi-bin/stable_token", asJson(grant({ force_refresh: true })));
    const first = await tokenOf(centre);
    for (let n = 0; n < 20; n++) assert.equal((await forced()).body.access_token, first);
    assert.equal((await centre.simulator.calls("stable_token")).length, 1);
    await centre.kill(first);
    await centre.advance(40);
    const answers = await Promise.all(Array.from({ length: 30 }, () => forced()));
    const tokens = new Set(answers.map(({ body }) => body.access_token));
    assert.equal(tokens.size, 1);
    assert.ok(!tokens.has(first));
    assert.equal((await centre.simulator.calls("stable_token")).length, 2, "one rotation");
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 2, "two checks");
  });
});
