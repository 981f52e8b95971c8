// Each fault of the simulator's script, over real HTTP, once, at the first token call: what a reader
// sees, that it heals by itself, and what it cost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startCentre, until } from "./support/centre.mjs";

/** Good JSON in odd clothes: nobody notices. */
const HARMLESS = [{ fault: "bom" }, { fault: "text_plain" }, { fault: "odd" }, { fault: "delay", ms: 600 }, { fault: "drip", ms: 900 }, { fault: "expires_in", value: "7200" }];

/** No token: an honest 503, and the next attempt follows by itself. */
const PASSING = [
  { fault: "reset" },
  { fault: "html", status: 502, done: true },
  { fault: "empty" },
  { fault: "truncated" },
  { fault: "no_value" },
  { fault: "expires_in", value: -1 },
  { fault: "errcode", errcode: -1000 },
  { fault: "lost_after" },
];

const named = ({ fault, ...more }) => [fault, ...Object.values(more)].join(" ");

async function struck(t, fault) {
  const centre = await startCentre();
  t.after(() => centre.stop());
  await centre.simulator.fault({ ...fault, when: { nth: 1 }, path: "/cgi-bin/stable_token" });
  return centre;
}

describe("faults upstream", { concurrency: 4 }, () => {
  for (const fault of HARMLESS) {
    test(`${named(fault)}: nobody notices`, async (t) => {
      const centre = await struck(t, fault);
      const { status, body } = await centre.token();
      assert.equal(status, 200);
      assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
      assert.equal((await centre.simulator.calls("stable_token")).length, 1);
    });
  }

  for (const fault of PASSING) {
    test(`${named(fault)}: a 503, then the token`, async (t) => {
      const centre = await struck(t, fault);
      const first = await centre.token();
      assert.deepEqual([first.status, first.body.code], [503, "unavailable"]);
      assert.ok(Number(first.headers.get("retry-after")) >= 1);
      const { body } = await until(() => centre.token(), ({ status }) => status === 200, 30_000);
      assert.equal(body.version, 1);
      assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
      const calls = await centre.simulator.calls("stable_token");
      assert.equal(calls.length, 2, "one more attempt, no loop");
    });
  }

  test("the first host is dead while the second lives", async (t) => {
    const centre = await startCentre({
      change: (vars) => {
        vars.APPS.demo.api_hosts.push(vars.APPS.demo.api_hosts[0].replace("127.0.0.1", "localhost"));
        return vars;
      },
    });
    t.after(() => centre.stop());
    await centre.simulator.fault({ fault: "host_down", host: "127.0.0.1" });
    assert.equal((await centre.token()).status, 200);
  });
});
