// `npm run fuzz -- [SECONDS] [TARGET]`: coverage-guided fuzzing of everything that reads bytes of strangers, 30 s for each
// target unless said otherwise. Needs Rust's nightly compiler: `rustup toolchain install nightly`.

import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root, setup, tool } from "./setup.mjs";
import { output, run, say, stop } from "./shell.mjs";

const CARGO_FUZZ = "0.13.2";
const folder = join(root, "fuzz");
const [seconds = "30", wanted = ""] = process.argv.slice(2);
if (!/^[1-9]\d{0,5}$/.test(seconds)) stop(`${seconds} is no number of seconds.`, "npm run fuzz -- 30");
const all = readdirSync(join(folder, "fuzz_targets")).map((file) => file.replace(/\.rs$/, ""));
const targets = all.filter((name) => name.includes(wanted));
if (!targets.length) stop(`No target is called ${wanted}. There are: ${all.join(", ")}.`, "npm run fuzz");

const base = await setup();
const toolchains = await output("rustup", ["toolchain", "list"]);
if (!toolchains.includes("nightly")) stop("Fuzzing needs Rust's nightly compiler.", "rustup toolchain install nightly --profile minimal");
const cargoFuzz = await tool("cargo-fuzz", CARGO_FUZZ, "about a minute", []);
const env = { ...base, PATH: [join(cargoFuzz, "bin"), base.PATH].join(delimiter) };
for (const target of targets) {
  say(`${target}, ${seconds} s`);
  const args = ["+nightly", "fuzz", "run", target, "--", `-max_total_time=${seconds}`, "-timeout=5", "-print_final_stats=1", "-verbosity=0"];
  await run("cargo", args, { cwd: folder, env, fix: "the input that was found is under fuzz/artifacts; mend the parser, and keep the input as a test" });
}
