// (b) The Worker that one would write: Hono, its Bearer check, and a read of KV for each request.

import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";

const app = new Hono();

app.use("/v1/*", (context, next) => bearerAuth({ token: context.env.KEY })(context, next));

app.get("/v1/apps/:app/access_token", async (context) => {
  const stored = await context.env.TOKENS.get(`${context.req.param("app")}/access_token`, { type: "json", cacheTtl: 30 });
  if (!stored) return context.json({ error: "there is no token" }, 503);
  const expiresIn = stored.expires_at - Math.floor(Date.now() / 1000);
  return context.json({ access_token: stored.value, expires_in: expiresIn, expires_at: stored.expires_at }, 200, { "cache-control": "no-store" });
});

export default app;
