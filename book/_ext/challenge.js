// One file for both sides: on the page it serves the forms, in its worker it runs Python.
if (typeof document === 'undefined') {
  let check;  // a promise of the function that answers, from the first line on

  async function start(folder) {
    const { loadPyodide } = await import(folder + 'pyodide.mjs');
    const python = await loadPyodide({ indexURL: folder });
    await python.loadPackage('nnlib', { messageCallback() {} });
    postMessage({ progress: 'Python is here. The theorems are being read.' });
    return python.runPython(`
import json
from nnlib.derivations import challenge
lambda theorem, text, after: json.dumps(challenge(theorem, text, after).as_dict())`);
  }

  self.onmessage = async ({ data: { folder, theorem, text, after } }) => {
    try {
      check = await (check || start(folder));
    } catch (error) {
      return postMessage({ failed: `Python could not be fetched, or did not start (${String(error).slice(0, 200)}). `
        + 'Perhaps the network is down, or this copy of the book was built without notebooks for the browser.' });
    }
    try {
      postMessage({ progress: 'The line is being checked.' });
      postMessage({ verdict: JSON.parse(check(theorem, text, after)) });
    } catch (error) {
      postMessage({ failed: `The check broke off (${String(error).trim().split('\n').pop().slice(0, 200)}).` });
    }
  };
} else {
  const script = document.currentScript.src;
  const folder = new URL('../lite/static/pyodide/', script).href;
  let worker, asked, clock;  // asked: the form that waits for an answer

  function say(form, kind, ...parts) {
    const place = form.querySelector('.verdict');
    place.className = `verdict ${kind}`;
    place.replaceChildren(...parts.map(part => {
      const line = document.createElement('p');
      line.append(...[part].flat());
      return line;
    }));
    return place;
  }

  // end the waiting; the worker lives on unless it failed or was stopped
  function finish(lost) {
    clearTimeout(clock);
    asked.querySelector('.stop').hidden = true;
    asked.removeAttribute('aria-busy');
    asked = undefined;
    if (lost) {
      worker.onmessage = null;  // an answer may be under way
      worker.terminate();
      worker = undefined;
    }
  }

  // the text with a mark at the place that the message names
  function pointed(text, message) {
    const place = /At character (\d+)/.exec(message);
    if (!place) return [];
    const letters = [...text.normalize('NFC')], at = place[1] - 1;
    const [line, mark] = ['samp', 'mark'].map(name => document.createElement(name));
    mark.textContent = letters[at] ?? '\u00a0';
    line.append(letters.slice(0, at).join(''), mark, letters.slice(at + 1).join(''));
    return [line];
  }

  // the formulas of the page are typeset already: MathJax is fetched, with Python, for those of the answers
  let mathjax;
  const fetchMathJax = () => new Promise(done => {
    const Hub = { Queue() {} };  // widgets call MathJax 2; their formulas are typeset already
    window.MathJax = { Hub, startup: { typeset: false } };
    const program = document.createElement('script');
    const src = new URL('vendor/mathjax/es5/tex-chtml.js', script).href;
    Object.assign(program, { src, onerror: done, onload() {
      MathJax.Hub = Hub;
      done(MathJax.startup.promise);
    } });
    document.head.append(program);
  });

  async function show(form, text, verdict) {
    await mathjax;
    const formula = document.createElement('span');
    formula.className = 'mathjax_process';
    formula.textContent = window.MathJax.typesetPromise ? `\\(${verdict.line_latex}\\)` : verdict.line_latex;
    const read = verdict.line_latex ? [['Read as ', formula]] : [];
    say(form, verdict.kind, verdict.message, ...pointed(text, verdict.message), ...read);
    if (read.length) await window.MathJax.typesetPromise?.([formula]);
  }

  function answered({ data }) {
    const form = asked;
    if (!form) return;
    if (data.progress) return say(form, '', data.progress);
    finish(data.failed);
    if (data.failed) say(form, 'undecided', data.failed);
    else show(form, form.dataset.text, data.verdict);
  }

  function submit(event) {
    event.preventDefault();
    const form = event.target;
    if (asked) {
      if (asked !== form) say(form, '', 'A line in another form is still being checked.');
      return;
    }
    asked = form;
    form.dataset.text = form.elements.line.value;
    form.setAttribute('aria-busy', 'true');
    say(form, '', worker ? 'The line is being checked.' : 'Python is being fetched: 14 MB, once.');
    mathjax ||= fetchMathJax();
    if (!worker) {
      worker = new Worker(script, { type: 'module' });
      worker.onmessage = answered;
      worker.onerror = () => answered({ data: { failed: 'This browser could not start the program that checks.' } });
    }
    clock = setTimeout(() => { form.querySelector('.stop').hidden = false; }, 10_000);
    const after = form.elements.after.value;
    worker.postMessage({ folder, theorem: form.closest('.challenge').dataset.theorem, text: form.dataset.text,
      after: after ? Number(after) : undefined });  // undefined is Python's None
  }

  function prepare(form) {
    if (location.protocol === 'file:') {
      say(form, '', 'Browsers run no Python on a page that was opened as a file. Open the book from a web server.');
      return;
    }
    form.querySelector('fieldset').disabled = false;
    form.addEventListener('submit', submit);
    form.querySelector('.stop').addEventListener('click', () => {
      finish(true);
      say(form, '', 'Stopped.');
      form.elements.line.focus();
    });
    for (const example of form.querySelectorAll('.example')) {
      example.addEventListener('click', () => {
        form.elements.line.value = example.textContent;
        form.elements.line.focus();
      });
    }
  }

  for (const box of document.querySelectorAll('.challenge')) {
    // at the click, so that the form is there when the box opens, or when something else opens it
    for (const event of ['click', 'toggle'])
      box.addEventListener(event, () => {
        const template = box.querySelector('template');
        if (!template) return;
        template.replaceWith(template.content);
        prepare(box.querySelector('form'));
      });
  }
}
