// `npm run timing -- [REQUESTS]`: does the time of a refusal tell how close a guessed key is, whether it is known, or whether
// there is such an app?
//
// Method, after dudect: requests of all classes in random order, one after the other over one connection to a bare workerd;
// the slowest tenth of each class is left out (garbage collection, the scheduler); Welch's t of two classes, and the
// difference of their means with its 99 % interval. Two classes that are the same (control) show the noise. |t| above 4.5
// is a difference.

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { build } from "../scripts/build.mjs";
import { setup } from "../scripts/setup.mjs";
import { say, stop } from "../scripts/shell.mjs";
import { startWorkerd } from "../tests/support/workerd.mjs";

const requests = Number(process.argv[2] ?? 20_000);
if (!Number.isInteger(requests) || requests < 100) stop(`${process.argv[2]} is no number of requests.`, "npm run timing -- 20000");

const key = () => randomBytes(32).toString("base64url");
const [forbidden, victim] = [key(), key()];
const changed = (text, place) => text.slice(0, place) + (text[place] === "A" ? "B" : "A") + text.slice(place + 1);

/** Twenty apps that are there, and twenty that are not; each request picks one. */
const APPS = Array.from({ length: 20 }, (_, n) => `app-${String(n).padStart(3, "0")}`);
const some = (apps) => apps[Math.floor(Math.random() * apps.length)];
const there = () => some(APPS);
const nowhere = () => some(APPS).replace("app", "opp");

const read = (app, key) => ["GET", `/v1/apps/${app}/access_token`, key];
const report = (app, key) => ["POST", `/v1/apps/${app}/access_token/refresh`, key];

/** What each class sends. The victim is the last of fifty callers, the forbidden one the first. */
const CLASSES = {
  "known, forbidden": () => read(there(), forbidden),
  unknown: () => read(there(), key()),
  "unknown (control)": () => read(there(), key()),
  "first byte wrong": () => read(there(), changed(victim, 0)),
  "last byte wrong": () => read(there(), changed(victim, victim.length - 1)),
  "forbidden, no such app": () => read(nowhere(), forbidden),
  "stranger reports, app": () => report(there(), key()),
  "stranger reports, none": () => report(nowhere(), key()),
};

const COMPARED = [
  ["unknown", "unknown (control)"],
  ["first byte wrong", "last byte wrong"],
  ["unknown", "last byte wrong"],
  ["known, forbidden", "unknown"],
  ["known, forbidden", "forbidden, no such app"],
  ["stranger reports, app", "stranger reports, none"],
];

function world() {
  const callers = { aaa: forbidden, ...Object.fromEntries(Array.from({ length: 48 }, (_, n) => [`caller${n}`, key()])), zzz: victim };
  return {
    tables: {
      APPS: Object.fromEntries(APPS.map((app, n) => [app, { appid: `wx${String(n).padStart(16, "0")}`, api_hosts: ["http://127.0.0.1:9"] }])),
      CALLERS: Object.fromEntries(Object.keys(callers).map((name) => [name, { apps: ["*"], scopes: [name === "zzz" ? "token" : "sign"] }])),
    },
    vars: {
      SEAL_KEY: randomBytes(32).toString("base64"),
      ...Object.fromEntries(APPS.map((app) => [`APP_SECRET_${app.toUpperCase().replace("-", "_")}`, randomBytes(16).toString("hex")])),
      ...Object.fromEntries(Object.entries(callers).map(([name, value]) => [`CALLER_KEY_${name.toUpperCase()}`, value])),
    },
  };
}

/** One connection, one request at a time; gives the nanoseconds from sending to the whole answer, and the status. */
function connection(port) {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  let [heard, ended, failed] = ["", null, null];
  socket.on("data", (chunk) => {
    const at = process.hrtime.bigint();
    heard += chunk.toString("latin1");
    const split = heard.indexOf("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(heard)?.[1] ?? Number.NaN);
    if (split < 0 || heard.length < split + 4 + length) return;
    const status = Number(heard.slice(9, 12));
    heard = "";
    ended({ at, status });
  });
  socket.on("error", (error) => failed?.(error));
  return (request) =>
    new Promise((resolve, reject) => {
      failed = reject;
      const started = process.hrtime.bigint();
      ended = ({ at, status }) => resolve({ ns: Number(at - started), status });
      socket.write(request);
    });
}

const request = ([method, path, key]) => Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nAuthorization: Bearer ${key}\r\n\r\n`);

function shuffled(list) {
  for (let n = list.length - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1));
    [list[n], list[other]] = [list[other], list[n]];
  }
  return list;
}

function described(times) {
  const kept = times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * 0.9));
  const mean = kept.reduce((sum, ns) => sum + ns, 0) / kept.length;
  const variance = kept.reduce((sum, ns) => sum + (ns - mean) ** 2, 0) / (kept.length - 1);
  return { mean, error: variance / kept.length, median: times.toSorted((a, b) => a - b)[times.length >> 1] };
}

await build(await setup());
const workerd = await startWorkerd(world());
const send = connection(workerd.port);
const names = Object.keys(CLASSES);
for (let n = 0; n < 2_000; n++) await send(request(CLASSES[names[n % names.length]]()));
say(`${requests} requests of each class, in random order, one at a time`);
const times = Object.fromEntries(names.map((name) => [name, []]));
const statuses = Object.fromEntries(names.map((name) => [name, new Set()]));
for (let block = 0; block < requests; block += 50) {
  // Made beforehand: what it takes to make one must not be in what is measured.
  const made = names.flatMap((name) => Array.from({ length: Math.min(50, requests - block) }, () => [name, request(CLASSES[name]())]));
  for (const [name, bytes] of shuffled(made)) {
    const { ns, status } = await send(bytes);
    times[name].push(ns);
    statuses[name].add(status);
  }
}
await workerd.stop();

const us = (ns) => (ns / 1000).toFixed(2).padStart(8);
for (const name of names) {
  const { mean, median } = described(times[name]);
  console.log(`${name.padEnd(24)} ${[...statuses[name]].join(",")}  median ${us(median)} µs  mean of nine tenths ${us(mean)} µs`);
}
let differs = false;
for (const [one, other] of COMPARED) {
  const [a, b] = [described(times[one]), described(times[other])];
  const error = Math.sqrt(a.error + b.error);
  const t = (a.mean - b.mean) / error;
  differs ||= Math.abs(t) > 4.5;
  console.log(`${`${one} − ${other}`.padEnd(46)} ${us(a.mean - b.mean)} µs ± ${us(2.58 * error)}  t = ${t.toFixed(2)}${Math.abs(t) > 4.5 ? "  ← a difference" : ""}`);
}
process.exitCode = differs ? 1 : 0;
