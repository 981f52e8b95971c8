// Calls that are passed through, on a bare workerd, against hosts that misbehave: what comes back, and what never does.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { APPID, CANARY } from "./support/centre.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const REAL = "87_REALTOKENREALTOKEN";

/** A host that gives out one token, and does `business` with everything else. */
async function host(t, business) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.url.startsWith("/cgi-bin/stable_token")) return response.end(JSON.stringify({ access_token: REAL, expires_in: 7200 }));
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    business(request, response, body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${server.address().port}`, seen };
}

async function centre(t, hosts) {
  const workerd = await startWorkerd({
    tables: { APPS: { demo: { appid: APPID.demo, tickets: [], api_hosts: hosts } }, CALLERS: { all: { apps: ["*"], scopes: ["proxy"] } } },
    vars: { APP_SECRET_DEMO: CANARY.appSecret, CALLER_KEY_ALL: CANARY.key, SEAL_KEY: CANARY.sealKey, GATEWAY_KEY: "canary-gateway-key-0123456789abcdef" },
  });
  t.after(() => workerd.stop());
  const call = async (path, init) => {
    const response = await fetch(`${workerd.url}/v1/apps/demo/api${path}`, { redirect: "manual", ...init, headers: { authorization: `Bearer ${CANARY.key}`, ...init?.headers } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { ...workerd, call };
}

const says = (body, status = 200, headers = {}) => (_, response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

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
    const { gzipSync } = await import("node:zlib");
    const packed = gzipSync('{"errcode":0,"packed":true}');
    const KINDS = {
      created: [201, { "content-type": "application/json", "content-length": "2", "x-twice": ["a", "b"] }, "{}"],
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
    assert.equal((await workerd.call("/cgi-bin/user/get?kind=created")).headers.get("x-twice"), "a, b");
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
    const there = await host(t, (_, response) => response.writeHead(200, { "content-type": "text/html", "set-cookie": "a=b", "cache-control": "public, max-age=600", "x-of-wechat": "kept" }).end("<script>alert(1)</script>"));
    const { call } = await centre(t, [there.url]);
    const { headers, text } = await call("/cgi-bin/media/get?media_id=x");
    assert.deepEqual([headers.get("set-cookie"), headers.get("cache-control"), headers.get("x-content-type-options"), headers.get("content-security-policy"), headers.get("x-of-wechat")], [null, "no-store", "nosniff", "sandbox", "kept"]);
    assert.equal(text, "<script>alert(1)</script>");
  });

  test("a second token in the query, however it is written, does not come through", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url, call } = await centre(t, [there.url]);
    for (const name of ["access_token", "access%5Ftoken", "%61ccess_token"]) assert.equal((await call(`/cgi-bin/user/get?${name}=other`)).status, 400, name);
    const facade = await fetch(`${url}/cgi-bin/user/get?access%5Ftoken=${CANARY.key}&access_token=${CANARY.key}`);
    assert.equal((await facade.json()).errcode, 47001);
    assert.deepEqual(there.seen, []);
  });
});
