// Draw a widget when the reader comes near it. Until then its first picture stands in its place: the widgets' library
// weighs 4 MB, and who has just begun to read need not wait for it.
(function () {
  'use strict';
  const folder = `${document.documentElement.dataset.content_root}_static/vendor/`;
  const state = document.getElementById('widget-state').textContent;
  const { labels } = JSON.parse(state);  // those with a formula, typeset
  const places = [...document.querySelectorAll('.first-view')];
  const near = new IntersectionObserver(entries => {
    entries.filter(entry => entry.isIntersecting).forEach(entry => draw(entry.target));
  }, { rootMargin: '100%' });
  let started;

  const load = file => new Promise((done, failed) => {
    const script = document.createElement('script');
    Object.assign(script, { src: folder + file, onload: done, onerror: failed });
    document.head.append(script);
  });

  async function start() {
    // require.js takes a global of its name as its settings; the library looks for its fonts where `paths` says it is
    const paths = Object.fromEntries(['', '/dist/libembed-amd'].map(part =>
      [`@jupyter-widgets/html-manager${part}`, '@jupyter-widgets/html-manager/dist/embed-amd']));
    window.require = { baseUrl: folder, paths };
    await load('requirejs/require.js');
    await load('@jupyter-widgets/html-manager/dist/embed-amd.js');
    const { HTMLManager } = await new Promise(done => window.require(['@jupyter-widgets/html-manager'], done));
    const manager = new HTMLManager();
    const models = await manager.set_state(JSON.parse(state));
    // the pictures behind a slider are there before it is moved
    new Set(state.match(/[./]*_images\/exhibit-\w+\.\w+/g)).forEach(file => { new Image().src = file; });
    return { manager, models };
  }

  async function draw(place) {
    near.unobserve(place);
    places.splice(places.indexOf(place), 1);
    const { manager, models } = await (started ||= start());
    const { model_id: name } = JSON.parse(place.previousElementSibling.textContent);
    const view = await manager.create_view(models.find(model => model.model_id === name));
    const area = document.createElement('div');
    area.className = 'widget-subarea';
    place.before(area);
    // the parts of a box come one by one
    new MutationObserver(() => area.querySelectorAll('.widget-label').forEach(label => {
      if (labels[label.textContent]) label.innerHTML = labels[label.textContent];
    })).observe(area, { childList: true, subtree: true });
    await manager.display_view(view, area);
    place.remove();
  }

  for (const sign of ['scroll', 'pointermove', 'pointerdown'])
    addEventListener(sign, () => places.forEach(place => near.observe(place)), { once: true, passive: true });
  // the keyboard goes from one control to the next, so all of them must be there
  addEventListener('keydown', () => [...places].forEach(draw), { once: true });
})();
