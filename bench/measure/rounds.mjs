// Throughput and CPU time, measured in rounds: each contender once in each round, so that what the machine does meanwhile strikes
// all of them. What is compared are figures of one round.

import { say } from "../../scripts/shell.mjs";
import { answersRightly, enter } from "../contenders.mjs";
import { load } from "../support/load.mjs";
import { cpuUs } from "../support/process.mjs";
import { shuffled, spread } from "../support/statistics.mjs";

/** Which contender is compared with which, and how much of it is aimed at. */
export const COMPARED = [
  { pair: "c/a", what: "hot read / a constant in JavaScript", goal: 0.9 },
  { pair: "c/b", what: "hot read / Hono and KV", goal: 2.5 },
  { pair: "d/a", what: "signature / a constant in JavaScript", goal: 0.82 },
  { pair: "e/a", what: "/cgi-bin/token / a constant in JavaScript", goal: 0.88 },
  { pair: "f/j", what: "pass-through / the same in JavaScript", goal: 0.55 },
  { pair: "A/a", what: "control: the constant / the constant" },
  { pair: "c/C", what: "hot read / of the build beside" },
  { pair: "d/D", what: "signature / of the build beside" },
  { pair: "e/E", what: "/cgi-bin/token / of the build beside" },
  { pair: "f/F", what: "pass-through / of the build beside" },
  { pair: "C/a", what: "hot read of the build beside / a constant in JavaScript" },
  { pair: "F/j", what: "pass-through of the build beside / the same in JavaScript" },
];

const WARM_UP_S = 2;

/** What it finds of each contender, by letter, and of each pair. */
export async function rounds(contenders, world, wrk, { rounds, seconds }) {
  const running = [];
  try {
    for (const contender of contenders) running.push(await enter(contender, world));
    for (const { workerd, request } of running) await load(wrk, request, WARM_UP_S);
    const found = new Map(running.map(({ letter }) => [letter, []]));
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      // In another order each time: whoever runs after a heavy one might find a warmer machine.
      const order = shuffled(running);
      for (const { letter, workerd, request } of order) found.get(letter).push(await one(wrk, workerd, request, seconds));
    }
    for (const contender of running) await answersRightly(contender, contender.request);
    return { seconds, rounds, contenders: Object.fromEntries(running.map(({ letter, name }) => [letter, { name, ...summary(found.get(letter)) }])), ratios: ratios(found) };
  } finally {
    for (const { workerd } of running) await workerd.stop();
  }
}

async function one(wrk, { pid }, request, seconds) {
  const before = cpuUs(pid);
  const measured = await load(wrk, request, seconds);
  if (measured.failed > 0) throw new Error(`${measured.failed} of ${measured.requests} requests failed`);
  return { ...measured, cpu_us: (cpuUs(pid) - before) / measured.requests };
}

function summary(measured) {
  const of = (name) => spread(measured.map((one) => one[name]));
  return { per_second: of("per_second"), cpu_us: of("cpu_us"), p50_us: of("p50_us"), p99_us: of("p99_us"), requests: measured.reduce((sum, { requests }) => sum + requests, 0) };
}

/** By throughput, round by round. */
function ratios(found) {
  const pairs = COMPARED.map(({ pair }) => pair.split("/")).filter((pair) => pair.every((letter) => found.has(letter)));
  const shares = ([one, other]) => found.get(one).map(({ per_second }, round) => per_second / found.get(other)[round].per_second);
  return Object.fromEntries(pairs.map((pair) => [pair.join("/"), spread(shares(pair))]));
}
