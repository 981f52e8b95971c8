// What stands before `wrangler dev`. Under the header MF-Original-URL that takes any URL for the one it was asked by, so that a
// page whose name points to 127.0.0.1 gets past HOSTS and calls the Worker with the published key. Headers of wrangler's own are
// dropped here, and the rest goes on as it came.

import { createServer, request } from "node:http";

/** Passes requests to `port` of this machine on to `inner`, another one; resolves when it listens. */
export function startFront(port, inner) {
  const server = createServer((incoming, outgoing) => {
    const headers = [];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
      if (!/^mf-/i.test(incoming.rawHeaders[at])) headers.push(incoming.rawHeaders[at], incoming.rawHeaders[at + 1]);
    }
    // A Node client states its own Host only where it gets none.
    const passed = request({ host: "127.0.0.1", port: inner, method: incoming.method, path: incoming.url, headers });
    passed.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    passed.on("error", () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end("The Worker does not answer.\n")));
    incoming.on("error", () => passed.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** A port that nothing listens at. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
