// A host in WeChat's place that does as a test says, which the simulator would not.

import { createServer } from "node:http";

/** The token that it gives out. */
export const REAL = "87_REALTOKENREALTOKEN-kQx7TtHc5pYb2RmZ1sLwVnA8eGf3uJiOoPq9rSt";

/** A host that gives out one token, or what `token` says, and does `business` with everything else. */
export async function host(t, business, token = () => REAL) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // It was given up on the other side.
      return;
    }
    const body = Buffer.concat(chunks);
    if (request.url.startsWith("/cgi-bin/stable_token")) return response.end(JSON.stringify({ access_token: token(), expires_in: 7200 }));
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    business(request, response, body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${server.address().port}`, seen };
}
