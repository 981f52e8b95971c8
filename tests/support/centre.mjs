// A centre on real workerd, and a simulator behind it: what most tests begin with.

import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import { Canaries, sent, stored } from "./leaks.mjs";
import { startSimulator } from "./simulator.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Marked, so that a search through logs and stores finds every leak. */
export const CANARY = {
  appSecret: "canary0app0secret0a1b2c3d4e5f601",
  key: "canary-key-all-0123456789abcdefghij",
  nextKey: "canary-key-next-0123456789abcdefgh",
  webKey: "canary-key-web-0123456789abcdefghi",
  sealKey: "Y2FuYXJ5LXNlYWwta2V5LTAxMjM0NTY3ODlhYmNkZWY=",
};

export const APPID = { demo: "wx0000000000000001", legacy: "wx0000000000000002" };

/** The vars of a sound configuration; `change` spoils or extends them. */
export function settings(simulatorUrl, change = (vars) => vars) {
  return change({
    APPS: {
      demo: { appid: APPID.demo, tickets: ["jsapi", "wx_card"], api_hosts: [simulatorUrl], sign_hosts: ["shop.example.com"] },
      legacy: { appid: APPID.legacy, token_api: "plain", api_hosts: [simulatorUrl] },
    },
    CALLERS: {
      all: { apps: ["*"], scopes: ["token", "ticket", "sign", "refresh", "proxy", "status", "admin"] },
      web: { apps: ["demo"], scopes: ["token"], ips: ["203.0.113.0/24", "2001:db8::/32"] },
    },
    APP_SECRET_DEMO: CANARY.appSecret,
    APP_SECRET_LEGACY: CANARY.appSecret,
    CALLER_KEY_ALL: CANARY.key,
    CALLER_KEY_ALL_NEXT: CANARY.nextKey,
    CALLER_KEY_WEB: CANARY.webKey,
    SEAL_KEY: CANARY.sealKey,
  });
}

function config(vars) {
  return {
    name: "zhongkong-test",
    main: "tests/support/worker.mjs",
    // With ENTRY another than the one that is deployed: that without the fast path.
    alias: { zhongkong: join(root, "build", process.env.ENTRY ?? "index.js") },
    compatibility_date: "2026-11-01",
    assets: { directory: join(root, "assets") },
    kv_namespaces: [{ binding: "TOKENS", id: "tokens" }],
    durable_objects: { bindings: [{ name: "KEEPER", class_name: "Keeper" }, { name: "SCHEDULER", class_name: "Scheduler" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Keeper", "Scheduler"] }],
    vars,
  };
}

/**
 * Starts simulator and centre. `change` works on the vars, `bare` on the whole wrangler
 * configuration; Workers `before` it have the address.
 */
export async function startCentre({ change, bare = (config) => config, before = [] } = {}) {
  const simulator = await startSimulator();
  const others = before.map((config) => ({ config }));
  const options = (change) => ({ root, workers: [...others, { config: bare(config(settings(simulator.url, change))) }] });
  const harness = createTestHarness();
  let url;
  try {
    for (const appid of Object.values(APPID)) await simulator.knobs(appid, { secret: CANARY.appSecret });
    await harness.update(options(change));
    ({ url } = await harness.listen());
  } catch (error) {
    await harness.close();
    await simulator.stop();
    throw error;
  }
  const worker = harness.getWorker("zhongkong-test");
  const hasScheduler = bare(config({})).durable_objects.bindings.some(({ name }) => name === "SCHEDULER");
  const canaries = new Canaries(CANARY);
  const answers = [];
  const note = (path, response, text) => {
    // What is handed out has its place in the body of a success, under its name, and nowhere else.
    const handsOut = response.status === 200 && /\/(access_token|tickets\/\w+|token|stable_token|getticket)(\/refresh)?(\?|$)/.test(path);
    const rest = handsOut ? canaries.takeFrom(JSON.parse(text)) : text;
    answers.push([`an answer (${response.status})`, rest]);
    answers.push(["answer headers", JSON.stringify([...response.headers])]);
  };
  // The scheduler goes by a name that no app can have.
  const object = (app) => (app === "*scheduler" ? ["SCHEDULER", { name: "scheduler" }] : ["KEEPER", { name: app }]);
  const sql = async (app, query) => (await worker.getDurableObjectStorage(...object(app))).exec(query);
  const control = async (path, body) => {
    // Not through whatever stands before it.
    const response = await worker.fetch(`http://centre/_test/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`test control ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  /** Nothing that is secret is where it does not belong. */
  const search = async () => {
    const logs = harness.getLogs().map(({ message }) => ["a log line", message]);
    const apps = [...new Set(logs.flatMap(([, line]) => [...line.matchAll(/"app":"([a-z0-9-]+)"/g)].map(([, app]) => app)))].slice(0, 5).concat(hasScheduler ? "*scheduler" : []);
    const kept = await stored(worker, sql, apps);
    const asked = sent(await simulator.heads(), CANARY.appSecret);
    const points = (await control("set", {})).points.map((point) => ["a data point", JSON.stringify(point)]);
    const places = [...answers, ...logs, ...kept, ...asked, ...points];
    const found = canaries.search(places);
    const searched = Object.fromEntries([...new Set(places.map(([place]) => place))].map((place) => [place, places.filter(([other]) => other === place).length]));
    return { places: places.length, searched, markers: canaries.count, found: [...new Set(found)] };
  };
  const call = async (path, { key = CANARY.key, ...init } = {}) => {
    const headers = { ...(key && { authorization: `Bearer ${key}` }), ...init.headers };
    const response = await harness.fetch(path, { ...init, headers });
    const text = await response.text();
    note(path, response, text);
    return { status: response.status, headers: response.headers, text, body: text && JSON.parse(text) };
  };
  return {
    simulator,
    /** Where it listens, for clients that are not ours. */
    url,
    harness,
    worker,
    call,
    /** Changes the vars and restarts the Worker; its stores stay. */
    reconfigure: (change) => harness.update(options(change)),
    token: (app = "demo") => call(`/v1/apps/${app}/access_token`),
    /** A page of the app's history, newest first. */
    events: async (app = "demo", query = "") => (await call(`/v1/apps/${app}/events${query}`)).body,
    /** Waits until an app's Keeper has fetched all that it keeps: it calls WeChat of its own accord no more, for now. */
    held: (app = "demo") => held(call, app),
    /** Somebody else ends a token. Its tickets are held by then: with a dead token the Keeper would find out by itself, before any caller. */
    kill: async (token, app = "demo") => {
      await held(call, app);
      await simulator.kill(token);
    },
    report: (app, stale) => call(`/v1/apps/${app}/access_token/refresh`, { method: "POST", body: JSON.stringify({ stale }) }),
    cron: () => worker.scheduled({ cron: "* * * * *", scheduledTime: new Date() }),
    evict: (app) => worker.evictDurableObject(...object(app)),
    /** Moves the Worker's clock and the simulator's ahead. Alarms that have become due ring. */
    advance: async (seconds, apps = ["demo", "legacy"]) => {
      await simulator.advance(seconds);
      await control("advance", { seconds, apps });
    },
    /** What the Worker's clock shows, in seconds. */
    now: async () => (await control("set", {})).now,
    /** Breaks or mends a part of the world: `kv_down`, `scheduler_down`, `history_down`. */
    set: (change) => control("set", change),
    /** The data points of Analytics Engine. */
    points: async () => (await control("set", {})).points,
    /** Something more that must not be seen outside its place. */
    mark: (name, value) => canaries.add(name, value),
    /** Operations since the last call, by kind. */
    counts: async () => (await control("set", { reset: true })).counts,
    sql,
    logs: () => harness.getLogs().map((line) => line.message),
    search,
    async stop() {
      let report;
      try {
        report = await search();
      } finally {
        await harness.close();
        await simulator.stop();
      }
      const { found } = report;
      if (process.env.LEAKS_REPORT) appendFileSync(process.env.LEAKS_REPORT, `${JSON.stringify(report)}\n`);
      if (found.length) throw new Error(`leaks: ${found.join("; ")}`);
    },
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function held(call, app) {
  await until(() => call(`/v1/apps/${app}`), ({ body }) => body.credentials && Object.values(body.credentials).every(({ version }) => version > 0));
}

/** Asks until the answer is good; fails after `ms` with the last one. */
export async function until(ask, good, ms = 15_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms; last: ${JSON.stringify(answer)}`);
    await pause(100);
  }
}
