// On a bare workerd: hosts that are not there, and redirects, which would carry the AppSecret of the plain API's URL along.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { CANARY } from "./support/centre.mjs";
import { Canaries } from "./support/leaks.mjs";
import { startWorkerd } from "./support/workerd.mjs";

async function served(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  return server.address().port;
}

/** A centre with a stable and a plain app that ask `host`; at its end no secret is in its log or answers. */
async function centre(t, host) {
  const app = (number, token_api) => ({ appid: `wx000000000000000${number}`, token_api, tickets: [], api_hosts: [host] });
  const workerd = await startWorkerd({
    tables: { APPS: { demo: app(1, "stable"), legacy: app(2, "plain") }, CALLERS: { all: { apps: ["*"], scopes: ["token", "status", "admin"] } } },
    vars: { APP_SECRET_DEMO: CANARY.appSecret, APP_SECRET_LEGACY: CANARY.appSecret, CALLER_KEY_ALL: CANARY.key, SEAL_KEY: CANARY.sealKey },
  });
  const answers = [];
  t.after(async () => {
    await workerd.stop();
    const canaries = new Canaries(CANARY);
    assert.deepEqual(canaries.search([["the log", workerd.said()], ...answers]), []);
  });
  return async (path) => {
    const response = await fetch(`${workerd.url}${path}`, { headers: { authorization: `Bearer ${CANARY.key}` } });
    const text = await response.text();
    answers.push(["an answer", text]);
    return { status: response.status, body: JSON.parse(text) };
  };
}

/** What the history says of the app's refreshes. */
async function outcomes(call, app) {
  assert.equal((await call(`/v1/apps/${app}/access_token`)).status, 503);
  const { body } = await call(`/v1/apps/${app}/events?action=refresh`);
  return body.events.map(({ result }) => result);
}

describe("on a bare workerd", { concurrency: 2 }, () => {
  for (const [name, host] of Object.entries({ "a host that does not exist": "https://wechat.invalid", "a port that nobody listens on": "http://127.0.0.1:9", "TLS with a server that has none": null })) {
    test(`${name}: an honest 503, and no word of the URL`, async (t) => {
      const call = await centre(t, host ?? `https://127.0.0.1:${await served(t, (_, response) => response.end())}`);
      for (const app of ["legacy", "demo"]) assert.deepEqual(await outcomes(call, app), ["unreachable"]);
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`a redirect (${status}) is not followed`, async (t) => {
      const elsewhere = [];
      const trap = await served(t, (request, response) => {
        elsewhere.push(request.url);
        response.end('{"access_token":"from-the-trap","expires_in":7200}');
      });
      const asked = [];
      const relay = await served(t, (request, response) => {
        asked.push(request.url);
        response.writeHead(status, { location: `http://127.0.0.1:${trap}${request.url}` }).end();
      });
      const call = await centre(t, `http://127.0.0.1:${relay}`);
      for (const app of ["legacy", "demo"]) assert.deepEqual(await outcomes(call, app), ["garbled"]);
      assert.equal(asked.length, 2);
      assert.ok(asked.some((url) => url.includes(`secret=${CANARY.appSecret}`)), "the secret was on its way to the relay");
      assert.deepEqual(elsewhere, []);
    });
  }
});
