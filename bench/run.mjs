// `npm run bench`: what the centre costs beside Workers in JavaScript, on raw workerd. See docs/benchmark.md.
//
//   npm run bench                      about 6 minutes; writes bench/results.json and docs/images/bench.svg
//   npm run bench -- --minutes=10      and then the hot read at full load for 10 minutes
//   npm run bench -- --only=a,c --rounds=3 --seconds=2      some of it, for somebody who is at work on it; writes nothing
//   npm run bench -- --beside=DIR      another build (index.js and index_bg.wasm) measured in the same rounds, and a control
//   npm run bench -- --profile=c       where the CPU time of one contender goes

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { node, root, setup, wrk } from "../scripts/setup.mjs";
import { run, say, stop } from "../scripts/shell.mjs";
import { startSimulator } from "../tests/support/simulator.mjs";
import { BESIDE, CONTENDERS, startWorld } from "./contenders.mjs";
import { coldStarts } from "./measure/cold.mjs";
import { longRun } from "./measure/long.mjs";
import { memory } from "./measure/memory.mjs";
import { profile } from "./measure/profile.mjs";
import { rounds } from "./measure/rounds.mjs";
import { sizes } from "./measure/sizes.mjs";
import { machine } from "./support/process.mjs";
import { fill } from "./report/fill.mjs";
import { plot } from "./report/plot.mjs";
import { load, machine as machineLine, ratios, report } from "./report/table.mjs";

const OPTIONS = { rounds: { type: "string", default: "9" }, seconds: { type: "string", default: "3" }, only: { type: "string" }, minutes: { type: "string" }, beside: { type: "string" }, profile: { type: "string" } };

const env = await setup();
// The inspector is spoken to over a WebSocket, which Node has of its own since 22.
if (!globalThis.WebSocket) process.exit(spawnSync(node, process.argv.slice(1), { stdio: "inherit" }).status ?? 1);

const options = read();
const known = options.beside ? [...CONTENDERS, ...BESIDE] : CONTENDERS;
const number = (name) => {
  const value = Number(options[name]);
  return value > 0 ? value : stop(`--${name}=${options[name]} is no number.`, "npm run bench -- --rounds=9 --seconds=3");
};
const named = (text) => {
  const letters = text.split(",");
  const unknown = letters.find((letter) => !known.some((contender) => contender.letter === letter));
  return unknown === undefined ? known.filter(({ letter }) => letters.includes(letter)) : stop(`There is no contender ${unknown}.`, `one of ${known.map(({ letter }) => letter).join(", ")}`);
};
if (process.platform !== "linux") stop("The benchmark reads /proc.", "run it on Linux");
const generator = (await wrk()) ?? stop("wrk is missing.", "install it: apt-get install wrk");

await build(env);
await run("cargo", ["build", "--quiet", "-p", "simulator"], { cwd: root, env });
const folder = mkdtempSync(join(tmpdir(), "zhongkong-bench-"));
const simulator = await startSimulator();
const world = { ...(await startWorld(env, simulator, folder)), beside: options.beside && resolve(options.beside) };
try {
  if (options.profile) {
    await build(env, "build-to-profile", [], true);
    for (const contender of named(options.profile)) await profile(contender, world, generator, join(root, "build-to-profile"));
  } else {
    await measure();
  }
} finally {
  await world.upstream.stop();
  await simulator.stop();
  rmSync(folder, { recursive: true });
}

function read() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch ({ message }) {
    return stop(message, "npm run bench -- --rounds=9 --seconds=3");
  }
}

async function measure() {
  const contenders = options.only ? named(options.only) : known;
  const result = { machine: machine(), sizes: sizes(world) };
  result.load = await rounds(contenders, world, generator, { rounds: number("rounds"), seconds: number("seconds") });
  if (!options.only) {
    result.cold = await coldStarts(world, named(options.beside ? "a,b,c,C" : "a,b,c"));
    result.memory = await memory(world, generator, named("a,b,c"));
  }
  if (options.minutes) result.long = await longRun(world, generator, number("minutes"));
  console.log(`\n${report(result)}`);
  if (options.only) return;
  writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(root, "docs", "images", "bench.svg"), plot(result));
  const short = [load(result), ratios(result), machineLine(result)].join("\n\n");
  for (const [file, text] of [["README.md", short], ["README.zh-CN.md", short], ["docs/benchmark.md", report(result)]]) fill(join(root, file), text, "npm run bench");
  say("written: bench/results.json, docs/images/bench.svg, and the tables of README.md, README.zh-CN.md and docs/benchmark.md");
}
