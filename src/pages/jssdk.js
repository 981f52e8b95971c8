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

  /**
   * Who waits for what WeChat says, by the signature that it is asked about. `wx.ready` and `wx.error` are the page's own, and
   * tell of a page's first `wx.config` only: after that `wx.ready` calls back at once.
   */
  const waiting = new Map();

  /** Hears what the bridge says of a `wx.config`; everything else passes as it is. */
  function listen() {
    const bridge = window.WeixinJSBridge;
    if (!bridge || bridge.invoke.heard) return;
    const { invoke } = bridge;
    const heard = function (name, data, done) {
      const settle = name === "preVerifyJSAPI" && waiting.get(data?.verifySignature);
      if (!settle) return invoke.apply(this, arguments);
      return invoke.call(this, name, data, (answer) => {
        try {
          done?.(answer);
        } finally {
          settle(answer);
        }
      });
    };
    try {
      bridge.invoke = Object.assign(heard, { heard: true });
    } catch {
      // A bridge that cannot be listened to: the SDK's own callbacks tell of the first call at least.
      for (const settle of waiting.values()) {
        wx.ready(() => settle({ errMsg: "config:ok" }));
        wx.error(settle);
      }
    }
  }

  /** Hands a signature to WeChat; what it says of this one. */
  function verified(signed) {
    return new Promise((resolve, reject) => {
      waiting.set(signed.signature, (answer) => {
        waiting.delete(signed.signature);
        const said = answer?.errMsg ?? answer?.err_msg ?? "no answer";
        if (/:ok$/i.test(said)) resolve();
        else reject(new Error(`wx.config: ${said}`));
      });
      // Before the SDK's own listener, which asks at once.
      if (window.WeixinJSBridge) listen();
      else document.addEventListener("WeixinJSBridgeReady", listen, { once: true });
      wx.config({ debug: debug !== undefined, ...signed, jsApiList: words(apis), openTagList: words(tags) });
    });
  }

  // One after the other: the SDK mixes up two that WeChat has not answered yet. One that is never answered, as outside
  // WeChat, is waited for no longer than this.
  const PATIENCE_MS = 10_000;
  let before = Promise.resolve();

  /** Signs the page and configures the SDK; again after a change of address without a load (Android). */
  function config() {
    const mine = before.then(async () => {
      const signed = await signature();
      await verified(signed);
      return signed;
    });
    before = Promise.race([mine.catch(() => {}), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    return mine;
  }

  const ready = config();
  // Whoever does not wait for it reads of it in the console.
  ready.catch((error) => console.error(error.message));
  window.zhongkong = { config, signature, ready };
})();
