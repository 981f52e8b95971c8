// A page that is rendered at the edge, with everything that `wx.config` wants in it.

const WECHAT = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js";

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/favicon.ico") return new Response(null, { status: 404 });
    // The address that the browser shows, without its fragment: that is what WeChat checks.
    const signed = await signature(request.url, env);
    if (!signed.ok) return new Response(page({ problem: signed.problem }), { status: 502, headers: HTML });
    return new Response(page(signed), { headers: HTML });
  },
};

const HTML = {
  "content-type": "text/html; charset=utf-8",
  // The signature belongs to this address and to this time.
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** Asks zhongkong through the service binding. The host is of no meaning there. */
async function signature(url, env) {
  const answer = await env.ZHONGKONG.fetch(`https://zhongkong/v1/apps/${env.APP}/signature?url=${encodeURIComponent(url)}`, {
    headers: { authorization: `Bearer ${env.CENTRE_KEY}` },
  });
  const body = await answer.json();
  if (answer.ok) return { ok: true, config: body };
  // What went wrong is for whoever runs this, not for the visitor.
  console.error(JSON.stringify({ event: "not_signed", code: body.code, detail: body.detail }));
  return { ok: false, problem: body.code };
}

/** JSON that may stand inside a script element. */
const inScript = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

function page({ config, problem }) {
  const script = problem
    ? `document.querySelector("#state").textContent = "not signed: " + ${inScript(problem)};`
    : `
      wx.config({ ...${inScript(config)}, jsApiList: ["updateAppMessageShareData"] });
      const state = document.querySelector("#state");
      wx.ready(() => {
        state.textContent = "ready";
        wx.updateAppMessageShareData({ title: "Hello", desc: "from the edge", link: location.href, imgUrl: "" });
      });
      wx.error(({ errMsg }) => (state.textContent = errMsg));`;
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>zhongkong at the edge</title>
  <h1>Signed at the edge</h1>
  <p id="state">…</p>
  <script src="${WECHAT}"></script>
  <script>${script}
  </script>
</html>
`;
}
