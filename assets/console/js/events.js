// The second tab: what has happened to an app, newest first.

import { events, Gone } from "./api.js";
import { h } from "./dom.js";
import { t, word } from "./i18n.js";
import { clock } from "./time.js";

const KINDS = ["access", "report", "refusal", "stranger", "upkeep"];
const ACTIONS = ["read", "report", "sign", "card_sign", "pass", "revoke", "reseal", "check", "explain", "refresh", "forced_refresh", "probe", "knock", "alert", "publish", "open", "configuration", "unknown"];
const PAGE = 50;

export function eventsTab(console_) {
  const element = h("div", {});
  if (!console_.state.admin) {
    element.append(h("p", { class: "panel" }, t("events.need_admin")));
    return { element, update() {} };
  }
  const select = (name, label, options) => [h("label", { for: `filter-${name}` }, label), h("select", { id: `filter-${name}`, onchange: restart }, options)];
  const option = (value, text) => h("option", { value }, text);
  const all = option("", t("events.all"));
  const apps = console_.state.apps.map(({ app }) => option(app, app));
  const caller = h("input", { id: "filter-caller", type: "search", maxlength: "32", autocomplete: "off", onchange: restart });
  const filter = h("form", { class: "filter panel", onsubmit: (event) => (event.preventDefault(), restart()) },
    h("div", {}, select("app", t("events.app"), apps)),
    h("div", {}, select("kind", t("events.kind"), [all, ...KINDS.map((kind) => option(kind, t(`kind.${kind}`)))])),
    h("div", {}, select("action", t("events.action"), [all.cloneNode(true), ...ACTIONS.map((action) => option(action, word("action", action)))])),
    h("div", {}, h("label", { for: "filter-caller" }, t("events.caller")), caller),
    h("div", { class: "row end last" }, h("button", {}, t("events.again"))));
  const rows = h("tbody", {});
  const heads = ["when", "what", "result", "who", "detail"].map((name) => h("th", { scope: "col" }, t(`events.${name}`)));
  const table = h("table", { class: "events" }, h("thead", {}, h("tr", {}, heads)), rows);
  const note = h("p", { class: "quiet", role: "status" });
  const more = h("button", { onclick: () => load() }, t("events.more"));
  element.append(filter, h("div", { class: "panel scroll", tabindex: "0", role: "region", "aria-label": t("tab.events") }, table, note, more));

  let before = null;
  let asked = 0;

  function restart() {
    before = null;
    rows.replaceChildren();
    return load();
  }

  async function load() {
    const value = (id) => filter.querySelector(`#filter-${id}`).value;
    if (!value("app")) return void (note.textContent = t("summary.none"));
    // An answer to a question that has been changed meanwhile is not shown.
    const turn = ++asked;
    more.hidden = true;
    note.textContent = t("plots.loading");
    try {
      const page = await events(value("app"), { kind: value("kind"), action: value("action"), caller: value("caller").trim(), before, limit: PAGE });
      if (turn !== asked) return;
      rows.append(...page.events.map(row));
      before = page.next;
      note.textContent = rows.children.length ? "" : t("events.none");
      more.hidden = page.next === null;
    } catch (error) {
      if (turn === asked && !(error instanceof Gone)) note.textContent = t("done.error", error.message || t("done.unreachable"));
    }
  }

  restart();
  return { element, update() {} };
}

function row(event) {
  const bad = ["refusal", "stranger"].includes(event.kind) || ["refused", "failing", "unreachable", "unwell", "garbled", "killed_outside", "not_delivered"].includes(event.result);
  const detail = [
    event.errcode !== null && `errcode ${event.errcode}`,
    event.version !== null && t("card.version", event.version),
    event.about,
    event.ip,
  ].filter(Boolean).join(" · ");
  const cell = (name, ...children) => h("td", { "data-label": t(`events.${name}`) }, h("span", {}, ...children));
  return h("tr", { class: bad ? "bad" : "" },
    cell("when", clock(event.last_at)),
    cell("what", word("action", event.action), event.credential && h("code", {}, event.credential), event.count > 1 && h("span", { class: "count" }, `×${event.count}`)),
    cell("result", word("result", event.result)),
    cell("who", event.caller ?? "—"),
    cell("detail", detail || "—"));
}
