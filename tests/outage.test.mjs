// An outage that has outlived everything: how soon readers are served after WeChat's return, while they keep asking.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startCentre } from "./support/centre.mjs";

/** Kinds of trouble, and within how many seconds service is back: no answer of WeChat's, or one that says to come later. */
const KINDS = [
  // wrangler's own proxy answers with 502 for it.
  [{ fault: "reset" }, 30],
  [{ fault: "empty" }, 15],
  [{ fault: "lost_after" }, 15],
  [{ fault: "truncated" }, 15],
  [{ fault: "html", status: 502, done: false }, 30],
  [{ fault: "errcode", errcode: -1 }, 30],
];
const withTickets = (vars) => {
  vars.APPS.legacy.tickets = ["jsapi"];
  return vars;
};

describe("an outage of 70 s after everything has died", { concurrency: 2 }, () => {
  for (const [kind, most] of KINDS) {
    test(`${Object.values(kind).slice(0, 2).join(" ")}: back within ${most} s`, async (t) => {
      const centre = await startCentre({ change: withTickets });
      t.after(() => centre.stop());
      const paths = ["demo", "legacy"].flatMap((app) => [`/v1/apps/${app}/access_token`, `/v1/apps/${app}/tickets/jsapi`]);
      const read = () => Promise.all(paths.map((path) => centre.call(path)));
      for (const app of ["demo", "legacy"]) await centre.held(app);
      // Timers would take minutes.
      await centre.set({ faster: 20 });
      await centre.simulator.fault(kind);
      await centre.advance(7_400);
      for (let passed = 0; passed < 70; passed += 5) {
        const answers = await read();
        assert.ok(answers.every(({ status }) => status === 503), `${answers.map(({ status }) => status)}`);
        const told = answers.map(({ headers }) => Number(headers.get("retry-after")));
        assert.ok(told.every((seconds) => seconds >= 1 && seconds <= most), `Retry-After ${told}`);
        await centre.advance(5);
      }
      await centre.simulator.clearFaults();
      const back = paths.map(() => null);
      let second = 0;
      for (; back.includes(null) && second <= 60; second++) {
        (await read()).forEach(({ status }, place) => (back[place] ??= status === 200 ? second : null));
        await centre.advance(1);
      }
      t.diagnostic(`stable token ${back[0]} s, its ticket ${back[1]} s, plain token ${back[2]} s, its ticket ${back[3]} s`);
      assert.ok(back.every((seconds) => seconds !== null && seconds <= most), `${back}`);
    });
  }
});
