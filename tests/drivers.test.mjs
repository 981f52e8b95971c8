// Three drivers start a refresh: the cron, the Keeper's alarm, a reader. Each alone is enough. The
// simulator's tokens live for 8 seconds here, so that three rotations fit into a test.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APPID, pause, startCentre } from "./support/centre.mjs";

const ROTATIONS = 3;

async function shortLived({ alarm, app }) {
  const centre = await startCentre({ change: (vars) => ({ ...vars, TEST_WITHOUT_ALARM: alarm ? "no" : "yes" }) });
  await centre.simulator.knobs(APPID[app], { token_life_s: 8, renew_window_s: 5, overlap_s: 5 });
  return centre;
}

/** What the Keeper holds, without asking it: a question would wake it. */
const version = async (centre, app) => {
  const rows = await centre.sql(app, "SELECT version FROM slots WHERE credential = 'access_token'");
  return rows[0]?.version ?? 0;
};

/** Drives until the credential has rotated so often; it must never have been dead meanwhile. */
async function rotate(centre, app, drive) {
  const seen = new Set();
  const deadline = Date.now() + 60_000;
  while (seen.size <= ROTATIONS) {
    assert.ok(Date.now() < deadline, `only ${seen.size} versions within a minute`);
    await drive();
    seen.add(await version(centre, app));
    const tokens = await centre.simulator.calls(app === "demo" ? "stable_token" : "/cgi-bin/token");
    assert.ok(tokens.length < 100, "no loop");
  }
  const { status, body } = await centre.token(app);
  assert.equal(status, 200);
  assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
}

for (const app of ["demo", "legacy"]) {
  describe(`${app}: a token of 8 seconds is kept fresh over ${ROTATIONS} rotations`, { concurrency: true }, () => {
    test("by the cron alone", async (t) => {
      const centre = await shortLived({ alarm: false, app });
      t.after(() => centre.stop());
      await rotate(centre, app, async () => {
        await centre.cron();
        await pause(500);
      });
    });

    test("by the alarm alone", async (t) => {
      const centre = await shortLived({ alarm: true, app });
      t.after(() => centre.stop());
      await centre.token(app);
      await rotate(centre, app, () => pause(500));
    });

    test("by readers alone, who never see a dead token", async (t) => {
      const centre = await shortLived({ alarm: false, app });
      t.after(() => centre.stop());
      await rotate(centre, app, async () => {
        const { status, body } = await centre.token(app);
        assert.equal(status, 200);
        assert.equal(await centre.simulator.tokenAlive(body.access_token), true);
        await pause(200);
      });
    });
  });
}

describe("the cron costs what is due", () => {
  let centre;
  before(async () => (centre = await startCentre({ change: (vars) => ({ ...vars, TEST_WITHOUT_ALARM: "yes" }) })));
  after(() => centre.stop());

  test("the first run fetches everything, further and doubled runs nothing", async () => {
    await centre.cron();
    const first = (await centre.simulator.calls()).length;
    assert.equal(first, 5, "two tokens and three tickets");
    await Promise.all([centre.cron(), centre.cron(), centre.cron()]);
    assert.equal((await centre.simulator.calls()).length, first);
    assert.equal(centre.logs().filter((line) => line.includes('"event":"cron"')).length, 1);
  });
});
