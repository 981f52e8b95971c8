// The first tab: how everything is at a glance, then a card for each app, those first that need somebody.

import { appCard } from "./card.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { isTroubled } from "./trouble.js";
import { clock, duration, now, relative } from "./time.js";

/** The cron runs each minute; without a tick for so long it does not. */
const CRON_LATE_S = 180;
/** What is shown is old after this. */
const OLD_S = 40;
/** With more apps than this they can be searched. */
const MANY = 8;

export function appsTab(console_) {
  const verdict = h("p", { class: "verdict" });
  const names = h("span", { class: "names" });
  const [cron, alerts, seen] = [0, 1, 2].map(() => h("p", { class: "quiet" }));
  const faults = h("section", {});
  const cards = h("div", { class: "cards" });
  const search = h("input", { type: "search", placeholder: t("apps.search"), "aria-label": t("apps.search"), autocomplete: "off", oninput: () => arrange(console_.state) });
  const known = new Map();
  const tick = setInterval(() => {
    for (const card of known.values()) card.tick();
    if (console_.state) fill(console_.state);
  }, 1000);

  function fill(state) {
    const bad = state.apps.filter(isTroubled);
    const [count, wrong] = [state.apps.length, state.faults.length];
    const words = count === 0 ? t("summary.none") : bad.length ? t("summary.trouble", count, bad.length) : wrong ? t("summary.settings", wrong) : t(count === 1 ? "summary.fine.one" : "summary.fine", count);
    say(verdict, words, `verdict ${count === 0 ? "" : bad.length || wrong ? "bad" : "good"}`);
    const links = bad.slice(0, MANY).map(({ app }) => app);
    if (names.dataset.of !== links.join()) {
      names.dataset.of = links.join();
      names.replaceChildren(...links.map((app) => h("a", { href: `#app-${app}`, onclick: (event) => (event.preventDefault(), document.getElementById(`app-${app}`).scrollIntoView()) }, app)));
    }
    document.title = bad.length ? `(${bad.length}) ${t("title")}` : t("title");
    const at = state.cron.last_tick_at;
    const late = at !== null && now() - at > CRON_LATE_S;
    say(cron, at === null ? t("summary.cron.never") : late ? t("summary.cron.late", duration(now() - at)) : t("summary.cron", relative(at)), late || at === null ? "quiet bad" : "quiet");
    const waiting = state.alerts.waiting + state.apps.reduce((sum, { alerts_waiting = 0 }) => sum + alerts_waiting, 0);
    say(alerts, waiting ? t("summary.alerts.waiting", waiting) : t(state.alerts.configured ? "summary.alerts.on" : "summary.alerts.off"), waiting ? "quiet bad" : "quiet");
    const old = now() - state.seen_at > OLD_S;
    say(seen, state.lost ? t("summary.stale", clock(state.seen_at), state.lost) : t("summary.updated", clock(state.seen_at)), state.lost || old ? "quiet bad" : "quiet");
  }

  function update(state) {
    fill(state);
    const wrong = JSON.stringify(state.faults);
    if (faults.dataset.of !== wrong) {
      faults.dataset.of = wrong;
      faults.replaceChildren(...(state.faults.length ? [h("div", { class: "trouble panel" }, h("h2", {}, t("faults.heading")), h("ul", {}, state.faults.map((fault) => h("li", { lang: "en" }, fault))))] : []));
    }
    for (const app of state.apps) {
      if (!known.has(app.app)) known.set(app.app, appCard(app.app, console_));
      known.get(app.app).update(app);
    }
    for (const [name, card] of known) {
      if (state.apps.some(({ app }) => app === name)) continue;
      card.leave();
      known.delete(name);
    }
    search.hidden = state.apps.length <= MANY;
    arrange(state);
  }

  /** Those that need somebody first. Left alone while nothing comes or goes: whoever has the focus keeps it. */
  function arrange(state) {
    const found = state.apps.filter(({ app, appid }) => `${app} ${appid ?? ""}`.includes(search.value.trim().toLowerCase()));
    const wanted = [...found.filter(isTroubled), ...found.filter((app) => !isTroubled(app))].map(({ app }) => known.get(app).element);
    if (wanted.length !== cards.children.length || wanted.some((card, place) => cards.children[place] !== card)) cards.replaceChildren(...wanted);
  }

  const leave = () => {
    clearInterval(tick);
    for (const card of known.values()) card.leave();
  };
  const repaint = () => known.forEach((card) => card.repaint());
  const summary = h("section", { class: "summary", "aria-label": t("tab.apps") }, verdict, names, cron, alerts, seen);
  return { element: h("div", {}, summary, faults, search, cards), update, repaint, leave };
}

/** Changes only what is another than before: a selection in it stays. */
function say(element, text, name) {
  if (element.textContent !== text) element.textContent = text;
  if (element.className !== name) element.className = name;
}
