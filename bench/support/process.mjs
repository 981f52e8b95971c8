// What the system knows of a process: Linux, /proc.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, release } from "node:os";

/** A tick of `utime` and `stime` is 10 ms wherever Linux runs today (USER_HZ). */
const TICK_US = 10_000;

/** The CPU time that a process has used so far, user and system, in microseconds. */
export function cpuUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Its memory in use, in bytes. */
export function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/** What the figures were measured on. */
export function machine() {
  const [{ model }] = cpus();
  return { cpu: model, cores: cpus().length, kernel: release(), node: process.version, workerd: createRequire(import.meta.url)("workerd/package.json").version };
}
