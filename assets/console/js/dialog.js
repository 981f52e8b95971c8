// One question at a time, in the browser's own dialog.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** Asks; resolves to whether it was confirmed. */
export function confirm({ heading, text, button, grave = false }) {
  if (document.querySelector("dialog")) return Promise.resolve(false);
  const asked = document.activeElement;
  // The card may have been painted anew meanwhile.
  const place = `#${asked.closest("article")?.id} [data-focus="${asked.dataset.focus}"]`;
  return new Promise((resolve) => {
    const closed = () => {
      dialog.remove();
      (asked.isConnected ? asked : document.querySelector(place))?.focus();
      resolve(dialog.returnValue === "yes");
    };
    const dialog = h("dialog", { "aria-labelledby": "dialog-heading", onclose: closed },
      h("form", { method: "dialog" },
        h("h2", { id: "dialog-heading" }, heading),
        h("p", {}, text),
        h("div", { class: "row end" },
          h("button", { value: "no", autofocus: grave }, t("dialog.cancel")),
          h("button", { value: "yes", class: grave ? "grave" : "primary", autofocus: !grave }, button)),
      ));
    // `form method=dialog` is what closes it; a form-action of the page's own would not be allowed.
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close(event.submitter?.value ?? "no");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Takes away whatever is open, unanswered. */
export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close("no");
  document.querySelector(".toast")?.remove();
}

/** Says what came of something, for a few seconds. */
export function toast(lines, { bad = false } = {}) {
  document.querySelector(".toast")?.remove();
  const box = h("div", { class: bad ? "toast bad" : "toast", role: bad ? "alert" : "status" }, lines.map((line) => h("p", {}, line)));
  document.body.append(box);
  setTimeout(() => box.remove(), bad ? 20_000 : 8_000);
}
