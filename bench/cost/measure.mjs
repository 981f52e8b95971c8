// What is counted: a day of an app that nobody reads, and an isolate that is read. On real workerd, with a clock that is moved and
// operations that are counted (tests/support/worker.mjs).

import { APPID, startCentre } from "../../tests/support/centre.mjs";
import { say } from "../../scripts/shell.mjs";

const MINUTE_S = 60;
const DAY_MINUTES = 1440;
const OPERATIONS = { kv_reads: "kv reads", kv_writes: "kv writes", rows_read: "rows read", rows_written: "rows written", scheduler: "scheduler" };

/** One app with a stable token and the ticket for pages: most are like that. */
const one = (vars) => {
  const { demo } = vars.APPS;
  return { ...vars, APPS: { demo: { ...demo, tickets: ["jsapi"] } }, CALLERS: { all: vars.CALLERS.all } };
};

const operations = (counts) => Object.fromEntries(Object.entries(OPERATIONS).map(([name, counted]) => [name, counts[counted] ?? 0]));

/** Alarms count as requests. */
const objects = ({ Keeper = 0, scheduler = 0, history = 0, alarms = 0 }) => Keeper + scheduler + history + alarms;

async function calls(centre) {
  return (await centre.simulator.calls("", APPID.demo)).length;
}

/** Counts of `work`, with the calls of WeChat. */
async function counted(centre, work) {
  await centre.counts();
  const before = await calls(centre);
  await work();
  const counts = await centre.counts();
  const { "kv by Worker": found = 0, history: told = 0 } = counts;
  return { ...operations(counts), found, told, objects: objects(counts), calls: (await calls(centre)) - before };
}

/** A day without readers, minute by minute: what the app costs, and what the cron's minutes cost. */
async function quietDay() {
  const centre = await startCentre({ change: one });
  try {
    await centre.cron();
    await centre.token();
    const minutes = async (number) => {
      for (let n = 0; n < number; n++) {
        await centre.advance(MINUTE_S, ["demo", "*scheduler"]);
        await centre.cron();
      }
    };
    say("a day of an app that nobody reads, minute by minute");
    const day = await counted(centre, () => minutes(DAY_MINUTES));
    // Within one minute nothing more comes due: these runs are the cron's own.
    const tick = await counted(centre, async () => {
      for (let n = 0; n < 5; n++) await centre.cron();
    });
    return { day, tick: Object.fromEntries(Object.entries(tick).map(([name, value]) => [name, value / 5])) };
  } finally {
    await centre.stop();
  }
}

/** Ten minutes of a read each second, in one isolate. */
async function reading() {
  const centre = await startCentre({ change: one });
  try {
    await centre.token();
    const seconds = 600;
    say("ten minutes of one read a second");
    const found = await counted(centre, async () => {
      for (let n = 0; n < seconds; n++) {
        await centre.advance(1, ["demo"]);
        await centre.token();
      }
    });
    return { seconds, ...found };
  } finally {
    await centre.stop();
  }
}

/** Everything, in the units of the model: see model.mjs. */
export async function measure() {
  const { day, tick } = await quietDay();
  const read = await reading();
  const ours = (name) => Math.max(0, day[name] - tick[name] * DAY_MINUTES);
  const quiet = Object.fromEntries(["kv_reads", "kv_writes", "objects", "scheduler", "rows_read", "rows_written", "calls"].map((name) => [name, Math.round(ours(name))]));
  const sendings = read.told;
  return {
    quiet,
    tick: { ticks: DAY_MINUTES, rows_read: Math.round(tick.rows_read * DAY_MINUTES), rows_written: Math.round(tick.rows_written * DAY_MINUTES) },
    reading: {
      copy_rests_s: read.seconds / read.found,
      history_rests_s: read.seconds / sendings,
      rows_read: read.rows_read / sendings,
      rows_written: read.rows_written / sendings,
    },
  };
}
