// The pad of the page "Draw a digit": what is drawn goes through the network at once.
// Plain JavaScript, no library. tests/test_pad.py runs its first half under node, against NumPy.
(function () {
  "use strict";
  const SIDE = 28, FINE = 4, N = SIDE * FINE;   // the drawing is kept four times as fine as the image
  const BRUSH = 5;                              // radius of the pen, in squares of the drawing

  // ---- 1. the numbers: no document is needed here ----

  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

  // the weights came as whole numbers, and one step for each neuron
  function unpack({W, scale, b}) {
    const Q = new Int8Array(bytes(W).buffer);
    return {W: Float64Array.from(Q, (q, at) => q * scale[at % scale.length]), b};
  }

  // ink along the straight line from (x0, y0) to (x1, y1), with a soft edge
  function stroke(ink, x0, y0, x1, y1) {
    const dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy, reach = BRUSH + 1;
    const low = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - reach));
    const high = (a, b) => Math.min(N - 1, Math.ceil(Math.max(a, b) + reach));
    for (let r = low(y0, y1); r <= high(y0, y1); r++)
      for (let c = low(x0, x1); c <= high(x0, x1); c++) {
        const x = c + 0.5 - x0, y = r + 0.5 - y0;
        const t = length2 ? Math.min(1, Math.max(0, (x * dx + y * dy) / length2)) : 0;
        const distance = Math.hypot(x - t * dx, y - t * dy);
        ink[r * N + c] = Math.max(ink[r * N + c], Math.min(1, Math.max(0, BRUSH + 0.5 - distance)));
      }
  }

  // of each of 28 pixels along an axis: the squares it covers and their shares, outside is paper
  function shares(start, width) {
    return Array.from({length: SIDE}, (_, k) => {
      const from = start + k * width, to = from + width, covered = [];
      for (let i = Math.max(0, Math.floor(from)); i < Math.min(N, to); i++)
        covered.push([i, (Math.min(to, i + 1) - Math.max(from, i)) / width]);
      return covered;
    });
  }

  // the image whose pixels are `width` squares wide and whose corner lies at (left, top) of the drawing
  function photograph(ink, left, top, width) {
    const columns = shares(left, width), image = new Float64Array(SIDE * SIDE);
    shares(top, width).forEach((rows, r) => columns.forEach((covered, c) => {
      for (const [i, v] of rows) for (const [j, h] of covered) image[r * SIDE + c] += v * h * ink[i * N + j];
    }));
    return image;
  }

  // as MNIST was made: the ink's box scaled to 20 x 20, then its centre of mass put to pixel 14, 14
  function centred(ink) {
    let left = N, right = -1, top = N, bottom = -1, mass = 0, x = 0, y = 0;
    ink.forEach((v, at) => {
      if (v <= 0) return;
      const r = Math.floor(at / N), c = at % N;
      left = Math.min(left, c), right = Math.max(right, c), top = Math.min(top, r), bottom = Math.max(bottom, r);
      mass += v, x += v * (c + 0.5), y += v * (r + 0.5);
    });
    if (mass === 0) return new Float64Array(SIDE * SIDE);
    const width = Math.max(right + 1 - left, bottom + 1 - top) / 20;
    // a whole number of pixels, so that the centre of mass lies in the pixel right and below of the middle
    const margin = (centre, start) => Math.ceil(SIDE / 2 - (centre / mass - start) / width - 1e-9);
    return photograph(ink, left - margin(x, left) * width, top - margin(y, top) * width, width);
  }

  const plain = ink => photograph(ink, 0, 0, FINE);

  // every stage of the network: of each layer the pre-activations z and the activations a
  function forward(layers, x) {
    const stages = [];
    layers.forEach(({W, b}, l) => {
      const input = l ? stages[l - 1].a : x, z = Float64Array.from(b);
      input.forEach((v, i) => { if (v) for (let j = 0; j < z.length; j++) z[j] += v * W[i * z.length + j]; });
      stages.push({z, a: l < layers.length - 1 ? z.map(t => Math.max(0, t)) : softmax(z)});
    });
    return stages;
  }

  function softmax(z) {
    const top = Math.max(...z), e = z.map(t => Math.exp(t - top));   // exp cannot overflow
    const sum = e.reduce((s, t) => s + t, 0);
    return e.map(t => t / sum);
  }

  if (typeof document === "undefined") {
    module.exports = {N, unpack, stroke, centred, plain, forward};
    return;
  }

  // ---- 2. the page ----

  const STYLE = `
    .digit-pad { --paper: #fff; --text: #222; --line: #767676; --bar: #555; background: var(--paper);
      color: var(--text); border: 1px solid var(--line); border-radius: 4px; padding: 10px; line-height: 1.4; }
    html[data-theme="dark"] .digit-pad, body[data-jp-theme-light="false"] .digit-pad {
      --paper: #1c2027; --text: #e8e8e8; --line: #8d949e; --bar: #a9b0ba; }
    .digit-pad .parts { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start; }
    .digit-pad canvas { background: #fff; border: 1px solid var(--line); display: block; max-width: 100%;
      box-sizing: border-box; }
    .digit-pad .field { width: 282px; touch-action: none; cursor: crosshair; }
    .digit-pad :is(.field, button, input):focus-visible { outline: 3px solid #4a90d9; outline-offset: 2px; }
    .digit-pad .image { width: 140px; } .digit-pad .neurons { width: 136px; }
    .digit-pad figure { margin: 0 !important; padding: 0; } .digit-pad figcaption { font-size: 0.85em; text-align: left; }
    .digit-pad button { font: inherit; margin: 6px 6px 0 0; padding: 4px 12px; color: inherit; cursor: pointer;
      background: transparent; border: 1px solid var(--line); border-radius: 4px; }
    .digit-pad label { display: block; margin-top: 6px; } .digit-pad p { margin: 6px 0; min-height: 1.4em; }
    .digit-pad .bars { display: grid; grid-template-columns: 1em 112px 3.2em; gap: 2px 6px; font-size: 0.9em;
      align-items: center; } .digit-pad .bars .bar { display: block; height: 0.9em; background: var(--bar); }
    .digit-pad .bars .winner { background: WINNER; } .digit-pad .bars b { text-align: right; font-weight: normal; }
    .digit-pad .looks { flex-basis: 100%; }
    html .bd-content div.cell_output .text_html:has(> .digit-pad) { background: none; padding: 0; }
    .digit-pad [hidden] { display: none !important; }`;

  const BODY = `
    <p class="words" role="status" aria-live="polite"></p>
    <div class="parts">
      <div><canvas class="field" width="560" height="560" tabindex="0" role="application" aria-label="Drawing field of
        28 by 28 squares. Draw with the mouse, a finger or a pen. Or with keys: arrow keys move the cursor, space paints,
        shift and an arrow key paint a line."></canvas>
        <button class="clear">Clear</button><button class="example">An example</button>
        <label><input type="checkbox" class="centre" checked> centre my drawing</label>
        <p class="cursor" aria-live="polite"></p></div>
      <figure><canvas class="image seen" width="280" height="280" role="img"
        aria-label="The 28 by 28 pixels that the network sees"></canvas><figcaption>what the network sees</figcaption></figure>
      <figure class="layers"></figure>
      <figure><div class="bars"></div><figcaption>probabilities</figcaption></figure>
      <div class="looks"><label><input type="checkbox" class="show"> show what each hidden neuron looks for</label>
        <div class="parts" hidden><figure><canvas class="image weights" width="280" height="280" role="img"></canvas>
          <figcaption>blue: positive weight, red: negative</figcaption></figure>
          <div><label>neuron <input type="range" class="neuron" min="0" value="0"></label>
          <p class="about" aria-live="polite"></p>Point at a square of a hidden layer, or move the control.</div></div></div>
    </div>`;

  const rgb = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  // a colour for the share v of a full colour on white paper
  const shade = (full, v) => `rgb(${rgb(full).map(part => Math.round(255 + (part - 255) * v)).join(" ")})`;

  // numbers as coloured squares, row by row; one of them may be marked
  function squares(canvas, values, columns, colour, gap = 0, marked = -1) {
    const pen = canvas.getContext("2d"), size = canvas.width / columns;
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    values.forEach((v, at) => {
      const x = size * (at % columns), y = size * Math.floor(at / columns);
      if (at === marked || gap) {
        pen.strokeStyle = at === marked ? "#000" : "#bbb";
        pen.lineWidth = at === marked ? 5 : 1;
        pen.strokeRect(x + 3, y + 3, size - 6, size - 6);
      }
      if (v === 0) return;
      pen.fillStyle = colour(v);
      pen.fillRect(x + gap, y + gap, size - 2 * gap, size - 2 * gap);
    });
  }

  function start(root) {
    root.dataset.ready = "yes";
    const {layers: packed, examples, labels, colours} = JSON.parse(root.querySelector("script").textContent);
    const layers = packed.map(unpack), hidden = layers.slice(0, -1), images = bytes(examples);
    const percent = v => `${Math.round(100 * v)} %`;
    root.insertAdjacentHTML("beforeend", `<style>${STYLE.replace("WINNER", colours.activation)}</style>${BODY}`);
    const find = name => root.querySelector(name), field = find(".field");
    const ink = new Float64Array(N * N), cursor = {x: 13, y: 13, shown: false};
    let stages, last = null, example = -1, note = "", later;

    hidden.forEach(({b}, l) => find(".layers").insertAdjacentHTML("beforeend", `<canvas class="neurons" width="256"
      height="${32 * Math.ceil(b.length / 8)}" role="img" aria-label="The activations of hidden layer ${l + 1}, darker is larger">
      </canvas><figcaption>hidden layer ${l + 1}: ${b.length} neurons</figcaption>`));
    const pictures = [...root.querySelectorAll(".neurons")];
    find(".bars").innerHTML = Array.from(layers.at(-1).b, (_, k) => `<span>${k}</span><div><span class="bar"></span></div><b></b>`).join("");
    find(".neuron").max = hidden.reduce((n, {b}) => n + b.length, 0) - 1;

    // the chosen neuron as (layer, number in the layer): the control counts through all hidden layers
    function chosen() {
      let j = Number(find(".neuron").value), l = 0;
      while (j >= hidden[l].b.length) j -= hidden[l++].b.length;
      return [l, j];
    }

    function show() {
      const x = (find(".centre").checked ? centred : plain)(ink), empty = !ink.some(v => v > 0);
      stages = forward(layers, x);
      squares(field, ink, N, v => shade("#000000", v));
      if (cursor.shown) {
        const pen = field.getContext("2d"), size = field.width / SIDE;
        pen.strokeStyle = colours.gradient;
        pen.lineWidth = 4;
        pen.strokeRect(size * cursor.x, size * cursor.y, size, size);
      }
      squares(find(".seen"), x, SIDE, v => shade("#000000", Math.min(1, v)));
      const looking = find(".show").checked, [layer, j] = chosen();
      pictures.forEach((canvas, l) => {
        const a = stages[l].a, most = Math.max(...a, 1e-9);
        squares(canvas, a, 8, v => shade(colours.activation, v / most), 4, looking && l === layer ? j : -1);
      });
      const p = stages.at(-1).a, best = p.indexOf(Math.max(...p));
      find(".bars").querySelectorAll(".bar").forEach((bar, k) => {
        bar.style.width = `${100 * p[k]}%`;
        bar.classList.toggle("winner", k === best);
      });
      find(".bars").querySelectorAll("b").forEach((text, k) => { text.textContent = percent(p[k]); });
      const answer = `${best}, with the probability ${percent(p[best])}.`;
      const words = empty ? `Nothing is drawn yet. Even so the network would say ${answer}` : `${note}The network says ${answer}`;
      clearTimeout(later);   // spoken and written when the pen rests, not at every move
      later = setTimeout(() => { find(".words").textContent = words; }, 150);
      find(".looks .parts").hidden = !looking;
      if (looking) about(layer, j);
    }

    function about(layer, j) {
      const {W, b} = layers[layer], w = W.filter((_, at) => at % b.length === j), canvas = find(".weights");
      const most = w.reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1, columns = layer ? 8 : SIDE;
      canvas.height = canvas.width * Math.ceil(w.length / columns) / columns;
      squares(canvas, w, columns, v => shade(v > 0 ? colours.weight : colours.gradient, Math.abs(v) / most), layer ? 4 : 0);
      const text = `Hidden layer ${layer + 1}, neuron ${j + 1}: pre-activation ${stages[layer].z[j].toFixed(2)}, `
        + `activation ${stages[layer].a[j].toFixed(2)}.`;
      find(".about").textContent = text;
      canvas.setAttribute("aria-label", `Its weights, one for each ${layer ? "neuron of the layer before" : "pixel"}.`);
    }

    const place = event => {
      const edge = field.getBoundingClientRect();
      return [N * (event.clientX - edge.left) / edge.width, N * (event.clientY - edge.top) / edge.height];
    };
    field.addEventListener("pointerdown", event => {
      if (event.button !== 0 || !event.isPrimary) return;
      field.setPointerCapture(event.pointerId);
      last = place(event), note = "", cursor.shown = false;
      stroke(ink, ...last, ...last);
      show();
    });
    field.addEventListener("pointermove", event => {
      if (!last || !event.isPrimary) return;
      const next = place(event);
      stroke(ink, ...last, ...next);
      last = next;
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) field.addEventListener(end, () => { last = null; });

    field.addEventListener("keydown", event => {
      const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0]}[event.key];
      if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();   // the page must not scroll
      const middle = () => [FINE * (cursor.x + 0.5), FINE * (cursor.y + 0.5)], from = middle();
      cursor.x = Math.min(SIDE - 1, Math.max(0, cursor.x + move[0]));
      cursor.y = Math.min(SIDE - 1, Math.max(0, cursor.y + move[1]));
      if (event.key === " " || event.shiftKey) stroke(ink, ...from, ...middle()), note = "";
      cursor.shown = true;
      find(".cursor").textContent = `cursor: row ${cursor.y + 1}, column ${cursor.x + 1}`;
      show();
    });

    find(".clear").onclick = () => { ink.fill(0), note = "", show(); };
    find(".example").onclick = () => {
      example = (example + 1) % labels.length;
      note = `A test image with the label ${labels[example]}. `;
      const first = example * SIDE * SIDE, along = at => Math.floor(at / FINE);
      for (let at = 0; at < N * N; at++) ink[at] = images[first + SIDE * along(Math.floor(at / N)) + along(at % N)] / 255;
      show();
    };
    for (const name of [".centre", ".show", ".neuron"]) find(name).addEventListener("input", show);
    pictures.forEach((canvas, l) => canvas.addEventListener("pointermove", event => {
      const edge = canvas.getBoundingClientRect(), size = edge.width / 8;
      const j = 8 * Math.floor((event.clientY - edge.top) / size) + Math.floor((event.clientX - edge.left) / size);
      if (j < 0 || j >= hidden[l].b.length) return;
      find(".neuron").value = j + hidden.slice(0, l).reduce((n, {b}) => n + b.length, 0);
      if (find(".show").checked) show();
    }));
    show();
  }

  document.querySelectorAll(".digit-pad:not([data-ready])").forEach(start);
})();
