'use strict';
/* Colours a text by any unit, and shows guesses and numbers where one points. The data is the JSON of the element `data`: values are
   64 levels, a letter of base64 each. Without this script the page shows the same for its first units and symbols. */
(() => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', level = {};
  for (let i = 0; i < 64; i++) level[letters[i]] = i;
  const find = id => document.getElementById(id);
  const make = (tag, text, className) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const colour = (e, x) => { /* x: -1 .. 1 */
    e.classList.toggle('heat', x > 0.03);
    e.classList.toggle('cold', x < -0.03);
    e.style.setProperty('--A', Math.min(1, Math.abs(x)).toFixed(2));
  };
  document.documentElement.classList.add('scripted');

  function text(d) {
    const box = find('tokens'), guess = find('guess'), picker = find('unit'), state = find('state'), spans = [];
    box.textContent = '';
    box.classList.toggle('words', d.words);
    d.shown.forEach((symbol, i) => {
      const s = make('span', d.symbols[symbol] === '\n' && !d.words ? '↵\n' : d.symbols[symbol]);
      s.dataset.i = i;
      spans.push(s);
    });
    box.append(...spans);
    let series = null, most = 1; /* of this unit */
    const share = i => series && i < series.length ? 2 * level[series[i]] / 63 - 1 : NaN, value = i => share(i) * most;
    const show = () => {
      spans.forEach((s, i) => colour(s, isNaN(share(i)) ? 0 : share(i)));
      find('unitsays').textContent = series && series.length < spans.length ?
        `blue below 0, red above; of this unit the first ${series.length} of ${spans.length} symbols` : 'blue below 0, red above';
    };
    const choose = (s, u) => {
      const of = d.states[s];
      most = of.most[u];
      const whole = of.whole.find(w => w.unit === u);
      series = whole ? whole.values : of.units[u] || '';
      state.value = s; picker.value = u + 1; picker.max = of.width;
      show();
    };
    d.states.forEach((s, i) => { const o = make('option', s.name); o.value = i; state.append(o); });
    state.onchange = () => choose(+state.value, 0);
    picker.onchange = () => choose(+state.value, Math.min(Math.max(0, picker.value - 1), d.states[+state.value].width - 1));
    document.querySelectorAll('button[data-unit]').forEach(b => b.onclick = () => {
      choose(+b.dataset.state, +b.dataset.unit);
      document.querySelectorAll('button[data-unit]').forEach(o => o.setAttribute('aria-pressed', o === b));
      box.scrollIntoView({block: 'nearest'});
    });
    const best = document.querySelector('button[data-unit]');
    if (best) best.setAttribute('aria-pressed', true);
    if (d.states.length) best ? choose(+best.dataset.state, +best.dataset.unit) : choose(0, 0);
    let last = null;
    const at = s => {
      const i = +s.dataset.i;
      if (last) last.classList.remove('on');
      last = s;
      s.classList.add('on');
      guess.textContent = '';
      const name = t => d.symbols[t] === '\n' ? '↵' : d.symbols[t] === ' ' ? '␣' : d.symbols[t];
      let line = `symbol ${i + 1}: ${name(d.shown[i])}`;
      if (!isNaN(value(i))) line += `, unit ${value(i).toFixed(2)}`;
      guess.append(make('span', line + (d.k && i < d.guessed ? '; guessed: ' : '')));
      for (let k = 0; k < d.k && i < d.guessed; k++) {
        const g = make('span', ` ${name(d.guesses[i * d.k + k])} ${(level[d.p[i * d.k + k]] / 63 * 100).toFixed(0)} % `);
        if (d.guesses[i * d.k + k] === d.shown[i]) g.className = 'right';
        guess.append(g);
      }
    };
    box.addEventListener('pointerover', e => { if (e.target.dataset.i) at(e.target); });
    box.tabIndex = 0;
    box.addEventListener('keydown', e => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[e.key], to = last ? spans[+last.dataset.i + step] : spans[0];
      if (!step || !to) return;
      at(to);
      to.scrollIntoView({block: 'nearest'});
      e.preventDefault();
    });
  }

  document.querySelectorAll('.strip[data-rows]').forEach(f => {
    const image = f.querySelector('img'), says = f.querySelector('figcaption .at');
    image.addEventListener('pointermove', e => {
      const box = image.getBoundingClientRect(), rows = +f.dataset.rows, columns = +f.dataset.columns;
      const unit = Math.min(rows, 1 + Math.floor((e.clientY - box.top) / box.height * rows));
      const step = Math.min(columns, 1 + Math.floor((e.clientX - box.left) / box.width * columns));
      says.textContent = ` · unit ${unit}, step ${step}`;
    });
  });

  const source = find('data');
  if (source && find('tokens')) text(JSON.parse(source.textContent));
})();
