// The third tab: why WeChat calls a signature invalid.

import { explain, Gone } from "./api.js";
import { copyButton, h } from "./dom.js";
import { detailOf, t } from "./i18n.js";
import { duration } from "./time.js";

export function signatureTab(console_) {
  const element = h("div", { class: "two" });
  const apps = console_.state.apps.filter(({ credentials }) => credentials?.jsapi);
  const missing = !console_.state.admin ? "sign.need_admin" : apps.length === 0 ? "sign.no_app" : null;
  if (missing) {
    element.append(h("p", { class: "panel" }, t(missing)));
    return { element, update() {} };
  }
  const field = (id, label, attributes = {}) => [h("label", { for: id }, label), h("input", { id, autocomplete: "off", spellcheck: "false", ...attributes })];
  const complaint = h("p", { class: "complaint", role: "alert" });
  const found = h("section", { class: "panel found", "aria-live": "polite", hidden: true });
  const form = h("form", { class: "panel stack", onsubmit: submit },
    h("p", {}, t("sign.lead")),
    h("label", { for: "sign-app" }, t("events.app")),
    h("select", { id: "sign-app" }, apps.map(({ app }) => h("option", { value: app }, app))),
    field("sign-url", t("sign.url"), { type: "text", inputmode: "url", required: true, maxlength: "8192", placeholder: "https://shop.example.com/page?id=1" }),
    field("sign-signature", t("sign.signature"), { maxlength: "64" }),
    field("sign-nonce", t("sign.nonce"), { maxlength: "128" }),
    field("sign-timestamp", t("sign.timestamp"), { inputmode: "numeric", maxlength: "16" }),
    complaint,
    h("button", { class: "primary" }, t("sign.button")));
  element.append(form, found);

  async function submit(event) {
    event.preventDefault();
    const value = (id) => form.querySelector(`#sign-${id}`).value.trim();
    const claim = { signature: value("signature"), nonceStr: value("nonce"), timestamp: value("timestamp") };
    const claimed = Object.values(claim).some(Boolean);
    complaint.textContent = "";
    try {
      const filled = Object.fromEntries(Object.entries(claim).filter(([, text]) => text));
      show(await explain(value("app"), { url: value("url"), ...(claimed && filled) }));
    } catch (error) {
      if (error instanceof Gone) return;
      found.hidden = true;
      complaint.textContent = error.message || t("done.unreachable");
    }
  }

  function show(result) {
    const { verdict } = result;
    found.replaceChildren(...[
      verdict && h("div", { class: verdict.result === "right" ? "note good" : "note bad" },
        h("h2", {}, t(`sign.verdict.${verdict.result}`)),
        h("p", {}, detailOf(verdict)),
        verdict.signed && h("p", {}, t("sign.signed_instead"), ": ", h("code", { class: "long" }, verdict.signed))),
      result.problem && h("p", { class: "note bad", lang: "en" }, result.problem),
      result.host && h("div", { class: result.host_allowed ? "note good" : "note bad" },
        h("p", {}, t(result.host_allowed ? "sign.host.yes" : "sign.host.no", result.host)),
        h("p", { class: "quiet" }, result.sign_hosts.length ? t("sign.hosts", result.sign_hosts.join(", ")) : t("sign.hosts.none"))),
      result.location_href && h("p", { class: "note warn" }, t("sign.location"), ": ", h("code", { class: "long" }, result.location_href)),
      ...result.hints.map((hint) => h("p", { class: "note warn" }, detailOf(hint))),
      h("p", {}, t("sign.ticket", result.ticket.version, duration(result.ticket.expires_in))),
      result.string && h("div", {}, h("h3", {}, t("sign.string")), h("code", { class: "long" }, result.string)),
      result.signature && h("div", {}, h("h3", {}, t("sign.result")), h("p", { class: "row" }, h("code", { class: "long" }, result.signature), copyButton(result.signature, t("trouble.copy"), t("trouble.copied")))),
      result.host_allowed && h("p", { class: "quiet" }, t("sign.domain")),
    ].filter(Boolean));
    found.hidden = false;
  }

  return { element, update() {} };
}
