/* Figures: strips of values over steps, a forecast, strokes, a piano roll. */
import {drawn, element, short} from './common.js';

const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rgb(color) {
  const c = element('canvas', {width: 1, height: 1}).getContext('2d');
  c.fillStyle = color;
  c.fillRect(0, 0, 1, 1);
  return c.getImageData(0, 0, 1, 1).data;
}

/* When the colours change, pictures are painted again. */
export const repaint = call => matchMedia('(prefers-color-scheme: dark)').addEventListener('change', call);

/* From cold over the background to warm, for -1 .. 1. */
export function palette() {
  const cold = rgb(style('--cold')), warm = rgb(style('--warm')), none = rgb(style('--field'));
  return x => {
    const to = x < 0 ? cold : warm, p = Math.min(1, Math.abs(x));
    return [0, 1, 2].map(i => Math.round(none[i] + p * (to[i] - none[i])));
  };
}

const largest = rows => rows.reduce((m, row) => row.reduce((n, x) => Math.max(n, Math.abs(x ?? 0)), m), 1e-9);

/* values [steps][width] as a picture: a column each step. labels: of the steps; sides: of the rows. */
export function strip(name, values, labels, sides) {
  const steps = values.length, width = Math.max(0, ...values.map(v => v.length)), color = palette(), most = largest(values);
  const longest = labels ? Math.max(...labels.map(l => l.length)) : 0;
  const across = labels ? Math.max(18, Math.min(90, 8 * longest, Math.floor(700 / steps))) : Math.max(2, Math.min(18, Math.floor(900 / Math.max(1, steps)))), down = sides ? 16 : Math.max(1, Math.min(10, Math.floor(220 / Math.max(1, width))));
  const canvas = element('canvas', {width: Math.max(1, steps), height: Math.max(1, width)});
  canvas.style.width = `${steps * across}px`;
  canvas.style.height = `${width * down}px`;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${name}: ${width} numbers at ${steps} steps, at most ${short(most)} away from 0`);
  const c = canvas.getContext('2d'), image = c.createImageData(canvas.width, canvas.height);
  values.forEach((row, t) => row.forEach((x, i) => {
    const [r, g, b] = color((x ?? 0) / most);
    image.data.set([r, g, b, 255], 4 * (i * canvas.width + t));
  }));
  c.putImageData(image, 0, 0);
  const below = labels ? element('div', {className: 'steps', ariaHidden: 'true'}, ...labels.slice(0, steps).map(s => {
    const span = element('span', {title: s}, s);
    span.style.width = `${across}px`;
    return span;
  })) : null;
  const beside = sides ? element('div', {className: 'sides', ariaHidden: 'true'}, ...sides.map(s => element('div', {title: s}, s))) : null;
  return element('div', {className: 'strip'}, element('h3', {}, `${name}, ±${short(most)}`),
                 element('div', {className: 'map'}, beside, element('div', {}, canvas, below)));
}

/* values [rows][columns] as they lie on a canvas; paint(x) is [r, g, b, opacity]. */
function painted(values, paint) {
  const columns = Math.max(1, ...values.map(v => v.length)), canvas = element('canvas', {width: columns, height: Math.max(1, values.length)});
  const c = canvas.getContext('2d'), image = c.createImageData(canvas.width, canvas.height);
  values.forEach((row, i) => row.forEach((x, j) => image.data.set(paint(x), 4 * (i * columns + j))));
  c.putImageData(image, 0, 0);
  return canvas;
}

const rowsOf = (list, columns) => Array.from({length: Math.floor(list.length / columns)}, (_, i) => list.slice(i * columns, (i + 1) * columns));

/* A picture, its numbers from 0 to 1 row by row. null: its channels are no colours. */
function pictureOf(numbers, [channels, rows, columns]) {
  if (![1, 3].includes(channels) || numbers?.length !== channels * rows * columns) return null;
  const bytes = numbers.map(x => 255 * (x ?? 0));
  return painted(rowsOf(Array.from({length: rows * columns}, (_, i) => i), columns),
                 i => [...[0, 1, 2].map(c => bytes[channels * i + c % channels]), 255]);
}

/* Behind the last symbol stands the end. */
const stepName = (labels, t) => labels?.[t] ?? (labels ? '∅' : String(t + 1));

/* Where attention looked in a picture at each step: there it is light. pictures: one, or one a step; grid: rows and columns of the weights. */
export function looks(name, values, labels, pictures, shape, grid) {
  return element('div', {}, element('h3', {}, name), element('div', {className: 'looks'}, ...values.map((weights, t) => {
    const most = Math.max(1e-9, ...weights.map(x => x ?? 0)), below = shape ? pictureOf(pictures?.[Math.min(t, pictures.length - 1)], shape) : null;
    const shade = painted(rowsOf(weights, grid[1]), x => [16, 16, 16, 215 * (1 - (x ?? 0) / most)]);
    shade.className = 'shade';
    const box = element('div', {className: 'look', role: 'img', ariaLabel: `step ${t + 1}: looked at, the largest weight is ${short(most)}`}, below, shade);
    box.style.aspectRatio = `${grid[1]} / ${grid[0]}`;
    return element('figure', {}, box, element('figcaption', {}, stepName(labels, t)));
  })));
}

/* Where attention looked in a recording: its spectrum above, a row for each step below. */
export function heard(name, values, labels, sound) {
  const color = palette(), most = largest(sound), turned = sound[0]?.map((_, i) => sound.map(v => v[v.length - 1 - i])) ?? [];
  const rows = values.map(weights => { const m = Math.max(1e-9, ...weights.map(x => x ?? 0)); return weights.map(x => (x ?? 0) / m); });
  const above = painted(turned, x => [...color((x ?? 0) / most), 255]), below = painted(rows, x => [...color(x), 255]);
  above.style.height = '90px';
  below.style.height = `${16 * values.length}px`;
  below.setAttribute('role', 'img');
  below.setAttribute('aria-label', `${name}: where ${values.length} steps looked in ${sound.length} steps of sound`);
  const names = element('div', {className: 'sides', ariaHidden: 'true'}, ...values.map((_, t) => element('div', {}, stepName(labels, t))));
  return element('div', {}, element('h3', {}, name), element('div', {className: 'heard'}, element('div'), above, names, below));
}

/* A text whose parts are coloured by a number each. */
export function colored(parts, numbers) {
  const color = palette(), most = Math.max(1e-9, ...numbers.map(x => Math.abs(x ?? 0)));
  return element('p', {className: 'colored'}, ...parts.map((s, t) => {
    const span = element('span', {title: short(numbers[t] ?? 0)}, s);
    span.style.background = `rgb(${color((numbers[t] ?? 0) / most).join(' ')})`;
    return span;
  }));
}

/* --- a series and what comes after it --- */

const W = 720, H = 300, LEFT = 56, BOTTOM = 26;

/* given [n]; mean, low, high [k]; times: names of the k steps. */
export function forecast(name, given, mean, low, high, times) {
  const before = given.slice(-Math.max(3 * mean.length, 60)), n = before.length + mean.length;
  const all = [...before, ...mean, ...(low ?? []), ...(high ?? [])].filter(x => Number.isFinite(x));
  const least = Math.min(...all), most = Math.max(...all), range = most - least || 1;
  const x = t => LEFT + (W - LEFT - 8) * t / Math.max(1, n - 1), y = v => 8 + (H - BOTTOM - 8) * (1 - (v - least) / range);
  const line = (list, from) => list.map((v, i) => Number.isFinite(v) ? `${x(from + i).toFixed(1)},${y(v).toFixed(1)}` : '').filter(Boolean).join(' ');
  const svg = drawn('svg', {class: 'figure', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': `${name || 'a forecast'}: ${mean.length} steps, from ${short(mean[0])} to ${short(mean.at(-1))}`});
  for (const v of [least, (least + most) / 2, most]) {
    svg.append(drawn('line', {class: 'axis', x1: LEFT, x2: W - 8, y1: y(v), y2: y(v)}));
    svg.append(drawn('text', {x: 4, y: y(v) + 4}, short(v)));
  }
  if (low) svg.append(drawn('polygon', {class: 'band', points: line(low, before.length) + ' ' + line(high, before.length).split(' ').reverse().join(' ')}));
  svg.append(drawn('polyline', {class: 'given', points: line(before, 0)}));
  svg.append(drawn('polyline', {class: 'mean', points: line(before.length ? [before.at(-1), ...mean] : mean, Math.max(0, before.length - 1))}));
  if (times) svg.append(drawn('text', {x: W - 8, y: H - 6, 'text-anchor': 'end'}, times.length > 1 ? `${times[0]} to ${times.at(-1)}` : times[0]));
  const rows = mean.map((v, i) => element('tr', {}, element('td', {}, times?.[i] ?? String(i + 1)), element('td', {}, short(v)),
                                         element('td', {}, low ? `${short(low[i])} to ${short(high[i])}` : '')));
  return element('div', {}, name ? element('h3', {}, name) : null, svg,
                 element('details', {}, element('summary', {}, 'Numbers'), element('div', {className: 'scroll'}, element('table', {}, ...rows))));
}

/* --- a drawing: offsets with the end of each stroke --- */

export function strokes(points) {
  let px = 0, py = 0, part = [];
  const parts = [];
  for (const [dx, dy, end] of points) {
    px += dx;
    py += dy;
    part.push([px, py]);
    if (end >= 0.5) { parts.push(part); part = []; }
  }
  if (part.length) parts.push(part);
  const xs = parts.flat().map(p => p[0]), ys = parts.flat().map(p => p[1]);
  const left = Math.min(...xs), top = Math.min(...ys), wide = Math.max(...xs) - left || 1, high = Math.max(...ys) - top || 1;
  const unit = Math.max(wide / 700, high / 260), at = ([a, b]) => `${(10 + (a - left) / unit).toFixed(1)} ${(10 + (b - top) / unit).toFixed(1)}`;
  const svg = drawn('svg', {class: 'figure', viewBox: `0 0 ${Math.ceil(wide / unit) + 20} ${Math.ceil(high / unit) + 20}`, role: 'img',
                            'aria-label': `a drawing of ${parts.length} strokes`});
  svg.style.maxWidth = `${Math.ceil(wide / unit) + 20}px`;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let from = 0;
  for (const p of parts) {
    const path = drawn('path', {class: 'stroke', d: 'M' + (p.length > 1 ? p : [p[0], p[0]]).map(at).join('L'), pathLength: 1});
    svg.append(path);
    const takes = 12 * p.length;
    if (!still && path.animate) {
      path.style.strokeDasharray = '1 1';
      path.animate([{strokeDashoffset: 1}, {strokeDashoffset: 0}], {duration: takes, delay: from, fill: 'backwards'});
    }
    from += takes;
  }
  return svg;
}

/* --- notes: lists of keys of MIDI at each step --- */

export function roll(steps) {
  const keys = steps.flat(), low = Math.min(60, ...keys) - 1, high = Math.max(72, ...keys) + 1, each = Math.max(4, Math.min(16, 700 / Math.max(1, steps.length)));
  const svg = drawn('svg', {class: 'figure', viewBox: `0 0 ${Math.ceil(each * steps.length) + 2} ${(high - low + 1) * 6}`, role: 'img',
                            'aria-label': `${steps.length} steps with ${keys.length} notes`});
  for (let key = low; key <= high; key++)
    if ([1, 3, 6, 8, 10].includes(key % 12)) svg.append(drawn('rect', {class: 'black', x: 0, y: (high - key) * 6, width: each * steps.length, height: 6}));
  steps.forEach((list, t) => list.forEach(key => svg.append(drawn('rect', {class: 'note', x: t * each, y: (high - key) * 6, width: each, height: 5.4}))));
  return svg;
}
