// The URL of the plain token API holds the AppSecret. However its call fails, the secret is in no answer, log, store or
// history: the search at the end of each test says so.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startCentre } from "./support/centre.mjs";

/** Every way to fail that the simulator knows. */
const FAULTS = [
  { fault: "delay", ms: 9_000 },
  { fault: "drip", ms: 9_000 },
  { fault: "lost_before" },
  { fault: "lost_after" },
  { fault: "reset" },
  { fault: "host_down" },
  { fault: "html", status: 502, done: true },
  { fault: "html", status: 404, done: false },
  { fault: "empty" },
  { fault: "truncated" },
  { fault: "errcode", errcode: 40125 },
  { fault: "errcode", errcode: 40164 },
  { fault: "errcode", errcode: -1 },
  { fault: "errcode", errcode: 99999 },
  { fault: "expires_in", value: "soon" },
  { fault: "expires_in", value: null },
  { fault: "no_value" },
];

async function failing(centre) {
  const answer = await centre.token("legacy");
  assert.ok([502, 503].includes(answer.status), `${answer.status} ${answer.text}`);
  // The history, the status and the log speak of it.
  assert.equal((await centre.call("/v1/apps/legacy")).status, 200);
  const { events } = await centre.events("legacy", "?kind=upkeep");
  return events;
}

describe("the plain token API fails", { concurrency: 4 }, () => {
  for (const fault of FAULTS) {
    test(Object.values(fault).join(" "), async (t) => {
      const centre = await startCentre();
      t.after(() => centre.stop());
      await centre.simulator.fault({ ...fault, path: "/cgi-bin/token" });
      const events = await failing(centre);
      // What takes longer than a reader waits has not failed yet.
      const slow = ["delay", "drip", "lost_before", "lost_after"].includes(fault.fault);
      if (!slow) assert.ok(events.some(({ action, result }) => action === "refresh" && result !== "rotated"), JSON.stringify(events));
      const heads = await centre.simulator.heads();
      assert.ok(heads.some((head) => head.includes("/cgi-bin/token?") && head.includes("secret=")), "the secret was on its way");
    });
  }
});
