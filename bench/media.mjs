// `node bench/media.mjs [MEGABYTES] [TIMES]`: uploads and downloads through the centre on a bare workerd, bytes compared, and the
// memory of workerd before and after. A body that were held whole would show.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { build } from "../scripts/build.mjs";
import { setup } from "../scripts/setup.mjs";
import { say } from "../scripts/shell.mjs";
import { startSimulator } from "../tests/support/simulator.mjs";
import { startWorkerd } from "../tests/support/workerd.mjs";

const [megabytes, times] = [Number(process.argv[2] ?? 10), Number(process.argv[3] ?? 20)];
const size = megabytes * 1024 * 1024;
await build(await setup());
const simulator = await startSimulator();
const [key, secret] = [randomBytes(32).toString("base64url"), "demo0secret0for0the0simulator001"];
const workerd = await startWorkerd({
  tables: { APPS: { demo: { appid: "wx0000000000000001", tickets: [], api_hosts: [simulator.url] } }, CALLERS: { all: { apps: ["*"], scopes: ["proxy"] } } },
  vars: { SEAL_KEY: randomBytes(32).toString("base64"), APP_SECRET_DEMO: secret, CALLER_KEY_ALL: key },
});
const call = (path, init) => fetch(`${workerd.url}/v1/apps/demo/api${path}`, { ...init, headers: { authorization: `Bearer ${key}` } });
const memory = () => {
  const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${workerd.pid}/status`, "utf8"))[1]);
  return `${(kilobytes("VmRSS") / 1024).toFixed(0)} MB now, ${(kilobytes("VmHWM") / 1024).toFixed(0)} MB at most`;
};

await (await call("/cgi-bin/user/get")).text();
say(`before: ${memory()}`);
const bytes = randomBytes(size);
const digest = createHash("sha256").update(bytes).digest("hex");
for (let n = 0; n < times; n++) {
  const { media_id } = await (await call("/cgi-bin/media/upload?type=image", { method: "POST", body: bytes })).json();
  if (media_id !== digest) throw new Error("the upload has changed on its way");
}
say(`after ${times} uploads of ${megabytes} MB, bytes equal: ${memory()}`);
for (let n = 0; n < times; n++) {
  const got = new Uint8Array(await (await call(`/cgi-bin/media/get?media_id=bytes-${size}`)).arrayBuffer());
  if (got.length !== size || got.some((byte, place) => byte !== place % 251)) throw new Error("the download has changed on its way");
}
say(`after ${times} downloads of ${megabytes} MB, bytes equal: ${memory()}`);
await workerd.stop();
await simulator.stop();
