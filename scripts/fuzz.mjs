// `npm run fuzz -- [SECONDS] [TARGET]`: coverage-guided fuzzing of everything that reads bytes of strangers, 30 s for each
// target unless said otherwise, two at a time. Needs Rust's nightly compiler: `rustup toolchain install nightly`.

import { mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setup, tool } from "./setup.mjs";
import { output, run, say, stop } from "./shell.mjs";

const CARGO_FUZZ = "0.13.2";
const folder = join(root, "fuzz");
const TARGETS = readdirSync(join(folder, "fuzz_targets")).map((file) => file.replace(/\.rs$/, ""));

/** Whether it can be done here. */
export async function canFuzz() {
  return (await output("rustup", ["toolchain", "list"])).includes("nightly");
}

/** Fuzzes each target for so long. What it finds ends the program, and stands under fuzz/artifacts. */
export async function fuzz(base, seconds, targets = TARGETS) {
  const cargoFuzz = await tool("cargo-fuzz", CARGO_FUZZ, "about a minute", []);
  const env = { ...base, PATH: [join(cargoFuzz, "bin"), base.PATH].join(delimiter) };
  const cargo = (args, fix) => run("cargo", ["+nightly", "fuzz", ...args], { cwd: folder, env, fix, quiet: true });
  await cargo(["build"]);
  const waiting = [...targets];
  const next = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      // What is found on the way goes into corpus/, which git does not keep; seeds/ is small and kept.
      for (const kind of ["corpus", "seeds"]) mkdirSync(join(folder, kind, target), { recursive: true });
      const limits = [`-max_total_time=${seconds}`, "-timeout=5", "-print_final_stats=1", "-verbosity=0"];
      const fix = "the input that was found is under fuzz/artifacts; mend the parser, and keep the input as a test";
      const said = await cargo(["run", target, `corpus/${target}`, `seeds/${target}`, "--", ...limits], fix);
      say(`${target}: ${Number(/number_of_executed_units: (\d+)/.exec(said)?.[1]).toLocaleString("en")} executions in ${seconds} s, nothing found`);
    }
  };
  await Promise.all([next(), next()]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [seconds = "30", wanted = ""] = process.argv.slice(2);
  if (!/^[1-9]\d{0,5}$/.test(seconds)) stop(`${seconds} is no number of seconds.`, "npm run fuzz -- 30");
  const targets = TARGETS.filter((name) => name.includes(wanted));
  if (!targets.length) stop(`No target is called ${wanted}. There are: ${TARGETS.join(", ")}.`, "npm run fuzz");
  const env = await setup();
  if (!(await canFuzz())) stop("Fuzzing needs Rust's nightly compiler.", "rustup toolchain install nightly --profile minimal");
  await fuzz(env, Number(seconds), targets);
}
