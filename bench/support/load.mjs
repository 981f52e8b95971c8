// One load generator for all contenders: wrk, one thread. An answer other than 2xx or 3xx counts as failed.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SCRIPT = fileURLToPath(new URL("wrk.lua", import.meta.url));

/** So many requests are under way at any time. */
export const CONNECTIONS = 32;

/** Sends this request for so many seconds, as fast as it is answered; `wrk` is the environment and the binary of the set-up. */
export async function load(wrk, { url, headers = {} }, seconds) {
  const sent = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "-s", SCRIPT, ...sent, url];
  const { stdout } = await promisify(execFile)(wrk.file, args, { env: { ...process.env, ...wrk.env } });
  const measured = JSON.parse(stdout.trim().split("\n").at(-1));
  return { ...measured, per_second: measured.requests / measured.seconds };
}
