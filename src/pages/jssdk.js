// zhongkong: signs this page for the WeChat JS-SDK.
//
//   <script src="https://res.wx.qq.com/open/js/jweixin-1.6.0.js"></script>
//   <script src="https://token.example.com/jssdk.js" data-app="shop" data-key="…" data-apis="updateAppMessageShareData"></script>
//   <script>zhongkong.ready.then(() => wx.updateAppMessageShareData({ … }), console.error)</script>
//
// The key is that of a caller with `origins`: everybody may read it, and it opens nothing but signatures for its pages.
(() => {
  "use strict";
  const script = document.currentScript ?? document.querySelector("script[data-app][data-key]");
  if (!script) throw new Error("zhongkong: no script element has data-app and data-key");
  const { app, key, apis = "", tags = "", debug } = script.dataset;
  const words = (text) => text.split(/[\s,]+/).filter(Boolean);
  // WeChat on iOS goes on checking the address that the page was entered by, whatever the history says since.
  const entry = location.href;
  const staysAtEntry = /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

  /** What `wx.config` wants, for the page as it is now. */
  async function signature() {
    const url = (staysAtEntry ? entry : location.href).split("#")[0];
    const answer = await fetch(new URL(`/v1/apps/${app}/signature`, script.src), {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ url }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`zhongkong: ${body.detail ?? answer.status}`);
    return body;
  }

  /** Signs the page and configures the SDK; again after a change of address without a load (Android). */
  async function config() {
    const signed = await signature();
    await new Promise((resolve, reject) => {
      wx.ready(resolve);
      wx.error(({ errMsg }) => reject(new Error(`wx.config: ${errMsg}`)));
      wx.config({ debug: debug !== undefined, ...signed, jsApiList: words(apis), openTagList: words(tags) });
    });
    return signed;
  }

  const ready = config();
  // Whoever does not wait for it reads of it in the console.
  ready.catch((error) => console.error(error.message));
  window.zhongkong = { config, signature, ready };
})();
