// From the start of the process to its first answer, with the token in KV as it is after a deployment: what the runtime costs is
// the same for all, so the difference is script, wasm, and what the first request has to do. The configuration is compiled in
// advance: `workerd serve` would take 3 ms to read a wasm into it, which no deployed Worker does.

import { connect } from "node:net";
import { say } from "../../scripts/shell.mjs";
import { enter } from "../contenders.mjs";
import { spread } from "../support/statistics.mjs";

const TIMES = 21;

/** Milliseconds by letter, and (c) beside the others. */
export async function coldStarts(world, contenders) {
  say(`${TIMES} cold starts of each`);
  const filled = { ...world, published: await published(world, contenders.find(({ letter }) => letter === "c")) };
  const found = new Map(contenders.map(({ letter }) => [letter, []]));
  for (let n = 0; n < TIMES; n++) for (const contender of contenders) found.get(contender.letter).push(await one(contender, filled));
  const beside = (other, compare) => spread(found.get("c").map((ms, n) => compare(ms, found.get(other)[n])));
  const less = (ours, theirs) => ours - theirs;
  const ms = Object.fromEntries([...found].map(([letter, times]) => [letter, spread(times)]));
  const old = found.has("C") ? { "c-C": beside("C", less) } : {};
  return { ms, "c/b": beside("b", (ours, theirs) => ours / theirs), "c-b": beside("b", less), "c-a": beside("a", less), ...old };
}

/** What a centre has left in KV. */
async function published(world, centre) {
  const { workerd } = await enter(centre, world);
  for (let n = 0; n < 100; n++) {
    const stored = await workerd.stored();
    if (Object.keys(stored).length > 0) {
      await workerd.stop();
      return stored;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the centre has published nothing");
}

async function one(contender, world) {
  const workerd = await contender.start(world, { waits: false, inAdvance: true });
  const { path, headers } = contender.ask;
  const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await firstAnswer(workerd.port, `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const ms = performance.now() - workerd.startedAt;
  await workerd.stop();
  if (!contender.expect.test(answer)) throw new Error(`${contender.name} begins with ${answer}`);
  return ms;
}

/** Knocks each millisecond until somebody listens. */
async function firstAnswer(port, request) {
  for (;;) {
    const answer = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(request));
      for (const end of ["error", "close"]) socket.once(end, () => resolve(null));
      socket.once("data", (chunk) => resolve(chunk.toString()) || socket.destroy());
    });
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
