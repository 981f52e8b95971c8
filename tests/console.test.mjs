// The console in a real Chromium, on real workerd, with the simulator as WeChat.

import assert from "node:assert/strict";
import { before, after, describe, test } from "node:test";
import { chromium, startBrowser } from "./support/browser.mjs";
import { APPID, CANARY, startCentre, until } from "./support/centre.mjs";
import { openConsole } from "./support/console.mjs";

const missing = chromium || process.env.CI ? false : "no Chrome or Chromium was found on this machine";
const VIEWER = "canary-key-viewer-0123456789abcdef";

/** demo with every ticket, legacy on the plain API, and somebody who may only look. */
function settings(vars) {
  vars.CALLERS.viewer = { apps: ["demo"], scopes: ["status"] };
  return { ...vars, CALLER_KEY_VIEWER: VIEWER, LOG_LEVEL: "info" };
}

describe("console", { skip: missing, concurrency: 1 }, () => {
  let browser;
  before(async () => {
    assert.ok(chromium, "CI needs a Chromium: `npm test` installs it on Debian");
    browser = await startBrowser();
  });
  after(() => browser?.close());

  /** A centre with two apps whose tokens are there, and the console on it. */
  async function opened(t, options = {}) {
    const centre = await startCentre({ change: (vars) => settings((options.change ?? ((vars) => vars))(vars)) });
    await Promise.all(["demo", "legacy"].map((app) => centre.token(app)));
    await centre.cron();
    const console_ = await openConsole(browser, centre, options);
    t.after(async () => {
      const traces = await console_.traces();
      await console_.close();
      await centre.stop();
      for (const [name, secret] of Object.entries({ ...CANARY, viewerKey: VIEWER })) assert.ok(!traces.includes(secret), `${name} is in the page, its storage or a URL`);
      assert.deepEqual(console_.complaints(), []);
    });
    return { centre, console_, page: console_.page };
  }

  test("signing in: a wrong key, a key that may not, a right one; a reload forgets it", async (t) => {
    const { centre, console_, page } = await opened(t);
    assert.deepEqual(await console_.barriers(), []);
    await console_.signIn("wrong-key-0123456789abcdef0123456789");
    await page.getByText("Nobody holds this key.").waitFor();
    assert.equal(await page.locator("#key").inputValue(), "", "the field is emptied");
    await console_.signIn(CANARY.webKey);
    await page.getByText("has neither the scope status nor admin").waitFor();
    await console_.signIn(CANARY.key);
    await page.getByText("All 2 apps are well").waitFor();
    await page.getByText("Cron ran").waitFor();
    assert.ok(!(await console_.traces()).includes(CANARY.key));
    await page.reload();
    await page.getByRole("heading", { name: "Token centre" }).waitFor();
    await console_.signIn(CANARY.key);
    await page.getByText("All 2 apps are well").waitFor();
    // A key that is taken away ends the visit.
    await centre.reconfigure((vars) => settings({ ...vars, CALLER_KEY_ALL: "canary-key-other-0123456789abcdef0", CALLER_KEY_ALL_NEXT: "canary-key-other-0123456789abcdef1" }));
    await page.getByText("The key is not valid any more.").waitFor({ timeout: 20_000 });
  });

  test("left alone for an hour it signs out, and not before", async (t) => {
    const { console_, page } = await opened(t);
    await console_.signIn(CANARY.key);
    await page.getByText("All 2 apps are well").waitFor();
    const later = (ms) => page.evaluate((ms) => (Date.now = ((now) => () => now() + ms)(Date.now)), ms);
    await later(59 * 60_000);
    await page.keyboard.press("Shift");
    await later(59 * 60_000);
    await page.keyboard.press("Shift");
    assert.ok(await page.getByText("All 2 apps are well").isVisible(), "it was used");
    await later(60 * 60_000 + 1000);
    await page.keyboard.press("Shift");
    await page.getByText("Signed out after an hour without use.").waitFor();
    assert.ok(!(await console_.traces()).includes(CANARY.key));
  });

  test("cards follow a rotation by themselves; plots and quota; no barrier, light or dark", async (t) => {
    const { centre, console_, page } = await opened(t);
    await console_.signIn(CANARY.key);
    const token = console_.card("demo").locator('[data-credential="access_token"]');
    await token.getByText("version 1").waitFor();
    const width = () => token.locator(".bar-fill").evaluate((bar) => parseFloat(bar.style.width));
    assert.ok((await width()) > 99);
    // Two days, with a bad hour in the middle.
    for (let round = 0; round < 60; round++) {
      if (round === 30) await centre.simulator.fault({ fault: "errcode", errcode: -1, when: { probability: 0.7 } });
      if (round === 32) await centre.simulator.clearFaults();
      await centre.advance(2900);
      await Promise.all(["demo", "legacy"].map((app) => centre.token(app)));
    }
    await centre.cron();
    const { version } = (await centre.token("demo")).body;
    assert.ok(version > 20, `version ${version}`);
    await token.getByText(`version ${version}`).waitFor({ timeout: 30_000 });
    await token.getByText(/\d+ (h|min) .*left/).waitFor();
    await centre.advance(1200);
    await console_.look();
    await until(width, (width) => width < 90, 30_000);
    await centre.cron();
    await console_.look();
    await console_.card("demo").locator("summary").click();
    await console_.card("demo").getByText(/rotations in 3 days: \d+/).waitFor();
    await console_.card("demo").getByText(/calls: \d+, failures: \d+/).first().waitFor();
    assert.ok((await console_.card("demo").locator("canvas").count()) >= 2);
    await console_.card("demo").getByText("access_token · forced").waitFor();
    assert.deepEqual(await console_.barriers(), []);
    await page.getByText("Cron ran").waitFor({ timeout: 30_000 });
    await console_.picture("console", { fullPage: true });
    await page.locator("#theme", { hasText: "System" }).click();
    await page.locator("#theme", { hasText: "Light" }).click();
    await page.locator("#theme", { hasText: "Dark" }).waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(16, 21, 19)");
    await console_.card("demo").locator("canvas").first().waitFor();
    assert.deepEqual(await console_.barriers(), []);
    await console_.picture("console-dark");
  });

  test("a 40164 incident appears with the IP and goes after it is mended and re-checked", async (t) => {
    const { centre, console_, page } = await opened(t);
    await console_.signIn(CANARY.key);
    await page.getByText("All 2 apps are well").waitFor();
    await centre.simulator.knobs(APPID.demo, { whitelist: ["198.51.100.1"] });
    await centre.advance(7300, ["demo"]);
    await centre.token("demo");
    await centre.cron();
    const card = console_.card("demo");
    await card.getByRole("heading", { name: /access_token: refresh failing errcode 40164/ }).waitFor({ timeout: 30_000 });
    await page.getByText("Need attention: 1 of 2 apps").waitFor();
    await card.getByText("IP to put on the whitelist").waitFor();
    await card.getByRole("button", { name: "Copy" }).click();
    await card.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "127.0.0.1");
    assert.deepEqual(await console_.barriers(), []);
    await console_.picture("console-40164");
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByText("2 个应用中有 1 个需要关注").waitFor();
    await card.getByText("微信不允许来自这个出口 IP 的调用").waitFor();
    await console_.picture("console-40164.zh");
    await page.getByRole("button", { name: "English" }).click();
    await centre.simulator.knobs(APPID.demo, { whitelist: null });
    await centre.advance(15, ["demo"]);
    await card.getByRole("button", { name: "Re-check" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Re-check" }).click();
    await page.getByText("Store (kv)").waitFor();
    await card.getByRole("heading", { name: /refresh failing/ }).waitFor({ state: "detached", timeout: 15_000 });
    await page.getByText("All 2 apps are well").waitFor({ timeout: 15_000 });
  });

  test("refresh and revoke ask first, and say what came of it", async (t) => {
    const { centre, console_, page } = await opened(t);
    await console_.signIn(CANARY.key);
    const card = console_.card("legacy");
    await centre.advance(60);
    await card.getByRole("button", { name: "Refresh access_token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The plain API makes a new token on each call").waitFor();
    assert.deepEqual(await console_.barriers(), []);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 0, "cancelled is cancelled");
    await card.getByRole("button", { name: "Refresh access_token" }).click();
    await dialog.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("access_token: WeChat has answered, the value stays").waitFor();
    assert.equal((await centre.simulator.calls("getcallbackip")).length, 1);
    // A dead one is replaced.
    await centre.kill((await centre.token("legacy")).body.access_token, "legacy");
    await centre.advance(61);
    await card.getByRole("button", { name: "Refresh access_token" }).click();
    await dialog.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("access_token: replaced by a new value").waitFor();
    const revoke = console_.card("demo").getByRole("button", { name: "Revoke token" });
    await revoke.click();
    await dialog.getByText("two forced refreshes, 30 s apart").waitFor();
    await page.keyboard.press("Escape");
    assert.equal((await centre.simulator.calls("stable_token", APPID.demo)).length, 1);
    await revoke.click();
    await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByText("The revocation has begun").waitFor();
    await console_.card("demo").getByText("Revoking; forced refreshes to go: 1").waitFor();
    await centre.advance(40, ["demo"]);
    await console_.card("demo").getByText("Revoked; the old token was dead").waitFor({ timeout: 20_000 });
  });

  test("events, with filters and older ones", async (t) => {
    const { centre, console_, page } = await opened(t);
    for (let minute = 0; minute < 30; minute++) {
      await centre.call("/v1/apps/demo/tickets/sdk");
      await centre.token("demo");
      await centre.advance(61, ["demo"]);
    }
    await until(async () => (await centre.events("demo", "?limit=500")).events.length, (count) => count > 60, 40_000);
    await console_.signIn(CANARY.key);
    await page.getByRole("tab", { name: "Events" }).click();
    const rows = page.locator("tbody tr");
    await rows.first().waitFor();
    assert.equal(await rows.count(), 50);
    await page.getByRole("button", { name: "Older" }).click();
    await until(() => rows.count(), (count) => count > 50);
    assert.deepEqual(await console_.barriers(), []);
    await page.evaluate(() => scrollTo(0, 0));
    await console_.picture("console-events");
    await page.getByLabel("Kind").selectOption("upkeep");
    await until(() => rows.allInnerTexts(), (texts) => texts.length > 0 && texts.every((text) => /refresh|probe|knock|alert|publish|check/.test(text)));
    await page.getByLabel("Caller").fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("No event like that.").waitFor();
    await page.getByLabel("Caller").fill("");
    await page.getByLabel("Kind").selectOption("");
    await page.getByLabel("App").selectOption("legacy");
    await until(() => rows.count(), (count) => count > 0);
  });

  test("a signature is explained: the right one, the one for another URL, a host that may not", async (t) => {
    const { centre, console_, page } = await opened(t);
    const signed = (await centre.call(`/v1/apps/demo/signature?url=${encodeURIComponent("https://shop.example.com/a?x=1")}`)).body;
    await console_.signIn(CANARY.key);
    await page.getByRole("tab", { name: "Signatures" }).click();
    const url = page.getByLabel(/URL of the page/);
    const button = page.getByRole("button", { name: "Explain" });
    await url.fill("https://shop.example.com/a?x=1#/route");
    await page.getByLabel(/^signature/).fill(signed.signature);
    await page.getByLabel(/^nonceStr/).fill(signed.nonceStr);
    await page.getByLabel(/^timestamp/).fill(`${signed.timestamp}`);
    await button.click();
    await page.getByRole("heading", { name: "The signature is right" }).waitFor();
    await page.getByText("What follows the # is not signed").waitFor();
    await page.getByText(/jsapi_ticket=\(version 1, SHA-256 [0-9a-f]{8}…\)&noncestr=/).waitFor();
    await url.fill("https://shop.example.com/a");
    await button.click();
    await page.getByRole("heading", { name: "Not made for this" }).waitFor();
    await url.fill("http://shop.example.com/a?x=1");
    await button.click();
    await page.getByRole("heading", { name: "Made for another URL" }).waitFor();
    await page.locator("code", { hasText: "https://shop.example.com/a?x=1" }).first().waitFor();
    assert.deepEqual(await console_.barriers(), []);
    await console_.picture("console-signature");
    for (const name of ["signature", "nonceStr", "timestamp"]) await page.getByLabel(new RegExp(`^${name}`)).fill("");
    await url.fill("https://elsewhere.example.org/");
    await button.click();
    await page.getByText("Host elsewhere.example.org is not among sign_hosts").waitFor();
    assert.equal(await page.getByText("Its signature").count(), 0, "no signature for a host that may not");
    await url.fill("shop.example.com/a");
    await button.click();
    await page.getByText("the url must start with http:// or https://").waitFor();
  });

  test("in Chinese, on a phone, for somebody who may only look", async (t) => {
    const { console_, page } = await opened(t, { locale: "zh-CN", width: 390, height: 844 });
    await page.getByRole("heading", { name: "中控控制台" }).waitFor();
    await console_.signIn("wrong-key-0123456789abcdef0123456789");
    await page.getByText("没有这个密钥").waitFor();
    await console_.signIn(VIEWER);
    await page.getByText("应用正常").waitFor();
    assert.equal(await page.locator("article").count(), 1, "only the app that it may see");
    assert.equal(await page.getByRole("button", { name: "重新检查" }).count(), 0);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, "nothing sticks out");
    assert.deepEqual(await console_.barriers(), []);
    await console_.picture("console-phone");
    await page.getByRole("tab", { name: "事件" }).click();
    await page.getByText("事件记录需要 admin 权限的密钥").waitFor();
    await page.getByRole("button", { name: "English" }).click();
    await page.getByText("The events need a key with the scope admin").waitFor();
    await page.getByRole("button", { name: "中文" }).click();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  });

  test("wrong settings and a centre that is gone are told of", async (t) => {
    const change = (vars) => ((vars.APP_SECRET_LEGACY = "short"), vars);
    const { console_, page } = await opened(t, { change });
    await console_.signIn(CANARY.key);
    await page.getByRole("heading", { name: "Settings to correct" }).waitFor();
    await console_.card("legacy").getByText("APP_SECRET_LEGACY has not the length of an AppSecret").waitFor();
    await page.route("**/v1/**", (route) => route.abort());
    await page.getByText("Not updated; this is how it was at").waitFor({ timeout: 20_000 });
    await page.unroute("**/v1/**");
    await page.getByText("Updated").waitFor({ timeout: 20_000 });
    // Somebody else answers in its place: that is said, and no key is thrown away for it.
    await page.route("**/v1/**", (route) => route.fulfill({ status: 403, contentType: "text/html", body: "<html>" }));
    await page.getByText("Not updated; this is how it was at").waitFor({ timeout: 30_000 });
    assert.equal(await page.getByRole("tab", { name: "Apps" }).count(), 1);
  });

  test("a late answer is not shown to whoever signs in next; nothing of a visit is left after it", async (t) => {
    const { console_, page } = await opened(t);
    await console_.signIn(CANARY.key);
    await page.getByText("All 2 apps are well").waitFor();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("**/v1/apps", async (route) => (await held, route.continue()), { times: 1 });
    await console_.card("demo").getByRole("button", { name: "Revoke token" }).click();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await page.evaluate(() => [...document.querySelectorAll("header button")].at(-1).click());
    await page.locator("#key").waitFor();
    assert.equal(await page.locator("dialog").count(), 0, "no dialog of the visit before");
    await console_.signIn(VIEWER);
    await page.getByText("The app is well").waitFor();
    release();
    await page.waitForTimeout(1500);
    assert.equal(await page.locator("article").count(), 1);
    assert.equal(await page.getByRole("button", { name: "Revoke token" }).count(), 0);
  });

  test("what needs somebody comes first; tabs by keyboard and by Back; the focus comes back after a dialog", async (t) => {
    const { centre, console_, page } = await opened(t);
    await centre.kill((await centre.token("legacy")).body.access_token, "legacy");
    await centre.report("legacy", (await centre.token("legacy")).body.access_token);
    await console_.signIn(CANARY.key);
    await page.getByText("Need attention: 1 of 2 apps").waitFor();
    assert.deepEqual(await page.locator("article h2").allInnerTexts(), ["legacy", "demo"]);
    await console_.card("legacy").getByText("Killed by others").waitFor();
    assert.match(await page.title(), /^\(1\)/);
    const button = console_.card("demo").getByRole("button", { name: "Re-check" });
    await button.click();
    await page.keyboard.press("Escape");
    assert.equal(await button.evaluate((button) => document.activeElement === button), true);
    await page.getByRole("tab", { name: "Apps" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("table.events").waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByLabel(/URL of the page/).waitFor();
    await page.goBack();
    await page.locator("table.events").waitFor();
  });
});
