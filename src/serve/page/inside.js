/* Values inside the equations: strips of them, the text coloured by one, and the equations to choose from. */
import {askJson, element, find, later} from './common.js';
import {colored, heard, looks, repaint, strip} from './charts.js';

/* The equations; names that can be traced are chosen by a click. Only elements of MathML are taken over. */
function equations(model, choose) {
  const box = find('equations'), page = new DOMParser().parseFromString(model.mathml ?? '', 'text/html');
  const forward = [], backward = [];
  for (const math of page.querySelectorAll('math')) {
    if (math.querySelector('script, a, annotation-xml')) continue;
    (math.textContent.includes('∂') ? backward : forward).push(document.adoptNode(math));
  }
  box.replaceChildren(...forward);
  if (backward.length) box.append(element('details', {}, element('summary', {}, 'Gradient'), ...backward));
  for (const mi of box.querySelectorAll('mi[data-name]')) {
    const name = mi.dataset.name;
    if (!model.values.some(v => v.name === name)) continue;
    mi.classList.add('known');
    mi.setAttribute('tabindex', '0');
    mi.setAttribute('role', 'button');
    mi.setAttribute('aria-label', `show ${name}`);
    mi.addEventListener('click', () => choose(name));
    mi.addEventListener('keydown', event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(name); } });
  }
  return name => box.querySelectorAll('mi[data-name]').forEach(mi => mi.classList.toggle('chosen', mi.dataset.name === name));
}

/* rows(): what is traced; null: nothing yet. The function that is returned is to be called when that changes. */
export function inside(model, rows) {
  const panel = find('inside'), select = find('value'), unit = find('unit'), strips = find('strips');
  const about = Object.fromEntries(model.values.map(v => [v.name, v])), isMap = name => Boolean(about[name].over || about[name].grid);
  const over = name => model.variables.find(v => v.name === about[name].over);
  const texts = model.variables.filter(v => v.symbols && v.has_steps).map(v => v.name);
  const rank = v => v.over || v.grid ? 0 : v.state ? 1 : 2;
  const order = model.values.filter(v => v.has_steps).sort((a, b) => rank(a) - rank(b)).map(v => v.name);
  if (!order.length) return () => {};
  panel.hidden = false;
  select.append(...order.map(name => element('option', {}, name)));
  const mark = equations(model, name => { select.value = name; show(); });
  let last = '';

  async function show() {
    if (!panel.open) return;
    const given = await rows();
    if (!given) return;
    const name = select.value, looked = over(name), also = looked && !looked.symbols ? [looked.name] : [];
    const of = [name, ...also, ...texts.filter(t => t !== name)].slice(0, 8);
    mark(name);
    last = JSON.stringify([given, name]);
    const mine = last;
    try {
      const {traces} = await askJson('/v1/trace', {json: {model: model.id, rows: [given], of}});
      if (mine !== last) return;
      draw(name, traces[0]?.values ?? {});
    } catch (error) {
      strips.replaceChildren(element('p', {className: 'error'}, error.message));
    }
  }

  function draw(name, values) {
    const v = values[name], parts = [];
    if (!v?.values?.length) {
      strips.replaceChildren(element('p', {className: 'quiet'}, 'This value has no steps here.'));
      return;
    }
    /* What is said of a step stands before it is known: there may be one more step than symbols, for the end. */
    const symbols = name => values[name]?.symbols, fits = (list, n) => list && (list.length === n || list.length === n - 1) ? list : null;
    const own = fits(symbols(about[name].along), v.steps) ?? (isMap(name) ? null : texts.map(t => fits(symbols(t), v.steps)).find(Boolean));
    const other = isMap(name) ? fits(symbols(about[name].over), v.width) : null, looked = over(name);
    if (about[name].grid)
      parts.push(looks(name, v.values.slice(0, 24), own, values[looked?.name]?.values, looked?.shape, about[name].grid));
    else if (looked && !looked.symbols && values[looked.name]?.values?.length)
      parts.push(heard(name, v.values.slice(0, 60), own, values[looked.name].values));
    else
      parts.push(strip(name, v.values, own && v.steps <= 60 ? own : null, other && v.width <= 60 ? other : null));
    if (own && !isMap(name)) {
      const k = Math.min(Math.max(1, unit.valueAsNumber || 1), v.width) - 1;
      unit.max = v.width;
      const words = model.variables.find(x => x.symbols && values[x.name]?.symbols === own)?.unit !== 'chars';
      parts.push(element('h3', {}, `the text, coloured by number ${k + 1} of ${name}`), colored(own.map(s => words ? s + ' ' : s), v.values.map(x => x[k])));
    }
    strips.replaceChildren(...parts);
  }

  panel.addEventListener('toggle', show);
  repaint(show);
  select.onchange = show;
  unit.oninput = show;
  return later(show, 250);
}
