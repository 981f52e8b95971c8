// `npm run build`: the Worker as build/index.js and build/index_bg.wasm. Does nothing when neither
// sources nor tools have changed since the last time.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { root, setup } from "./setup.mjs";
import { run, say } from "./shell.mjs";

const INPUTS = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "package-lock.json", "src", "crates/core/Cargo.toml", "crates/core/src", "scripts/build.mjs", "scripts/setup.mjs"];
const OUTPUTS = ["build/index.js", "build/index_bg.wasm"].map((file) => join(root, file));
const STAMP = join(root, "build", ".inputs");

export async function build(env) {
  const inputs = fingerprint();
  const fresh = OUTPUTS.every(existsSync) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === inputs;
  if (!fresh) {
    say("building the Worker (about a minute the first time)");
    rmSync(STAMP, { force: true });
    await run("worker-build", ["--release"], { cwd: root, env, quiet: true });
    writeFileSync(STAMP, inputs);
  }
  return sizes();
}

function fingerprint() {
  const hash = createHash("sha256");
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

function sizes() {
  return OUTPUTS.map((file) => {
    const bytes = readFileSync(file);
    return { file: file.slice(root.length + 1), raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
  for (const { file, raw, gzip, brotli } of await build(await setup())) {
    console.log(`${file.padEnd(20)}${kb(raw)}  gzip${kb(gzip)}  brotli${kb(brotli)}`);
  }
}
