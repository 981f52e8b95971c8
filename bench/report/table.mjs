// What was found, as tables in Markdown. The README has the first of them, docs/benchmark.md all.

import { COMPARED } from "../measure/rounds.mjs";
import { CONNECTIONS } from "../support/load.mjs";

const number = (value) => Math.round(value).toLocaleString("en");
const fixed = (value, digits) => value.toFixed(digits);
const kB = (bytes) => fixed(bytes / 1000, 1);
const MB = (bytes) => fixed(bytes / 1e6, 1);
const between = ({ median, low, high }, write) => `${write(median)} (${write(low)}–${write(high)})`;
const row = (...cells) => `| ${cells.join(" | ")} |`;
const head = (...names) => [row(...names), row(...names.map((_, place) => (place === 0 ? "---" : "--:")))];

/** Throughput, CPU time and latency of each contender. */
export function load({ load: { contenders } }) {
  const rows = Object.entries(contenders).map(([letter, { name, per_second, cpu_us, p50_us, p99_us }]) =>
    row(`(${letter}) ${name}`, between(per_second, number), fixed(cpu_us.median, 1), fixed(p50_us.median / 1000, 1), fixed(p99_us.median / 1000, 1)),
  );
  return [...head("", "requests per second", "CPU µs each", "p50 ms, at full load", "p99 ms"), ...rows].join("\n");
}

/** Each pair, and what was aimed at. */
export function ratios({ load: { ratios } }) {
  const rows = COMPARED.filter(({ pair }) => ratios[pair]).map(({ pair, what, goal }) => row(what, between(ratios[pair], (value) => fixed(value, 2)), goal === undefined ? "" : `≥ ${goal}`));
  return [...head("by throughput, round by round", "median (middle half)", "goal"), ...rows].join("\n");
}

function cold({ cold, load: { contenders } }) {
  const rows = Object.entries(cold.ms).map(([letter, ms]) => row(`(${letter}) ${contenders[letter].name}`, between(ms, (value) => fixed(value, 0))));
  return [...head("process started to first answer", "ms"), ...rows, row("(c) as a multiple of (b)", between(cold["c/b"], (value) => fixed(value, 2))), ...[["(c) less (a)", "c-a"], ["(c) less (b)", "c-b"], ["(c) less the build beside", "c-C"]].filter(([, pair]) => cold[pair]).map(([what, pair]) => row(what, between(cold[pair], (value) => fixed(value, 1))))].join("\n");
}

function memory({ memory, load: { contenders } }) {
  const rows = Object.entries(memory).map(([letter, { heap, buffers, resident }]) => row(`(${letter}) ${contenders[letter].name}`, between(heap, MB), MB(buffers.median), MB(resident.median)));
  return [...head("memory under load, MB", "V8's heap", "buffers, wasm among them", "whole process"), ...rows].join("\n");
}

function sizes({ sizes }) {
  const rows = Object.entries(sizes).map(([file, { raw, gzip, brotli }]) => row(`\`${file}\``, kB(raw), kB(gzip), kB(brotli)));
  return [...head("kB", "raw", "gzip", "brotli"), ...rows].join("\n");
}

function long({ long: { minutes, requests, failed, per_second, p50_us, p99_us, p999_us, max_us, rotations, samples } }) {
  const of = (share) => MB(samples[Math.min(samples.length - 1, Math.floor(share * samples.length))].resident);
  const ms = (us) => fixed(us / 1000, 1);
  return [
    `${minutes} minutes of (c) at full load: ${number(requests)} requests, ${number(per_second)} per second, ${failed} failed; the token was rotated ${rotations} times.`,
    `p50 ${ms(p50_us)} ms, p99 ${ms(p99_us)} ms, p99.9 ${ms(p999_us)} ms, slowest ${ms(max_us)} ms.`,
    `Memory of the process, MB: ${[0.05, 0.25, 0.5, 0.75, 1].map(of).join(", ")} (at 5 %, a quarter, half, three quarters, the end).`,
  ].join("\n");
}

/** What it was measured on. */
export function machine({ machine: { cpu, cores, workerd }, load: { rounds, seconds } }) {
  return `workerd ${workerd} (one thread for each contender), wrk with ${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s, ${cores} cores of ${cpu}.`;
}

/** All of it. */
export const report = (result) => [machine(result), load(result), ratios(result), result.cold && cold(result), result.memory && memory(result), sizes(result), result.long && long(result)].filter(Boolean).join("\n\n");
