// A centre on a bare workerd, for calls that are passed through to hosts that misbehave.

import { request } from "node:http";
import { APPID, CANARY } from "./centre.mjs";
import { startWorkerd } from "./workerd.mjs";

export const GATEWAY = "canary-gateway-key-0123456789abcdef";
export const HOLDER = "canary-key-holder-0123456789abcdefg";

/** A centre on a bare workerd whose WeChat is `hosts`; `all` may only pass calls through, `holder` may hold the token. */
export async function centre(t, hosts, gatewayKey = { GATEWAY_KEY: GATEWAY }) {
  const workerd = await startWorkerd({
    tables: { APPS: { demo: { appid: APPID.demo, tickets: [], api_hosts: hosts } }, CALLERS: { all: { apps: ["demo"], scopes: ["proxy"] }, holder: { apps: ["demo"], scopes: ["proxy", "token"] } } },
    vars: { APP_SECRET_DEMO: CANARY.appSecret, CALLER_KEY_ALL: CANARY.key, CALLER_KEY_HOLDER: HOLDER, SEAL_KEY: CANARY.sealKey, ...gatewayKey },
  });
  t.after(() => workerd.stop());
  const call = async (path, init) => {
    const response = await fetch(`${workerd.url}/v1/apps/demo/api${path}`, { redirect: "manual", ...init, headers: { authorization: `Bearer ${CANARY.key}`, ...init?.headers } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { ...workerd, call };
}

/** A host's answer to everything. */
export const says = (body, status = 200, headers = {}) => (_, response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

/** An answer as it comes over the connection: `fetch` would unpack it. */
export const unopened = (url, path, headers) =>
  new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/apps/demo/api${path}`, { headers: { authorization: `Bearer ${CANARY.key}`, ...headers } }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(chunks) });
    });
    asked.on("error", reject).end();
  });
