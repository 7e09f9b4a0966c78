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
  const boxes = ".bd-article :is(pre, table, div.math, .cell_output > .output), mjx-container[display=true]";
  function reach() {
    document.querySelectorAll(boxes)
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
  // Boxes are measured when the first key is pressed, and the contents beside a wide page follow the reader from the
  // first move on: both lay out the whole page, which a phone that has just loaded it should not wait for.
  window.addEventListener("keydown", reach, {capture: true, once: true});
  window.addEventListener("scroll", () => {
    if (matchMedia("(min-width: 1200px)").matches) window.bootstrap?.ScrollSpy.getOrCreateInstance(document.body);
  }, {once: true, passive: true});
  window.addEventListener("resize", () => setTimeout(reach, 100));  // the theme moves its side bars then
  document.addEventListener("toggle", reach, true);  // what is unfolded can be measured only then
  document.addEventListener("click", () => setTimeout(reach));
})();
