// V8's inspector of a workerd that was started with `--inspector-addr`: the isolate's memory, and CPU profiles.

/** Connects to the isolate of the Worker; `send` gives the result of a command of the DevTools protocol. */
export async function inspect(address) {
  const targets = await (await fetch(`http://${address}/json`)).json();
  // Beside the Worker there may be the one that stands for KV.
  const { webSocketDebuggerUrl } = targets.find(({ title }) => /\bmain\b/.test(title)) ?? targets[0];
  const socket = new WebSocket(webSocketDebuggerUrl);
  const waiting = new Map();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    waiting.get(id)?.(error ? Promise.reject(new Error(error.message)) : result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`no inspector at ${address}`)), { once: true });
  });
  return {
    send(method, params = {}) {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    close: () => socket.close(),
  };
}

/** Self time by function, the greatest first: [{ name, share }]. */
export function hottest({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split("/").at(-1)}:${callFrame.lineNumber + 1}`]));
  const times = new Map();
  samples.forEach((id, place) => times.set(names.get(id), (times.get(names.get(id)) ?? 0) + timeDeltas[place]));
  const whole = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / whole })).sort((a, b) => b.share - a.share);
}
