// Names and keyboard access that the theme and the widgets leave out. book/_ext/offline.py puts this file on every page.
(function () {
  "use strict";
  let count = 0;

  // a slider is called what its label says, and its value is what stands beside it, not the place in the list
  function nameSlider(handle) {
    const box = handle.closest(".widget-slider"), label = box.querySelector(".widget-label");
    const readout = box.querySelector(".widget-readout");
    label.id = label.id || `slider-label-${++count}`;
    handle.setAttribute("aria-labelledby", label.id);
    if (!readout) return;
    readout.setAttribute("aria-hidden", "true");
    readout.removeAttribute("contenteditable");
    const tell = () => handle.getAttribute("aria-valuetext") !== readout.textContent &&
      handle.setAttribute("aria-valuetext", readout.textContent);
    tell();
    new MutationObserver(tell).observe(handle, {attributes: true, attributeFilter: ["aria-valuetext"]});
    new MutationObserver(tell).observe(readout, {childList: true, characterData: true, subtree: true});
  }

  // what scrolls can be scrolled with the keyboard
  function reach() {
    document.querySelectorAll(".bd-article pre, .bd-article table, .bd-article div.math, mjx-container[display=true]")
      .forEach(box => {
        if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
        else if (box.tabIndex === 0 && !box.matches("mjx-container")) box.removeAttribute("tabindex");
      });
  }

  function nameTheme() {
    // these labels hide the words that stand there
    document.querySelectorAll("summary[aria-label], .search-button-field[aria-label]")
      .forEach(element => element.removeAttribute("aria-label"));
    // the arrows that open a part of the contents
    document.querySelectorAll("li.has-children > details > summary").forEach(summary => {
      const link = summary.closest("li").querySelector("a");
      summary.setAttribute("aria-label", `Pages under ${link.textContent.trim()}`);
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    nameTheme();
    new MutationObserver(() => document.querySelectorAll(".noUi-handle:not([aria-labelledby])").forEach(nameSlider))
      .observe(document.querySelector(".bd-article") || document.body, {childList: true, subtree: true});
  });
  window.addEventListener("load", () => window.formulas.then(reach));
  // the pictures behind a slider are there before it is moved
  window.addEventListener("load", () => window.formulas.then(() => {
    const state = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
    new Set(state?.textContent.match(/[./]*_images\/exhibit-\w+\.\w+/g)).forEach(file => { new Image().src = file; });
  }));
  window.addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);  // what is unfolded can be measured only then
  document.addEventListener("click", () => setTimeout(reach));
})();
