// Before the first paint: light or dark, as chosen, else as the system has it. Not a module, so that it runs at once.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
