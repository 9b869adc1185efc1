/* The page of a model: its inputs, what it says, and its inside, all from what /v1/models/NAME says of it. With ?demo the page
 * fills in an example and asks; ?demo=TEXT takes that for texts. */
import {ask, askJson, element, events, find, later, say} from './common.js';
import {given, inputOf, seriesInput} from './inputs.js';
import {bars, shown} from './outputs.js';
import {inside} from './inside.js';

const name = decodeURIComponent(location.pathname.replace(/^\/m\//, ''));
const demo = new URLSearchParams(location.search).get('demo');
const answer = find('answer'), go = find('go'), stop = find('stop');

document.title = name;
find('name').textContent = name;

const field = (label, properties) => element('label', {}, label + ' ', element('input', properties));
const number = (id, label, properties) => field(label, {id, type: 'number', step: 'any', size: 6, ...properties});
const read = id => find(id)?.value === '' || !find(id) ? undefined : find(id).valueAsNumber;

function fail(error) {
  if (error.name === 'AbortError') return;
  say(error.message, true);
}

/* Answers may come late: only the last question counts. */
function latest() {
  let last = 0;
  return async (question, answered) => {
    const mine = ++last;
    try {
      const reply = await question();
      if (mine !== last) return;
      say('');
      answered(reply);
    } catch (error) {
      if (mine === last) fail(error);
    }
  };
}

/* --- a text that goes on --- */

function textPage(model) {
  const variable = model.variables.find(v => v.predicted);
  const area = element('textarea', {spellcheck: false, autofocus: true}), next = element('div'), continued = element('p', {className: 'text'});
  const once = latest();
  let running = null;
  find('inputs').append(element('label', {}, 'A text, as it begins ', area));
  find('settings').append(number('temperature', 'Temperature', {value: 1, min: 0, max: 10}), number('top_p', 'Top p', {value: 1, min: 0.01, max: 1}),
                          number('most', 'At most', {value: 200, min: 1, max: 10000, step: 1}), number('seed', 'Seed', {placeholder: 'any', min: 0, step: 1}));
  answer.append(element('h2', {}, 'What comes next'), next, element('h2', {}, 'It goes on'), continued);
  continued.setAttribute('aria-busy', 'false');
  go.textContent = 'Go on';
  const look = inside(model, async () => area.value ? {[variable.name]: area.value} : null);

  const spaced = variable.unit === 'words' ? s => (area.value && !/\s$/.test(area.value) ? ' ' : '') + s : s => s;
  const rank = () => !area.value && !model.ends ? next.replaceChildren() : once(() => askJson('/v1/predict', {json: {model: model.id, rows: [{[variable.name]: area.value}], top: 12}}), reply => {
    const top = reply.predictions[0][variable.name].top[0];
    next.replaceChildren(bars(top, label => {
      if (label === '') return;
      area.value += spaced(label);
      changed();
    }));
  });
  const changed = () => { rankLater(); look(); };
  const rankLater = later(rank, 120);
  area.oninput = changed;

  async function goOn() {
    running?.abort();
    running = new AbortController();
    stop.hidden = false;
    continued.replaceChildren(area.value, element('mark'));
    continued.setAttribute('aria-busy', 'true');
    const json = {model: model.id, prompt: area.value, stream: true, max_tokens: read('most') ?? 200, temperature: read('temperature') ?? 1, top_p: read('top_p') ?? 1};
    if (read('seed') !== undefined) json.seed = read('seed');
    try {
      for await (const event of events('/v1/completions', json, running.signal)) continued.lastChild.append(event.choices[0]?.text ?? '');
      say('');
    } catch (error) {
      fail(error);
    }
    continued.setAttribute('aria-busy', 'false');
    stop.hidden = true;
  }
  stop.onclick = () => running?.abort();
  return {ask: goOn, ready: rank, demo: async text => { area.value = text; look(); await rank(); }};
}

/* --- rows --- */

const hasText = v => v.symbols > 0 && v.has_steps && v.unit !== 'labels';

function options(model) {
  const out = {}, said = model.variables.filter(v => v.predicted);
  if (said.some(v => v.kind === 'pen' || v.kind === 'notes')) {
    Object.assign(out, {samples: 1, length: read('most') ?? 700, temperature: read('temperature') ?? 1, seed: read('seed') ?? Math.floor(Math.random() * 1e6)});
    if (read('bias')) out.bias = read('bias');
  } else if (said.some(hasText)) {
    out.beam = read('beam') ?? 4;
  } else if (said.some(v => v.width && v.distribution && v.distribution !== 'bernoulli')) {
    out.quantiles = '0.1,0.5,0.9';
  }
  return out;
}

function drawSettings(model, box) {
  box.append(number('temperature', 'Temperature', {value: 1, min: 0, max: 10}),
             ...(model.variables.some(v => v.kind === 'pen') ? [number('bias', 'Tidiness', {value: 0, min: 0, max: 10})] : []),
             number('most', 'At most', {value: 700, min: 1, max: 10000, step: 1}), number('seed', 'Seed', {placeholder: 'any', min: 0, step: 1}));
}

/* What was predicted and fed back, as it can be given: a text, or a drawing. */
function saidAgain(model, row) {
  const out = {};
  for (const v of model.variables) {
    if (!v.predicted || !v.fed_back || !row?.[v.name]) continue;
    if (v.symbols) out[v.name] = row[v.name].value;
    if (v.kind === 'pen' && row[v.name].mean.length) out[v.name] = {base64: btoa(row[v.name].mean.map(p => p.join(',')).join(' ') + '\n')};
  }
  return out;
}

function rowPage(model) {
  const said = model.variables.filter(v => v.predicted), once = latest();
  const draws = said.some(v => v.kind === 'pen' || v.kind === 'notes');
  const live = !draws && !said.some(hasText);
  const inputs = given(model).map(v => inputOf(v, model, () => { if (live) askLater(); }));
  find('inputs').append(...inputs.map(x => x.element));
  if (draws) drawSettings(model, find('settings'));
  else if (said.some(hasText)) find('settings').append(number('beam', 'Hypotheses', {value: 4, min: 1, max: 64, step: 1}));

  async function row() {
    const out = {};
    for (const input of inputs) out[input.name] = await input.value();
    return inputs.every(x => { const v = out[x.name]; return v !== null && v !== '' && !(Array.isArray(v) && !v.length); }) ? out : null;
  }
  let answered = null;
  const look = inside(model, async () => {
    const given = await row();
    return given && (answered || !said.some(v => v.fed_back)) ? {...given, ...answered} : null;
  });

  const run = () => once(async () => {
    const given = await row();
    if (!given) throw new Error('Something is missing: fill in what the model is given.');
    const json = {model: model.id, rows: [given], options: options(model)};
    if (said.some(v => v.unit === 'labels' && !v.has_steps && !v.fed_back)) json.top = 6;
    const texts = Object.values(given).filter(x => typeof x === 'string');
    return {reply: await askJson('/v1/predict', {json}), texts};
  }, ({reply, texts}) => {
    answer.replaceChildren(...reply.predictions.slice(0, 8).map(p => shown(model, p, {texts})));
    /* What was predicted and fed back is needed to trace the steps that predicted it. */
    answered = saidAgain(model, reply.predictions[0]);
    look();
  });
  const askLater = later(async () => { if (await row()) run(); }, 300);
  return {ask: run, ready: async () => {}, demo: async text => { for (const input of inputs) await input.demo(text || 'a b c'); await run(); }};
}

/* --- what a model makes of itself --- */

function drawPage(model) {
  const once = latest();
  drawSettings(model, find('settings'));
  find('most').value = 300;
  go.textContent = 'Make one';
  let made = {};
  const look = model.variables.some(v => v.kind === 'pen') ? inside(model, async () => Object.keys(made).length ? made : null) : () => {};
  const run = () => once(() => {
    const options = {number: 1, length: read('most') ?? 300, temperature: read('temperature') ?? 1, seed: read('seed') ?? Math.floor(Math.random() * 1e6)};
    if (read('bias')) options.bias = read('bias');
    return askJson('/v1/generate', {json: {model: model.id, options}});
  }, reply => {
    answer.replaceChildren(...reply.generated.map(row => shown(model, row, {texts: []})));
    made = saidAgain(model, reply.generated[0]);
    look();
  });
  return {ask: run, ready: async () => {}, demo: run};
}

/* --- series with dates --- */

/* The numbers of each variable in the last series of a CSV file. */
function lastNumbers(csv, model, series) {
  const lines = csv.trim().split(/\r?\n/).map(l => l.split(',').map(s => s.trim().replace(/^"(.*)"$/, '$1')));
  const head = lines.shift() ?? [], which = head.indexOf(model.series ?? '');
  const rows = which >= 0 && series ? lines.filter(l => l[which] === series) : lines;
  return Object.fromEntries(model.variables.map(v => [v.name, head.includes(v.name) ? rows.map(l => l[head.indexOf(v.name)] === '' ? NaN : +l[head.indexOf(v.name)]) : []]));
}

function seriesPage(model) {
  const once = latest(), input = seriesInput(model, () => askLater());
  find('inputs').append(input.element);
  find('settings').append(number('horizon', 'Steps ahead', {value: model.horizon, min: 1, max: 10000, step: 1}));
  const run = () => once(async () => {
    const query = new URLSearchParams({model: model.id, quantiles: '0.1,0.5,0.9', horizon: String(read('horizon') ?? model.horizon)});
    return (await ask('/v1/predict?' + query, {method: 'POST', headers: {'Content-Type': 'text/csv'}, body: input.value()})).json();
  }, reply => answer.replaceChildren(...reply.predictions.slice(0, 12).map(row => shown(model, row, {texts: [], before: lastNumbers(input.value(), model, row.series)}))));
  const askLater = later(() => { if (input.value().trim()) run(); }, 500);
  return {ask: run, ready: async () => {}, demo: async () => { input.demo(); await run(); }};
}

/* --- which page --- */

function pageOf(model) {
  if (model.time) return seriesPage(model);
  if (model.completes) return textPage(model);
  return given(model).length ? rowPage(model) : drawPage(model);
}

async function main() {
  const model = await askJson('/v1/models/' + encodeURIComponent(name));
  const said = model.variables.filter(v => v.predicted).map(v => v.name).join(', '), from = given(model).map(v => v.name).join(', ');
  find('about').textContent = `${from ? `From ${from}: ` : ''}${said}. ${model.weights.toLocaleString()} weights.`;
  const page = pageOf(model);
  go.hidden = false;
  find('example').hidden = model.completes;
  find('ask').addEventListener('submit', event => { event.preventDefault(); page.ask(); });
  find('example').onclick = () => page.demo('');
  await page.ready();
  if (demo !== null) {
    find('inside').open = true;
    await page.demo(demo);
    if (model.completes) await page.ask();
  }
}

try {
  await main();
} catch (error) {
  say(error.message, true);
}
document.body.dataset.done = 'yes';
