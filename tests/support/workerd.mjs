// A bare workerd with the built Worker in it, and nothing of wrangler around it: for measuring, and for what wrangler's own
// outbound proxy hides (it follows redirects, and answers for hosts that are not there).

import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/setup.mjs";

/** The binary itself: what stands in `bin` may be a launcher, and killing that would leave it running. */
const WORKERD = createRequire(import.meta.url)("workerd").default;
const COMPATIBILITY_DATE = "2026-11-01";

const text = (value) => JSON.stringify(value);

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

/** Starts it with these vars (texts) and tables (JSON); KV is a namespace that holds nothing. */
export async function startWorkerd({ vars, tables, build = join(root, "build") }) {
  const folder = mkdtempSync(join(tmpdir(), "zhongkong-"));
  const port = await freePort();
  for (const file of ["index.js", "index_bg.wasm"]) copyFileSync(join(build, file), join(folder, file));
  mkdirSync(join(folder, "disk"));
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(tables).map(([name, value]) => `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`),
    `(name = "TOKENS", kvNamespace = "nothing")`,
    `(name = "KEEPER", durableObjectNamespace = "Keeper")`,
  ];
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "nothing", worker = .nothing),
    (name = "disk", disk = (path = ${text(join(folder, "disk"))}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js"), (name = "index_bg.wasm", wasm = embed "index_bg.wasm")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [${bindings.join(",\n    ")}],
  durableObjectNamespaces = [(className = "Keeper", uniqueKey = "keeper", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
const nothing :Workerd.Worker = (
  modules = [(name = "nothing.js", esModule = "export default { fetch: () => new Response(null, { status: 404 }) };")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
);
`,
  );
  const child = spawn(WORKERD, ["serve", join(folder, "config.capnp")], { stdio: ["ignore", "pipe", "pipe"] });
  const heard = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => heard.push(chunk));
  const url = `http://127.0.0.1:${port}`;
  for (let n = 0; ; n++) {
    if (await fetch(`${url}/healthz`).then(({ ok }) => ok, () => false)) break;
    if (child.exitCode !== null || n > 200) throw new Error(`workerd did not start:\n${Buffer.concat(heard)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    port,
    pid: child.pid,
    said: () => Buffer.concat(heard).toString(),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
