"use strict";
/* Bring the page of a sweep to life: theme, colours, which pair of parameters is shown. Without it all are shown. */
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";

  function remember(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* private windows and sandboxed frames have no storage */ }
    return null;
  }

  function controlTheme() {
    const button = document.getElementById("theme"), select = document.getElementById("colours");
    const asked = new URLSearchParams(location.search);
    const name = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
    const theme = asked.get("theme") || remember("tallow-theme"), colours = asked.get("colours") || remember("tallow-colours");
    if (["light", "dark"].includes(theme)) root.dataset.theme = theme;
    if ([...select.options].some((option) => option.value === colours)) root.dataset.palette = select.value = colours;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember("tallow-theme", root.dataset.theme);
      name();
    });
    select.addEventListener("change", () => {
      root.dataset.palette = select.value;
      remember("tallow-colours", select.value);
    });
    dark.addEventListener("change", name);
    name();
  }

  function choosePair() {
    const select = document.getElementById("pair");
    if (!select) return;
    const maps = [...document.querySelectorAll(".map")];
    const show = () => maps.forEach((map) => { map.hidden = map.dataset.pair !== select.value; });
    select.parentElement.hidden = false;
    select.addEventListener("change", show);
    show();
  }

  root.classList.add("live");
  controlTheme();
  choosePair();
})();
