// Memory of a process and of its isolate while it is under load.

import { say } from "../../scripts/shell.mjs";
import { freePort } from "../../tests/support/workerd.mjs";
import { enter } from "../contenders.mjs";
import { inspect } from "../support/inspector.mjs";
import { load } from "../support/load.mjs";
import { residentBytes } from "../support/process.mjs";
import { spread } from "../support/statistics.mjs";

const SECONDS = 8;

/** Bytes by letter: what the process holds, V8's heap in use, and buffers outside of it, the wasm's memory among them. */
export async function memory(world, wrk, contenders) {
  say("memory under load");
  const found = {};
  for (const contender of contenders) {
    const address = `127.0.0.1:${await freePort()}`;
    const { workerd, request } = await enter(contender, world, { flags: [`--inspector-addr=${address}`] });
    const inspector = await inspect(address);
    const seen = [];
    const loaded = load(wrk, request, SECONDS);
    for (let second = 1; second < SECONDS; second++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { usedSize, backingStorageSize = 0 } = await inspector.send("Runtime.getHeapUsage");
      seen.push({ heap: usedSize, buffers: backingStorageSize, resident: residentBytes(workerd.pid) });
    }
    await loaded;
    inspector.close();
    await workerd.stop();
    found[contender.letter] = Object.fromEntries(["heap", "buffers", "resident"].map((name) => [name, spread(seen.map((one) => one[name]))]));
  }
  return found;
}
