// What people hit in the field, on a bare workerd: calls as SDKs and clients of all kinds make them, and what comes of them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HOLDER, centre, says } from "./support/bare.mjs";
import { APPID, CANARY, until } from "./support/centre.mjs";
import { REAL, host } from "./support/host.mjs";

const USERS = "/cgi-bin/user/get";

/** The façade's answer, which is WeChat's way in any case: 200 and JSON. */
async function ask(url, path, init) {
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  assert.equal(response.status, 200, `${path}: ${text}`);
  return JSON.parse(text);
}

/** A POST whose body comes in pieces, `everyMs` apart. */
function slowly(url, path, bytes, { pieceBytes, everyMs, stopsAt = bytes.length }) {
  const { hostname, port } = new URL(url);
  const headers = { authorization: `Bearer ${CANARY.key}`, "content-length": bytes.length, "content-type": "application/octet-stream" };
  const asked = request({ hostname, port, method: "POST", path, headers });
  const startedAt = Date.now();
  const sent = (async () => {
    for (let at = 0; at < stopsAt; at += pieceBytes) {
      asked.write(bytes.subarray(at, Math.min(at + pieceBytes, stopsAt)));
      await sleep(everyMs);
    }
    if (stopsAt === bytes.length) asked.end();
  })();
  const answered = new Promise((resolve, reject) => {
    asked.on("error", reject);
    asked.on("response", async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString(), ms: Date.now() - startedAt });
      if (stopsAt !== bytes.length) asked.destroy();
    });
  });
  return Promise.all([answered, sent]).then(([answer]) => answer);
}

describe("in the field", { concurrency: true }, () => {
  test("paths that no list knows are WeChat's where they show a token, or appid and secret", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url } = await centre(t, [there.url]);
    for (const path of ["/xpay/query_user_balance", "/redpacketcover/wxapp/cover_url/get_by_token", "/marketing/user_actions/add", "/cityservice/sendmsgdata", "/user-order/orders"]) {
      assert.equal((await ask(url, `${path}?x=1&access_token=${CANARY.key}`, { method: "POST", body: "{}" })).errcode, 0, path);
      assert.equal(there.seen.at(-1).url, `${path}?x=1&access_token=${REAL}`);
      const native = await fetch(`${url}/v1/apps/demo/api${path}`, { headers: { authorization: `Bearer ${CANARY.key}` } });
      assert.equal(native.status, 200, path);
    }
    for (const [path, errcode] of [
      ["/cgi-bin/token/?grant_type=client_credential", 40066],
      [`/marketing/a..b?access_token=${CANARY.key}`, 40066],
      ["/marketing/x?access_token=", 41001],
      ["/marketing/x?appid=wx1&secret=s", 41001],
      ["/cgi-bin/gettoken?corpid=ww1&corpsecret=s", 48001],
      ["/cgi-bin/component/api_query_auth?component_access_token=c", 48001],
    ]) {
      const { errcode: found, errmsg } = await ask(url, path);
      assert.equal(found, errcode, `${path}: ${errmsg}`);
      if (found === 48001) assert.match(errmsg, /does not serve .+ yet/);
    }
    for (const path of ["/favicon.ico", "/robots.txt", "/wp-login.php", "/v2/apps", `/v1/none?access_token=${CANARY.key}`]) assert.notEqual((await fetch(`${url}${path}`)).status, 200, path);
  });

  test("missing, empty and wrong are three things, and only a wrong token is a guess", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url } = await centre(t, [there.url]);
    const SIGN_IN = "/sns/jscode2session";
    const key = `secret=${HOLDER}`;
    for (const [path, errcode] of [
      [`${USERS}?access_token=&openid=o1`, 41001], [`${USERS}?access_token&openid=o1`, 41001], [`${USERS}?openid=o1`, 41001], [`${USERS}?access_token=87_x`, 40001],
      ["/cgi-bin/ticket/getticket?type=jsapi&access_token=", 41001], [`/cgi-bin/ticket/getticket?access_token=${HOLDER}`, 40097], [`/cgi-bin/ticket/getticket?type=&access_token=${HOLDER}`, 40097],
      [`/cgi-bin/ticket/getticket?type=x&access_token=${HOLDER}`, 40097],
      [`/cgi-bin/token?appid=${APPID.demo}&${key}`, 40002], [`/cgi-bin/token?grant_type=&appid=${APPID.demo}&${key}`, 40002], [`/cgi-bin/token?grant_type=x&appid=${APPID.demo}&${key}`, 40002],
      [`/cgi-bin/token?grant_type=client_credential&appid=&${key}`, 41002], [`/cgi-bin/token?grant_type=client_credential&appid=wx9&${key}`, 40013],
      [`/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=`, 41004], [`/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${"n".repeat(40)}`, 40125],
      [`${SIGN_IN}?${key}&js_code=c`, 41002], [`${SIGN_IN}?appid=&${key}&js_code=c`, 41002], [`${SIGN_IN}?appid=wx9&${key}&js_code=c`, 40013],
      [`${SIGN_IN}?appid=${APPID.demo}&js_code=c`, 41004], [`${SIGN_IN}?appid=${APPID.demo}&secret=&js_code=c`, 41004],
      [`${SIGN_IN}?appid=${APPID.demo}&${key}`, 41008], [`${SIGN_IN}?appid=${APPID.demo}&${key}&js_code=`, 41008], [`/sns/oauth2/access_token?appid=${APPID.demo}&${key}`, 41008],
    ]) {
      const { errcode: found, errmsg } = await ask(url, path);
      assert.equal(found, errcode, `${path}: ${errmsg}`);
    }
    assert.deepEqual(there.seen, []);
  });

  test("a byte order mark is passed over, and what cannot be read is called by its name", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url } = await centre(t, [there.url]);
    const fields = { grant_type: "client_credential", appid: APPID.demo, secret: HOLDER };
    const token = (body, type = "application/json") => ask(url, "/cgi-bin/stable_token", { method: "POST", headers: { "content-type": type }, body });
    assert.equal((await token(`\ufeff${JSON.stringify(fields)}`)).access_token, REAL);
    assert.equal((await token(`\ufeff${new URLSearchParams(fields)}`, "application/x-www-form-urlencoded")).access_token, REAL);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const several = await ask(url, "/cgi-bin/token", { method: "POST", body: form });
    assert.deepEqual([several.errcode, /multipart/.test(several.errmsg)], [47001, true]);
    for (const [body, why] of [["{", /JSON/], [Buffer.from([0xff, 0xfe, 0x7b, 0]), /UTF-8/], ["appid=%zz", /percent/], ["appid=a&appid=b", /appid is there twice/]]) {
      const { errcode, errmsg } = await token(body);
      assert.equal(errcode, 47001);
      assert.match(errmsg, why);
    }
    const native = await fetch(`${url}/v1/apps/demo/access_token/refresh`, { method: "POST", headers: { authorization: `Bearer ${HOLDER}` }, body: '\ufeff{"stale":"x"}' });
    assert.equal(native.status, 403, "read, and refused for the scope only");
  });

  test("what belongs to one connection stays on it, in both directions", async (t) => {
    const there = await host(t, (_, response) => response.writeHead(200, { connection: "close, X-Request-Id", "x-request-id": "down", "x-hop": "1", etag: '"kept"' }).end("{}"));
    const { url, port } = await centre(t, [there.url]);
    const lines = [`GET ${USERS}?access_token=${CANARY.key} HTTP/1.1`, "Host: x", "Connection: close, X-Request-Id, HTTP2-Settings, Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "X-Request-Id: up", "X-Hop: 1", "Accept-Language: zh", "", ""];
    const socket = connect(port, "127.0.0.1", () => socket.write(lines.join("\r\n")));
    let heard = "";
    socket.on("data", (chunk) => (heard += chunk));
    await once(socket, "close");
    const { headers } = there.seen[0];
    assert.equal(headers["accept-language"], "zh");
    for (const name of ["x-request-id", "http2-settings", "x-hop", "upgrade"]) assert.equal(headers[name], undefined, name);
    assert.match(heard, /200 OK/);
    const down = await fetch(`${url}${USERS}?access_token=${CANARY.key}`);
    assert.deepEqual(["x-request-id", "x-hop", "etag"].map((name) => down.headers.get(name)), [null, null, '"kept"']);
  });

  test("no caller's key leaves in a body that is read: JSON, a form, XML", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url, call } = await centre(t, [there.url]);
    const virtual = (await ask(url, `/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${CANARY.key}`)).access_token;
    const post = (type, body, more) => call("/cgi-bin/message/custom/send", { method: "POST", body, headers: { "content-type": type }, ...more });
    for (const key of [CANARY.key, HOLDER, virtual]) {
      for (const [type, body] of [["application/json", JSON.stringify({ a: { secret: key } })], ["application/x-www-form-urlencoded", `a=1&secret=${key.replaceAll("-", "%2D")}`], ["text/xml", `<xml><k>${key}</k></xml>`]]) {
        const { status, text } = await post(type, body);
        assert.equal(status, 400, `${type}: ${text}`);
        assert.match(text, /stands in the body/);
      }
      assert.equal((await post("application/json", new Blob([JSON.stringify({ key })]).stream(), { duplex: "half" })).status, 400, "of no stated length");
    }
    assert.deepEqual(there.seen, []);
    assert.equal((await post("application/json", JSON.stringify({ touser: "o".repeat(40), text: "中文" }))).status, 200);
  });

  test("a body of text for which there is no room to look into it does not pass unread", async (t) => {
    const waiting = [];
    const there = await host(t, (_, response) => waiting.push(response));
    const { call } = await centre(t, [there.url]);
    const post = (body, type) => call("/cgi-bin/media/upload", { method: "POST", body, headers: { "content-type": type } });
    const uploads = Array.from({ length: 12 }, () => post(randomBytes(1024 * 1024), "application/octet-stream"));
    await until(() => waiting.length, (count) => count === 12);
    const { status, text } = await post(JSON.stringify({ secret: HOLDER, padding: " ".repeat(20_000) }), "application/json");
    assert.deepEqual([status, /Too many bodies of yours/.test(text)], [400, true], text);
    assert.match((await post(JSON.stringify({ secret: HOLDER }), "application/json")).text, /stands in the body/, "a short one is looked into all the same");
    for (const response of waiting) says("{}")(null, response);
    for (const upload of await Promise.all(uploads)) assert.equal(upload.status, 200);
    assert.match((await post(JSON.stringify({ secret: HOLDER }), "application/json")).text, /stands in the body/);
  });

  test("40001 is known under any type, and a short answer of any type is looked into", async (t) => {
    let type, dead;
    const there = await host(
      t,
      (request, response) => {
        const isDead = dead && request.url.includes(REAL);
        response.writeHead(200, { "content-type": type }).end(isDead ? Buffer.from('{"errcode":40001,"errmsg":"\xce\xde\xd0\xa7"}', "latin1") : '{"errcode":0}');
      },
      () => (dead ? `88_${type.replace(/\W/g, "")}-0123456789abcdefghij` : REAL),
    );
    for (type of ["text/plain; charset=gbk", "application/octet-stream", "Application/JSON", "image/jpeg"]) {
      dead = false;
      const { call } = await centre(t, [there.url]);
      assert.equal((await call(USERS)).text, '{"errcode":0}');
      dead = true;
      const { text } = await call(USERS);
      assert.equal(text, '{"errcode":0}', type);
    }
  });

  test("the same token twice is one, two tokens are refused, and the one that goes up stands as it is", async (t) => {
    const there = await host(t, says('{"errcode":0}'), () => "96_d0-k.Q~x7TtHc5pYb2RmZ1sLwVnA8eGf3uJiOoPq9rSt");
    const { url } = await centre(t, [there.url]);
    assert.equal((await ask(url, `${USERS}?access_token=${CANARY.key}&next_openid=&access_token=${CANARY.key}`)).errcode, 0);
    assert.equal(there.seen[0].url, `${USERS}?next_openid=&access_token=96_d0-k.Q~x7TtHc5pYb2RmZ1sLwVnA8eGf3uJiOoPq9rSt`);
    assert.equal((await ask(url, `${USERS}?access_token=${CANARY.key}&access_token=${HOLDER}`)).errcode, 47001);
  });

  test("HEAD works where GET does, and the page script may be read from everywhere", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url } = await centre(t, [there.url]);
    const head = async (path, key) => {
      const response = await fetch(`${url}${path}`, { method: "HEAD", headers: key ? { authorization: `Bearer ${key}` } : {} });
      return response.status;
    };
    for (const path of ["/healthz", "/jssdk.js", "/openapi.json"]) assert.equal(await head(path), 200, path);
    assert.equal(await head("/v1/apps/demo/access_token", HOLDER), 200);
    assert.equal(await head("/metrics", HOLDER), 403, "of the scope, not of the method");
    assert.equal(await head("/v1/apps/demo/access_token/refresh", HOLDER), 405);
    const script = await fetch(`${url}/jssdk.js`, { headers: { origin: "https://shop.example.com" } });
    assert.equal(script.headers.get("access-control-allow-origin"), "*");
  });

  test("an upload that takes its time arrives whole: the answer's limit begins when the body has been sent", { timeout: 150_000 }, async (t) => {
    const there = await host(t, says('{"errcode":0,"media_id":"m"}'));
    const { url } = await centre(t, [there.url]);
    const path = "/v1/apps/demo/api/cgi-bin/media/upload?type=image";
    // 1.5 MB at 40 kB/s; 10 MB at 2 Mbit/s.
    const uploads = [[1_500_000, 20_000, 500], [10_000_000, 25_000, 100]].map(async ([bytes, pieceBytes, everyMs]) => {
      const body = randomBytes(bytes);
      const { status, text, ms } = await slowly(url, path, body, { pieceBytes, everyMs });
      t.diagnostic(`${bytes} bytes took ${ms} ms`);
      assert.deepEqual([status, text], [200, '{"errcode":0,"media_id":"m"}']);
      assert.ok(ms > 31_000, `${ms} ms`);
      const digest = (data) => createHash("sha256").update(data).digest("hex");
      assert.ok(there.seen.some((seen) => digest(seen.body) === digest(body) && seen.headers["content-length"] === `${bytes}`));
    });
    await Promise.all(uploads);
  });

  test("an upload that stalls is given up, and says that it was the caller's", { timeout: 120_000 }, async (t) => {
    const there = await host(t, says("{}"));
    const { url, call } = await centre(t, [there.url]);
    const path = "/v1/apps/demo/api/cgi-bin/media/upload";
    const { status, text, ms } = await slowly(url, path, randomBytes(2_000_000), { pieceBytes: 50_000, everyMs: 10, stopsAt: 500_000 });
    assert.equal(status, 400, text);
    assert.match(text, /did not come whole: nothing of it came for 30 s/);
    assert.ok(ms > 29_000 && ms < 60_000, `${ms} ms`);
    assert.deepEqual(there.seen, [], "WeChat never had it whole");
    assert.equal((await call(USERS)).status, 200);
  });

  test("an answer that comes before the body has been sent is passed on", { timeout: 60_000 }, async (t) => {
    const server = createServer((asked, response) => {
      if (asked.url.startsWith("/cgi-bin/stable_token")) return response.end(JSON.stringify({ access_token: REAL, expires_in: 7200 }));
      asked.resume();
      return response.writeHead(200, { "content-type": "application/json" }).end('{"errcode":40006}');
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => (server.closeAllConnections(), server.close()));
    const { url } = await centre(t, [`http://127.0.0.1:${server.address().port}`]);
    const { status, text, ms } = await slowly(url, "/v1/apps/demo/api/cgi-bin/media/upload", randomBytes(2_000_000), { pieceBytes: 100_000, everyMs: 200 });
    assert.deepEqual([status, text], [200, '{"errcode":40006}']);
    assert.ok(ms < 4_000, `${ms} ms`);
    await until(() => fetch(`${url}/healthz`), (response) => response.ok);
  });
});
