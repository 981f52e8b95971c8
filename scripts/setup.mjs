// The set-up: everything that a build or a test needs, each step only when it is missing.
// Plain Node ≥ 20 without packages: this runs before `npm ci` has.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { output, run, say, stop } from "./shell.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
/** What the Worker is compiled to. */
export const TARGET = "wasm32-unknown-unknown";

/** Tools live outside the checkout, keyed by version, so that a fresh clone does not rebuild them. */
const cache = process.env.ZHONGKONG_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "zhongkong");

/** Makes sure of everything; returns the environment that later steps run in. */
export async function setup() {
  await packages();
  await rust();
  const wasmBindgen = await tool("wasm-bindgen-cli", lockedVersion("wasm-bindgen"), "about 3 minutes", ["--no-default-features"]);
  // Built without optimisation: that takes a third of the time, and it builds as well.
  const workerBuild = await tool("worker-build", lockedVersion("worker"), "about 2 minutes", ["--debug"]);
  return {
    ...process.env,
    PATH: [join(modules, "node", "bin"), join(modules, ".bin"), join(workerBuild, "bin"), process.env.PATH].join(delimiter),
    WASM_BINDGEN_BIN: join(wasmBindgen, "bin", "wasm-bindgen"),
    ESBUILD_BIN: join(modules, "esbuild", "bin", "esbuild"),
    WASM_OPT_BIN: join(modules, "binaryen", "bin", "wasm-opt"),
    WRANGLER_SEND_METRICS: "false",
    // Where requests come from is of no interest here, and asking for it fails without a network.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
}

/** The SDKs that tests point at the centre: npm packages of their own, and wechatpy where Python can be had. */
export async function sdks() {
  const folder = join(root, "tests", "sdks");
  await locked(folder, "installing the SDKs that are tested (npm, about 10 s)", ["ci", "--ignore-scripts"]);
  const venv = await python("wechatpy", join(folder, "requirements.txt"));
  return venv ? { WECHATPY_PYTHON: join(venv, "bin", "python") } : {};
}

/** What checks the surfaces for operators: promtool for the metrics, schemathesis for the OpenAPI document. */
export async function checkers() {
  const venv = await python("schemathesis", join(root, "tests", "schemathesis", "requirements.txt"));
  const found = await promtool();
  return { ...(venv && { SCHEMATHESIS: join(venv, "bin", "st") }), ...(found && { PROMTOOL: found }) };
}

/** A virtual environment with exactly these packages; null where Python cannot be had. */
async function python(name, requirements) {
  const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const venv = join(cache, `${name}-${version}`);
  if (existsSync(join(venv, ".installed"))) return venv;
  say(`installing ${name} (PyPI, about 20 s)`);
  const made = await run("python3", ["-m", "venv", "--clear", venv], { mayFail: true });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  if (!made || !(await run(join(venv, "bin", "python"), pip, { mayFail: true }))) {
    say(`${name} is left out: it takes Python 3 with venv and pip`);
    return null;
  }
  writeFileSync(join(venv, ".installed"), "");
  return venv;
}

/** An installed promtool, else Debian's. */
async function promtool() {
  if (await installed("promtool")) return "promtool";
  return (await debian("prometheus", ["prometheus"], "20 MB", "promtool")).file;
}

/** The load generator of `npm run bench`: an installed wrk, else Debian's; null where it cannot be had. */
export async function wrk() {
  if (await installed("wrk")) return { file: "wrk", env: {} };
  const { file, libraries } = await debian("wrk", ["wrk", "libluajit-5.1-2"], "1 MB", "wrk");
  return file && { file, env: { LD_LIBRARY_PATH: libraries } };
}

const installed = (program) => run("sh", ["-c", `command -v ${program}`], { mayFail: true });

/** A program of Debian's, unpacked beside the other tools: nothing is installed, nothing is started. */
async function debian(name, packages, size, program) {
  const folder = join(cache, name);
  const file = join(folder, "usr", "bin", program);
  const found = () => ({ file, libraries: readdirSync(join(folder, "usr", "lib")).map((folderOfMachine) => join(folder, "usr", "lib", folderOfMachine)).join(delimiter) });
  const stamp = join(folder, ".unpacked");
  if (existsSync(stamp)) return found();
  mkdirSync(join(folder, "usr", "lib"), { recursive: true });
  say(`fetching ${program} (Debian's ${packages.join(", ")}, ${size})`);
  const download = () => run("apt-get", ["download", "-q", ...packages], { cwd: folder, mayFail: true });
  const fetched = (await download()) || ((await run("apt-get", ["update", "-q"], { mayFail: true })) && (await download()));
  const archives = fetched ? readdirSync(folder).filter((archive) => archive.endsWith(".deb")) : [];
  let whole = archives.length >= packages.length;
  for (const archive of archives) whole = (await run("dpkg-deb", ["-x", archive, "."], { cwd: folder, mayFail: true })) && whole;
  if (whole && existsSync(file)) {
    writeFileSync(stamp, "");
    return found();
  }
  say(`${program} is left out: it was not found, and Debian's package could not be fetched`);
  return { file: null };
}

/** An installed Chromium or Chrome; `CHROMIUM` names another. */
export function findChromium() {
  const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
  return [process.env.CHROMIUM, ...places].find((file) => file && existsSync(file));
}

/** Makes sure of a Chromium where that can be done without asking anybody: on Debian, as root. */
export async function browser() {
  if (findChromium() || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  say("installing Chromium from Debian (about a minute)");
  const apt = (...args) => run("apt-get", ["-qq", ...args], { mayFail: true, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  await apt("update");
  await apt("install", "-y", "--no-install-recommends", "chromium");
}

/** Runs npm in a folder when its lock file has changed since the last time. */
async function locked(folder, what, args) {
  const lock = createHash("sha256").update(readFileSync(join(folder, "package-lock.json"))).digest("hex");
  const stamp = join(folder, "node_modules", ".zhongkong-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return false;
  say(what);
  await run("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, fix: `npm ${args.join(" ")}` });
  writeFileSync(stamp, lock);
  return true;
}

/** The Node that wrangler needs (≥ 22.12), brought along as a package. */
export const node = join(modules, "node", "bin", "node");
export const wrangler = join(modules, "wrangler", "bin", "wrangler.js");

async function packages() {
  // Packages run no scripts of theirs, but for the one that fetches its binary by a script.
  const fresh = await locked(root, "installing the npm packages of package-lock.json (about half a minute)", ["ci", "--ignore-scripts"]);
  if (fresh || !existsSync(node)) await run("npm", ["rebuild", "node", "--loglevel=error"], { cwd: root, fix: "npm rebuild node", quiet: true });
}

async function rust() {
  const found = await output("rustup", ["target", "list", "--installed"]).catch(() => null);
  if (found === null) {
    stop("Rust is missing, or it was not installed by rustup.", "install it from https://rustup.rs, then run this again");
  }
  if (found.split("\n").includes(TARGET)) return;
  say(`adding the Rust target ${TARGET}`);
  await run("rustup", ["target", "add", TARGET], { fix: `rustup target add ${TARGET}` });
}

/** A cargo-installed tool at exactly this version; returns its folder. */
export async function tool(name, version, takes, flags) {
  const folder = join(cache, `${name}-${version}`);
  const stamp = join(folder, ".installed");
  if (existsSync(stamp)) return folder;
  mkdirSync(folder, { recursive: true });
  say(`building ${name} ${version}, once for this machine (${takes})`);
  const install = ["install", "--quiet", `${name}@${version}`, "--root", folder, ...flags];
  // Its own lock file may name a version that a mirror of the registry does not have yet.
  const locked = await run("cargo", [...install, "--locked"], { cwd: cache, mayFail: true });
  if (!locked) await run("cargo", install, { cwd: cache, fix: `cargo ${install.join(" ")}` });
  writeFileSync(stamp, "");
  return folder;
}

function lockedVersion(name) {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const version = lock.match(new RegExp(`name = "${name}"\\nversion = "([^"]+)"`))?.[1];
  return version ?? stop(`Cargo.lock does not name ${name}.`, "git checkout Cargo.lock");
}
