// `npm run cost`: what the centre costs on Cloudflare, from operations that are counted on this machine. See docs/cost.md.
//
//   npm run cost                       counts (half a minute), prints the tables, and puts them into docs/cost.md
//   npm run cost -- --isolates=8       with so many isolates, in place of the assumption

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spawnSync } from "node:child_process";
import { build } from "../scripts/build.mjs";
import { node, root, setup } from "../scripts/setup.mjs";
import { run, say, stop } from "../scripts/shell.mjs";
import { tables } from "./cost/report.mjs";
import { fill } from "./report/fill.mjs";

const env = await setup();
// wrangler needs a newer Node than this may be.
if (!globalThis.WebSocket) process.exit(spawnSync(node, process.argv.slice(1), { stdio: "inherit" }).status ?? 1);

const { isolates } = parseArgs({ options: { isolates: { type: "string" } } }).values;
if (isolates !== undefined && !(Number.isInteger(Number(isolates)) && Number(isolates) > 0)) stop(`--isolates=${isolates} is no number.`, "npm run cost -- --isolates=8");
const results = join(root, "bench", "results.json");
if (!existsSync(results)) stop("There is no figure for the CPU time of a read.", "npm run bench");
const { load } = JSON.parse(readFileSync(results, "utf8"));

await build(env);
await run("cargo", ["build", "--quiet", "-p", "simulator"], { cwd: root, env });
const { measure } = await import("./cost/measure.mjs");
const counted = { ...(await measure()), cpu_us: load.contenders.c.cpu_us.median };
const text = tables(counted, isolates && Number(isolates));
console.log(`\n${text}`);
if (isolates === undefined) {
  fill(join(root, "docs", "cost.md"), text, "npm run cost");
  say("written: the tables of docs/cost.md");
}
// The harness leaves handles behind.
process.exit(0);
