/* What a model says. Each kind of variable has a way to be shown, which follows from its unit and kind. */
import {element, share, short, visible} from './common.js';
import {forecast, roll, strokes} from './charts.js';
import {play} from './sound.js';

/* list: [{label, probability}]; chosen(label): what a click does. */
export function bars(list, chosen) {
  return element('ol', {className: 'bars'}, ...list.map(({label, probability}) => {
    const fill = element('div', {className: 'fill'});
    fill.style.width = `${100 * probability}%`;
    const name = chosen ? element('button', {type: 'button', className: 'label', onclick: () => chosen(label)}, visible(label)) : element('span', {className: 'label'}, visible(label));
    return element('li', {}, name, element('div', {className: 'track', ariaHidden: 'true'}, fill), element('span', {className: 'share'}, share(probability)));
  }));
}

const hue = (label, labels) => {
  const at = labels ? labels.indexOf(label) : [...label].reduce((n, c) => n * 31 + c.codePointAt(0), 7);
  return String((at * 137) % 360);
};

/* The parts of the text that the tags stand at, where there are as many. */
function partsOf(text, n) {
  const words = text.trim().split(/\s+/), letters = [...text];
  return words.length === n ? words : letters.length === n ? letters : null;
}

function tags(variable, said, context) {
  const texts = context.texts.map(s => partsOf(s, said.value.length)).find(Boolean);
  return element('p', {className: 'tags'}, ...said.value.map((label, t) => {
    const p = said.probability?.[t];
    const tag = element('span', {className: 'tag', title: p === undefined ? '' : share(p)}, texts?.[t] ?? '', element('small', {}, label));
    tag.style.setProperty('--hue', hue(label, variable.labels));
    return tag;
  }));
}

function label(variable, said) {
  if (said.top) return bars(said.top[0].map(x => ({label: x.label, probability: x.probability ?? 0})));
  return element('p', {className: 'text'}, `${said.value} `, said.probability ? element('span', {className: 'quiet'}, share(said.probability[0])) : null);
}

const text = (variable, said) => element('p', {className: 'text'}, said.value);

const steps = said => said.mean.map(x => Array.isArray(x) ? x : [x]);

function pen(variable, said) {
  const box = element('div', {}), points = steps(said);
  const draw = () => box.replaceChildren(points.length ? strokes(points) : element('p', {className: 'quiet'}, 'Nothing was drawn.'));
  draw();
  return element('div', {}, box, element('button', {type: 'button', className: 'plain', onclick: draw}, 'Once more'));
}

const LOWEST = 21; /* the key of MIDI that the first of 88 numbers is */

function notes(variable, said) {
  const list = steps(said).map(x => x.slice(0, 88).map((on, i) => on >= 0.5 ? LOWEST + i : 0).filter(Boolean));
  let stop = null;
  const button = element('button', {type: 'button'}, 'Play');
  button.onclick = () => {
    if (stop) return stop();
    button.textContent = 'Silence';
    stop = play(list, 0.15, () => { stop = null; button.textContent = 'Play'; });
  };
  return element('div', {}, roll(list), element('div', {className: 'row'}, button));
}

/* Means, with the lowest and highest quantile around them. */
function numbers(variable, said, context) {
  const mean = steps(said), levels = Object.keys(said.quantiles ?? {}).sort((a, b) => a - b);
  const low = levels.length > 1 ? steps({mean: said.quantiles[levels[0]]}) : null, high = low && steps({mean: said.quantiles[levels.at(-1)]});
  if (mean.length === 1)
    return element('p', {}, element('span', {className: 'number'}, mean[0].map(short).join('  ')), low
      ? element('span', {className: 'quiet'}, `  between ${low[0].map(short).join('  ')} and ${high[0].map(short).join('  ')} in ${Math.round(100 * (levels.at(-1) - levels[0]))} of 100 cases`) : null);
  const before = context.before?.[variable.name] ?? [];
  return element('div', {}, ...mean[0].slice(0, 8).map((_, i) =>
    forecast(context.series || (mean[0].length > 1 ? `number ${i + 1}` : ''), i ? [] : before, mean.map(x => x[i]), low?.map(x => x[i]), high?.map(x => x[i]), context.times)));
}

const showers = [
  [v => v.kind === 'pen', pen],
  [v => v.kind === 'notes', notes],
  [(v, said) => said.mean, numbers],
  [(v, said) => Array.isArray(said.value), tags],
  [v => v.unit === 'labels', label],
  [() => true, text],
];

/* A row of the reply. context: {texts: what was given as texts, before: {variable: numbers before a forecast}}. */
export function shown(model, row, context) {
  const box = element('div', {});
  for (const variable of model.variables) {
    const said = row[variable.name];
    if (!variable.predicted || !said || variable.kind === 'end') continue;
    if (said.mean && !said.mean.length) continue;
    box.append(element('h2', {}, variable.name),
               showers.find(([fits]) => fits(variable, said))[1](variable, said, {...context, times: row.time, series: row.series}));
  }
  if (row.log2_p !== undefined && row.log2_p !== null && model.variables.some(v => v.predicted && v.symbols)) box.append(element('p', {className: 'quiet'}, `probability 2^${short(row.log2_p)}`));
  return box;
}
