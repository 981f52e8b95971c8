// Pages in real Chromium: the edge front end of examples/, and a static page with /jssdk.js. `wx.config` is that of the real
// weixin-js-sdk; what it hands to WeChat is verified by the simulator.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { chromium, startBrowser, wechatPage } from "./support/browser.mjs";
import { APPID, CANARY, root, startCentre } from "./support/centre.mjs";

const PAGE_KEY = "published-key-0123456789abcdefghijkl";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.54";

/** What the JS-SDK asks WeChat to verify, in the simulator's words. */
const asSigned = (told, url) => ({ appId: told.verifyAppId, timestamp: Number(told.verifyTimestamp), nonceStr: told.verifyNonceStr, signature: told.verifySignature, url });

/** Serves one page at every path of a free port. */
async function serve(t, html) {
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html()));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return server.address().port;
}

describe("in Chromium", { skip: !chromium && !process.env.CI && "no Chromium or Chrome is installed here", concurrency: 1 }, () => {
  before(() => assert.ok(chromium, "in CI it has to be there"));

  test("the edge front end's page is signed through the service binding", async (t) => {
    const example = join(root, "examples", "edge-frontend");
    const frontend = {
      name: "edge-frontend",
      main: join(example, "src", "index.js"),
      compatibility_date: "2026-11-01",
      services: [{ binding: "ZHONGKONG", service: "zhongkong-test" }],
      vars: { APP: "demo", CENTRE_KEY: CANARY.key },
    };
    assert.match(readFileSync(join(example, "wrangler.toml"), "utf8"), /binding = "ZHONGKONG"/);
    const centre = await startCentre({ before: [frontend] });
    const browser = await startBrowser({ "shop.example.com": centre.url.port });
    t.after(() => browser.close().finally(() => centre.stop()));
    const { page, complaints, verified } = await wechatPage(browser);
    const address = "http://shop.example.com/goods?id=1&from=%E5%BE%AE%E4%BF%A1#part";
    await page.goto(address);
    const told = await verified();
    assert.equal(told.verifyAppId, APPID.demo);
    assert.equal(await centre.simulator.verify(asSigned(told, address.split("#")[0])), true);
    assert.equal(await centre.simulator.verify(asSigned(told, "http://shop.example.com/other")), false);
    await page.waitForFunction(() => document.querySelector("#state").textContent === "ready");
    assert.deepEqual(complaints, []);
    const html = await page.content();
    for (const secret of [CANARY.key, CANARY.appSecret]) assert.ok(!html.includes(secret));
    assert.ok(!(await centre.search()).found.length);
  });

  test("a static page is signed by /jssdk.js from an allowed origin, and from no other", async (t) => {
    let centre;
    const html = () => `<!doctype html><meta charset="utf-8"><title>static</title>
      <script src="https://res.wx.qq.com/open/js/jweixin-1.6.0.js"></script>
      <script src="${centre.url}jssdk.js" data-app="demo" data-key="${PAGE_KEY}" data-apis="updateAppMessageShareData"></script>
      <script>zhongkong.ready.then(() => (document.title = "ready"), (error) => (document.title = "refused: " + error.message))</script>`;
    const port = await serve(t, html);
    centre = await startCentre({
      change: (vars) => {
        vars.APPS.demo.sign_hosts.push("127.0.0.1", "localhost");
        vars.CALLERS.page = { apps: ["demo"], scopes: ["sign"], origins: [`http://127.0.0.1:${port}`] };
        vars.CALLER_KEY_PAGE = PAGE_KEY;
        return vars;
      },
    });
    t.after(() => centre.stop());
    const browser = await startBrowser();
    t.after(() => browser.close());

    const { page, complaints, verified } = await wechatPage(browser);
    const address = `http://127.0.0.1:${port}/a/b?c=d%20e`;
    await page.goto(`${address}#there`);
    assert.equal(await centre.simulator.verify(asSigned(await verified(), address)), true);
    await page.waitForFunction(() => document.title === "ready");
    assert.deepEqual(complaints, []);
    // After a change of address without a load: Android signs the new one, iOS goes on with that of the entry.
    for (const [userAgent, signedFor] of [[undefined, "/later?x=1"], [IPHONE, "/entry"]]) {
      const other = await wechatPage(browser, { userAgent });
      await other.page.goto(`http://127.0.0.1:${port}/entry`);
      await other.page.waitForFunction(() => document.title === "ready");
      const signed = await other.page.evaluate(() => {
        history.pushState({}, "", "/later?x=1");
        return zhongkong.signature();
      });
      assert.equal(await centre.simulator.verify({ ...signed, url: `http://127.0.0.1:${port}${signedFor}` }), true, signedFor);
    }

    // Each promise tells of its own call, in all four orders, and the page's own handlers keep working.
    for (const [first, second] of [["ok", "ok"], ["ok", "fail"], ["fail", "ok"], ["fail", "fail"]]) {
      const again = await wechatPage(browser);
      await again.page.addInitScript((answers) => {
        window.handled = [];
        const { invoke } = window.WeixinJSBridge;
        window.WeixinJSBridge.invoke = function (name, data, done) {
          if (name !== "preVerifyJSAPI") return invoke.call(this, name, data, done);
          const word = answers.shift() === "ok" ? "ok" : "fail_invalid signature";
          setTimeout(() => done({ err_msg: `${name}:${word}`, errMsg: `config:${word}` }), 150);
        };
      }, [first, second]);
      await again.page.goto(`http://127.0.0.1:${port}/spa`);
      const came = await again.page.evaluate(async () => {
        wx.error(({ errMsg }) => window.handled.push(errMsg));
        const outcome = (promise) => promise.then(() => "ok", (error) => error.message);
        const one = await outcome(zhongkong.ready);
        history.pushState({}, "", "/spa/next");
        const from = performance.now();
        const two = await outcome(zhongkong.config());
        return { one, two, ms: performance.now() - from, handled: window.handled };
      });
      const said = (word) => (word === "ok" ? /^ok$/ : /^wx\.config: config:fail/);
      assert.match(came.one, said(first), `${first}, ${second}`);
      assert.match(came.two, said(second), `${first}, ${second}`);
      assert.ok(came.ms >= 140, `${came.ms} ms: not before the bridge has answered`);
      assert.equal(came.handled.length, [first, second].filter((word) => word === "fail").length, "the page's own wx.error hears of each failure");
    }
    // The bridge may come after the page.
    const late = await wechatPage(browser);
    await late.page.addInitScript(() => {
      const bridge = window.WeixinJSBridge;
      delete window.WeixinJSBridge;
      setTimeout(() => {
        window.WeixinJSBridge = bridge;
        document.dispatchEvent(new Event("WeixinJSBridgeReady"));
      }, 1500);
    });
    await late.page.goto(`http://127.0.0.1:${port}/late`);
    await late.page.waitForFunction(() => document.title === "ready");

    const elsewhere = await wechatPage(browser);
    await elsewhere.page.goto(`http://localhost:${port}/`);
    await elsewhere.page.waitForFunction(() => document.title.startsWith("refused"));
    assert.deepEqual(await elsewhere.page.evaluate(() => window.told.filter(([name]) => name === "preVerifyJSAPI")), []);
    assert.ok(elsewhere.complaints.some((text) => text.includes("CORS")), elsewhere.complaints.join());
  });
});

