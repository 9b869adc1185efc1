/* Asking the server, and making elements. A key that the server wants is kept for this tab alone. */
const KEY = 'unroll-key';

export function element(name, properties = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
    else if (key in e && key !== 'list') e[key] = value;
    else e.setAttribute(key, value);
  }
  e.append(...children.filter(child => child !== null && child !== undefined));
  return e;
}

export function drawn(name, attributes = {}, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

export const find = id => document.getElementById(id);

export function say(message, bad = false) {
  const status = find('status');
  status.textContent = message;
  status.className = bad ? 'error' : 'quiet';
}

/* Waits until somebody has typed a key. */
function askForKey() {
  const form = find('key');
  form.hidden = false;
  return new Promise(done => {
    form.onsubmit = event => {
      event.preventDefault();
      sessionStorage.setItem(KEY, form.querySelector('input').value);
      form.hidden = true;
      done();
    };
  });
}

/* The response; an error with what the server says of it. options: those of fetch, and json: a body. */
export async function ask(path, options = {}) {
  const headers = {...options.headers};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = 'Bearer ' + key;
  if (options.json) {
    headers['Content-Type'] = 'application/json';
    options = {...options, method: 'POST', body: JSON.stringify(options.json)};
  }
  const response = await fetch(path, {...options, headers});
  if (response.status === 401) {
    await askForKey();
    return ask(path, options);
  }
  if (response.ok) return response;
  const about = await response.json().catch(() => null);
  throw new Error(about?.error?.message ?? `status ${response.status}`);
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/* Server-sent events as they come. */
export async function* events(path, json, signal) {
  const response = await ask(path, {json, signal});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    held += value;
    for (let end; (end = held.indexOf('\n\n')) >= 0; held = held.slice(end + 2)) {
      const data = held.slice(0, end).replace(/^data: /, '');
      if (data === '[DONE]') return;
      const event = JSON.parse(data);
      if (event.error) throw new Error(event.error.message);
      yield event;
    }
  }
}

export function base64(bytes) {
  let s = '';
  for (let i = 0; i < bytes.length; i += 0x8000) s += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(s);
}

/* A call some time after the last of several. */
export function later(call, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, milliseconds);
  };
}

/* Letters that cannot be seen are named. */
export function visible(s) {
  if (s === '') return 'the end';
  return s.replaceAll('\n', '↵').replaceAll('\t', '⇥').replace(/^ +$/, blanks => '␣'.repeat(blanks.length));
}

export const share = p => (100 * p).toFixed(p < 0.1 ? 1 : 0) + ' %';
export const short = x => x === null ? '–' : Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(2) : String(+x.toPrecision(5));
