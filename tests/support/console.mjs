// The console in a real Chromium, as a person would use it; and what a person would complain about.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../../scripts/setup.mjs";

const require = createRequire(join(root, "tests", "sdks", "package.json"));
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** `SCREENSHOTS=docs/images` writes them there; they are taken in any case. */
const pictures = process.env.SCREENSHOTS;

/** A page with the console, signed out. */
export async function openConsole(browser, centre, { locale = "en-GB", scheme = "light", width = 1280, height = 900 } = {}) {
  const context = await browser.newContext({ locale, colorScheme: scheme, viewport: { width, height }, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  const requests = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(`${message.type()}: ${message.text()} ${message.location().url}`));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(new URL("/console/", centre.url).href);
  return {
    page,
    /** What the browser's console says, but for answers that the API is meant to give. */
    complaints: () => complaints.filter((line) => !/Failed to load resource: (.* (401|403|502|503)|net::ERR_FAILED .*\/v1\/)/.test(line)),
    requests,
    signIn: async (key) => {
      await page.locator("#key").fill(key);
      await page.locator("form button").click();
    },
    /** As if somebody came back to the tab: it looks at once. */
    look: () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))),
    card: (app) => page.locator(`#app-${app}`),
    picture: async (name, options = {}) => {
      if (pictures) mkdirSync(join(root, pictures), { recursive: true });
      await page.screenshot({ ...(pictures && { path: join(root, pictures, `${name}.png`) }), animations: "disabled", ...options });
    },
    /** Serious and critical faults of accessibility. */
    barriers: async () => {
      const before = complaints.length;
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
      // What it does to the page is its own: the policy of the page forbids some of it.
      complaints.length = before;
      return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
    },
    /** Everything that a look over the shoulder, or another script in the tab, could find. */
    traces: async () => [
      ...requests,
      await page.content(),
      await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, [...document.querySelectorAll("input")].map(({ value }) => value)])),
    ].join("\n"),
    close: () => context.close(),
  };
}
