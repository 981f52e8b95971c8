// Times and durations in words. The centre's clock counts, not the browser's.

import { language, t } from "./i18n.js";

let ahead_s = 0;

/** The centre has said what time it is. */
export const synchronise = (now) => (ahead_s = now - Date.now() / 1000);

/** Now, at the centre, in Unix seconds. */
export const now = () => Date.now() / 1000 + ahead_s;

/** `1 h 23 min`, `4 min 10 s`, `9 s`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes, rest] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const parts = days ? [[days, "d"], [hours, "h"]] : hours ? [[hours, "h"], [minutes, "min"]] : minutes >= 10 ? [[minutes, "min"]] : minutes ? [[minutes, "min"], [rest, "s"]] : [[rest, "s"]];
  return parts.filter(([count], place) => count || place === 0).map(([count, unit]) => `${count} ${t(`unit.${unit}`)}`).join(" ");
}

/** `12:04:09`, with the day where it is another one. */
export function clock(at) {
  const date = new Date(at * 1000);
  const today = date.toDateString() === new Date(now() * 1000).toDateString();
  const day = today ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(date);
}

/** `in 3 min`, `3 min ago`. */
export function relative(at) {
  const seconds = at - now();
  return seconds >= 0 ? t("in", duration(seconds)) : t("ago", duration(-seconds));
}
