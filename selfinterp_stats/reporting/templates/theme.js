(function () {
  "use strict";

  // Theme: automatic, light or dark; kept where the browser lets a local page keep anything.
  var root = document.documentElement, button = document.getElementById("theme");
  var themes = ["automatic", "light", "dark"], theme = "automatic";
  try { theme = localStorage.getItem("selfinterp-theme") || theme; } catch (error) { /* private */ }
  function paint() {
    if (theme === "automatic") { root.removeAttribute("data-theme"); } else { root.setAttribute("data-theme", theme); }
    button.querySelector("span").textContent = theme;
  }
  button.addEventListener("click", function () {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("selfinterp-theme", theme); } catch (error) { /* private */ }
    paint();
  });
  button.hidden = false;
  paint();
})();
