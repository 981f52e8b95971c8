// What stands for WeChat behind the pass-through of all contenders: a small answer, at once.

const json = (body) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json; encoding=utf-8" } });

export default {
  fetch(request) {
    if (request.url.endsWith("/cgi-bin/stable_token")) return json({ access_token: "9".repeat(136), expires_in: 7200 });
    return json({ errcode: 0, errmsg: "ok" });
  },
};
