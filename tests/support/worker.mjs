// The Worker under test: the real build, in a world whose clock, alarms and KV a test can move, and whose operations it
// can count. `/_test/…` is the test's own door.

import { DurableObject } from "cloudflare:workers";
import Worker, { Keeper as RealKeeper, Scheduler as RealScheduler } from "zhongkong";

const RealDate = Date;
const points = [];
const world = { shift_ms: 0, kv_down: false, kv_silent: false, scheduler_down: false, history_down: false, panic_keeper: 0, faster: 1, counts: {} };

/** The clock that the Worker reads: the true one, moved ahead. */
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length ? args : [RealDate.now() + world.shift_ms]));
  }
  static now() {
    return RealDate.now() + world.shift_ms;
  }
};

/** Timers of seconds, where a test does not want to wait for them. */
const { setTimeout: realTimeout } = globalThis;
globalThis.setTimeout = (work, ms, ...args) => realTimeout(work, ms >= 1_000 ? ms / world.faster : ms, ...args);

function count(what, often = 1) {
  world.counts[what] = (world.counts[what] ?? 0) + often;
}

/** `target` with some members replaced; everything else works as before. */
function with_(target, replaced) {
  return new Proxy(target, {
    get(_, name) {
      if (name in replaced) return replaced[name];
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** KV as `who` sees it: counted, and down where the test wants it. */
function kv(store, who) {
  const operation = (name) => async (...args) => {
    count(`kv by ${who}`);
    count(name === "put" || name === "delete" ? "kv writes" : "kv reads", name === "get" && Array.isArray(args[0]) ? args[0].length : 1);
    if (world.kv_silent) return new Promise(() => {});
    if (world.kv_down) throw new Error(`KV ${name.toUpperCase()} failed: 503 Service Unavailable`);
    return store[name](...args);
  };
  return with_(store, Object.fromEntries(["get", "getWithMetadata", "put", "delete", "list"].map((name) => [name, operation(name)])));
}

/** SQLite, whose rows are counted: those of a statement are known when its answer has been read, which is before the next one. */
function sql(real) {
  let last = null;
  const settle = () => {
    if (last) [["rows read", last.rowsRead], ["rows written", last.rowsWritten]].forEach(([what, rows]) => count(what, rows));
    last = null;
  };
  settlers.add(settle);
  return with_(real, {
    exec: (...args) => {
      settle();
      return (last = real.exec(...args));
    },
  });
}
const settlers = new Set();

/** Data points are kept here as well: nothing local can be asked for them. */
const dataset = (real) => with_(real, { writeDataPoint: (point) => (points.push(point), real.writeDataPoint(point)) });

function around(env, who) {
  return { ...env, ...(env.TOKENS && { TOKENS: kv(env.TOKENS, who) }), ...(env.ANALYTICS && { ANALYTICS: dataset(env.ANALYTICS) }) };
}

async function control(path, request, env) {
  const wanted = request.method === "POST" ? await request.json() : {};
  if (path === "advance") {
    world.shift_ms += wanted.seconds * 1000;
    for (const app of wanted.apps) {
      const object = app === "*scheduler" ? env.SCHEDULER.getByName("scheduler") : env.KEEPER.getByName(app);
      await object.fetch("https://object/_test/retime", { method: "POST", body: JSON.stringify(wanted) });
    }
  } else if (path === "set") {
    Object.assign(world, wanted);
    if (wanted.leak) console.log(wanted.leak);
  }
  for (const settle of settlers) settle();
  const { counts } = world;
  if (wanted.reset) world.counts = {};
  return Response.json({ now: Date.now() / 1000, counts, points });
}

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/_test/")) return control(pathname.slice("/_test/".length), request, env);
    return Worker.fetch(request, around(env, "Worker"), context);
  },

  scheduled(event, env, context) {
    return Worker.scheduled(event, around(env, "cron"), context);
  },
};

/** A class of the Worker's, whose alarms and SQLite the test holds in its hand. `kind` names what a request is counted as. */
const held = (Real, who, kind) => class extends DurableObject {
  #real;
  #alarms;

  constructor(state, env) {
    super(state, env);
    // Alarms are set on the true clock.
    const setAlarm = (at) => {
      // Billed as a row.
      count("rows written");
      return state.storage.setAlarm(Number(at) - world.shift_ms);
    };
    const storage = with_(state.storage, { setAlarm, sql: sql(state.storage.sql) });
    this.#real = new Real(with_(state, { storage }), around(env, who));
    this.#alarms = env.TEST_WITHOUT_ALARM !== "yes";
  }

  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/_test/retime") return this.#retime(await request.json());
    const asked = kind(pathname);
    count(asked);
    if (world[`${asked}_down`]) throw new Error(`the ${asked} is down`);
    if (asked === "Keeper" && world.panic_keeper > 0) {
      world.panic_keeper -= 1;
      request = new Request("https://keeper/panic/keeper", request);
    }
    const response = await this.#real.fetch(request);
    // An alarm that is taken away here is one that was lost.
    if (!this.#alarms) await this.ctx.storage.deleteAlarm();
    return response;
  }

  async #retime({ seconds }) {
    const at = await this.ctx.storage.getAlarm();
    if (at !== null) await this.ctx.storage.setAlarm(Math.max(at - seconds * 1000, RealDate.now()));
    return new Response();
  }

  async alarm() {
    count("alarms");
    if (this.#alarms) await this.#real.alarm();
  }
};

export const Keeper = held(RealKeeper, "Keeper", (path) => (path === "/history" ? "history" : "Keeper"));
export const Scheduler = held(RealScheduler, "scheduler", () => "scheduler");
