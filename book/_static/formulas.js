// Typeset the formulas on the screen first, and the others while there is nothing else to do: a page can be read at
// once. MathJax is told in book/_ext/offline.py not to begin by itself.
(function () {
  "use strict";

  let last = Promise.resolve();  // MathJax does one thing at a time

  function typeset(formulas) {
    return last = last.then(() => {
      const left = formulas.filter(formula => !formula.querySelector("mjx-container"));
      return left.length && MathJax.typesetPromise(left);
    });
  }

  window.formulas = new Promise(done => window.addEventListener("load", async () => {
    if (!window.MathJax) return done();
    await (last = MathJax.startup.promise);
    const all = [...document.querySelectorAll(".math")];
    const near = formula => {
      const box = formula.getBoundingClientRect();
      return box.bottom > -innerHeight && box.top < 2 * innerHeight;
    };
    await typeset(all.filter(near));
    const seen = new IntersectionObserver(entries => {
      const now = entries.filter(entry => entry.isIntersecting).map(entry => entry.target);
      now.forEach(formula => seen.unobserve(formula));
      typeset(now);
    }, {rootMargin: "100%"});
    all.forEach(formula => seen.observe(formula));
    const idle = window.requestIdleCallback || (work => setTimeout(work, 20));
    for (let n = 0; n < all.length; n += 5) {
      await new Promise(idle);
      await typeset(all.slice(n, n + 5));
    }
    seen.disconnect();
    done();
  }));
})();
