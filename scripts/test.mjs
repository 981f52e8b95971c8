// `npm test`: every suite, in the order in which they find faults fastest; two of them only where CI is set. With names as
// arguments (`npm test -- core e2e`) only those.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build, WITHOUT_FAST_PATH } from "./build.mjs";
import { deny } from "./deny.mjs";
import { canFuzz, fuzz } from "./fuzz.mjs";
import { browser, checkers, node, root, sdks, setup, TARGET } from "./setup.mjs";
import { run, say } from "./shell.mjs";

const cargo = (...args) => (env) => run("cargo", args, { cwd: root, env, fix: `cargo ${args.join(" ")}` });
const strict = ["--", "-D", "warnings"];

const suites = {
  format: cargo("fmt", "--all", "--check"),
  clippy: async (env) => {
    await cargo("clippy", "--quiet", "--workspace", "--all-targets", ...strict)(env);
    await cargo("clippy", "--quiet", "--target", TARGET, "-p", "zhongkong", ...strict)(env);
  },
  docs: (env) => cargo("doc", "--quiet", "--workspace", "--no-deps")({ ...env, RUSTDOCFLAGS: "-D warnings" }),
  core: cargo("test", "--quiet", "-p", "zhongkong-core", "-p", "zhongkong-scrub", "-p", "zhongkong-tables", "-p", "simulator"),
  soak: async (env) => {
    await cargo("build", "--quiet", "--release", "-p", "soak")(env);
    await cargo("test", "--quiet", "--release", "-p", "soak")(env);
    await cargo("run", "--quiet", "--release", "-p", "soak", "--", "--days", "30", "--seeds", "200")(env);
  },
  "core on wasm": cargo("test", "--quiet", "-p", "zhongkong-core", "-p", "zhongkong-scrub", "--target", TARGET, "--no-run"),
  e2e: endToEnd,
  "e2e without the fast path": withoutFastPath,
  deny,
  fuzz: async (env) => {
    if (await canFuzz()) await fuzz(env, 30);
    else say("left out: fuzzing needs Rust's nightly compiler (rustup toolchain install nightly --profile minimal)");
  },
};

/** Minutes that the next edit does not need: they run in CI, and when they are named. */
const IN_CI = ["deny", "fuzz"];

/** The real build on real workerd, WeChat played by the simulator over HTTP. */
async function endToEnd(env) {
  await build(env, "build-to-panic", ["panic-on-purpose"]);
  await files(env, readdirSync(join(root, "tests")).filter((file) => file.endsWith(".test.mjs")));
}

/** What the fast path may answer, answered by the ordinary path: the fast path changes nothing but speed. */
const READS = ["access", "facade", "history", "limit", "pages", "passing", "read", "stores", "time"];

async function withoutFastPath(env) {
  await files({ ...env, ENTRY: WITHOUT_FAST_PATH }, READS.map((name) => `${name}.test.mjs`));
}

async function files(env, names) {
  await build(env);
  await cargo("build", "--quiet", "-p", "simulator")(env);
  const equipped = { ...env, ...(await sdks()), ...(await checkers()) };
  await browser();
  // Two at a time: each has a workerd and a simulator of its own, and some count seconds.
  const args = ["--test", "--test-concurrency=2", "--test-timeout=180000", ...names.map((name) => join("tests", name))];
  await run(node, args, { cwd: root, env: equipped });
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length) {
  console.error(`✗ No suite is called ${unknown.join(", ")}. There are: ${Object.keys(suites).join(", ")}`);
  process.exit(2);
}

const env = await setup();
const times = [];
for (const [name, suite] of Object.entries(suites)) {
  if (chosen.length ? !chosen.includes(name) : IN_CI.includes(name) && !process.env.CI) continue;
  say(name);
  const started = Date.now();
  await suite(env);
  times.push(`${name} ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
say(`all suites passed: ${times.join(", ")}`);
