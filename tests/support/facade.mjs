// The façade as SDKs ask it, with a caller that may only pass calls through.

import { APPID, CANARY, startCentre } from "./centre.mjs";

export const PROXY_KEY = "canary-key-proxy-0123456789abcdefgh";

/** Beside the callers of every test: one that may only pass calls through, and only some. */
export function withProxy(vars) {
  vars.CALLERS.proxy = { apps: ["demo", "legacy"], scopes: ["proxy", "ticket"], paths: ["/cgi-bin/message/*", "/cgi-bin/user/get", "/sns/*"] };
  vars.CALLER_KEY_PROXY = PROXY_KEY;
  return vars;
}

export async function start(t, options = {}) {
  const centre = await startCentre({ change: withProxy, ...options });
  t.after(() => centre.stop());
  return centre;
}

export const form = (fields) => new URLSearchParams(fields).toString();
export const asForm = (fields) => ({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: form(fields) });
export const asJson = (fields) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
export const grant = (more) => ({ grant_type: "client_credential", appid: APPID.demo, secret: CANARY.key, ...more });
export const USERS = "/cgi-bin/user/get";

/** Asks the façade, without the native API's header. */
export const ask = (centre, path, init) => centre.call(path, { key: "", ...init });
export const tokenOf = async (centre, more) => (await ask(centre, `/cgi-bin/token?${form(grant(more))}`)).body.access_token;
