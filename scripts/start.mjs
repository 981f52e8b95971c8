// `npm start`: the simulator and the Worker on this machine, until Ctrl-C. `npm run example`: the same behind the edge front end
// of examples/, which has the port, and the Worker by a service binding.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { build } from "./build.mjs";
import { freePort, startFront } from "./front.mjs";
import { node, root, setup, wrangler } from "./setup.mjs";
import { output, run, say, stop } from "./shell.mjs";

const KEY = "dev-only-key-0123456789abcdef0123456789";
const READY_WITHIN_MS = 60_000;
const CRON_EVERY_MS = 60_000;

const example = process.argv[2];
const port = portOf("PORT", 8787);
const simPort = portOf("SIM_PORT", 8788);
const children = [];
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));
// Whoever started this may be gone without a word: npm's shell does not pass every signal on.
const parent = process.ppid;
setInterval(() => process.ppid === parent || end(0), 1000).unref();
process.on("uncaughtException", (error) => fail(error.message));

if (port === simPort) stop("PORT and SIM_PORT are the same.", "PORT=8787 SIM_PORT=8788 npm start");
await free(port, "PORT");
await free(simPort, "SIM_PORT");
const env = await setup();
await build(env);
await run("cargo", ["build", "--quiet", "-p", "simulator"], { cwd: root, env });

const vars = await otherSimulator();
const simulator = await simulatorBinary();

const state = join(root, ".wrangler", "state");
mkdirSync(state, { recursive: true });
start("simulator", simulator, ["--port", `${simPort}`, "--state", join(state, "simulator.json")]);
const configs = example ? ["-c", join("examples", example, "wrangler.toml"), "-c", "wrangler.toml"] : [];
const inner = await freePort();
start("the Worker", node, [wrangler, "dev", ...configs, "--env", "local", "--ip", "127.0.0.1", "--port", `${inner}`, "--show-interactive-dev-session=false", "--log-level=error", ...vars]);

await startFront(port, inner);
const worker = `http://127.0.0.1:${port}`;
if (!(await ready(example ? worker : `${worker}/healthz`))) {
  console.log("\n✗ The configuration of the environment `local` has faults: the log names them, and so does every answer.");
}
// On Cloudflare the cron trigger fires each minute; here this does.
const tick = () => fetch(`${worker}/cdn-cgi/local/scheduled?cron=*+*+*+*+*`).catch(() => {});
setInterval(tick, CRON_EVERY_MS).unref();
await tick();
if (example) console.log(`\nThe example ${example} runs at ${worker}, zhongkong behind it, WeChat is played at http://127.0.0.1:${simPort}. Ctrl-C stops all.\n\n  curl ${worker}/\n`);
else console.log(`
zhongkong runs at ${worker}, WeChat is played at http://127.0.0.1:${simPort}. Ctrl-C stops both.

  curl -H 'Authorization: Bearer ${KEY}' ${worker}/v1/apps/demo/access_token
  curl -H 'Authorization: Bearer ${KEY}' ${worker}/v1/apps/demo/tickets/jsapi
  curl -H 'Authorization: Bearer ${KEY}' '${worker}/v1/apps/demo/signature?url=https%3A%2F%2Fshop.example.com%2F'

The console: ${worker}/console/ (sign in with that key). What is wrong, if anything: npm run doctor
`);

function portOf(name, fallback) {
  const text = process.env[name] ?? `${fallback}`;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65536) return number;
  return stop(`${name} is no port number.`, `${name}=${fallback} npm start`);
}

/** Both ports are tried before anything is started, so that a taken one is named and nothing is left behind. */
function free(number, name) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => stop(`Port ${number} is taken by another program.`, `stop that one, or choose another port: ${name}=${number + 10} npm start`));
    probe.listen(number, "127.0.0.1", () => probe.close(resolve));
  });
}

async function simulatorBinary() {
  const metadata = await output("cargo", ["metadata", "--no-deps", "--format-version", "1"], { cwd: root, env });
  return join(JSON.parse(metadata).target_directory, "debug", "simulator");
}

/** wrangler.toml names the simulator's usual port; another one is passed along as a var. */
async function otherSimulator() {
  if (simPort === 8788) return [];
  // wrangler needs its own Node, which this program does not run on.
  const script = "import('wrangler').then((w) => console.log(JSON.stringify(w.unstable_readConfig({ config: 'wrangler.toml', env: 'local' }).vars.APPS)))";
  const apps = JSON.parse(await output(node, ["-e", script], { cwd: root, env }));
  for (const app of Object.values(apps)) app.api_hosts = [`http://127.0.0.1:${simPort}`];
  return ["--var", `APPS:${JSON.stringify(apps)}`];
}

function start(name, command, args) {
  // A process group of its own: it is ended as a whole, with whatever it has started.
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"], detached: true });
  child.on("error", (error) => fail(`${name} cannot be started: ${error.message}`));
  child.on("exit", () => fail(`${name} has ended by itself.`));
  children.push(child);
}

function fail(problem) {
  if (stopping) return;
  console.error(`✗ ${problem} See its messages above.`);
  end(1);
}

/** Waits until something answers; says whether it is well. */
async function ready(url) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => null);
    // 502 is the front's: wrangler has not come up yet.
    if (response && response.status !== 502) return response.ok;
    if (stopping) return new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  fail("The Worker did not come up within a minute.");
  return new Promise(() => {});
}

function end(code) {
  if (stopping) return;
  stopping = true;
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  const signal = (name) => running.forEach((child) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // It has ended meanwhile.
    }
  });
  signal("SIGTERM");
  const forced = setTimeout(() => signal("SIGKILL"), 3000);
  Promise.all(running.map((child) => new Promise((resolve) => child.once("exit", resolve)))).then(() => {
    clearTimeout(forced);
    signal("SIGKILL");
    process.exit(code);
  });
}
