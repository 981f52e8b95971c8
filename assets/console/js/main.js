// The console: sign in, look after the apps, look into the past. This file holds the frame; each tab has a file of its own.

import { everything, Gone, isKey, Refusal, signIn, signOut } from "./api.js";
import { appsTab } from "./apps.js";
import { closeAll } from "./dialog.js";
import { h } from "./dom.js";
import { eventsTab } from "./events.js";
import { language, setLanguage, t } from "./i18n.js";
import { signatureTab } from "./signature.js";
import { nextTheme, theme } from "./theme-switch.js";
import { synchronise } from "./time.js";
import { isTroubled } from "./trouble.js";

/** The status is asked for so often while the tab is seen: each look costs a question to every Keeper. */
const CALM_MS = 15_000;
const TROUBLE_MS = 5_000;
/** After somebody has done something, as in trouble. */
const WATCHED_FOR_MS = 60_000;

/** A console that is left alone signs out: its key may do much. */
const IDLE_MS = 60 * 60_000;
const USED_BY = ["pointerdown", "keydown", "wheel", "touchstart"];

const root = document.getElementById("app");
const TABS = { apps: appsTab, events: eventsTab, signature: signatureTab };

let state = null;
let tab = null;
let timer = null;
let looking = null;
let watched_until = 0;
let used_at = 0;

setLanguage(language());
showSignIn();

function showSignIn(problem = null) {
  stop();
  state = null;
  const key = h("input", { id: "key", type: "password", name: "key", autocomplete: "one-time-code", spellcheck: "false", required: true, autofocus: true });
  const button = h("button", { class: "primary" }, t("signin.button"));
  const complaint = h("p", { class: "complaint", role: "alert" }, problem);
  const form = h("form", { class: "signin panel", onsubmit: submit },
    h("h1", {}, mark(), t("title")),
    h("p", { class: "quiet" }, t("signin.lead")),
    h("label", { for: "key" }, t("signin.key")),
    key, complaint, button);
  async function submit(event) {
    event.preventDefault();
    if (!isKey(key.value)) return void (complaint.textContent = t("signin.odd"));
    button.disabled = true;
    signIn(key.value);
    try {
      take(await everything());
      key.value = "";
      showFrame();
    } catch (error) {
      if (error instanceof Gone) return;
      signOut();
      key.value = "";
      complaint.textContent = reason(error);
      button.disabled = false;
      key.focus();
    }
  }
  root.replaceChildren(h("header", { class: "bar" }, h("span", { class: "grow" }), preferences(() => showSignIn(problem))), h("main", { class: "middle" }, form));
  key.focus();
}

function reason(error) {
  if (!(error instanceof Refusal)) return t("signin.other", error.message);
  if (error.code === "not_ours") return t("signin.not_ours", error.status);
  return [0, 401, 403, 429].includes(error.status) ? t(`signin.${error.status}`) : t("signin.other", error.message);
}

/** What every part of the console may see and do. */
function take(seen) {
  synchronise(seen.now);
  const may = new Set(seen.caller.scopes);
  state = { ...seen, admin: may.has("admin"), lost: null, seen_at: seen.now };
}

function showFrame(chosen = "apps") {
  stop();
  const place = h("main", { id: "place", role: "tabpanel" });
  const names = Object.keys(TABS);
  const go = (name) => (history.pushState(null, "", `#${name}`), open(name));
  const links = names.map((name) => h("button", { role: "tab", id: `tab-${name}`, "aria-controls": "place", onclick: () => go(name) }, t(`tab.${name}`)));
  const open = (name) => {
    tab?.leave?.();
    for (const link of links) {
      link.setAttribute("aria-selected", `${link.id === `tab-${name}`}`);
      link.tabIndex = link.id === `tab-${name}` ? 0 : -1;
    }
    place.setAttribute("aria-labelledby", `tab-${name}`);
    tab = TABS[name]({ get state() { return state; }, look, show: () => state && tab?.update(state) });
    tab.name = name;
    place.replaceChildren(h("h1", { class: "unseen" }, t(`tab.${name}`)), tab.element);
    tab.update(state);
  };
  const step = ({ key }) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[key];
    const next = way && links[(links.indexOf(document.activeElement) + way + links.length) % links.length];
    next?.focus();
    next?.click();
  };
  onpopstate = () => state && open(names.includes(location.hash.slice(1)) ? location.hash.slice(1) : "apps");
  root.replaceChildren(
    h("header", { class: "bar" },
      h("strong", { class: "brand" }, mark(), h("span", {}, t("title"))),
      h("nav", { role: "tablist", "aria-label": t("title"), onkeydown: step }, links),
      h("span", { class: "grow" }),
      h("span", { class: "quiet caller" }, t("signed_in_as", state.caller.name)),
      preferences(() => showFrame(tab.name)),
      h("button", { class: "plain", onclick: () => (signOut(), showSignIn()) }, t("sign_out"))),
    place);
  open(chosen);
  lookLater();
  document.addEventListener("visibilitychange", lookWhenSeen);
  used();
  for (const event of USED_BY) document.addEventListener(event, used, { passive: true });
}

function used() {
  // Not a timer for each: a machine that sleeps would stop it.
  if (isIdle()) return signOutIdle();
  used_at = Date.now();
}

const isIdle = () => used_at > 0 && Date.now() - used_at >= IDLE_MS;

function signOutIdle() {
  signOut();
  showSignIn(t("signin.idle"));
}

function lookLater() {
  clearTimeout(timer);
  const watched = Date.now() < watched_until || state.lost || state.apps.some(isTroubled);
  timer = setTimeout(() => (isIdle() ? signOutIdle() : lookWhenSeen(), state && lookLater()), watched ? TROUBLE_MS : CALM_MS);
}

function lookWhenSeen() {
  if (document.visibilityState === "visible") look();
}

function stop() {
  tab?.leave?.();
  tab = null;
  closeAll();
  clearTimeout(timer);
  document.removeEventListener("visibilitychange", lookWhenSeen);
  for (const event of USED_BY) document.removeEventListener(event, used);
  used_at = 0;
}

/** Asks how everything is, and shows it: after something was done (`watched`) once more, else one look at a time. */
async function look({ watched = false } = {}) {
  if (watched) {
    watched_until = Date.now() + WATCHED_FOR_MS;
    await looking;
  }
  looking ??= lookOnce().finally(() => (looking = null));
  await looking;
  if (watched && state) lookLater();
}

async function lookOnce() {
  try {
    take(await everything());
  } catch (error) {
    if (error instanceof Gone || state === null) return;
    if (["unauthorized", "not_allowed"].includes(error.code)) {
      signOut();
      return showSignIn(t("signin.expired"));
    }
    state = { ...state, lost: error.code === "unreachable" ? t("done.unreachable") : error.message };
  }
  tab?.update(state);
}

function preferences(show) {
  return h("span", { class: "row" },
    h("button", { class: "plain", lang: language() === "zh" ? "en" : "zh-CN", onclick: () => (setLanguage(language() === "zh" ? "en" : "zh"), show()) }, t("language")),
    h("button", { class: "plain", id: "theme", onclick: ({ currentTarget }) => (nextTheme(), currentTarget.lastChild.replaceWith(t(`theme.${theme()}`)), tab?.repaint?.()) }, h("span", { class: "wide" }, `${t("theme")}: `), t(`theme.${theme()}`)));
}

function mark() {
  return h("img", { src: "icon.svg", alt: "", width: "24", height: "24" });
}
