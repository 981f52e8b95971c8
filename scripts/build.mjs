// `npm run build`: the Worker as build/index.js and build/index_bg.wasm. Does nothing when neither
// sources nor tools have changed since the last time.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { root, setup, TARGET } from "./setup.mjs";
import { run, say } from "./shell.mjs";

const INPUTS = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "package-lock.json", "src", "crates/core/Cargo.toml", "crates/core/src", "docs/openapi.json", "scripts/build.mjs", "scripts/setup.mjs"];
const OUTPUTS = ["index.js", "index_bg.wasm"];

/**
 * Functions that are called from one place stay functions, and stand in the order of their names: more raw bytes, but gzip finds
 * what is alike: some 60 kB less.
 */
const WASM_OPT = ["-Oz", "--one-caller-inline-max-function-size=0", "--reorder-functions-by-name"];
/** What rustc and wasm-bindgen use; not all that binaryen knows, since workerd may not know it yet. */
const FEATURES = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue", "reference-types"].map((feature) => `--enable-${feature}`);
const NAMELESS = ["--strip-debug", "--strip-producers"];

/** Builds into `folder`, with the cargo `features`, and with the names of functions for a profiler; returns the sizes of what came out. */
export async function build(env, folder = "build", features = [], names = false) {
  const out = join(root, folder);
  const stamp = join(out, ".inputs");
  const inputs = fingerprint([...features, names]);
  bringLibraries();
  const fresh = OUTPUTS.every((file) => existsSync(join(out, file))) && existsSync(stamp) && readFileSync(stamp, "utf8") === inputs;
  if (!fresh) {
    const named = features.length ? ` with ${features.join(", ")}` : "";
    say(`building the Worker${named} (about a minute the first time)`);
    rmSync(stamp, { force: true });
    mkdirSync(out, { recursive: true });
    const bare = join(out, "unbundled");
    rmSync(bare, { recursive: true, force: true });
    await compile(env, bare, features);
    await bundle(env, bare, out);
    await optimize(env, bare, out, names ? ["--debuginfo"] : NAMELESS);
    rmSync(bare, { recursive: true });
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

/** The wasm, and the JavaScript through which it is called, into `bare`. */
async function compile(env, bare, features) {
  const cargo = ["build", "--release", "--lib", "--target", TARGET, "--target-dir", "target", ...features.flatMap((name) => ["--features", name])];
  await run("cargo", cargo, { cwd: root, env, quiet: true });
  const glue = ["--target", "module", "--experimental-reset-state-function", "--no-typescript", "--out-dir", bare, "--out-name", "index"];
  await run(env.WASM_BINDGEN_BIN, [join("target", TARGET, "release", "zhongkong.wasm"), ...glue], { cwd: root, env, quiet: true });
}

async function optimize(env, bare, out, more) {
  await run(env.WASM_OPT_BIN, [...FEATURES, ...WASM_OPT, ...more, join(bare, "index_bg.wasm"), "-o", join(out, "index_bg.wasm")], { cwd: root, env, quiet: true });
}

/** One script of src/entry.mjs, of what wasm-bindgen has made, and of texts that are handed out: the API's description, the script of pages. */
async function bundle(env, bare, out) {
  const glue = join(bare, "index.js");
  // A Worker's modules import a wasm as what it is: the `source` of a module is not known to esbuild.
  writeFileSync(glue, readFileSync(glue, "utf8").replace("import source wasmModule", "import wasmModule"));
  const openapi = join(bare, "openapi.txt");
  writeFileSync(openapi, JSON.stringify(JSON.parse(readFileSync(join(root, "docs", "openapi.json"), "utf8"))));
  const page = join(bare, "page.txt");
  copyFileSync(join(root, "src", "pages", "jssdk.js"), page);
  const names = [`--alias:zhongkong-wasm=${glue}`, `--alias:zhongkong-openapi=${openapi}`, `--alias:zhongkong-page=${page}`, "--external:./index_bg.wasm"];
  const args = ["src/entry.mjs", "--bundle", "--minify", "--format=esm", ...names, `--outfile=${join(out, "index.js")}`];
  await run(env.ESBUILD_BIN, args, { cwd: root, env, quiet: true });
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
