// `npm run soak:mutants`: does the soak find faults? Each mutant of crates/soak/mutants.json is one
// deliberate fault in the core; it is put into a copy of the crates, and the soak has to fail there.
// `npm run soak:mutants -- TEXT` runs those whose name holds the text.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { root, setup } from "./setup.mjs";
import { say } from "./shell.mjs";

const RUNS = ["--days", "10", "--seeds", "120"];

const env = await setup();
const wanted = process.argv[2] ?? "";
const mutants = JSON.parse(readFileSync(join(root, "crates", "soak", "mutants.json"), "utf8")).filter(({ name }) => name.includes(wanted));
const copy = mkdtempSync(join(tmpdir(), "zhongkong-mutants-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const part of ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "crates", "src"]) cpSync(join(root, part), join(copy, part), { recursive: true });

/** Builds and runs the soak of the copy; what it printed, and whether every promise was kept. */
function soak() {
  const build = spawnSync("cargo", ["build", "--quiet", "--release", "-p", "soak"], { cwd: copy, env, encoding: "utf8" });
  if (build.status !== 0) return { built: false, text: build.stderr };
  const run = spawnSync(join(copy, "target", "release", "soak"), RUNS, { cwd: copy, env, encoding: "utf8", timeout: 300_000 });
  return { built: true, kept: run.status === 0, text: run.stdout };
}

let escaped = 0;
for (const { name, file, find, put } of mutants) {
  const path = join(copy, "crates", "core", "src", file);
  const sound = readFileSync(path, "utf8");
  if (sound.split(find).length !== 2) {
    escaped += 1;
    console.log(`✗ ${name}: its place in ${file} is gone or there twice; mend crates/soak/mutants.json`);
    continue;
  }
  writeFileSync(path, sound.replace(find, () => put));
  const { built, kept, text } = soak();
  writeFileSync(path, sound);
  const caught = built && !kept;
  escaped += caught ? 0 : 1;
  const why = text.split("\n").find((line) => line.startsWith("soak: seed"))?.slice("soak: ".length, 150);
  console.log(`${caught ? "✔" : "✗"} ${name}: ${caught ? why : built ? "was not found" : `does not build\n${text}`}`);
}
say(`${mutants.length - escaped} of ${mutants.length} mutants caught`);
process.exitCode = escaped ? 1 : 0;
