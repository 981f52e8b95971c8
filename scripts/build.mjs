// `npm run build`: the Worker as build/index.js and build/index_bg.wasm: worker-build, and src/entry.js around what it makes.
// Does nothing when neither sources nor tools have changed since the last time.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { root, setup } from "./setup.mjs";
import { run, say } from "./shell.mjs";

const INPUTS = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "package-lock.json", "src", "crates/core/Cargo.toml", "crates/core/src", "crates/scrub/Cargo.toml", "crates/scrub/src", "crates/tables/Cargo.toml", "crates/tables/src", "docs/openapi.json", "scripts/build.mjs", "scripts/setup.mjs"];
const OUTPUTS = ["index.js", "index_bg.wasm"];

/** What rustc and wasm-bindgen use; not all that binaryen knows, since workerd may not know it yet. */
const FEATURES = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue", "reference-types"].map((feature) => `--enable-${feature}`);

/** The entry without the fast path, for tests that show that it changes nothing. */
export const WITHOUT_FAST_PATH = "without-fast-path.js";

/** Builds into `folder`, with the cargo `features`, and with the names of functions for a profiler; returns the sizes of what came out. */
export async function build(env, folder = "build", features = [], names = false) {
  const out = join(root, folder);
  const stamp = join(out, ".inputs");
  const inputs = fingerprint([...features, names]);
  bringLibraries();
  const fresh = [...OUTPUTS, WITHOUT_FAST_PATH].every((file) => existsSync(join(out, file))) && existsSync(stamp) && readFileSync(stamp, "utf8") === inputs;
  if (!fresh) {
    const named = features.length ? ` with ${features.join(", ")}` : "";
    say(`building the Worker${named} (about a minute the first time)`);
    rmSync(stamp, { force: true });
    const options = ["--release", "--out-dir", folder, "--", ...features.flatMap((name) => ["--features", name])];
    await run("worker-build", options, { cwd: root, env: { ...env, NO_MINIFY: "1" }, quiet: true });
    await wrap(env, out);
    // worker-build keeps the names of functions; they are of use to a profiler only.
    if (!names) await strip(env, join(out, "index_bg.wasm"));
    writeFileSync(stamp, inputs);
  }
  return sizes(folder);
}

/** The console's one library, from npm into its folder. */
function bringLibraries() {
  const vendor = join(root, "assets", "console", "vendor");
  mkdirSync(vendor, { recursive: true });
  for (const file of ["uPlot.iife.min.js", "uPlot.min.css"]) copyFileSync(join(root, "node_modules", "uplot", "dist", file), join(vendor, file));
}

/** Puts src/entry.js around what worker-build has made. */
async function wrap(env, out) {
  const inner = join(out, "worker-build.js");
  renameSync(join(out, "index.js"), inner);
  const outside = ["./index_bg.wasm", "cloudflare:*"].map((name) => `--external:${name}`);
  for (const [file, fast] of [["index.js", true], [WITHOUT_FAST_PATH, false]]) {
    const args = ["src/entry.js", "--bundle", "--minify", "--format=esm", `--alias:worker-build=${inner}`, `--define:FAST_PATH=${fast}`, ...outside, `--outfile=${join(out, file)}`];
    await run(env.ESBUILD_BIN, args, { cwd: root, env, quiet: true });
  }
  rmSync(inner);
}

async function strip(env, wasm) {
  await run(env.WASM_OPT_BIN, [...FEATURES, "--strip-debug", "--strip-producers", wasm, "-o", wasm], { cwd: root, env, quiet: true });
}

function fingerprint(options) {
  const hash = createHash("sha256").update(JSON.stringify(options));
  const add = (path) => {
    const file = join(root, path);
    for (const entry of readdirSync(file, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) add(`${path}/${entry.name}`);
      else hash.update(`${path}/${entry.name}\0`).update(readFileSync(join(file, entry.name)));
    }
  };
  for (const path of INPUTS) {
    if (/\.[a-z]+$/.test(path)) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
    else add(path);
  }
  return hash.digest("hex");
}

function sizes(folder) {
  return OUTPUTS.map((name) => {
    const file = `${folder}/${name}`;
    const bytes = readFileSync(join(root, file));
    return { file, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
  for (const { file, raw, gzip, brotli } of await build(await setup())) {
    console.log(`${file.padEnd(20)}${kb(raw)}  gzip${kb(gzip)}  brotli${kb(brotli)}`);
  }
}
