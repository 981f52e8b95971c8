// Building elements. Texts are only ever set as text: nothing that comes from the API becomes markup.

/** `h("p", {class: "x", onclick: f, "aria-label": "…"}, "text", child)`. Attributes that are null or false are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Tells a screen reader, and nobody else. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Copies, and says so on the button. */
export function copyButton(text, label, done) {
  const button = h("button", { type: "button", class: "small", onclick: copy }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure context there is no clipboard API: select it, so that Ctrl-C works.
      const selection = getSelection();
      const place = button.parentElement.querySelector("code");
      if (place) selection.selectAllChildren(place);
      return;
    }
    button.textContent = done;
    announce(done);
    setTimeout(() => (button.textContent = label), 2000);
  }
  return button;
}
