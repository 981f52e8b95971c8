// The console: sign in, look after the apps, look into the past. This file holds the frame; each tab has a file of its own.

import { everything, Refusal, signIn, signOut } from "./api.js";
import { appsTab } from "./apps.js";
import { h } from "./dom.js";
import { eventsTab } from "./events.js";
import { language, setLanguage, t } from "./i18n.js";
import { signatureTab } from "./signature.js";
import { nextTheme, theme } from "./theme-switch.js";
import { synchronise } from "./time.js";

/** The status is asked for so often while the tab is seen. */
const LOOK_EVERY_MS = 5_000;

const root = document.getElementById("app");
const TABS = { apps: appsTab, events: eventsTab, signature: signatureTab };

let state = null;
let tab = null;
let timer = null;

setLanguage(language());
showSignIn();

function showSignIn(problem = null) {
  stop();
  state = null;
  const key = h("input", { id: "key", type: "password", name: "key", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
  const button = h("button", { class: "primary" }, t("signin.button"));
  const complaint = h("p", { class: "complaint", role: "alert" }, problem);
  const form = h("form", { class: "signin panel", onsubmit: submit },
    h("h1", {}, mark(), t("title")),
    h("p", { class: "quiet" }, t("signin.lead")),
    h("label", { for: "key" }, t("signin.key")),
    key, complaint, button);
  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    signIn(key.value);
    try {
      take(await everything());
      key.value = "";
      showFrame();
    } catch (error) {
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
  if (!(error instanceof Refusal)) throw error;
  return [0, 401, 403, 429].includes(error.status) ? t(`signin.${error.status}`) : t("signin.other", error.message);
}

/** What every part of the console may see and do. */
function take(seen) {
  synchronise(seen.now);
  const may = new Set(seen.caller.scopes);
  state = { ...seen, admin: may.has("admin"), lost: false, seen_at: seen.now };
}

function showFrame(chosen = "apps") {
  stop();
  const place = h("main", { id: "place" });
  const links = Object.keys(TABS).map((name) => h("button", { role: "tab", id: `tab-${name}`, "aria-controls": "place", onclick: () => open(name) }, t(`tab.${name}`)));
  const open = (name) => {
    tab?.leave?.();
    for (const link of links) link.setAttribute("aria-selected", `${link.id === `tab-${name}`}`);
    place.setAttribute("aria-labelledby", `tab-${name}`);
    tab = TABS[name]({ get state() { return state; }, look });
    tab.name = name;
    place.replaceChildren(tab.element);
    tab.update(state);
  };
  root.replaceChildren(
    h("header", { class: "bar" },
      h("strong", { class: "brand" }, mark(), h("span", {}, t("title"))),
      h("nav", { role: "tablist", "aria-label": t("title") }, links),
      h("span", { class: "grow" }),
      h("span", { class: "quiet caller" }, t("signed_in_as", state.caller.name)),
      preferences(() => showFrame(tab.name)),
      h("button", { class: "plain", onclick: () => (signOut(), showSignIn()) }, t("sign_out"))),
    place);
  open(chosen);
  timer = setInterval(lookWhenSeen, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", lookWhenSeen);
}

function lookWhenSeen() {
  if (document.visibilityState === "visible") look();
}

function stop() {
  tab?.leave?.();
  tab = null;
  clearInterval(timer);
  document.removeEventListener("visibilitychange", lookWhenSeen);
}

/** Asks how everything is, and shows it. */
async function look() {
  const before = state;
  try {
    const seen = await everything();
    // Signed out meanwhile.
    if (state === null || before === null) return;
    take(seen);
  } catch (error) {
    if (state === null) return;
    if (error.status === 401 || error.status === 403) {
      signOut();
      return showSignIn(t("signin.expired"));
    }
    state = { ...state, lost: true };
  }
  tab?.update(state);
}

function preferences(show) {
  return h("span", { class: "row" },
    h("button", { class: "plain", lang: language() === "zh" ? "en" : "zh-CN", onclick: () => (setLanguage(language() === "zh" ? "en" : "zh"), show()) }, t("language")),
    h("button", { class: "plain", id: "theme", onclick: () => (nextTheme(), show()) }, h("span", { class: "wide" }, `${t("theme")}: `), t(`theme.${theme()}`)));
}

function mark() {
  return h("img", { src: "icon.svg", alt: "", width: "24", height: "24" });
}
