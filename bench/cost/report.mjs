// The tables of docs/cost.md.

import { bites, day, dollars, isolatesFor } from "./model.mjs";
import { OBJECT_PER_SECOND } from "./prices.mjs";

const APPS = [1, 100, 10_000];
const READS = [0, 1, 10, 100, 1_000, 10_000];

const row = (...cells) => `| ${cells.join(" | ")} |`;
const head = (...names) => [row(...names), row(...names.map((_, place) => (place === 0 ? "---" : "--:")))];
const whole = (value) => Math.round(value).toLocaleString("en");
const short = (value) => (value >= 1e9 ? `${(value / 1e9).toFixed(1)} G` : value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${Math.round(value / 1e3)} k` : whole(value));

function countedTable({ quiet, tick, reading, cpu_us }) {
  return [
    ...head("counted", "an app that nobody reads, a day", "the cron, a day", "one sending of the history"),
    row("KV reads", whole(quiet.kv_reads), 0, 0),
    row("KV writes", whole(quiet.kv_writes), 0, 0),
    row("requests of Durable Objects, alarms among them", whole(quiet.objects), whole(tick.ticks), 1),
    row("SQLite rows read", whole(quiet.rows_read), whole(tick.rows_read), reading.rows_read.toFixed(1)),
    row("SQLite rows written", whole(quiet.rows_written), whole(tick.rows_written), reading.rows_written.toFixed(1)),
    row("calls of WeChat", whole(quiet.calls), 0, 0),
    "",
    `An isolate that is read once a second asks KV every ${reading.copy_rests_s.toFixed(1)} s and sends its history every ${reading.history_rests_s.toFixed(1)} s, for each app. A hot read takes ${Math.round(cpu_us)} µs of CPU, workerd's own share included (\`npm run bench\`): more than is billed.`,
  ].join("\n");
}

function free(found) {
  const all = bites(found);
  const told = all.slice(0, 3).map(({ name, of }) => `${name} × ${of >= 10 ? whole(of) : of.toFixed(1)}`);
  return all.length === 0 ? "enough" : `${told.join(", ")}${all.length > 3 ? ", …" : ""}`;
}

const NAMES = { requests: "requests", cpu_ms: "CPU", kv_reads: "KV reads", kv_writes: "KV writes", objects: "objects", rows_read: "rows read", rows_written: "rows written", gb_s: "awake objects" };

function paid(found) {
  const { total, parts } = dollars(found);
  const most = Object.entries(parts).sort((a, b) => b[1] - a[1]).slice(0, 3);
  return `$${whole(total)}${most.length ? ` (${most.map(([what, part]) => `${NAMES[what]} ${whole(part)}`).join(", ")})` : ""}`;
}

function table(counted, isolates) {
  const lines = APPS.flatMap((apps) =>
    READS.map((reads) => {
      const spread = isolates ?? isolatesFor(reads);
      const found = day({ apps, reads, isolates: spread }, counted);
      const busy = found.busiest_object > OBJECT_PER_SECOND ? `, one object ${whole(found.busiest_object)}/s` : "";
      const sparing = dollars(day({ apps, reads, isolates: spread, history: "changes" }, counted));
      return row(whole(apps), whole(reads), spread, short(found.kv_reads), short(found.kv_writes), short(found.objects), short(found.rows_written), short(found.gb_s), short(found.calls), free(found), `${paid(found)}${busy}`, `$${whole(sparing.total)}`);
    }),
  );
  return [...head("apps", "reads/s", "isolates", "KV reads", "KV writes", "objects", "rows written", "GB-s", "WeChat calls", "free plan, of its limits", "paid, a month", "with `HISTORY = changes`"), ...lines].join("\n");
}

/** All of it, in Markdown. */
export const tables = (counted, isolates) => `${countedTable(counted)}\n\n${table(counted, isolates)}`;
