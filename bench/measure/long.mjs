// The hot read at full load for minutes, while the token is rotated: no request fails, and memory does not grow.

import { say } from "../../scripts/shell.mjs";
import { startSimulator } from "../../tests/support/simulator.mjs";
import { CONTENDERS, enter } from "../contenders.mjs";
import { load } from "../support/load.mjs";
import { residentBytes } from "../support/process.mjs";

const APPID = "wx0000000000000001";

/** So short a life lets a token be rotated several times on the way. */
const TOKEN_LIFE_S = 400;

export async function longRun(world, wrk, minutes) {
  say(`the hot read at full load for ${minutes} minutes`);
  // A WeChat of its own: the other has given out a token that lives for two hours.
  const simulator = await startSimulator();
  await simulator.knobs(APPID, { token_life_s: TOKEN_LIFE_S });
  const { workerd, request } = await enter(CONTENDERS.find(({ letter }) => letter === "c"), { ...world, simulator });
  const version = async () => (await (await fetch(request.url, { headers: request.headers })).json()).version;
  const before = await version();
  const samples = [];
  const sample = () => samples.push({ second: Math.round((performance.now() - began) / 1000), resident: residentBytes(workerd.pid) });
  const began = performance.now();
  const timer = setInterval(sample, 10_000);
  const measured = await load(wrk, request, minutes * 60);
  clearInterval(timer);
  const rotations = (await version()) - before;
  await workerd.stop();
  await simulator.stop();
  return { minutes, ...measured, rotations, samples };
}
