// Calls that are passed through, on a bare workerd, against hosts that misbehave: what goes up, and how it is answered.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { APPID, CANARY, until } from "./support/centre.mjs";
import { REAL, host } from "./support/host.mjs";
import { HOLDER, centre, says, unopened } from "./support/bare.mjs";

describe("passed through", { concurrency: 2 }, () => {
  test("a redirect does not come back: it would repeat the token", async (t) => {
    const there = await host(t, (request, response) => response.writeHead(302, { location: `https://elsewhere.example${request.url}` }).end());
    const { call } = await centre(t, [there.url]);
    const { status, headers, text } = await call("/cgi-bin/user/get");
    assert.equal(status, 503);
    assert.equal(headers.get("location"), null);
    assert.ok(!JSON.stringify([...headers]).includes(REAL) && !text.includes(REAL));
    assert.ok(there.seen[0].url.includes("access_token="));
  });

  test("methods that WeChat does not know reach nobody: TRACE would repeat the token and the relay's key", async (t) => {
    const there = await host(t, says("{}"));
    const { port } = await centre(t, [there.url]);
    for (const method of ["TRACE", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
      const status = await new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => socket.write(`${method} /cgi-bin/user/get?access_token=${CANARY.key} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`));
        let heard = "";
        socket.on("data", (chunk) => (heard += chunk));
        socket.on("end", () => resolve(heard));
        socket.on("error", reject);
      });
      assert.ok(!status.includes(REAL), method);
    }
    assert.deepEqual(there.seen, []);
  });

  test("a body that states no length goes on with one, up to 1 MB", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { call } = await centre(t, [there.url]);
    const chunked = (bytes) => ({ method: "POST", duplex: "half", body: new Blob([bytes]).stream() });
    assert.equal((await call("/cgi-bin/message/custom/send", chunked("{}"))).status, 200);
    assert.deepEqual([there.seen[0].headers["content-length"], there.seen[0].headers["transfer-encoding"], there.seen[0].body.toString()], ["2", undefined, "{}"]);
    const large = await call("/cgi-bin/media/upload", chunked(randomBytes(2 * 1024 * 1024)));
    assert.equal(large.status, 400);
    assert.match(large.text, /Content-Length/);
    const bytes = randomBytes(3 * 1024 * 1024);
    await call("/cgi-bin/media/upload", { method: "POST", body: bytes });
    assert.equal(there.seen[1].headers["content-length"], String(bytes.length), "a stated length is kept, and the body streams");
    assert.equal(createHash("sha256").update(there.seen[1].body).digest("hex"), createHash("sha256").update(bytes).digest("hex"));
  });

  test("bodies beyond what is kept at once go on as well, and whole: they are not sent a second time", async (t) => {
    const waiting = [];
    const there = await host(t, (_, response) => waiting.push(response));
    const { call } = await centre(t, [there.url]);
    const body = randomBytes(1024 * 1024);
    const calls = Array.from({ length: 40 }, () => call("/cgi-bin/media/upload", { method: "POST", body }));
    await until(() => waiting.length, (count) => count === 40);
    // One caller's bodies take nothing from another, whose body is of no stated length and has to be kept.
    const other = call("/cgi-bin/media/upload", { method: "POST", body: new Blob([body]).stream(), duplex: "half", headers: { authorization: `Bearer ${HOLDER}` } });
    await until(() => waiting.length, (count) => count === 41);
    says('{"errcode":0}')(null, waiting.pop());
    assert.equal((await other).status, 200);
    for (const response of waiting) says('{"errcode":0}')(null, response);
    for (const { status, text } of await Promise.all(calls)) assert.deepEqual([status, text], [200, '{"errcode":0}']);
    assert.ok(there.seen.every((seen) => body.equals(seen.body)), "each as it was sent");
    // What was kept is given back.
    const again = call("/cgi-bin/media/upload", { method: "POST", body: new Blob([body]).stream(), duplex: "half" });
    await until(() => waiting.length, (count) => count === 41);
    says('{"errcode":0}')(null, waiting[40]);
    assert.equal((await again).status, 200, "of no stated length, it has to be kept");
  });

  test("a host that is out of order is passed by, where nothing is done twice", async (t) => {
    const down = await host(t, says("<html>502 Bad Gateway</html>", 502));
    const up = await host(t, says('{"errcode":0,"errmsg":"ok"}'));
    const { call } = await centre(t, [down.url, up.url]);
    assert.equal((await call("/cgi-bin/user/get")).text, '{"errcode":0,"errmsg":"ok"}');
    const sent = await call("/cgi-bin/message/custom/send", { method: "POST", body: "{}" });
    assert.equal(sent.status, 502, "it may have been sent");
    await call("/sns/jscode2session?js_code=once");
    assert.ok(up.seen.every(({ url }) => !url.startsWith("/sns/")), "a code is good for one time");
  });

  test("a host that never answers is given up", { timeout: 60_000 }, async (t) => {
    const silent = await host(t, () => {});
    const up = await host(t, says('{"errcode":0}'));
    const { call } = await centre(t, [silent.url, up.url]);
    const started = Date.now();
    const first = call("/cgi-bin/user/get");
    while (silent.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    // With the token at hand these are sent in the first turn of their request.
    const [before, asked, sent] = await Promise.all([first, call("/cgi-bin/user/get"), call("/cgi-bin/message/custom/send", { method: "POST", body: "{}" })]);
    for (const { status, text } of [before, asked]) assert.deepEqual([status, text], [200, '{"errcode":0}'], "what may be done twice goes to the next host");
    assert.equal(sent.status, 503);
    assert.ok(Date.now() - started < 40_000);
  });

  test("where users sign in, an answer that never ends is given up as well", { timeout: 60_000 }, async (t) => {
    const there = await host(t, (_, response) => response.writeHead(200, { "content-type": "application/json" }).write('{"openid":'));
    const { call } = await centre(t, [there.url]);
    const started = Date.now();
    assert.equal((await call("/sns/jscode2session?js_code=c")).status, 503);
    assert.ok(Date.now() - started < 40_000);
    assert.equal(there.seen.length, 1, "the code is good for one time");
  });

  test("a long answer in pieces, whose length nobody states, is looked into and passed on whole", async (t) => {
    const long = JSON.stringify({ errcode: 0, list: "x".repeat(200_000) });
    const there = await host(t, (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      for (let at = 0; at < long.length; at += 5_000) response.write(long.slice(at, at + 5_000));
      response.end();
    });
    const { call } = await centre(t, [there.url]);
    for (let n = 0; n < 3; n++) assert.equal((await call("/cgi-bin/user/get")).text, long);
  });

  test("an answer of every kind comes back as it is: none, empty, packed, with a status of its own", async (t) => {
    const packed = gzipSync('{"errcode":0,"packed":true}');
    const KINDS = {
      created: [201, { "content-type": "application/json", "content-length": "2", "content-language": ["a", "b"] }, "{}"],
      nothing: [204, { "content-type": "application/json" }, undefined],
      empty: [200, { "content-type": "application/json", "content-length": "0" }, ""],
      refused: [412, { "content-type": "text/plain", "content-length": "4" }, "412!"],
      packed: [200, { "content-type": "application/json", "content-encoding": "gzip", "content-length": String(packed.length) }, packed],
      bytes: [200, { "content-type": "image/jpeg", "content-length": "3" }, Buffer.from([0xff, 0xd8, 0xff])],
    };
    const there = await host(t, (request, response) => {
      const [status, headers, body] = KINDS[new URL(request.url, "http://x").searchParams.get("kind")];
      response.writeHead(status, headers).end(body);
    });
    const workerd = await centre(t, [there.url]);
    for (const [kind, [status, headers, body]] of Object.entries(KINDS)) {
      const answer = await fetch(`${workerd.url}/v1/apps/demo/api/cgi-bin/user/get?kind=${kind}`, { headers: { authorization: `Bearer ${CANARY.key}` } });
      const expected = kind === "packed" ? Buffer.from('{"errcode":0,"packed":true}') : Buffer.from(body ?? "");
      assert.deepEqual([answer.status, Buffer.from(await answer.arrayBuffer())], [status, expected], kind);
      assert.equal(answer.headers.get("content-type"), headers["content-type"], kind);
    }
    assert.equal((await workerd.call("/cgi-bin/user/get?kind=created")).headers.get("content-language"), "a, b");
  });

  test("a short answer that breaks off is none, and nobody is told to ask again", async (t) => {
    const there = await host(t, (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('{"errcode":');
      setTimeout(() => response.destroy(), 50);
    });
    const { call } = await centre(t, [there.url]);
    const { status, headers, text } = await call("/cgi-bin/message/custom/send", { method: "POST", body: "{}" });
    assert.deepEqual([status, headers.get("retry-after"), there.seen.length], [503, null, 1]);
    assert.match(JSON.parse(text).detail, /may have been carried out/);
  });

  test("an answer brings no cookies, and no scripts of somebody's upload", async (t) => {
    const there = await host(t, (_, response) => response.writeHead(200, { "content-type": "text/html", "set-cookie": "a=b", "cache-control": "public, max-age=600", "error-code": "0", "access-control-allow-origin": "*", "strict-transport-security": "max-age=9", "alt-svc": "h3", refresh: "0", link: "<x>", "x-of-nobody": "1", "wechatmp-serial": "kept" }).end("<script>alert(1)</script>"));
    const { call } = await centre(t, [there.url]);
    const { headers, text } = await call("/cgi-bin/media/get?media_id=x");
    assert.deepEqual([headers.get("set-cookie"), headers.get("cache-control"), headers.get("x-content-type-options"), headers.get("content-security-policy"), headers.get("error-code"), headers.get("wechatmp-serial")], [null, "no-store", "nosniff", "sandbox", "0", "kept"]);
    for (const name of ["access-control-allow-origin", "strict-transport-security", "alt-svc", "refresh", "link", "x-of-nobody"]) assert.equal(headers.get(name), null, name);
    assert.equal(text, "<script>alert(1)</script>");
  });

  test("a caller's key or virtual token does not go up, wherever it stands in path, query or headers", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url, call } = await centre(t, [there.url]);
    const path = "/cgi-bin/user/get";
    const virtual = (await (await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=${APPID.demo}&secret=${CANARY.key}`)).json()).access_token;
    const often = CANARY.key.replaceAll("-", "%25252D");
    for (const [to, headers] of [
      [`${path}?${CANARY.key}`], [`${path}?${CANARY.key}=1`], [`${path}?x=a${CANARY.key}b`], [`${path}?x=${often}`], [`${path}?secret=${HOLDER}`],
      [`${path}?vt=${virtual}`], [`${path}?ACCESS_TOKEN=${virtual}`], [`/cgi-bin/user/${CANARY.key}`],
      [path, { "user-agent": `sdk/${CANARY.key}` }], [path, { "x-request-id": CANARY.key }], [path, { traceparent: virtual }], [path, { "wechatmp-serial": HOLDER }],
    ]) {
      const { status, text } = await call(to, { headers });
      assert.equal(status, 400, `${to} ${JSON.stringify(headers)}: ${text}`);
      assert.match(text, /would go on to WeChat|goes on to WeChat/);
    }
    const answer = await (await fetch(`${url}${path}?access_token=${virtual}&x=${virtual}`)).json();
    assert.equal(answer.errcode, 47001, JSON.stringify(answer));
    assert.deepEqual(there.seen, []);
    assert.equal((await call(`${path}?next_openid=${"a".repeat(64)}`)).status, 200);
    assert.equal(there.seen.length, 1);
  });

  test("a second token in the query, however it is written, does not come through", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url, call } = await centre(t, [there.url]);
    for (const name of ["access_token", "access%5Ftoken", "%61ccess_token"]) assert.equal((await call(`/cgi-bin/user/get?${name}=other`)).status, 400, name);
    const facade = await fetch(`${url}/cgi-bin/user/get?access%5Ftoken=${CANARY.key}&access_token=${CANARY.key}`);
    assert.equal((await facade.json()).errcode, 47001);
    assert.deepEqual(there.seen, []);
  });

  test("an answer that nothing has changed since comes back as that", async (t) => {
    const there = await host(t, (request, response) => response.writeHead(request.headers["if-none-match"] === '"v1"' ? 304 : 200, { etag: '"v1"' }).end());
    const next = await host(t, says("{}"));
    const { url } = await centre(t, [there.url, next.url]);
    const { status, headers } = await unopened(url, "/cgi-bin/media/get?media_id=x", { "if-none-match": '"v1"' });
    assert.deepEqual([status, headers.etag, there.seen.length, next.seen.length], [304, '"v1"', 1, 0]);
  });

  test("of the paths where users sign in only those that take the AppSecret pass", async (t) => {
    const there = await host(t, says("{}"));
    const { url, call } = await centre(t, [there.url]);
    for (const path of ["/sns/userinfo", "/sns/auth", "/sns/JSCODE2session", "/sns/oauth2/refresh_token"]) {
      assert.equal((await call(`${path}?openid=o`)).status, 404, path);
      assert.equal((await (await fetch(`${url}${path}?access_token=${CANARY.key}`)).json()).errcode, 48001, path);
    }
    assert.deepEqual(there.seen, []);
  });
});
