// Typeset formulas when the book is built, so that no page waits for MathJax: book/_ext/light.py sends
// [[TeX, display], …] as JSON and receives {formulas: [HTML, …], style: CSS of what these use}.
const { readFileSync } = require('node:fs');
const [, , mathjax] = process.argv;

// what book.css says once for all formulas, and what only MathJax's own menus would read
const SPARE = new RegExp(' (unselectable="on"|xmlns="[^"]*"|data-mjx-[\\w-]+="[^"]*"|texclass="\\w+"|'
  + 'style="(position: relative|margin-left: 0; margin-right: 0);")', 'g');
// a box around a single letter, whose attributes the letter can have itself
const BOX = /<mjx-(mi|mn|mo)([^>]*)><mjx-c( class=[\w-]+)><\/mjx-c><\/mjx-\1>/g;

const LETTER = /<mjx-c class="mjx-c([0-9A-F]+)(?: TEX(-\w+))?"/g;

// one class for each letter of each font, and no class of which the style says nothing
function shorter(formula, style) {
  const known = (all, names) => {
    const kept = names.split(' ').filter(name => name && style.includes(`.${name}`)).join(' ');
    return kept && ` class="${kept}"`;
  };
  return formula.replace(SPARE, '').replace(/ class="([^"]*)"/g, known)
    .replace(LETTER, (all, code, font = '') => `<mjx-c class=c${code}${font}`)
    .replace(BOX, '<mjx-c$2$3></mjx-c>');
}

function shorterStyle(style) {
  return style.replace(/mjx-c\.mjx-c([0-9A-F]+)(?:\.TEX(-\w+))?::before/g, (all, code, font) => font
    ? `.c${code}${font} {font-family: MJXZERO, MJXTEX${font}}\n.c${code}${font}::before` : `.c${code}::before`);
}

async function main() {
  const MathJax = await require(`${mathjax}/node-main.js`).init({
    loader: { load: ['input/tex', 'output/chtml', 'a11y/assistive-mml'] },
    tex: { packages: { '[-]': ['noerrors', 'noundefined'] } },  // what cannot be read is an error, not red letters
    chtml: { fontURL: 'vendor/mathjax/es5/output/chtml/fonts/woff-v2' }, startup: { typeset: false },
  });
  const { adaptor } = MathJax.startup;
  const formulas = [];
  for (const [text, display] of JSON.parse(readFileSync(0, 'utf8')))
    formulas.push(adaptor.outerHTML(await MathJax.tex2chtmlPromise(text, { display })));
  const style = adaptor.textContent(MathJax.chtmlStylesheet());
  const short = formulas.map(formula => shorter(formula, style));
  console.log(JSON.stringify({ formulas: short, style: shorterStyle(style) }));
}

main();
