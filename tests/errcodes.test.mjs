// Every errcode that asks for a person: the status, the answer and one log line say what happened and what to do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CANARY, startCentre } from "./support/centre.mjs";

/** errcode → what the operator is told. */
const TOLD = {
  40001: /does not know this AppSecret.*wrangler secret put/,
  40013: /does not know this appid.*Compare it, case included/,
  40125: /does not know this AppSecret.*wrangler secret put/,
  40164: /does not allow calls from 198\.51\.100\.77\. Add 198\.51\.100\.77 to the IP whitelist/,
  40243: /AppSecret is frozen.*Unfreeze it/,
  45009: /day's quota .* is used up.*midnight in Beijing/,
  48001: /no permission for this call/,
  50002: /frozen or restricted.*console/,
  50004: /forbidden this account the token interface.*support/,
  50007: /frozen or restricted.*console/,
  61024: /belongs to a third-party platform/,
  89501: /administrator to confirm our IP/,
  89503: /administrator to confirm our IP/,
  89506: /blocks it for 24 hours/,
  89507: /blocks it for an hour/,
};
/** After the first failure nothing lives, so that no pause is longer than an hour. */
const RETRY_S = { 89506: 3600, 89507: 3600 };

const codes = Object.keys(TOLD).map(Number);
const name = (code) => `app-${code}`;
const appid = (code) => `wx${`${code}`.padStart(16, "0")}`;

test("every operator-class errcode says what happened and what to do", async (t) => {
  const centre = await startCentre({
    change: (vars) => {
      const { api_hosts } = vars.APPS.demo;
      vars.APPS = Object.fromEntries(codes.map((code) => [name(code), { appid: appid(code), platform: "mini", api_hosts }]));
      for (const code of codes) vars[`APP_SECRET_APP_${code}`] = CANARY.appSecret;
      return { ...vars, CALLERS: { all: vars.CALLERS.all } };
    },
  });
  t.after(() => centre.stop());
  for (const code of codes) {
    const refuse = code === 40164 ? { whitelist: [], seen_ips: ["198.51.100.77"] } : { refuse_with: code };
    await centre.simulator.knobs(appid(code), { secret: CANARY.appSecret, ...refuse });
  }
  for (const code of codes) {
    for (let n = 0; n < 3; n += 1) {
      const { status, body, headers } = await centre.token(name(code));
      assert.deepEqual([status, body.code, body.errcode], [502, "upstream_refused", code]);
      assert.match(body.detail, TOLD[code]);
      assert.ok(Number(headers.get("retry-after")) >= 1);
    }
    const { state, credentials } = (await centre.call(`/v1/apps/${name(code)}`)).body;
    const { trouble } = credentials.access_token;
    assert.deepEqual([state, trouble.errcode, trouble.failures], ["down", code, 1]);
    assert.match(trouble.detail, TOLD[code]);
    const pause = trouble.retry_at - trouble.since;
    const midnight = 86_400 - ((trouble.since + 8 * 3600) % 86_400);
    const planned = code === 45009 ? Math.min(3600, midnight) : (RETRY_S[code] ?? 60);
    assert.ok(pause >= planned && pause <= planned * 1.2 + (code === 45009 ? 300 : 0), `${code}: ${pause} s`);
    const lines = centre.logs().filter((line) => line.includes("refresh_failing") && line.includes(name(code)));
    assert.equal(lines.length, 1, `${code}: one log line`);
    assert.match(JSON.parse(lines[0]).detail, TOLD[code]);
    assert.equal((await centre.simulator.calls("", appid(code))).length, 1, `${code}: no loop`);
  }
});
