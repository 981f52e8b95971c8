// A real Chromium that takes itself for WeChat's: the JS-SDK talks to a bridge that writes down what it is told.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { findChromium, root } from "../../scripts/setup.mjs";

const require = createRequire(join(root, "tests", "sdks", "package.json"));
const WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0.54";

/** npm has the script as a CommonJS module; WeChat serves it as one that sets `wx`. */
const JWEIXIN = `(() => { const module = {}; ${readFileSync(join(root, "tests", "sdks", "node_modules", "weixin-js-sdk", "index.js"), "utf8")}; window.wx = module.exports; })();`;

export const chromium = findChromium();

/** Starts it. `hosts` maps names, as the address bar shows them, to ports of this machine. */
export async function startBrowser(hosts = {}) {
  const rules = Object.entries(hosts).map(([name, port]) => `MAP ${name}:80 127.0.0.1:${port}`);
  const args = ["--no-sandbox", "--disable-gpu", ...(rules.length ? [`--host-resolver-rules=${rules.join(",")}`] : [])];
  return require("playwright-core").chromium.launch({ executablePath: chromium, args });
}

/** A page in WeChat: its script comes from npm, its bridge notes `wx.config` and says that it is fine. */
export async function wechatPage(browser, { userAgent = WECHAT } = {}) {
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.addInitScript(() => {
    window.told = [];
    window.WeixinJSBridge = {
      invoke(name, parameters, done) {
        window.told.push([name, parameters]);
        setTimeout(() => done?.({ err_msg: `${name}:ok`, errMsg: `${name}:ok` }), 0);
      },
      on() {},
    };
  });
  await page.route("https://res.wx.qq.com/**", (route) => route.fulfill({ body: JWEIXIN, contentType: "text/javascript" }));
  /** What WeChat was asked to verify. */
  const verified = async () => (await page.waitForFunction(() => window.told.find(([name]) => name === "preVerifyJSAPI"), null, { timeout: 15_000 }).then((handle) => handle.jsonValue()))[1];
  return { page, complaints, verified };
}
