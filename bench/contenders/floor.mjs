// (a) The floor: a key is compared, a constant is answered. Nothing that hands out a token can do less.

const ANSWER = JSON.stringify({ access_token: "9".repeat(136), expires_in: 7000, expires_at: 1_900_000_000, version: 1 });

export default {
  fetch(request, env) {
    if (request.headers.get("authorization") !== env.AUTHORIZATION) return new Response("no", { status: 401 });
    return new Response(ANSWER, { headers: { "content-type": "application/json", "cache-control": "no-store" } });
  },
};
