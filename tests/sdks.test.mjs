// Real SDKs, from their registries and unchanged, pointed at the centre: token, ticket, a business call, a business call across
// a rotation, and across a token that somebody has killed. Each with a caller that may hold the token, and with one that may not.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { APPID, CANARY, root, startCentre, until } from "./support/centre.mjs";

const require = createRequire(join(root, "tests", "sdks", "package.json"));
const PYTHON = process.env.WECHATPY_PYTHON;
const PROXY_KEY = "canary-key-proxy-0123456789abcdefgh";

/** A caller that may call WeChat through the centre, and never holds a token. */
function withProxy(vars) {
  vars.CALLERS.proxy = { apps: ["demo"], scopes: ["proxy", "ticket"] };
  vars.CALLER_KEY_PROXY = PROXY_KEY;
  return vars;
}

/** How each is pointed at `url`, and asked. `business` gives WeChat's answer, or throws its errcode. */
const SDKS = {
  "co-wechat-api 3.11.0": (url, key) => {
    const API = require("co-wechat-api");
    const api = new API(APPID.demo, key);
    api.prefix = `${url}/cgi-bin/`;
    return {
      token: async () => (await api.ensureAccessToken()).accessToken,
      ticket: async () => (await api.ensureTicket()).ticket,
      business: () => api.getFollowers(),
    };
  },
  "node-easywechat 3.6.2": (url, key) => easywechat(url, key, false),
  "node-easywechat 3.6.2, stable": (url, key) => easywechat(url, key, true),
  "wechat-jssdk 5.1.0": (url, key) => {
    const { Wechat, Store } = require("wechat-jssdk");
    const options = { appId: APPID.demo, appSecret: key, accessTokenUrl: `${url}/cgi-bin/token`, ticketUrl: `${url}/cgi-bin/ticket/getticket`, apiUrl: url };
    const wechat = withoutTimers(() => new Wechat({ ...options, store: new Store() }));
    return {
      token: async () => (await wechat.jssdk.getAccessToken()).access_token,
      ticket: async () => (await wechat.jssdk.getJsApiTicket((await wechat.jssdk.getAccessToken()).access_token)).ticket,
      sign: (page) => wechat.jssdk.getSignature(page, true),
    };
  },
  ...(PYTHON && { "wechatpy 1.8.18": (url, key) => wechatpy(url, key) }),
};

/** It sets timers that nobody can clear, and that would keep this process from its end. */
function withoutTimers(make) {
  const { setInterval } = globalThis;
  globalThis.setInterval = (...args) => setInterval(...args).unref();
  try {
    return make();
  } finally {
    globalThis.setInterval = setInterval;
  }
}

function easywechat(url, key, stable) {
  const { OfficialAccount } = require("node-easywechat");
  const app = new OfficialAccount({ app_id: APPID.demo, secret: key, use_stable_access_token: stable, http: { baseURL: `${url}/` } });
  // Its own is a file in the current folder; this is the interface that it takes instead.
  const kept = new Map();
  app.setCache({ get: async (name) => kept.get(name) ?? null, set: async (name, value) => Boolean(kept.set(name, value)), has: async (name) => kept.has(name), delete: async (name) => kept.delete(name) });
  return {
    token: () => app.getAccessToken().getToken(),
    ticket: () => app.getTicket().getTicket(),
    business: async () => (await app.getClient().get("/cgi-bin/user/get")).toObject(),
    /** It asks for a new token only when it is told to. */
    again: () => app.getAccessToken().refresh(),
  };
}

function wechatpy(url, key) {
  const child = spawn(PYTHON, [join(root, "tests", "sdks", "wechatpy_client.py"), url, APPID.demo, key], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (what) => {
    child.stdin.write(`${JSON.stringify(what)}\n`);
    const { ok, errcode, errmsg } = JSON.parse((await lines.next()).value);
    if (ok === undefined) throw Object.assign(new Error(errmsg), { errcode });
    return ok;
  };
  return { token: () => ask("token"), ticket: () => ask("ticket"), business: () => ask("business"), stop: () => child.kill() };
}

async function start(t) {
  const centre = await startCentre({ change: withProxy });
  t.after(() => centre.stop());
  const url = String(centre.url).replace(/\/$/, "");
  return { centre, url };
}

/** Stands between an SDK and the centre, and keeps everything that comes back. */
async function recorded(t, url) {
  const came = [];
  const server = createServer(async (request, response) => {
    const body = ["GET", "HEAD"].includes(request.method) ? undefined : await new Response(Readable.toWeb(request)).arrayBuffer();
    const { host, connection, ...headers } = request.headers;
    const answer = await fetch(url + request.url, { method: request.method, headers, body });
    const text = await answer.text();
    came.push(JSON.stringify([...answer.headers]), text);
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(text);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.closeAllConnections() ?? server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, came };
}

const sdk = (t, make, url, key) => {
  const client = make(url, key);
  if (client.stop) t.after(() => client.stop());
  return client;
};

describe("SDKs that hold the token", { concurrency: 2 }, () => {
  for (const [name, make] of Object.entries(SDKS)) {
    test(name, async (t) => {
      const { centre, url } = await start(t);
      const client = sdk(t, make, url, CANARY.key);
      const token = await client.token();
      assert.equal(await centre.simulator.tokenAlive(token), true);
      assert.equal(await centre.simulator.ticketAlive(await client.ticket()), true);
      if (client.sign) {
        const page = "https://shop.example.com/a?b=c";
        const signed = await client.sign(page);
        assert.equal(await centre.simulator.verify({ ...signed, timestamp: Number(signed.timestamp), appId: APPID.demo, url: page }), true);
      }
      if (!client.business) return;
      assert.equal((await client.business()).errcode, 0);
      // A rotation that the SDK knows nothing of.
      await centre.advance(6950);
      await until(() => centre.token(), ({ body }) => body.access_token !== token);
      assert.equal((await client.business()).errcode, 0);
      // Somebody kills the token that is current now.
      const current = (await centre.token()).body.access_token;
      await centre.kill(current);
      assert.equal((await client.business()).errcode, 0);
      assert.equal((await client.business()).errcode, 0);
      const stable = (await centre.simulator.calls("/cgi-bin/stable_token")).length;
      assert.ok(stable <= 3, `${stable} token calls: one, one for the rotation, one for the dead token`);
      if (client.again) assert.equal(await centre.simulator.tokenAlive(await client.again()), true);
    });
  }
});

describe("SDKs that may call, and not hold it", { concurrency: 2 }, () => {
  for (const [name, make] of Object.entries(SDKS)) {
    test(name, async (t) => {
      const { centre, url } = await start(t);
      const between = await recorded(t, url);
      const client = sdk(t, make, between.url, PROXY_KEY);
      const virtual = await client.token();
      centre.mark("virtual token", virtual);
      const real = [(await centre.token()).body.access_token];
      assert.equal(await centre.simulator.tokenAlive(virtual), false);
      assert.match(virtual, /^0_/);
      assert.equal(await centre.simulator.ticketAlive(await client.ticket()), true);
      if (!client.business) return;
      assert.equal((await client.business()).errcode, 0);
      await centre.kill(real[0]);
      assert.equal((await client.business()).errcode, 0);
      real.push((await centre.token()).body.access_token);
      await centre.advance(6950);
      real.push((await until(() => centre.token(), ({ body }) => body.expires_in > 6000)).body.access_token);
      assert.equal((await client.business()).errcode, 0);
      assert.equal(await client.token(), virtual);
      assert.equal(new Set(real).size, 3, "three tokens, one after the other");
      for (const token of real) assert.ok(between.came.length > 6 && between.came.every((text) => !text.includes(token)), "the real token never came here");
      // The key is taken away: dead at once.
      await centre.reconfigure((vars) => ({ ...withProxy(vars), CALLER_KEY_PROXY: "another-key-of-proxy-0123456789abcd" }));
      await assert.rejects(async () => {
        const { errcode } = await client.business();
        if (errcode) throw Object.assign(new Error("refused"), { errcode });
      });
    });
  }
});

test("wechatpy is among them", { skip: !PYTHON && !process.env.CI && "there is no Python 3 with pip here" }, () => {
  assert.ok(PYTHON && existsSync(PYTHON), "in CI it has to be there");
});
