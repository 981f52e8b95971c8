// The last days of an app as plots: life left, calls, failures; and today's quota. Drawn by uPlot.

import { trends } from "./api.js";
import { h } from "./dom.js";
import { language, t, word } from "./i18n.js";
import { colour } from "./theme-switch.js";
import { now } from "./time.js";

/* global uPlot */
const DAYS = 3;
const HOUR_S = 3600;
const HEIGHT = 160;
const CALLS = new Set(["refresh", "forced_refresh", "probe", "knock"]);
/** Nothing was sent. */
const NOT_SENT = new Set(["no_token", "ledger_full"]);
const GOOD = new Set(["rotated", "unchanged", "alive", "dead", "unclear"]);
/** One for each credential, or class of failure, in the order in which they come. */
const COLOURS = ["plot-1", "plot-2", "plot-3", "plot-4"];
const FAILURE_COLOURS = ["bad", "plot-3", "plot-4", "plot-2"];

/** Draws them into `place`; `leave` lets go of what they hold. */
export async function plots(place, app) {
  const seen = await trends(app.app);
  const from = Math.floor((now() - DAYS * 86400) / HOUR_S) * HOUR_S;
  // Of a ticket whose age is not known the end is known in hindsight only.
  const rotations = seen.rotations.filter(({ expires_at, credential }) => expires_at > from && app.credentials[credential]?.age_known);
  const attempts = seen.hours.filter(({ at, what }) => at >= from && CALLS.has(what));
  const calls = attempts.filter(({ outcome }) => !NOT_SENT.has(outcome));
  const failures = attempts.filter(({ outcome }) => !GOOD.has(outcome));
  const count = (rows) => rows.reduce((sum, row) => sum + row.count, 0);
  place.replaceChildren();
  const drawn = [
    figure(place, t("plots.life"), t("plots.rotations", rotations.filter(({ at }) => at >= from).length, DAYS), lives(rotations, from)),
    figure(place, t("plots.calls"), t("plots.total", count(calls), count(failures)), stacked(calls, "credential", from)),
    failures.length ? figure(place, t("plots.failures"), t("plots.failed", count(failures)), stacked(failures, "outcome", from)) : void place.append(h("p", { class: "quiet" }, t("plots.no_failures"))),
  ].filter(Boolean);
  place.append(quota(app));
  const resize = new ResizeObserver(() => drawn.forEach((plot) => plot.setSize({ width: Math.max(plot.root.parentElement.clientWidth, 100), height: HEIGHT })));
  resize.observe(place);
  return {
    leave() {
      resize.disconnect();
      for (const plot of drawn) plot.destroy();
    },
  };
}

/** A plot with its heading; what it says stands beside it in words, for those who do not see it. */
function figure(place, heading, words, { data, series, bars }) {
  const canvas = h("div", { class: "plot", role: "img", "aria-label": `${heading}: ${words}` });
  place.append(h("figure", {}, h("figcaption", {}, heading, h("span", { class: "quiet" }, ` ${words}`)), canvas));
  if (!data[0].length) {
    canvas.append(h("p", { class: "quiet" }, t("plots.empty")));
    return null;
  }
  const hour = (at) => new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", new Date(at * 1000).getHours() === 0 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" }).format(at * 1000);
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  const paint = ({ label, colour: name }) => ({ label, stroke: colour(name), fill: bars ? colour(name) : undefined, width: bars ? 0 : 1.5, spanGaps: true, points: { show: false }, ...(bars && { paths: uPlot.paths.bars({ size: [0.8, 24], align: 1 }) }) });
  const options = {
    width: Math.max(canvas.clientWidth, 100),
    height: HEIGHT,
    scales: { x: { time: true, range: [data.from, Math.ceil(now() / HOUR_S) * HOUR_S] }, y: { range: (_, low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map(hour) }, { ...axis, size: 44, ...(bars && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }) }],
    cursor: { drag: { x: false, y: false } },
    legend: { live: false },
    series: [{}, ...series.map(paint)],
  };
  return new uPlot(options, data, canvas);
}

/** Saw teeth: each value begins whole, and shrinks until the next one comes. */
function lives(rotations, from) {
  const names = [...new Set(rotations.map(({ credential }) => credential))].sort();
  const points = new Map();
  const put = (x, place, y) => points.set(x, (points.get(x) ?? names.map(() => undefined)).with(place, y));
  names.forEach((name, place) => {
    const own = rotations.filter(({ credential }) => credential === name);
    own.forEach(({ at, expires_at }, nth) => {
      const end = Math.min(own[nth + 1]?.at ?? now(), expires_at);
      const begin = Math.max(at, from);
      put(begin, place, (expires_at - begin) / 60);
      // A second before the next: two points cannot stand at the same moment.
      if (end - 1 > begin) put(end - 1, place, (expires_at - end) / 60);
      const next = own[nth + 1]?.at ?? now();
      // Between a death and the next value there was nothing.
      if (next - 1 > end) put(next - 1, place, 0);
    });
  });
  const sorted = [...points].sort(([a], [b]) => a - b);
  const data = [sorted.map(([x]) => x), ...names.map((_, place) => sorted.map(([, values]) => values[place]))];
  data.from = from;
  return { data, series: names.map((label, place) => ({ label, colour: COLOURS[place % COLOURS.length] })) };
}

/** Bars by the hour, one kind upon the other. The tallest is drawn first, so that all are seen. */
function stacked(rows, by, from) {
  const names = [...new Set(rows.map((row) => row[by]))].sort();
  const hours = [];
  if (rows.length) for (let hour = from; hour <= now(); hour += HOUR_S) hours.push(hour);
  const count = (hour, name) => rows.filter((row) => row.at === hour && row[by] === name).reduce((sum, row) => sum + row.count, 0);
  let below = hours.map(() => 0);
  const layers = names.map((name) => (below = below.map((sum, place) => sum + count(hours[place], name))));
  const data = [hours, ...layers.toReversed()];
  data.from = from;
  const label = (name) => (by === "outcome" ? word("class", name) : name);
  const colours = by === "outcome" ? FAILURE_COLOURS : COLOURS;
  const series = names.map((name, place) => ({ label: label(name), colour: colours[place % colours.length] })).toReversed();
  return { data, series, bars: true };
}

/** What was asked of WeChat today, against what may be. */
function quota({ credentials }) {
  const rows = Object.entries(credentials).flatMap(([credential, { calls_today }]) =>
    ["refreshes", "forced", "probes"].filter((kind) => calls_today[kind]).map((kind) => {
      const { used, limit } = calls_today[kind];
      const bar = h("div", { class: "bar-fill", "data-level": used >= limit * 0.8 ? "bad" : "good" });
      bar.style.width = `${Math.min(100, (used / limit) * 100)}%`;
      return h("div", { class: "quota" },
        h("span", {}, `${credential} · ${t(`calls.${kind}`)}`),
        h("div", { class: "bar-track", role: "progressbar", "aria-label": `${t("plots.quota")}: ${credential}, ${t(`calls.${kind}`)}`, "aria-valuemin": "0", "aria-valuemax": `${limit}`, "aria-valuenow": `${used}` }, bar),
        h("span", { class: "quiet" }, `${used} / ${limit}`));
    }));
  return h("figure", {}, h("figcaption", {}, t("plots.quota")), rows);
}
