// Who is measured, each in a workerd of its own, and what each is asked.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../scripts/shell.mjs";
import { root } from "../scripts/setup.mjs";
import { launch, startWorkerd } from "../tests/support/workerd.mjs";

const worker = (name) => fileURLToPath(new URL(`contenders/${name}.mjs`, import.meta.url));
const KV = readFileSync(worker("kv"), "utf8");

const APPID = "wx0000000000000001";
const APP_SECRET = "demo0secret0for0the0simulator001";
const KEY = randomBytes(32).toString("base64url");
const AUTHORIZATION = { authorization: `Bearer ${KEY}` };
const PAGE = "https://shop.example.com/goods/1024?from=timeline&isappinstalled=0";
const CALL = "/cgi-bin/get_api_domain_ip";

const in_two_hours = () => Math.floor(Date.now() / 1000) + 7200;

/** What a Worker in JavaScript finds in KV: the token as somebody has left it there. */
const seed = () => ({ "shop/access_token": { value: JSON.stringify({ value: "9".repeat(136), expires_at: in_two_hours() }) } });

/** A JavaScript Worker, with the same KV as ours. */
const javascript = (file) => (world, { flags, inAdvance }) =>
  launch({ files: [file(world)], vars: { KEY, AUTHORIZATION: `Bearer ${KEY}`, UPSTREAM: world.upstream.url }, kv: { module: KV, seed: seed() }, flags, inAdvance });

/** A centre with three apps and four callers; its WeChat is `host`. Its build is the one here, or one that stands beside it. */
const centre = (host, build) => (world, more) => {
  const app = (digit) => ({ appid: `wx000000000000000${digit}`, tickets: ["jsapi"], sign_hosts: ["shop.example.com"], api_hosts: [host(world)] });
  const other = () => randomBytes(32).toString("base64url");
  return startWorkerd({
    tables: {
      APPS: { shop: app(1), news: app(2), mini: { ...app(3), platform: "mini", tickets: [], sign_hosts: [] } },
      CALLERS: {
        jobs: { apps: ["news"], scopes: ["token"] },
        pages: { apps: ["shop", "news"], scopes: ["sign"] },
        sdk: { apps: ["*"], scopes: ["proxy"] },
        web: { apps: ["shop"], scopes: ["token", "ticket", "sign", "refresh"] },
      },
    },
    vars: {
      SEAL_KEY: world.sealKey,
      APP_SECRET_SHOP: APP_SECRET,
      APP_SECRET_NEWS: other(),
      APP_SECRET_MINI: other(),
      CALLER_KEY_JOBS: other(),
      CALLER_KEY_PAGES: other(),
      CALLER_KEY_SDK: KEY.split("").reverse().join(""),
      CALLER_KEY_WEB: KEY,
    },
    kv: { module: KV, seed: world.published ?? {} },
    ...(build && { build: build(world) }),
    ...more,
  });
};

const zhongkong = centre(({ simulator }) => simulator.url);
const beside = (host) => centre(host, ({ beside }) => beside);
const READ = { path: "/v1/apps/shop/access_token", headers: AUTHORIZATION };

/** In the order in which they run. `as` is whom a figure is compared with. */
export const CONTENDERS = [
  { letter: "a", name: "JavaScript, a constant", start: javascript(() => worker("floor")), ask: READ, expect: /"access_token":"9{136}"/ },
  { letter: "b", name: "JavaScript, Hono and KV", start: javascript(({ hono }) => hono), ask: READ, expect: /"access_token":"9{136}"/ },
  { letter: "c", name: "zhongkong, hot read", start: zhongkong, ask: READ, expect: /"access_token":"[\w-]{100,}"/ },
  {
    letter: "d",
    name: "zhongkong, signature",
    start: zhongkong,
    ask: { path: `/v1/apps/shop/signature?url=${encodeURIComponent(PAGE)}`, headers: AUTHORIZATION },
    expect: /"signature":"[0-9a-f]{40}"/,
  },
  {
    letter: "e",
    name: "zhongkong, /cgi-bin/token",
    start: zhongkong,
    ask: { path: `/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=${KEY}` },
    expect: /"access_token":"[\w-]{100,}"/,
  },
  { letter: "f", name: "zhongkong, pass-through", start: centre(({ upstream }) => upstream.url), ask: virtualToken, expect: /"errmsg":"ok"/ },
  { letter: "j", name: "JavaScript, pass-through", start: javascript(() => worker("pass")), ask: { path: `${CALL}?access_token=${KEY}` }, expect: /"errmsg":"ok"/ },
];

/** With `--beside=FOLDER`: the same of another build, and the constant once more, whose ratio to itself tells how far a ratio can be trusted. */
export const BESIDE = [
  { ...CONTENDERS.find(({ letter }) => letter === "a"), letter: "A", name: "JavaScript, a constant, once more" },
  ...CONTENDERS.filter(({ letter }) => "cdef".includes(letter)).map((contender) => ({
    ...contender,
    letter: contender.letter.toUpperCase(),
    name: `${contender.name}, the build beside`,
    start: beside(contender.letter === "f" ? ({ upstream }) => upstream.url : ({ simulator }) => simulator.url),
  })),
];

/** An SDK at the façade is given a virtual token first, and calls with that. */
async function virtualToken({ url }) {
  const query = `grant_type=client_credential&appid=${APPID}&secret=${KEY.split("").reverse().join("")}`;
  const { access_token } = await (await fetch(`${url}/cgi-bin/token?${query}`)).json();
  return { path: `${CALL}?access_token=${access_token}` };
}

/** What all of them share: the simulator, what stands for WeChat behind a pass-through, Hono's Worker as one file. */
export async function startWorld(env, simulator, folder) {
  const hono = join(folder, "hono.mjs");
  await run(env.ESBUILD_BIN, [worker("hono"), "--bundle", "--minify", "--format=esm", `--outfile=${hono}`], { cwd: root, env, quiet: true });
  const upstream = await launch({ files: [worker("upstream")] });
  return { simulator, upstream, hono, sealKey: randomBytes(32).toString("base64") };
}

/** Starts a contender, and makes sure of its answer; gives its process, and the request to send. */
export async function enter(contender, world, more = {}) {
  const workerd = await contender.start(world, more);
  const { path, headers = {} } = typeof contender.ask === "function" ? await contender.ask(workerd) : contender.ask;
  const request = { url: `${workerd.url}${path}`, headers };
  await answersRightly(contender, request);
  return { ...contender, workerd, request };
}

/** Fails unless the contender answers what it should: a fast refusal is no result. */
export async function answersRightly({ name, expect }, { url, headers }) {
  for (let n = 0; ; n++) {
    const answer = await fetch(url, { headers }).then((response) => response.text(), (error) => error.message);
    if (expect.test(answer)) return;
    if (n > 100) throw new Error(`${name} answers ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
