// Where the CPU time of a contender goes, by V8's profiler: functions of JavaScript and of the wasm (by name, if it is built with
// names: `npm run bench -- --profile` does), and `(program)`, which is workerd itself.

import { say } from "../../scripts/shell.mjs";
import { freePort } from "../../tests/support/workerd.mjs";
import { enter } from "../contenders.mjs";
import { hottest, inspect } from "../support/inspector.mjs";
import { load } from "../support/load.mjs";

const SECONDS = 5;
const LINES = 25;

export async function profile(contender, world, wrk, build) {
  const address = `127.0.0.1:${await freePort()}`;
  const { workerd, request, name } = await enter(contender, world, { build, flags: [`--inspector-addr=${address}`] });
  const inspector = await inspect(address);
  await load(wrk, request, 2);
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: 100 });
  await inspector.send("Profiler.start");
  const { per_second } = await load(wrk, request, SECONDS);
  const { profile } = await inspector.send("Profiler.stop");
  inspector.close();
  await workerd.stop();
  say(`${name}: ${Math.round(per_second)} requests per second while it was profiled`);
  for (const { name, share } of hottest(profile).slice(0, LINES)) console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
}
