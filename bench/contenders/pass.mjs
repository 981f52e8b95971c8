// (f) Pass-through in JavaScript: a key is compared, the real token put in its place, and the call sent on.

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.searchParams.get("access_token") !== env.KEY) return Response.json({ errcode: 40001, errmsg: "invalid credential" });
    const stored = await env.TOKENS.get("shop/access_token", { type: "json", cacheTtl: 30 });
    url.searchParams.set("access_token", stored.value);
    return fetch(`${env.UPSTREAM}${url.pathname}${url.search}`, { method: request.method, body: request.body });
  },
};
