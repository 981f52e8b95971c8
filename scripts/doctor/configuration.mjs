// A configuration before it is deployed: settings, secrets, bindings, the cron. Judged by the Worker's own rules.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { spawnSync } from "node:child_process";
import { node, root, wrangler } from "../setup.mjs";
import { output } from "../shell.mjs";

/** What wrangler makes of the file: it needs a Node of its own. */
async function read(env, { config, environment }) {
  const asked = JSON.stringify({ config, ...(environment && { env: environment }) });
  const script = `import('wrangler').then((w) => console.log(JSON.stringify(w.unstable_readConfig(${asked}, { hideWarnings: true }))))`;
  const text = await output(node, ["-e", script], { cwd: root, env });
  return JSON.parse(text.slice(text.indexOf("{")));
}

/** As wrangler reads it: JSON, or lines of `NAME=value`, perhaps with `export`, quotes and a comment behind. */
function secretsOf(file) {
  const text = readFileSync(file, "utf8");
  try {
    return Object.fromEntries(Object.entries(JSON.parse(text)).map(([name, value]) => [name, String(value)]));
  } catch {
    const line = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#\n]*))/gm;
    return Object.fromEntries([...text.matchAll(line)].map(([, name, double, single, plain]) => [name, double ?? single ?? plain.trim()]));
  }
}

/** What a tool says was wrong: the line that says so, not the source that it quotes. */
const complaint = (message) => message.split("\n").find((line) => /^\s*(?:✘|[A-Z]\w*Error:)/.test(line))?.replace(/^\s*(?:✘\s*)?/, "").trim();

/** The names of the secrets that are stored at Cloudflare; null where that cannot be asked. */
async function storedNames(env, { config, environment }) {
  try {
    const text = await output(node, [wrangler, "secret", "list", "--format=json", "-c", config, `--env=${environment}`], { cwd: root, env: { ...env, CI: "1" } });
    return JSON.parse(text.slice(text.indexOf("["))).map(({ name }) => name);
  } catch {
    return null;
  }
}

export async function checkConfiguration(report, env, { config, environment, secretsFile }) {
  const name = environment ? `environment ${environment} of ${config}` : config;
  report.section(`Configuration: ${name}`);
  if (!existsSync(resolve(root, config))) return report.bad(`${config} is not there`, "name another by --config FILE");
  let settings;
  try {
    settings = await read(env, { config, environment });
  } catch (error) {
    return report.bad(`${name} cannot be read`, complaint(error.message) ?? "see `npx wrangler deploy --dry-run`");
  }
  const beside = join(root, environment ? `.dev.vars.${environment}` : ".dev.vars");
  const file = secretsFile ?? (existsSync(beside) ? beside : null);
  if (file && !existsSync(file)) return report.bad(`The file of secrets ${file} is not there`, "name another by --secrets-file FILE");
  const secrets = file ? secretsOf(file) : {};
  const unseen = file ? [] : await storedNames(env, { config, environment });
  judge(report, env, settings, { secrets, unseen, seen: file !== null });
  if (!file) secretsUnseen(report, unseen);
  reach(report, settings);
  bindings(report, settings, environment);
}

/** The rules of the Worker itself, asked natively. */
function judge(report, env, settings, { secrets, unseen, seen }) {
  const bound = [...settings.kv_namespaces, ...settings.d1_databases].map(({ binding }) => binding).concat(settings.durable_objects.bindings.map(({ name }) => name));
  const input = JSON.stringify({ vars: settings.vars, secrets, unseen, bindings: bound });
  const args = ["run", "--quiet", "-p", "zhongkong-core", "--example", "check-configuration"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, env, input, encoding: "utf8" });
  if (status !== 0) return report.bad("The settings could not be judged", stderr.split("\n")[0]);
  const { faults, apps, alerts } = JSON.parse(stdout);
  for (const { setting, problem, fix } of faults) report.bad(`${setting} ${problem}`, fix);
  const what = seen ? "settings and secrets are complete, keys are strong" : unseen ? "settings are sound, and every secret is stored" : "settings are sound";
  if (!faults.length) report.good(`${what} (${apps} ${apps === 1 ? "app" : "apps"})`);
  if (alerts) report.good("alerts have a receiver");
  else report.hint("nobody is told when a token dies", "store the address of a receiver: wrangler secret put ALERT_WEBHOOK (docs/alerts.md)");
  const wanted = new Set(settings.secrets?.required ?? []);
  const names = (table) => (table && typeof table === "object" ? Object.keys(table) : []);
  const needed = ["SEAL_KEY", ...names(settings.vars.APPS).map((app) => `APP_SECRET_${upper(app)}`), ...names(settings.vars.CALLERS).map((caller) => `CALLER_KEY_${upper(caller)}`)];
  const unnamed = needed.filter((secret) => !wanted.has(secret));
  if (unnamed.length) report.hint(`[secrets] required does not name ${unnamed.join(", ")}`, "name them, and wrangler refuses to deploy while one is missing");
}

const upper = (name) => name.toUpperCase().replaceAll("-", "_");

function secretsUnseen(report, names) {
  const give = "npm run deploy takes them from a file: look at that one with --secrets-file FILE";
  if (names === null) report.hint("secrets were not looked at: wrangler is not signed in to Cloudflare (npx wrangler login)", give);
  else report.hint("secrets are stored; their values cannot be read back, so their strength was not looked at", give);
}

/** Hosts of `api_hosts` that Cloudflare does not let a Worker reach, as docs/zone.md says. */
function reach(report, { vars, routes, route, compatibility_flags: flags = [] }) {
  const patterns = [route, ...(routes ?? [])].filter(Boolean).map((route) => (typeof route === "string" ? route : route.pattern));
  const own = new Set(patterns.map((pattern) => pattern.replace(/^https?:\/\//, "").split("/")[0]));
  for (const [app, { api_hosts: hosts }] of Object.entries(vars.APPS ?? {})) {
    for (const text of Array.isArray(hosts) ? hosts : []) {
      const host = URL.canParse(text) ? new URL(text).hostname : "";
      if (own.has(host)) report.bad(`APPS.${app}.api_hosts names ${host}, which this Worker serves itself: its own requests go past it`, "give the relay a host name of its own: docs/zone.md");
      else if (host.endsWith(".workers.dev") && !flags.includes("global_fetch_strictly_public")) report.hint(`APPS.${app}.api_hosts names ${host}: one of the same account answers error 1042`, "give that Worker a custom domain: docs/zone.md");
    }
  }
}

/** What the Worker's own rules do not see. */
function bindings(report, settings, environment) {
  const namespace = settings.kv_namespaces.find(({ binding }) => binding === "TOKENS");
  const id = namespace?.id ?? "";
  if (!environment && namespace && (/^0+$/.test(id) || !/^[0-9a-f]{32}$/.test(id))) report.bad("the KV namespace TOKENS has no id yet", "npx wrangler kv namespace create TOKENS, and put the id into wrangler.toml");
  if ((settings.triggers?.crons ?? []).length) report.good(`the cron runs: ${settings.triggers.crons.join(", ")}`);
  else report.bad("no cron is set, so nothing is refreshed ahead of time", 'crons = ["* * * * *"] under [triggers]');
  for (const name of ["Keeper", "Scheduler"]) {
    if (!settings.migrations.some(({ new_sqlite_classes = [] }) => new_sqlite_classes.includes(name))) report.bad(`the class ${name} has no migration`, `new_sqlite_classes = ["${name}"] under [[migrations]]`);
  }
  if (settings.assets?.directory) report.good("the console is deployed along");
  else report.hint("the console is not deployed along", '[assets] with directory = "assets"');
  if (!environment && settings.workers_dev) report.hint("workers_dev is on: the centre can be reached beside your domain and its firewall", "workers_dev = false");
  if (!environment && settings.observability?.logs?.invocation_logs !== false) report.bad("invocation logs are on: they hold URLs, and SDKs put keys and tokens there", "invocation_logs = false under [observability.logs]");
}
