// Secrets that an upstream quotes, on a bare workerd: no answer gives back the token, the AppSecret or the relay's key.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { APPID, CANARY, until } from "./support/centre.mjs";
import { REAL, host } from "./support/host.mjs";
import { GATEWAY, HOLDER, centre, says, unopened } from "./support/bare.mjs";

describe("what no answer gives back", { concurrency: 2 }, () => {
  const each = (text, encode) => [...text].map((c) => encode(c.charCodeAt(0).toString(16).padStart(2, "0"), c)).join("");
  /** As relays may write a URL of ours: all but letters and digits percent-encoded. */
  const asSent = (text) => text.replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  /** The ways in which an answer may quote something. */
  const QUOTED = {
    raw: (text) => text,
    "percent-encoded": (text) => each(text, (hex) => `%${hex}`),
    "percent-encoded twice": (text) => each(text, (hex) => `%25${hex.toUpperCase()}`),
    "in JSON": (text) => each(text, (hex) => `\\u00${hex}`),
    "in a script": (text) => each(text, (hex) => `\\x${hex}`),
    "in HTML": (text) => each(text, (hex) => `&#x${hex};`),
    "in HTML, decimal": (text) => each(text, (hex, c) => `&#${c.charCodeAt(0)};`),
    "in UTF-16": (text) => each(text, (hex, c) => `${c}\0`),
    "in base64": (text) => Buffer.from(`?x=${text}`).toString("base64"),
    "as in our URL, in base64": (text) => Buffer.from(`?x=${asSent(text)}`).toString("base64"),
    "as in our URL, in hex": (text) => Buffer.from(asSent(text)).toString("hex"),
    "in base64, in lines": (text) => Buffer.from(`?x=${text}`).toString("base64").replace(/.{20}/g, "$&\r\n"),
    "in base64, in lines, in JSON": (text) => Buffer.from(`?x=${text}`).toString("base64").replace(/.{20}/g, "$&\\n"),
    "in hex": (text) => each(text, (hex) => hex),
    "in capitals": (text) => text.toUpperCase(),
    "its beginning": (text) => `${text.slice(0, 24)}...`,
  };
  /** What is left of a secret in a text that was decoded as often as a reader could: runs of twelve characters of it. */
  function left(text, secret) {
    const decoded = [text, text.replace(/[\r\n]|\\[nr]/g, "")];
    const once = (t) => t.replace(/\0/g, "").replace(/&#x([0-9a-f]+);|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})/gi, (_, ...hex) => String.fromCharCode(parseInt(hex.slice(0, 4).find(Boolean), 16))).replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n));
    for (let n = 0; n < 4; n++) decoded.push(once(decoded.at(-1)));
    // Of a run that is left between two masks nobody knows where its first character stood.
    const starts = (run) => [0, 1, 2, 3].map((n) => run.slice(n));
    const unpacked = (run) => starts(run).flatMap((part) => [Buffer.from(part, "base64").toString("latin1"), Buffer.from(part, "hex").toString("latin1")]);
    decoded.push(...decoded.flatMap((t) => (t.match(/[\w+/-]{12,}/g) ?? []).flatMap(unpacked)).flatMap((t) => [t, once(t)]));
    const runs = Array.from({ length: secret.length - 11 }, (_, at) => secret.slice(at, at + 12).toLowerCase());
    return decoded.flatMap((t) => runs.filter((run) => t.toLowerCase().includes(run)));
  }

  test("no answer gives back the token, the AppSecret or the relay's key, in any encoding, in body or header, in one piece or many", { timeout: 120_000 }, async (t) => {
    let how;
    const secrets = { token: REAL, AppSecret: CANARY.appSecret, "relay's key": GATEWAY };
    const there = await host(t, (_, response) => {
      const page = Buffer.from(`<p>GET ${how.quote(how.secret)} failed</p>`);
      const headers = { "content-type": how.type, ...(how.header && { "content-location": `/x?access_token=${how.secret}`, [`x-${how.secret.toLowerCase()}`]: "1", link: `<${how.quote(how.secret).replace(/[^\x20-\x7e]/g, "")}>` }) };
      if (how.packed) {
        const packed = gzipSync(page);
        return response.writeHead(how.status, { ...headers, "content-encoding": "gzip", "content-length": packed.length }).end(packed);
      }
      if (how.length) headers["content-length"] = page.length + how.before;
      response.writeHead(how.status, `Not ${how.secret}`, headers);
      response.write("x".repeat(how.before));
      if (!how.slow) return response.end(page);
      response.write(page.subarray(0, 30));
      setTimeout(() => response.end(page.subarray(30)), 20);
    });
    const { url, call, said } = await centre(t, [there.url]);
    let tried = 0;
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [encoding, quote] of Object.entries(QUOTED)) {
        for (const more of [{ length: true }, { header: true, status: 404 }, { slow: true }, { before: 300_000, type: "image/png", length: true }, { packed: true, status: 502 }]) {
          how = { secret, quote, status: 200, type: "text/html; charset=utf-8", before: 0, ...more };
          const answers = [await call("/cgi-bin/user/get"), await call("/cgi-bin/user/get", { method: "POST", body: "{}" })];
          const facade = await fetch(`${url}/cgi-bin/user/get?access_token=${CANARY.key}`);
          answers.push({ status: facade.status, headers: facade.headers, text: await facade.text(), said: facade.statusText });
          for (const { status, headers, text, said = "" } of answers) {
            const what = `${name}, ${encoding}, ${JSON.stringify(more)}`;
            assert.equal(status, how.status, what);
            assert.deepEqual(left(`${text}\n${said}\n${JSON.stringify([...headers])}`, secret), [], what);
            assert.ok(text.includes("<p>GET ") && text.endsWith(" failed</p>"), `${what}: what is no secret stays`);
            assert.equal(Buffer.byteLength(text), how.before + Buffer.byteLength(`<p>GET ${quote(secret)} failed</p>`), what);
            tried++;
          }
        }
      }
    }
    t.diagnostic(`${tried} answers`);
    const noted = said().split("\n").filter((line) => line.includes("secret_masked"));
    assert.ok(noted.length > 100 && noted.every((line) => line.includes('"app":"demo"') && line.includes("/cgi-bin/user/get")), "the operator hears of each");
    how = { secret: REAL, quote: QUOTED.raw, status: 200, type: "text/html", before: 0, length: true };
    const holder = await call("/cgi-bin/user/get", { headers: { authorization: `Bearer ${HOLDER}` } });
    assert.ok(holder.text.includes(REAL), "a caller who may read the token gets the answer as it is");
  });

  test("nor does a later answer give back the token of before a rotation", async (t) => {
    const next = REAL.split("").reverse().join("");
    let rotated = false;
    const there = await host(
      t,
      (request, response) => says(rotated && decodeURIComponent(request.url).includes(REAL) ? '{"errcode":40001,"errmsg":"invalid credential"}' : `{"errcode":0,"before":"${REAL}","now":"${next}"}`)(request, response),
      () => (rotated ? next : REAL),
    );
    const { url, call } = await centre(t, [there.url]);
    assert.ok(!(await call("/cgi-bin/user/get")).text.includes(REAL));
    rotated = true;
    await until(() => call("/cgi-bin/user/get"), ({ text }) => text.includes("errcode") && !text.includes(next) && !text.includes("40001"));
    for (let n = 0; n < 3; n++) {
      const { text } = await call("/cgi-bin/user/get");
      assert.ok(text.startsWith('{"errcode":0,"before":"*') && !text.includes(REAL) && !text.includes(next), text.slice(0, 40));
    }
    // Nor is the one of now shown to one who holds that of before, which is taken for some minutes.
    const shows = async (token, path = "/cgi-bin/user/get") => (await fetch(`${url}${path}?access_token=${token}`)).text();
    assert.ok(!(await shows(REAL)).includes(next));
    assert.ok((await shows(next)).includes(next), "its own it may see");
    assert.match(await shows(REAL, "/cgi-bin/openapi/rid/get"), /48001/);
    assert.match(await shows(next, "/cgi-bin/openapi/rid/get"), /"errcode":0/);
  });

  test("an answer that is packed in a way that cannot be looked through does not come back, and none comes in ranges", async (t) => {
    let encoding, packed;
    const there = await host(t, (_, response) => response.writeHead(200, { "content-type": "text/html", "content-encoding": encoding }).end(packed));
    const { url, call } = await centre(t, [there.url]);
    // The runtime unpacks what is called gzip or br, and nothing that is called GZIP.
    for ([encoding, packed] of [["zstd", REAL], ["deflate", deflateSync(REAL)], ["GZIP", gzipSync(REAL)], ["x-gzip", gzipSync(REAL)], ["Br", brotliCompressSync(REAL)], ["gzip, gzip", gzipSync(gzipSync(REAL))]]) {
      const { status, bytes } = await unopened(url, "/cgi-bin/user/get", { range: "bytes=0-8", "if-range": "x" });
      assert.equal(status, 503, encoding);
      assert.match(JSON.parse(bytes).detail, /may have been carried out/, encoding);
      assert.deepEqual(left(bytes.toString(), REAL), []);
      assert.deepEqual([there.seen.at(-1).headers.range, there.seen.at(-1).headers["if-range"]], [undefined, undefined]);
    }
    for ([encoding, packed] of [["gzip", gzipSync(REAL)], ["br", brotliCompressSync(REAL)]]) {
      const { status, text } = await call("/cgi-bin/user/get");
      assert.deepEqual([status, text], [200, "*".repeat(REAL.length)], encoding);
    }
  });

  test("only a packing that can be looked through is asked for, and no part, where there is anything to hide", async (t) => {
    const there = await host(t, says('{"errcode":0}'));
    const { url } = await centre(t, [there.url]);
    const asked = async (accept, key = CANARY.key, at = url) => {
      await unopened(at, "/cgi-bin/user/get", { authorization: `Bearer ${key}`, range: "bytes=0-9", ...(accept && { "accept-encoding": accept }) });
      return there.seen.at(-1).headers["accept-encoding"];
    };
    assert.equal(await asked("gzip, deflate, br;q=0.5, zstd"), "gzip, br;q=0.5");
    for (const accept of ["deflate", "*", "compress, zstd"]) assert.equal(await asked(accept), "identity", accept);
    // A holder of the token may not see the relay's key.
    assert.equal(await asked("gzip, deflate", HOLDER), "gzip");
    assert.deepEqual(there.seen.filter(({ headers }) => headers.range), []);
    const { url: withoutRelay } = await centre(t, [there.url], {});
    assert.equal(await asked("gzip, deflate", HOLDER, withoutRelay), "gzip", "nobody may see the AppSecret");
    assert.equal(there.seen.at(-1).headers.range, "bytes=0-9");
    assert.equal(await asked("gzip, deflate", CANARY.key, withoutRelay), "gzip");
    assert.equal(there.seen.at(-1).headers.range, undefined);
  });

  test("a path whose answer quotes requests is for callers who may read the token", async (t) => {
    const there = await host(t, (request, response) => response.end(JSON.stringify({ errcode: 0, request: { request_url: `https://api.weixin.qq.com${request.url}&secret=${CANARY.appSecret}` } })));
    const { url, call } = await centre(t, [there.url]);
    const post = { method: "POST", body: JSON.stringify({ rid: "r" }) };
    for (const path of ["/cgi-bin/openapi/rid/get", "/cgi-bin/openapi/RID/get", "//cgi-bin//openapi/rid/get"]) {
      assert.equal((await call(path.replaceAll("//", "/"), post)).status, 403, path);
      const facade = await fetch(`${url}${path}?access_token=${CANARY.key}`, post);
      assert.equal((await facade.json()).errcode, 48001, path);
    }
    assert.deepEqual(there.seen, []);
    const holder = await call("/cgi-bin/openapi/rid/get", { ...post, headers: { authorization: `Bearer ${HOLDER}` } });
    assert.equal(holder.status, 200);
    assert.ok(decodeURIComponent(holder.text).includes(REAL));
    assert.deepEqual(left(holder.text, CANARY.appSecret), [], "the AppSecret is for nobody");
  });

  test("guesses that an answer quotes do not tell by what is masked how much of them is right", async (t) => {
    const there = await host(t, (_, response, body) => response.end(body));
    const { call } = await centre(t, [there.url]);
    const echo = async (text) => (await call("/cgi-bin/draft/get", { method: "POST", body: text })).text;
    const forms = [(text) => text, (text) => Buffer.from(text).toString("hex"), (text) => Buffer.from(text).toString("base64url"), (text) => Buffer.from(encodeURIComponent(text).replaceAll("_", "%5F").replaceAll("-", "%2D")).toString("hex")];
    for (const form of forms) {
      for (const secret of [REAL, GATEWAY, CANARY.appSecret]) {
        for (let start = 0; start + 12 <= secret.length; start += 5) assert.equal(await echo(form(secret.slice(start, start + 11))), form(secret.slice(start, start + 11)));
        assert.notEqual(await echo(form(secret)), form(secret));
      }
    }
  });

  test("an error page that quotes a URL cut short shows nothing of the token, and an answer of WeChat's stays whole", async (t) => {
    let answer;
    const there = await host(t, (_, response) => response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body));
    const { url, call } = await centre(t, [there.url]);
    const start = REAL.slice(0, 9);
    for (answer of [
      { status: 502, type: "text/html", body: `<p>GET /cgi-bin/user/get?access_token=${start}... failed</p>` },
      { status: 404, type: "application/json", body: `{"path": "/x", "access_token": "${start}"}` },
      { status: 200, type: "Text/HTML", body: `<a href="/x?access_token=${start}&amp;y=1">` },
    ]) {
      assert.equal((await call("/cgi-bin/user/get")).text, answer.body.replace(start, "*********"), answer.type);
    }
    answer = { status: 200, type: "text/html", body: '{"access_token":"USER_TOKEN","openid":"o1"}' };
    const signedIn = await fetch(`${url}/sns/oauth2/access_token?appid=${APPID.demo}&secret=${CANARY.key}&code=c`);
    assert.equal((await signedIn.json()).access_token, "USER_TOKEN");
  });

  test("the AppSecret comes back to nobody, whatever they may read, on no path", async (t) => {
    const there = await host(t, (request, response) => response.writeHead(request.url.includes("err") ? 500 : 200, { "content-type": "text/plain", etag: `"${CANARY.appSecret}"` }).end(`secret=${CANARY.appSecret}&x ${CANARY.appSecret}`));
    for (const gatewayKey of [{}, { GATEWAY_KEY: GATEWAY }]) {
      const { url, call } = await centre(t, [there.url], gatewayKey);
      const token = await (await fetch(`${url}/v1/apps/demo/access_token`, { headers: { authorization: `Bearer ${HOLDER}` } })).json();
      for (const path of ["/cgi-bin/user/get", "/cgi-bin/user/get?err"]) {
        const shown = await fetch(`${url}${path}${path.includes("?") ? "&" : "?"}access_token=${token.access_token}`);
        const answers = [await call(path), await call(path, { headers: { authorization: `Bearer ${HOLDER}` } }), { headers: shown.headers, text: await shown.text() }];
        for (const { headers, text } of answers) assert.ok(text.includes("***") && !text.includes(CANARY.appSecret) && !headers.get("etag"), text);
      }
    }
  });

  test("where users sign in nothing comes back but an answer of WeChat's form, without the AppSecret", async (t) => {
    let body;
    const there = await host(t, (_, response) => response.writeHead(200, { "content-type": "application/json", "x-url": `/sns?secret=${CANARY.appSecret}` }).end(body));
    const { url, call } = await centre(t, [there.url]);
    const facade = async (path) => {
      const response = await fetch(`${url}${path}?appid=${APPID.demo}&secret=${CANARY.key}&js_code=c`);
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    for (const path of ["/sns/jscode2session", "/sns/oauth2/access_token"]) {
      const sent = { openid: "o1", session_key: "k", errmsg: `GET secret=${CANARY.appSecret}` };
      body = JSON.stringify(sent);
      for (const answer of [await call(`${path}?js_code=c`), await facade(path)]) {
        assert.equal(answer.status, 200);
        assert.deepEqual([JSON.parse(answer.text).openid, JSON.parse(answer.text).session_key], ["o1", "k"]);
        assert.deepEqual(left(answer.text + JSON.stringify([...answer.headers]), CANARY.appSecret), []);
      }
      for (const page of [`<html>${CANARY.appSecret}</html>`, `["${CANARY.appSecret}"]`, `"${CANARY.appSecret}"`, "", `{"a":"${"x".repeat(70_000)}"}`]) {
        body = page;
        const native = await call(`${path}?js_code=c`);
        assert.equal(native.status, 503, page.slice(0, 40));
        const { text } = await facade(path);
        assert.equal(JSON.parse(text).errcode, -1);
        assert.deepEqual(left(native.text + text, CANARY.appSecret), []);
      }
    }
  });
});
