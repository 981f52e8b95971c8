// The first tab: how everything is at a glance, then a card for each app.

import { appCard } from "./card.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { clock, duration, now, relative } from "./time.js";

/** The cron runs each minute; without a tick for so long it does not. */
const CRON_LATE_S = 180;

export function appsTab(console_) {
  const summary = h("section", { class: "summary", "aria-label": t("tab.apps") });
  const faults = h("section", {});
  const cards = h("div", { class: "cards" });
  const known = new Map();
  const tick = setInterval(() => {
    for (const card of known.values()) card.tick();
    if (console_.state) fill(console_.state);
  }, 1000);

  function fill(state) {
    const bad = state.apps.filter(({ state }) => state !== "ok" && state !== "empty").length;
    const count = state.apps.length;
    const verdict = count === 0 ? t("summary.none") : bad ? t("summary.trouble", count, bad) : t(count === 1 ? "summary.fine.one" : "summary.fine", count);
    const at = state.cron.last_tick_at;
    const late = at !== null && now() - at > CRON_LATE_S;
    const cron = at === null ? t("summary.cron.never") : late ? t("summary.cron.late", duration(now() - at)) : t("summary.cron", relative(at));
    summary.replaceChildren(
      h("p", { class: `verdict ${bad || state.faults.length ? "bad" : "good"}` }, verdict),
      h("p", { class: `quiet${late || at === null ? " bad" : ""}` }, cron),
      h("p", { class: "quiet" }, t(state.alerts.configured ? "summary.alerts.on" : "summary.alerts.off")),
      h("p", { class: `quiet${state.lost ? " bad" : ""}` }, t(state.lost ? "summary.stale" : "summary.updated", clock(state.seen_at))));
  }

  function update(state) {
    fill(state);
    faults.replaceChildren(...(state.faults.length ? [h("div", { class: "trouble panel" }, h("h2", {}, t("faults.heading")), h("ul", {}, state.faults.map((fault) => h("li", { lang: "en" }, fault))))] : []));
    for (const app of state.apps) {
      if (!known.has(app.app)) known.set(app.app, appCard(app.app, console_));
      known.get(app.app).update(app);
    }
    for (const [name, card] of known) {
      if (state.apps.some(({ app }) => app === name)) continue;
      card.leave();
      known.delete(name);
    }
    const wanted = state.apps.map(({ app }) => known.get(app).element);
    // Left alone while nothing comes or goes: whoever has the focus keeps it.
    if (wanted.length !== cards.children.length || wanted.some((card, place) => cards.children[place] !== card)) cards.replaceChildren(...wanted);
  }

  const leave = () => {
    clearInterval(tick);
    for (const card of known.values()) card.leave();
  };
  return { element: h("div", {}, summary, faults, cards), update, leave };
}
