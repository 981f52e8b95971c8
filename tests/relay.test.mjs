// The relays of examples/relay, with nginx and Caddy as they are installed: the very files, but for names, ports and TLS.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { APPID, CANARY, root } from "./support/centre.mjs";
import { startSimulator } from "./support/simulator.mjs";
import { freePort, startWorkerd } from "./support/workerd.mjs";

const GATEWAY_KEY = "canary-gateway-key-0123456789abcdef";
const read = (name) => readFileSync(join(root, "examples", "relay", name), "utf8").replace("CHANGE-ME-to-a-long-random-key", GATEWAY_KEY);

const RELAYS = {
  nginx: {
    binary: ["/usr/sbin/nginx", "/usr/bin/nginx"].find(existsSync),
    args: (folder) => ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "start.log")],
    log: "zhongkong.log",
    write(folder, port, simulator) {
      const server = read("nginx.conf")
        .replace("listen 443 ssl;", `listen 127.0.0.1:${port};`)
        .replace(/^\s*(ssl_|proxy_ssl_|resolver ).*$/gm, "")
        .replace("/var/log/nginx", folder)
        .replace("set $wechat api.weixin.qq.com;", `set $wechat ${new URL(simulator).host};`)
        .replace("https://$wechat", "http://$wechat");
      writeFileSync(join(folder, "nginx.conf"), `daemon off; pid ${folder}/pid; user root;\nevents {}\nhttp {\nclient_body_temp_path ${folder}; proxy_temp_path ${folder};\n${server}\n}\n`);
    },
  },
  caddy: {
    binary: ["/usr/bin/caddy"].find(existsSync),
    args: (folder) => ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"],
    write(folder, port, simulator) {
      const site = read("Caddyfile").replace("relay.example.com {", `http://127.0.0.1:${port} {`).replace("https://api.weixin.qq.com", simulator);
      writeFileSync(join(folder, "Caddyfile"), `{\n\tadmin off\n}\n${site}`);
    },
  },
};

async function startRelay(t, { binary, args, write }, simulator) {
  const folder = mkdtempSync(join(tmpdir(), "zhongkong-relay-"));
  const port = await freePort();
  write(folder, port, simulator.url);
  const child = spawn(binary, args(folder), { stdio: "pipe", env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } });
  const heard = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => heard.push(chunk));
  t.after(async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  for (let n = 0; !(await fetch(url).then(() => true, () => false)); n++) {
    if (n > 100 || child.exitCode !== null) throw new Error(`the relay did not start:\n${Buffer.concat(heard)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, folder, said: () => Buffer.concat(heard).toString() };
}

async function centreBehind(t, relay, gatewayKey) {
  const app = (appid, token_api) => ({ appid, token_api, tickets: [], api_hosts: [relay] });
  const workerd = await startWorkerd({
    tables: { APPS: { demo: app(APPID.demo, "stable"), legacy: app(APPID.legacy, "plain") }, CALLERS: { all: { apps: ["*"], scopes: ["token", "proxy"] } } },
    vars: { APP_SECRET_DEMO: CANARY.appSecret, APP_SECRET_LEGACY: CANARY.appSecret, CALLER_KEY_ALL: CANARY.key, SEAL_KEY: CANARY.sealKey, ...(gatewayKey && { GATEWAY_KEY: gatewayKey }) },
  });
  t.after(() => workerd.stop());
  return (path, init) => fetch(`${workerd.url}${path}`, { ...init, headers: { authorization: `Bearer ${CANARY.key}` } });
}

describe("a relay with a fixed address", { concurrency: 1 }, () => {
  for (const [name, relay] of Object.entries(RELAYS)) {
    test(name, { skip: !relay.binary && `${name} is not installed here` }, async (t) => {
      const simulator = await startSimulator();
      t.after(() => simulator.stop());
      for (const appid of Object.values(APPID)) await simulator.knobs(appid, { secret: CANARY.appSecret });
      const { url, folder, said } = await startRelay(t, relay, simulator);
      const call = await centreBehind(t, url, GATEWAY_KEY);
      const tokens = [];
      for (const app of ["demo", "legacy"]) {
        const { access_token } = await (await call(`/v1/apps/${app}/access_token`)).json();
        assert.equal(await simulator.tokenAlive(access_token), true, app);
        tokens.push(access_token);
      }
      const bytes = randomBytes(10 * 1024 * 1024);
      const { media_id } = await (await call("/v1/apps/demo/api/cgi-bin/media/upload?type=image", { method: "POST", body: bytes })).json();
      assert.equal(media_id, createHash("sha256").update(bytes).digest("hex"));
      // WeChat is told nothing of the relay's key, nor who has asked.
      const heads = await simulator.heads();
      for (const word of ["gateway", "forwarded", GATEWAY_KEY]) assert.ok(heads.every((head) => !head.toLowerCase().includes(word)), word);
      // Strangers get nothing, and reach nobody.
      const calls = (await simulator.calls()).length;
      for (const headers of [{}, { "x-gateway-key": "wrong" }]) assert.equal((await fetch(`${url}/cgi-bin/token?x=1`, { headers })).status, 403);
      const keyless = await centreBehind(t, url);
      assert.equal((await keyless("/v1/apps/demo/access_token")).status, 503);
      assert.equal((await simulator.calls()).length, calls);
      // What it writes holds no secret and no token.
      const written = said() + (relay.log ? readFileSync(join(folder, relay.log), "utf8") : "");
      for (const secret of [CANARY.appSecret, GATEWAY_KEY, ...tokens]) assert.ok(!written.includes(secret));
      if (relay.log) assert.match(written, /"GET \/cgi-bin\/token" 200/);
    });
  }
});
