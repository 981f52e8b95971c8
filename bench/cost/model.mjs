// From what was counted to a day of so many apps and reads.

import { AWAKE_S, BASE_DOLLARS, FREE, OBJECT_GB, PAID } from "./prices.mjs";

export const DAY_S = 86_400;
const MONTH_DAYS = 30;

/**
 * How often a second something happens that a read brings about and that then rests: reads come at this rate, at random, and the first
 * one after the rest does it again.
 */
export const rested = (rate, rest_s) => rate / (1 + rate * rest_s);

/** Seconds that an object with so many requests a day is awake. */
const awake = (requests) => Math.min(DAY_S, requests * AWAKE_S);

/**
 * One day: `apps` of which each is read equally, `reads` a second in all, over so many isolates, with `HISTORY` as it says. `quiet` is what one app costs when
 * nobody reads; `reading` what reads cost one isolate (see measure.mjs); `cpu_us` is that of a read.
 */
export function day({ apps, reads, isolates, history = "all" }, { quiet, reading, cpu_us, tick }) {
  const rate = reads / (apps * isolates);
  const places = apps * isolates;
  const found = rested(rate, reading.copy_rests_s) * places * DAY_S;
  const told = history === "all" ? rested(rate, reading.history_rests_s) * places * DAY_S : 0;
  const day = {
    requests: reads * DAY_S + tick.ticks,
    cpu_ms: (reads * DAY_S * cpu_us) / 1000,
    kv_reads: found + apps * quiet.kv_reads,
    kv_writes: apps * quiet.kv_writes,
    objects: told + apps * quiet.objects + tick.ticks,
    rows_read: told * reading.rows_read + apps * quiet.rows_read + tick.rows_read,
    rows_written: told * reading.rows_written + apps * quiet.rows_written + tick.rows_written,
    calls: apps * quiet.calls,
    // At most: requests that come together keep it awake once.
    gb_s: OBJECT_GB * (apps * awake(told / apps + quiet.objects) + awake(apps * quiet.scheduler + tick.ticks)),
  };
  return { ...day, busiest_object: Math.max(told / apps + quiet.objects, apps * quiet.scheduler + tick.ticks) / DAY_S };
}

/** What the free plan has no room for, the most exceeded first: [{ name, of }], `of` as a multiple of the limit. */
export const bites = (day) =>
  Object.entries(FREE)
    .map(([what, { limit, name }]) => ({ name, of: day[what] / limit }))
    .filter(({ of }) => of > 1)
    .sort((a, b) => b.of - a.of);

/** Dollars a month on the paid plan, by what they are for. Cloudflare rounds up to the next million. */
export function dollars(day) {
  const parts = Object.entries(PAID).map(([what, { included, per_million }]) => [what, Math.ceil(Math.max(0, day[what] * MONTH_DAYS - included) / 1e6) * per_million]);
  return { total: parts.reduce((sum, [, part]) => sum + part, BASE_DOLLARS), parts: Object.fromEntries(parts.filter(([, part]) => part > 0)) };
}

/** How many isolates answer so many reads a second: an assumption, which `--isolates` replaces. */
export const isolatesFor = (reads) => Math.max(2, Math.ceil(reads / 100));
