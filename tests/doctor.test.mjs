// The doctor, against a healthy centre and against faults that people run into: what it prints, and how it ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { APPID, CANARY, root, startCentre } from "./support/centre.mjs";

/** Runs it to its end. */
function doctor(args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "scripts", "doctor.mjs"), ...args], { cwd: root, env: { ...process.env, ...env } });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.on("close", (code) => resolve({ code, text }));
  });
}

/** A centre with a token for each app, and a look at it from outside. */
async function patient(t, options) {
  const centre = await startCentre(options);
  t.after(() => centre.stop());
  const look = async (key = CANARY.key) => {
    const seen = await doctor([new URL("/", centre.url).href], { KEY: key });
    assert.ok(!seen.text.includes(CANARY.key) && !seen.text.includes(CANARY.appSecret), "no secret is printed");
    t.diagnostic(seen.text);
    return seen;
  };
  await centre.cron();
  await Promise.all(["demo", "legacy"].map((app) => centre.token(app)));
  return { centre, look };
}

describe("doctor", { concurrency: 2 }, () => {
  test("a healthy centre", async (t) => {
    const { look } = await patient(t);
    const { code, text } = await look();
    assert.equal(code, 0, text);
    for (const line of ["answers, and its settings as a whole are sound", "lets clients through that are no browsers", "the key is that of caller all", "the cron ran", "its clock and the one here agree", "the console is there", "WeChat accepts our outgoing IP", "the store (kv) can be read", "All is well."]) assert.ok(text.includes(line), `${line}\n${text}`);
  });

  const FAULTS = {
    "an IP that is not on the whitelist": [
      async ({ centre }) => {
        await centre.simulator.knobs(APPID.demo, { whitelist: ["198.51.100.1"] });
        await centre.advance(7300, ["demo"]);
        await centre.cron();
      },
      [/✗ access_token: there is none, and WeChat gives no new one \(errcode 40164\)\n\s+→ WeChat does not allow calls from 127\.0\.0\.1\. Add 127\.0\.0\.1 to the IP whitelist/, /! jsapi: waits for the access token/, /! WeChat sees us as 127\.0\.0\.1/],
    ],
    "an AppSecret that was reset": [
      async ({ centre }) => {
        await centre.simulator.knobs(APPID.legacy, { secret: "0123456789abcdef0123456789abcdef" });
        await centre.advance(5700, ["legacy"]);
        await centre.cron();
      },
      [/App: legacy\n\s+✗ access_token: lives \d+ s more, and WeChat gives no new one \(errcode 4\d+\)\n\s+→ WeChat does not know this AppSecret/],
    ],
    "a missing secret": [
      async ({ centre }) => {
        await centre.reconfigure(({ APP_SECRET_LEGACY, ...vars }) => vars);
      },
      [/App: legacy\n\s+✗ APP_SECRET_LEGACY is missing: store the AppSecret/],
    ],
    "a cron that does not run": [async ({ centre }) => centre.advance(900), [/✗ the cron last ran \d+ s ago\n\s+→ see \[triggers\]/, /✗ its clock and the one here differ by (89\d|90\d) s/]],
    "a store that does not answer": [async ({ centre }) => centre.set({ kv_down: true }), [/✗ the store \(kv\) cannot be read\n\s+→ see the binding TOKENS/]],
    "a missing SEAL_KEY": [
      async ({ centre }) => {
        await centre.reconfigure(({ SEAL_KEY, ...vars }) => vars);
      },
      [/✗ says that its settings as a whole are wrong/, /✗ SEAL_KEY is missing/],
    ],
  };
  for (const [name, [strike, expected]] of Object.entries(FAULTS)) {
    test(name, async (t) => {
      const { centre, look } = await patient(t);
      await strike({ centre });
      const { code, text } = await look();
      for (const line of expected) assert.match(text, line);
      assert.equal(code, 1);
    });
  }

  test("a key that is nobody's, one that may not look, and nobody at home", async (t) => {
    const { look } = await patient(t);
    assert.match((await look("zk_nobody-0123456789abcdef0123456789")).text, /✗ the key is nobody's\n\s+→ compare it/);
    assert.match((await look(CANARY.webKey)).text, /✗ the key may not look\n\s+→ give the caller the scope "status"/);
    const gone = await doctor(["http://127.0.0.1:9"], { KEY: CANARY.key });
    assert.match(gone.text, /✗ nothing answers at http:\/\/127\.0\.0\.1:9/);
    assert.equal(gone.code, 1);
    assert.match((await doctor(["nowhere"])).text, /✗ That is no address of a centre/);
    assert.match((await doctor(["http://token.example.com"], { KEY: CANARY.key })).text, /✗ The key would travel unencrypted/);
    assert.match((await doctor(["https://token.example.com"], { KEY: "密钥" })).text, /✗ KEY holds characters that no key has/);
    for (const answer of ["<html>", "null", '{"status":"ok"}']) {
      const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(answer));
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { code, text } = await doctor([`http://127.0.0.1:${server.address().port}/console/`], { KEY: CANARY.key });
      server.close();
      assert.match(text, /✗ .*it is (?:no zhongkong|not the centre that does)/);
      assert.ok(code === 1 && !text.includes("    at "), text);
    }
  });

  test("a zone that turns clients away which are no browsers", async (t) => {
    const server = createServer((request, response) => {
      if (/python/i.test(request.headers["user-agent"])) return response.writeHead(403, { "content-type": "text/plain" }).end("error code: 1010");
      return response.writeHead(200, { "content-type": "application/json" }).end('{"status":"ok"}');
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { text, code } = await doctor([`http://127.0.0.1:${server.address().port}`], { KEY: CANARY.key });
    assert.match(text, /✗ something in front answers these clients in the centre's place: Python-urllib \(403\)\n\s+→ .*docs\/zone\.md/);
    assert.equal(code, 1);
  });

  test("a configuration before it is deployed: as it stands in the repository, and with faults", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "zhongkong-doctor-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const [config, secrets] = [join(folder, "wrangler.toml"), join(folder, "secrets")];
    const original = readFileSync(join(root, "wrangler.toml"), "utf8");
    const look = async (change, lines) => {
      writeFileSync(config, change(original));
      writeFileSync(secrets, lines.join("\n"));
      const seen = await doctor(["--env=", "--config", config, "--secrets-file", secrets]);
      t.diagnostic(seen.text);
      return seen;
    };
    const sound = ["SEAL_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "APP_SECRET_SHOP=0123456789abcdef0123456789abcdef", "CALLER_KEY_WEB=zk_k3y-of-web-0123456789abcdef-0123", "CALLER_KEY_OPS=zk_k3y-of-ops-0123456789abcdef-0123"];
    const healthy = await look((text) => text.replace("00000000000000000000000000000000", "0123456789abcdef0123456789abcdef"), sound);
    assert.equal(healthy.code, 0, healthy.text);
    assert.match(healthy.text, /✔ settings and secrets are complete, keys are strong \(1 app\)/);
    const { text } = await doctor(["--env=", "--config", join(folder, "missing.toml")]);
    assert.match(text, /✗ .*missing\.toml is not there/);
    const asJson = await look((text) => text.replace(/0{32}/, "0123456789abcdef0123456789abcdef"), [JSON.stringify(Object.fromEntries(sound.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])))]);
    assert.equal(asJson.code, 0, asJson.text);
    const faulty = await look(
      (text) => text.replace('crons = ["* * * * *"]', "crons = []").replace("invocation_logs = false", "invocation_logs = true").replace('token_api = "stable"', 'token_api = "both"'),
      [sound[0].slice(0, -8), sound[1], sound[3], "CALLER_KEY_WEB=short"],
    );
    assert.equal(faulty.code, 1);
    for (const line of [/✗ SEAL_KEY is not a key of 32 bytes/, /✗ APPS\.shop\.token_api is not one of the known words/, /✗ CALLER_KEY_WEB is shorter than 32 characters/, /✗ the KV namespace TOKENS has no id yet/, /✗ no cron is set/, /✗ invocation logs are on/]) assert.match(faulty.text, line);
    assert.ok(!faulty.text.includes(sound[1].split("=")[1]));
    const unreachable = await look(
      (text) => text.replace(/0{32}/, "0123456789abcdef0123456789abcdef").replace(/^name = .*$/m, '$&\nroutes = [{ pattern = "token.example.com", custom_domain = true }]')
        .replace('token_api = "stable"', 'token_api = "stable"\napi_hosts = ["https://token.example.com", "https://relay.me.workers.dev", "https://203.0.113.7"]'),
      sound,
    );
    for (const line of [/✗ APPS\.shop\.api_hosts names token\.example\.com, which this Worker serves itself/, /relay\.me\.workers\.dev: one of the same account answers error 1042/, /✗ APPS\.shop\.api_hosts holds an IP address/]) assert.match(unreachable.text, line);
  });
});
