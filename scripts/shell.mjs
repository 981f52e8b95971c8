// Running commands, and saying what happens, in one voice.

import { spawn } from "node:child_process";

export function say(text) {
  console.log(`▸ ${text}`);
}

/** Ends the program with what went wrong and what to do. */
export function stop(problem, fix) {
  console.error(`✗ ${problem}${fix ? `\n  To mend it: ${fix}` : ""}`);
  process.exit(1);
}

/**
 * Runs a command to its end. A failure ends the program, naming the command, unless `mayFail`. What
 * a `quiet` command prints is shown only when it fails, and is what comes back.
 */
export function run(command, args, { cwd, env, fix, mayFail = false, quiet = mayFail } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: quiet ? "pipe" : "inherit" });
    const heard = [];
    child.stdout?.on("data", (chunk) => heard.push(chunk));
    child.stderr?.on("data", (chunk) => heard.push(chunk));
    child.on("error", (error) => (mayFail ? resolve(false) : stop(`${command} cannot be run: ${error.message}`, fix)));
    child.on("close", (code) => {
      if (code === 0 && quiet && !mayFail) return resolve(Buffer.concat(heard).toString());
      if (code === 0 || mayFail) return resolve(code === 0);
      process.stderr.write(Buffer.concat(heard));
      stop(`${[command, ...args].join(" ")} failed`, fix ?? "see its messages above");
    });
  });
}

/** What a command prints; rejects when it fails. */
export function output(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
    let [text, complaint] = ["", ""];
    child.stdout.on("data", (chunk) => (text += chunk));
    child.stderr.on("data", (chunk) => (complaint += chunk));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`${command} failed:\n${complaint}`))));
  });
}
