// A centre that runs, from outside: whether it answers, who the key is, the cron, the clock, and every app with all that it
// depends on.

const TAKES_MS = 60_000;
const CLOCK_OFF_S = 30;
const CRON_LATE_S = 180;

/** Status and JSON body; null where nothing answers. */
async function ask(origin, key, path, method = "GET", more = {}) {
  try {
    const headers = { ...more, ...(key && { authorization: `Bearer ${key}` }) };
    const response = await fetch(new URL(path, origin), { method, headers, redirect: "manual", signal: AbortSignal.timeout(TAKES_MS) });
    const text = await response.text();
    let body = {};
    try {
      body = JSON.parse(text) ?? {};
    } catch {
      // Whoever it is, it is not the centre.
    }
    return { status: response.status, body, type: response.headers.get("content-type") ?? "", location: response.headers.get("location") };
  } catch (error) {
    return { status: 0, body: {}, why: error.cause?.code ?? error.name };
  }
}

export async function checkDeployment(report, { origin, key, start, testAlert = false }) {
  report.section(`Centre: ${origin}`);
  const health = await ask(origin, null, "/healthz");
  if (health.status === 0) return report.bad(`nothing answers at ${origin} (${health.why})`, start ?? "compare the address with the route of your Worker; npx wrangler tail shows whether requests arrive");
  if (health.location) return report.bad(`${origin} sends elsewhere: ${health.location}`, "use that address, if it is yours; a login page in front (Access) has to let /healthz, /v1 and /cgi-bin through");
  if (!["ok", "misconfigured"].includes(health.body.status)) return report.bad(`${origin}/healthz answers with ${health.status}, but it is no zhongkong`, SOMETHING_ELSE);
  if (health.status === 200) report.good("answers, and its settings as a whole are sound");
  else report.bad("says that its settings as a whole are wrong", "each is named below, and in the log (npx wrangler tail)");
  await tools(report, origin);
  if (!key) return report.hint("without a key no more was looked at", "KEY=zk_… npm run doctor -- URL, the key of a caller with the scopes status and admin");
  const first = await ask(origin, key, "/v1/apps");
  if (first.status !== 200) return refused(report, first);
  if (!first.body.caller || !Array.isArray(first.body.apps)) return report.bad("/v1/apps answers, but it is not the centre that does", SOMETHING_ELSE);
  const { caller, faults, cron, alerts, now } = first.body;
  report.good(`the key is that of caller ${caller.name} (${caller.scopes.join(", ")})`);
  const ofApps = new Set(first.body.apps.flatMap(({ faults = [] }) => faults));
  for (const fault of faults.filter((fault) => !ofApps.has(fault))) report.bad(fault);
  clock(report, now);
  ticks(report, cron.last_tick_at, now);
  const waiting = alerts.waiting + first.body.apps.reduce((sum, { alerts_waiting = 0 }) => sum + alerts_waiting, 0);
  if (waiting) report.bad(`${waiting} ${waiting === 1 ? "alert has" : "alerts have"} not arrived`, "the log says what the receiver answers (alert_not_delivered); compare ALERT_WEBHOOK, ALERT_FORMAT and ALERT_SECRET: docs/alerts.md");
  else if (alerts.configured) report.good("alerts have a receiver, and none waits");
  else report.hint("nobody is told when a token dies", "wrangler secret put ALERT_WEBHOOK (docs/alerts.md)");
  if (testAlert) await tryAlert(report, origin, key);
  const page = await ask(origin, null, "/console/");
  if (page.status === 200 && page.type.startsWith("text/html")) report.good("the console is there: /console/");
  else report.hint("the console is not deployed", '[assets] with directory = "assets" in wrangler.toml');
  const admin = caller.scopes.includes("admin");
  if (!admin) report.hint("the key has no scope admin: WeChat and the store are not asked now, only what is known is shown");
  for (let apps = first.body; ; ) {
    for (const app of apps.apps) await checkApp(report, { origin, key, admin }, app);
    if (apps.next === null) break;
    const next = await ask(origin, key, `/v1/apps?after=${apps.next}`);
    if (next.status !== 200) return refused(report, next);
    apps = next.body;
  }
}

/** Whether the zone lets callers through that are no browsers: some of its features turn them away before the Worker is asked. */
async function tools(report, origin) {
  const refused = [];
  for (const agent of ["Python-urllib/3.11", "curl/8.5.0", "Apache-HttpClient/4.5.14 (Java/17.0.9)"]) {
    const { status, body } = await ask(origin, null, "/healthz", "GET", { "user-agent": agent });
    if (body.status === undefined) refused.push(`${agent.split("/")[0]} (${status})`);
  }
  if (refused.length) report.bad(`something in front answers these clients in the centre's place: ${refused.join(", ")}`, "switch Browser Integrity Check and bot protection off for this host: docs/zone.md");
  else report.good("lets clients through that are no browsers");
}

const SOMETHING_ELSE = "compare the address with the route of your Worker; something in front of it (Access, a firewall's challenge, a front end) may answer in its place";

function refused(report, { status, body, why, type }) {
  if (status !== 0 && !type.includes("problem+json")) return report.bad(`/v1/apps answers with ${status}, but it is not the centre that does`, SOMETHING_ELSE);
  if (status === 429) return report.bad("too many requests without a valid key came from here", "wait a minute, and compare the key");
  if (status === 401) return report.bad("the key is nobody's", "compare it with the one that was given out, or make one: npm run new-key");
  if (status === 403) return report.bad("the key may not look", 'give the caller the scope "status" (and "admin", to ask WeChat and the store), and see whether its ips allow this address');
  report.bad(body.detail ?? `the centre answers with ${status || why}`, "see the log: npx wrangler tail");
}

async function tryAlert(report, origin, key) {
  const { status, body } = await ask(origin, key, "/v1/alerts/test", "POST");
  if (body.delivered) report.good("a test message was sent, and the receiver has taken it: look there");
  else if (status === 429) report.bad("a test message was sent within the last minute", "look whether it has arrived, or try again in a minute");
  else if (status === 403) report.bad("the key may not send a test message", 'it takes scope "admin" and apps = ["*"]');
  else report.bad(`the test message did not arrive: ${body.detail ?? `status ${status}`}`, "compare ALERT_WEBHOOK, ALERT_FORMAT and ALERT_SECRET: docs/alerts.md");
}

function clock(report, now) {
  const off = Math.round(now - Date.now() / 1000);
  if (Math.abs(off) <= CLOCK_OFF_S) report.good("its clock and the one here agree");
  else report.bad(`its clock and the one here differ by ${Math.abs(off)} s`, "set the clock here by NTP; Cloudflare's is right");
}

function ticks(report, at, now) {
  const fix = 'see [triggers] crons = ["* * * * *"] in wrangler.toml, and the Worker\'s cron events in the dashboard. Until then the Keepers\' alarms go on alone';
  if (at === null) report.bad("the cron has never run", fix);
  else if (now - at > CRON_LATE_S) report.bad(`the cron last ran ${now - at} s ago`, fix);
  else report.good(`the cron ran ${now - at} s ago`);
}

async function checkApp(report, { origin, key, admin }, known) {
  report.section(`App: ${known.app}`);
  if (known.state === "misconfigured") {
    for (const fault of known.faults) report.bad(fault);
    return;
  }
  const checked = admin ? await ask(origin, key, `/v1/apps/${known.app}/check`, "POST") : { status: 200, body: known };
  if (checked.status !== 200 || !checked.body.credentials) return report.bad(checked.body.detail ?? known.detail ?? `its Keeper cannot be asked (${checked.status || checked.why})`, "see Durable Object KEEPER and its migration in wrangler.toml, and the log (npx wrangler tail)");
  const { credentials, checked: asked, store, cron } = checked.body;
  const token = credentials.access_token;
  for (const [name, status] of Object.entries(credentials)) {
    // A ticket that waits for the token says nothing of its own.
    if (status.trouble && status.trouble.errcode === null && name !== "access_token" && token.trouble) report.hint(`${name}: waits for the access token`);
    else credential(report, name, status, asked?.[name]);
  }
  if (token.trouble?.ip) report.hint(`WeChat sees us as ${token.trouble.ip}`, "a relay with a fixed IP is the way to keep one: docs/relay.md");
  else if (asked && !token.trouble && token.version > 0) report.good("WeChat accepts our outgoing IP (it names it only when it does not)");
  if (token.killed_outside) report.bad(`somebody else kills its tokens (${token.killed_outside.count} times)`, token.killed_outside.detail);
  if (store) storage(report, store, token);
  if (cron && cron.state !== "ok") report.bad("the scheduler does not answer", "the cron looks into the store instead; see the log");
}

function credential(report, name, { state, expires_in, version, trouble, calls_today: { refreshes } }, asked) {
  if (trouble) {
    const code = trouble.errcode === null ? "" : ` (errcode ${trouble.errcode})`;
    return report.bad(`${name}: ${state === "down" ? "there is none" : `lives ${expires_in} s more`}, and WeChat gives no new one${code}`, trouble.detail);
  }
  if (state === "empty") return report.hint(`${name}: never asked for yet`);
  const confirmed = asked?.rotated ? ", fetched just now" : asked?.call ? ", WeChat has just confirmed it" : "";
  report.good(`${name}: version ${version} lives ${expires_in} s more${confirmed}`);
  if (refreshes.used >= refreshes.limit * 0.8) report.bad(`${name}: ${refreshes.used} of ${refreshes.limit} calls are used up today`, "look for somebody else who refreshes this appid, or a caller in a loop");
}

function storage(report, { kind, state, version }, token) {
  if (state === "failed") return report.bad(`the store (${kind}) cannot be read`, kind === "d1" ? "see the binding DB, and whether its table is there: npx wrangler d1 migrations apply DB --remote" : "see the binding TOKENS, and Cloudflare's status page; readers are served by the Keeper meanwhile");
  if (state === "empty") return report.hint(`the store (${kind}) has nothing of it yet`);
  if (version !== null && version < token.version) return report.hint(`the store (${kind}) has version ${version}, and ${token.version} is on its way`);
  report.good(`the store (${kind}) can be read`);
}
