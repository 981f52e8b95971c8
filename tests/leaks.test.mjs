// The search for leaks itself: it has to find what is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { APPID, CANARY, startCentre } from "./support/centre.mjs";
import { Canaries } from "./support/leaks.mjs";

test("the search finds a secret, a key and a token wherever they are, and names without showing them", () => {
  const canaries = new Canaries(CANARY);
  canaries.takeFrom({ access_token: "87_token+that/was=handed_out" });
  const places = [
    ["a log line", `{"event":"asked_wechat","url":"/cgi-bin/token?secret=${CANARY.appSecret}"}`],
    ["an error", `nobody holds ${CANARY.webKey}`],
    ["a URL", `access_token=${encodeURIComponent("87_token+that/was=handed_out")}`],
    ["a clean line", '{"event":"rotated","version":7}'],
  ];
  const found = canaries.search(places);
  assert.deepEqual(found, ["a log line: appSecret", "an error: webKey", "a URL: access_token"]);
  assert.ok(!found.some((line) => Object.values(CANARY).some((value) => line.includes(value))));
});

test("it finds them in every encoding, and a long one by a part", () => {
  const token = `87_${"aB3-xY_9".repeat(12)}wXyZ0123456789-_qRsTuVwX`;
  const canaries = new Canaries({ ...CANARY, token });
  const every = (write) => (text) => [...text].map(write).join("");
  const code = (character) => character.charCodeAt(0).toString(16);
  const encodings = {
    percent: every((c) => `%${code(c)}`),
    "percent twice": every((c) => `%25${code(c)}`),
    json: every((c) => `\\u${code(c).padStart(4, "0")}`),
    script: every((c) => `\\x${code(c)}`),
    html: every((c) => `&#${c.charCodeAt(0)};`),
    "html in percent": every((c) => `%26%23x${code(c)}%3B`),
    utf16: every((c) => `${c}\0`),
    lines: (text) => text.replace(/.{7}/g, "$&\r\n"),
    hex: (text) => Buffer.from(text).toString("hex"),
    base64: (text) => btoa(`x=${text}&y`),
    "base64 of a URL": (text) => btoa(`?${encodeURIComponent(text)}`),
    "base64 in a URL": (text) => encodeURIComponent(btoa(`ab${text}`)),
  };
  for (const [name, encode] of Object.entries(encodings)) {
    for (const [what, secret] of [["appSecret", CANARY.appSecret], ["token", token]]) {
      assert.ok(canaries.search([[name, `before ${encode(secret)} after`]]).includes(`${name}: ${what}`), `${what} as ${name}`);
    }
  }
  assert.deepEqual(canaries.search([["a part", token.slice(40, 75)]]), ["a part: token"]);
  assert.deepEqual(canaries.search([["nothing", `${"z".repeat(500)} ${btoa("nothing at all, but long")} 87_`]]), []);
});

test("a centre that leaks into its log does not pass its end", async () => {
  const centre = await startCentre();
  const { body } = await centre.token();
  await centre.set({ leak: `deliberately: ${body.access_token}` });
  await assert.rejects(centre.stop(), /a log line: access_token/);
});

test("nor does one that leaks into KV or SQLite", async () => {
  const centre = await startCentre();
  const { body } = await centre.token();
  const { TOKENS } = await centre.worker.getEnv();
  await TOKENS.put("v1/leak", "x", { metadata: { key: CANARY.appSecret } });
  await centre.sql("demo", `INSERT INTO meta (key, value) VALUES ('leak', '${body.access_token}')`);
  const { found, places, markers } = await centre.search();
  assert.deepEqual(found.sort(), ["KV metadata: appSecret", "a row of SQLite: access_token"]);
  assert.ok(places > 10 && markers >= 6, `${places} places, ${markers} markers`);
  await assert.rejects(centre.stop(), /leaks/);
});

test("nor does one that sends to WeChat what does not belong there", async () => {
  const centre = await startCentre();
  const { body } = await centre.token();
  const { url } = centre.simulator;
  await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=${APPID.legacy}&secret=${CANARY.appSecret}`);
  assert.deepEqual((await centre.search()).found, [], "the app's own secret belongs there");
  await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=${APPID.legacy}&secret=${CANARY.webKey}`);
  await fetch(`${url}/cgi-bin/getcallbackip?token=${encodeURIComponent(body.access_token)}`, { headers: { authorization: `Bearer ${CANARY.key}` } });
  const { found } = await centre.search();
  assert.deepEqual(found.sort(), ["a request to WeChat: access_token", "a request to WeChat: key", "a request to WeChat: webKey"]);
  await assert.rejects(centre.stop(), /leaks/);
});
