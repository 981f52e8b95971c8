// An app as a card: what it holds, what is wrong and what to do, and what an administrator may do.

import { check, Gone, revoke } from "./api.js";
import { confirm, toast } from "./dialog.js";
import { announce, copyButton, h } from "./dom.js";
import { detailOf, t, word } from "./i18n.js";
import { plots } from "./plots.js";
import { isTroubled } from "./trouble.js";
import { clock, duration, now, relative } from "./time.js";

/** Every credential of WeChat's lives so long when it is new. */
const WHOLE_LIFE_S = 7200;

/** Trends that are open are drawn anew so often, and whenever a value is replaced. */
const REDRAW_MS = 60_000;

const BAD = new Set(["down", "misconfigured", "unknown"]);
/** What is under way, by app and action: its button waits. */
const busy = new Set();

export function appCard(name, console_) {
  const element = h("article", { class: "card panel", id: `app-${name}`, "aria-label": name });
  const body = h("div", {});
  const shown = h("div", { class: "plots" });
  let app = null;
  let painted = null;
  let rows = [];
  let drawn = null;

  const details = h("details", { ontoggle: () => (details.open ? draw() : leave()) }, h("summary", {}, t("card.details")), shown);
  element.append(body, details);

  let drawn_for = null;

  async function draw() {
    if (!drawn) shown.replaceChildren(h("p", { class: "quiet" }, t("plots.loading")));
    drawn_for = { versions: versions(app), at: Date.now() };
    const before = drawn;
    try {
      drawn = await plots(shown, app);
      before?.leave();
    } catch (error) {
      if (!(error instanceof Gone)) shown.replaceChildren(h("p", { class: "complaint" }, t("done.error", error.message || t("done.unreachable"))));
    }
  }

  function leave() {
    drawn?.leave();
    drawn = null;
  }

  const repaint = () => details.open && draw();

  function update(next) {
    app = next;
    // Painted anew only where something has changed: a button that is about to be pressed stays where it is.
    if (details.open && drawn_for && (drawn_for.versions !== versions(next) || Date.now() - drawn_for.at > REDRAW_MS)) draw();
    const look = JSON.stringify([next, console_.state.admin, [...busy]], (name, value) => (name === "expires_in" ? undefined : value));
    if (look === painted) return tick();
    if (painted !== null && changed(painted, next)) announce(`${name}: ${word("state", next.state)}`);
    painted = look;
    element.className = `card panel ${next.state}${BAD.has(next.state) || isTroubled(next) ? " bad" : ""}`;
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const boxes = troubles(next);
    const credentials = Object.entries(next.credentials ?? {}).map(([credential, status]) => credentialRow(next, credential, status, console_));
    rows = [...boxes, ...credentials];
    body.replaceChildren(...[
      head(next),
      ...(next.faults ?? []).map((fault) => h("p", { class: "trouble", lang: "en" }, fault)),
      next.detail && h("p", { class: "trouble", lang: "en" }, next.detail),
      ...rows.map((row) => row.element),
      revocation(next),
      next.alerts_waiting > 0 && h("p", { class: "quiet bad" }, t("card.waiting", next.alerts_waiting)),
      console_.state.admin && next.credentials && actions(next, console_),
    ].filter(Boolean));
    if (focused) body.querySelector(`[data-focus="${focused}"]`)?.focus();
    details.hidden = !next.credentials;
    tick();
  }

  const tick = () => rows.forEach((row) => row.tick());
  return { element, update, tick, repaint, leave };
}

const versions = ({ credentials }) => Object.values(credentials ?? {}).map(({ version }) => version).join();

function changed(before, next) {
  return JSON.parse(before)[0].state !== next.state;
}

/** In a word. */
function standing({ state, credentials }) {
  if (state === "ok" && credentials.access_token.revoke?.state === "going_on") return ["retrying", t("state.revoking")];
  if (state === "ok" && credentials.access_token.killed_outside) return ["retrying", t("state.killed_outside")];
  return [state, word("state", state)];
}

function head(app_) {
  const { app, appid, platform, token_api } = app_;
  const [name, text] = standing(app_);
  return h("header", {},
    h("div", {},
      h("h2", {}, app),
      h("p", { class: "quiet" }, [appid, platform && t(`platform.${platform}`), token_api && t(`api.${token_api}`)].filter(Boolean).join(" · "))),
    h("span", { class: `pill ${name}` }, text));
}

/** One box for each failure that there is: tickets that fail for want of a token say nothing of their own. */
function troubles(app) {
  const boxes = [];
  for (const [credential, { trouble, killed_outside }] of Object.entries(app.credentials ?? {})) {
    if (trouble && !(trouble.errcode === null && credential !== "access_token" && app.credentials.access_token?.trouble)) boxes.push(troubleBox(app, credential, trouble));
    if (killed_outside) {
      const heading = h("h3", {});
      const tick = () => (heading.textContent = t("outsider.heading", killed_outside.count, relative(killed_outside.last_at)));
      boxes.push({ tick, element: h("div", { class: "trouble" }, heading, h("p", {}, detailOf(killed_outside))) });
    }
  }
  return boxes;
}

function troubleBox({ platform }, credential, trouble) {
  const code = trouble.errcode === null ? null : t("trouble.errcode", trouble.errcode);
  const plan = h("p", { class: "quiet" });
  const again = () => (trouble.retry_at > now() ? t("trouble.retry", relative(trouble.retry_at)) : t("trouble.retrying"));
  const tick = () => (plan.textContent = t("trouble.since", clock(trouble.since), trouble.failures, again()));
  const element = h("div", { class: "trouble", role: "group", "aria-label": t("trouble.heading", credential) },
    h("h3", {}, t("trouble.heading", credential), code && h("span", { class: "pill down" }, code)),
    h("p", {}, trouble.errcode === 40164 && trouble.ip ? t("trouble.40164") : detailOf(trouble)),
    trouble.ip && h("div", { class: "ip" },
      h("span", {}, t("trouble.ip")),
      h("code", {}, trouble.ip),
      copyButton(trouble.ip, t("trouble.copy"), t("trouble.copied"))),
    trouble.ip && h("p", {}, t(platform === "mini" ? "trouble.where.mini" : "trouble.where"), " ", h("a", { href: "https://mp.weixin.qq.com/", target: "_blank", rel: "noreferrer noopener" }, t("trouble.open"))),
    plan);
  return { tick, element };
}

/** Its bar shrinks by the second; the rest changes when the centre says so. */
function credentialRow(app, credential, status, console_) {
  const bar = h("div", { class: "bar-fill" });
  const meter = h("div", { class: "bar-track", role: "progressbar", "aria-label": t("card.life", credential), "aria-valuemin": "0", "aria-valuemax": `${WHOLE_LIFE_S}` }, bar);
  const left = h("span", { class: "left" });
  const plan = h("span", {});
  const { used, limit } = status.calls_today.refreshes;
  const tick = () => {
    const seconds = status.expires_at === null ? 0 : Math.max(0, status.expires_at - now());
    const part = Math.min(1, seconds / WHOLE_LIFE_S);
    // Of an unknown age it is confirmed every few minutes: its bar would only ever look nearly dead.
    const confirmed = !status.age_known && seconds > 0;
    bar.style.width = confirmed ? "100%" : `${(part * 100).toFixed(2)}%`;
    bar.dataset.level = confirmed ? "unknown" : part > 0.15 ? "good" : part > 0.05 ? "low" : "bad";
    meter.setAttribute("aria-valuenow", `${Math.round(seconds)}`);
    left.textContent = confirmed && status.last_success_at !== null ? t("card.confirmed", relative(status.last_success_at)) : seconds > 0 ? t("card.left", duration(seconds)) : t("card.none");
    const due = status.next_refresh_at;
    plan.textContent = due === null ? "" : due <= now() ? t("card.due") : t("card.next", relative(due));
  };
  const facts = [
    h("span", { class: "version" }, t("card.version", status.version)),
    plan,
    h("span", {}, status.last_success_at === null ? t("card.never") : t("card.success", clock(status.last_success_at))),
    h("span", { class: used >= limit * 0.8 ? "bad" : "" }, t("card.quota", used, limit)),
    !status.age_known && h("span", {}, t("card.age_unknown")),
  ];
  const button = console_.state.admin && h("button", { class: "small", disabled: busy.has(`${app.app} ${credential}`), "data-focus": `refresh-${credential}`, "aria-label": t("card.refresh.of", credential), onclick: () => refresh(app, credential, console_) }, t("card.refresh"));
  return {
    tick,
    element: h("section", { class: "credential", "data-credential": credential },
      h("div", { class: "row" }, h("h3", {}, h("code", {}, credential)), h("span", { class: "grow" }), left, button),
      meter,
      h("p", { class: "quiet facts" }, facts)),
  };
}

function revocation({ credentials }) {
  const revoke = credentials?.access_token?.revoke;
  if (!revoke) return null;
  if (revoke.state === "done") return h("p", { class: "quiet" }, t("card.revoked", clock(revoke.finished_at)));
  return h("div", { class: "trouble" }, h("h3", {}, t("card.revoking", revoke.forced_refreshes_left)), h("p", {}, detailOf(revoke.trouble ?? revoke)));
}

function actions(app, console_) {
  return h("div", { class: "row actions" },
    h("button", { disabled: busy.has(`${app.app} all`), "data-focus": "recheck", onclick: () => recheck(app, console_) }, t("card.recheck")),
    h("button", { class: "grave", disabled: busy.has(`${app.app} revoke`), "data-focus": "revoke", onclick: () => kill(app, console_) }, t("card.revoke")));
}

async function refresh({ app, token_api }, credential, console_) {
  const text = t(credential === "access_token" ? `refresh.${token_api}` : "refresh.ticket");
  if (!(await confirm({ heading: t("refresh.heading", credential), text, button: t("card.refresh") }))) return;
  await act(console_, `${app} ${credential}`, async () => outcome(await check(app, credential)));
}

async function recheck({ app }, console_) {
  if (!(await confirm({ heading: t("recheck.heading", app), text: t("recheck.text"), button: t("card.recheck") }))) return;
  await act(console_, `${app} all`, async () => {
    const found = await check(app);
    const store = t(`done.store.${found.store.state}`, found.store.kind);
    return { lines: [...outcome(found).lines, store, ...(found.cron.state === "ok" ? [] : [t("done.cron.failed")])], bad: outcome(found).bad || found.store.state === "failed" };
  });
}

async function kill({ app }, console_) {
  if (!(await confirm({ heading: t("revoke.heading", app), text: t("revoke.text"), button: t("revoke.button"), grave: true }))) return;
  await act(console_, `${app} revoke`, async () => {
    await revoke(app);
    return { lines: [t("done.revoke")], bad: false };
  });
}

/** What a check has found, a line for each credential. */
function outcome({ checked, credentials }) {
  const line = ([credential, { call, rotated }]) => {
    const failing = credentials[credential].trouble !== null;
    return t(rotated ? "done.rotated" : failing ? "done.failed" : call === null ? "done.waits" : "done.unchanged", credential);
  };
  return { lines: Object.entries(checked).map(line), bad: Object.keys(checked).some((credential) => credentials[credential].trouble !== null) };
}

async function act(console_, what, work) {
  if (busy.has(what)) return;
  busy.add(what);
  console_.show();
  try {
    const { lines, bad } = await work();
    toast(lines, { bad });
  } catch (error) {
    if (error instanceof Gone) return;
    toast([t("done.error", error.message || t("done.unreachable"))], { bad: true });
  } finally {
    busy.delete(what);
  }
  await console_.look({ watched: true });
}
