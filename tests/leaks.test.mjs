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
