// A bare workerd, and nothing of wrangler around it: for measuring, and for what wrangler's own outbound proxy hides (it follows
// redirects, and answers for hosts that are not there).

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { root } from "../../scripts/setup.mjs";

/** The binary itself: what stands in `bin` may be a launcher, and killing that would leave it running. */
const WORKERD = createRequire(import.meta.url)("workerd").default;
const COMPATIBILITY_DATE = "2026-11-01";

const text = (value) => JSON.stringify(value);

/** A KV namespace that holds nothing. */
const NOTHING = "export default { fetch: () => new Response(null, { status: 404 }) };";

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The configuration as `workerd serve` would read it, read in advance: what that costs is the command line's, not the runtime's. */
function compiled(file) {
  const { status, stdout, stderr } = spawnSync(WORKERD, ["compile", "--config-only", file], { maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`workerd takes no such configuration:\n${stderr}`);
  writeFileSync(`${file}.bin`, stdout);
  return ["--binary", `${file}.bin`];
}

/** The classes of Durable Objects of a build: one that is measured beside this may be older. */
function classesOf(entry) {
  const code = readFileSync(entry, "utf8");
  return Object.entries({ KEEPER: "Keeper", SCHEDULER: "Scheduler" }).filter(([, name]) => code.includes(name));
}

/** Starts the built Worker with these vars (texts) and tables (JSON), and its Keepers; KV holds nothing unless `kv` does. */
export async function startWorkerd({ vars, tables, kv, build = join(root, "build"), waits = true, ...more }) {
  const files = ["index.js", "index_bg.wasm"].map((file) => join(build, file));
  const workerd = await launch({ files, vars, tables, kv: kv ?? { module: NOTHING }, objects: classesOf(files[0]), ...more });
  if (waits) await workerd.answers("/healthz");
  return workerd;
}

/**
 * Starts a Worker of these files, the first of which is its main module. With `kv` ({ module, seed }), a Worker that speaks KV's
 * protocol, it has a namespace `TOKENS`; with `objects` ([[binding, class]]) classes of Durable Objects. `flags` are workerd's own.
 * With `inAdvance` its configuration is compiled before it starts.
 */
export async function launch({ files, vars = {}, tables = {}, kv, objects = [], flags = [], inAdvance = false }) {
  const folder = mkdtempSync(join(tmpdir(), "zhongkong-"));
  const [port, kvPort] = [await freePort(), await freePort()];
  for (const file of files) copyFileSync(file, join(folder, basename(file)));
  mkdirSync(join(folder, "disk"));
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(tables).map(([name, value]) => `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`),
    ...(kv ? [`(name = "TOKENS", kvNamespace = "kv")`] : []),
    ...objects.map(([binding, name]) => `(name = ${text(binding)}, durableObjectNamespace = ${text(name)})`),
  ];
  const namespaces = objects.map(([, name]) => `(className = ${text(name)}, uniqueKey = ${text(name.toLowerCase())}, enableSql = true)`);
  const durable = `durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),`;
  if (kv) writeFileSync(join(folder, "kv.mjs"), kv.module);
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = ${text(join(folder, "disk"))}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
    ${kv ? `(name = "kv", worker = .kv),` : ""}
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "main"),
    ${kv ? `(name = "kv", address = "127.0.0.1:${kvPort}", http = (), service = "kv"),` : ""}
  ],
);
const main :Workerd.Worker = (
  modules = [${files.map((file) => `(name = ${text(basename(file))}, ${file.endsWith(".wasm") ? "wasm" : "esModule"} = embed ${text(basename(file))})`).join(", ")}],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [${bindings.join(",\n    ")}],
  ${objects.length ? durable : ""}
);
const kv :Workerd.Worker = (
  modules = [(name = "kv.mjs", esModule = ${kv ? `embed "kv.mjs"` : `""`})],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [(name = "SEED", json = ${text(JSON.stringify(kv?.seed ?? {}))})],
);
`,
  );
  const config = join(folder, "config.capnp");
  const configured = inAdvance ? compiled(config) : [config];
  const startedAt = performance.now();
  const child = spawn(WORKERD, ["serve", ...flags, ...configured], { stdio: ["ignore", "pipe", "pipe"] });
  const heard = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => heard.push(chunk));
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    pid: child.pid,
    startedAt,
    said: () => Buffer.concat(heard).toString(),
    /** What its KV holds. */
    stored: async () => (await fetch(`http://127.0.0.1:${kvPort}/`)).json(),
    /** Waits until it answers this path. */
    async answers(path) {
      for (let n = 0; ; n++) {
        if (await fetch(`${url}${path}`).then(({ ok }) => ok, () => false)) return;
        if (child.exitCode !== null || n > 200) throw new Error(`workerd did not start:\n${Buffer.concat(heard)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
