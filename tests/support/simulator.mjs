// A simulator process on a free port, and its control API.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const binary = process.env.SIMULATOR_BIN ?? join(root, "target", "debug", "simulator");

export async function startSimulator() {
  const child = spawn(binary, ["--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const first = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const url = first.match(/http:\/\/[\d.:]+/)[0];
  const send = async (method, path, body) => {
    const headers = body && { "content-type": "application/json" };
    const response = await fetch(`${url}/_sim/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`simulator: ${method} ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
  };
  let last = null;
  return {
    url,
    knobs: (appid, change) => send("PATCH", `accounts/${appid}`, change),
    calls: async (path = "", appid = "") => {
      const { calls } = await send("GET", appid ? `calls?appid=${appid}` : "calls");
      return calls.filter((call) => call.path.includes(path));
    },
    /** Method, URL and headers of what came, as it came; also after its end. */
    heads: async () => last ?? (await send("GET", "heads")).heads,
    tokenAlive: async (token) => (await send("GET", `alive?access_token=${encodeURIComponent(token)}`)).alive,
    ticketAlive: async (ticket) => (await send("GET", `alive?ticket=${encodeURIComponent(ticket)}`)).alive,
    advance: (seconds) => send("POST", "clock", { advance_s: seconds }),
    clearFaults: () => send("DELETE", "faults"),
    /** Somebody else asks the plain API for a token. */
    outsider: async (appid, secret) => (await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=${secret}`)).json(),
    fault: (fault) => send("POST", "faults", fault),
    kill: (token) => send("POST", "kill", { access_token: token }),
    verify: async (signed) => (await send("POST", "verify", signed)).valid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      last = (await send("GET", "heads")).heads;
      child.removeAllListeners("exit");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}
