/* What a model is given. Each kind of variable has a maker: {element, value(), demo(text)}, where value() is what /v1/predict takes
 * in a row, and demo() fills in an example. Which maker, follows from what /v1/models says of the variable. */
import {ask, base64, element, say} from './common.js';
import {repaint} from './charts.js';
import {hear, midi, record, wav} from './sound.js';

const bytesOf = async blob => ({base64: base64(new Uint8Array(await blob.arrayBuffer()))});
const labelled = (text, input) => element('label', {}, text + ' ', input);

/* --- files: chosen, dropped, or made on the page --- */

function fileInput(variable, accept, changed, preview) {
  const chosen = element('input', {type: 'file', accept});
  const shown = element('div');
  const box = element('div', {className: 'drop'}, labelled(`A file with a ${variable.file}, or drop one here`, chosen), shown);
  let held = null;
  const take = (bytes, blob) => {
    held = bytes;
    shown.replaceChildren(...(preview ? [preview(blob)] : [element('p', {className: 'quiet'}, `${blob.size.toLocaleString()} bytes`)]));
    changed();
  };
  const takeBlob = async blob => take(await bytesOf(blob), blob);
  chosen.onchange = () => chosen.files[0] && takeBlob(chosen.files[0]);
  box.ondragover = event => { event.preventDefault(); box.classList.add('over'); };
  box.ondragleave = () => box.classList.remove('over');
  box.ondrop = event => {
    event.preventDefault();
    box.classList.remove('over');
    if (event.dataTransfer.files[0]) takeBlob(event.dataTransfer.files[0]);
  };
  return {element: box, shown, takeBlob, value: () => held};
}

const picture = blob => element('img', {className: 'preview', alt: 'the picture that was chosen', src: URL.createObjectURL(blob)});
const player = kind => blob => element(kind, {className: 'preview', controls: true, src: URL.createObjectURL(blob)});

function canvasBlob(width, height, paint) {
  const canvas = element('canvas', {width, height});
  paint(canvas.getContext('2d'));
  return new Promise(done => canvas.toBlob(done, 'image/png'));
}

function pictureInput(variable, model, changed) {
  const file = fileInput(variable, 'image/*', changed, picture);
  if (navigator.mediaDevices?.getUserMedia) {
    const camera = element('button', {type: 'button', className: 'plain'}, 'Camera');
    camera.onclick = async () => {
      try {
        const stream = await navigator.mediaDevices.getUserMedia({video: true});
        const video = element('video', {className: 'preview', autoplay: true, muted: true, playsInline: true, srcObject: stream});
        const shoot = element('button', {type: 'button'}, 'Take the picture');
        file.shown.replaceChildren(video, shoot);
        shoot.onclick = async () => {
          const blob = await canvasBlob(video.videoWidth, video.videoHeight, c => c.drawImage(video, 0, 0));
          stream.getTracks().forEach(track => track.stop());
          file.takeBlob(blob);
        };
        shoot.focus();
      } catch (error) {
        say('The camera cannot be used: ' + error.message, true);
      }
    };
    file.element.append(camera);
  }
  file.demo = async () => file.takeBlob(await canvasBlob(96, 96, c => {
    const colours = c.createLinearGradient(0, 0, 96, 96);
    colours.addColorStop(0, '#fff');
    colours.addColorStop(1, '#135');
    c.fillStyle = colours;
    c.fillRect(0, 0, 96, 96);
    c.fillStyle = '#c33';
    c.fillRect(20, 30, 40, 40);
  }));
  return file;
}

/* The rate that its data line asks for: audio(16000) or audio(rate=8000). */
function rateOf(variable, model) {
  const line = model.net.match(new RegExp(`data\\s+${variable.name}\\s*:\\s*audio\\s*\\(\\s*(?:rate\\s*=\\s*)?(\\d+)`));
  return line ? +line[1] : 16000;
}

/* What is heard while one speaks: pieces of sound go to the server, one after the other, and symbols come back. */
function liveSound(model, rate) {
  const heard = element('p', {className: 'text live', ariaLive: 'polite'}), button = element('button', {type: 'button', className: 'plain'}, 'Listen live');
  let finish = null, session = '', turn = Promise.resolve();
  const send = async (bytes, last) => {
    const query = new URLSearchParams({model: model.id, last: last ? 1 : 0, ...(session ? {session} : {})});
    const reply = await (await ask('/v1/listen?' + query, {method: 'POST', headers: {'Content-Type': 'application/octet-stream'}, body: bytes})).json();
    session = reply.session;
    heard.textContent += reply.text;
    heard.dataset.pieces = +(heard.dataset.pieces ?? 0) + 1;
  };
  const end = async () => {
    const close = finish;
    finish = null;
    button.textContent = 'Listen live';
    await close?.();
  };
  button.onclick = async () => {
    try {
      if (finish) {
        await end();
        await turn;
        heard.dataset.ended = 'yes';
        return;
      }
      session = heard.textContent = '';
      delete heard.dataset.ended;
      turn = Promise.resolve();
      finish = await hear(rate, (bytes, last) => {
        turn = turn.then(() => send(bytes, last)).catch(error => { if (finish) end(); say(error.message, true); });
      });
      button.textContent = 'Stop listening';
    } catch (error) {
      say('The microphone cannot be used: ' + error.message, true);
    }
  };
  return [button, heard];
}

function soundInput(variable, model, changed) {
  const file = fileInput(variable, 'audio/*', changed, player('audio')), rate = rateOf(variable, model);
  if (navigator.mediaDevices?.getUserMedia) {
    const button = element('button', {type: 'button', className: 'plain'}, 'Speak');
    let finish = null;
    button.onclick = async () => {
      try {
        if (finish) {
          const bytes = await finish();
          finish = null;
          button.textContent = 'Speak';
          file.takeBlob(new Blob([bytes], {type: 'audio/wav'}));
        } else {
          finish = await record(rate);
          button.textContent = 'That was all';
        }
      } catch (error) {
        say('The microphone cannot be used: ' + error.message, true);
      }
    };
    file.element.append(button);
    if (model.listens) file.element.append(...liveSound(model, rate));
  }
  file.demo = () => {
    const samples = Float32Array.from({length: rate / 2}, (_, i) => 0.4 * Math.sin(2 * Math.PI * 440 * i / rate) * Math.sin(Math.PI * 2 * i / rate));
    return file.takeBlob(new Blob([wav(samples, rate)], {type: 'audio/wav'}));
  };
  return file;
}

/* A film of frames of bytes is made of what the frame's size needs: a moving bar. */
function filmInput(variable, model, changed) {
  const file = fileInput(variable, 'video/*,image/gif', changed, blob => blob.type.startsWith('image') ? picture(blob)
    : blob.type ? player('video')(blob) : element('p', {className: 'quiet'}, 'frames of an example'));
  file.demo = () => {
    const each = variable.width, frames = 6, bytes = new Uint8Array(each * frames);
    for (let t = 0; t < frames; t++) for (let i = 0; i < each; i++) bytes[t * each + i] = i * frames / each >= t && i * frames / each < t + 1 ? 255 : 40;
    return file.takeBlob(new Blob([bytes]));
  };
  return file;
}

/* --- a pen --- */

function penInput(variable, model, changed) {
  const canvas = element('canvas', {className: 'pen', width: 800, height: 300, tabIndex: 0});
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'A sheet to draw on with pen, finger or mouse');
  const clear = element('button', {type: 'button', className: 'plain'}, 'Clean sheet');
  const file = fileInput(variable, '.svg,.inkml,.txt', changed);
  const context = canvas.getContext('2d');
  let strokes = [], drawing = false;
  const paint = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = getComputedStyle(document.documentElement).color;
    context.lineWidth = 3;
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of strokes) {
      context.beginPath();
      stroke.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
      context.stroke();
    }
  };
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    strokes.push([place(event)]);
  };
  canvas.onpointermove = event => {
    if (!drawing) return;
    strokes.at(-1).push(place(event));
    paint();
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!drawing) return;
    drawing = false;
    changed();
  };
  clear.onclick = () => { strokes = []; paint(); };
  repaint(paint);
  /* Offsets, as a line of "dx,dy,end". */
  const offsets = () => {
    let last = null;
    const out = [];
    for (const stroke of strokes)
      stroke.forEach(([x, y], i) => {
        out.push(`${last ? (x - last[0]).toFixed(1) : 0},${last ? (y - last[1]).toFixed(1) : 0},${i + 1 === stroke.length ? 1 : 0}`);
        last = [x, y];
      });
    return out.join(' ') + '\n';
  };
  return {
    element: element('div', {}, canvas, element('div', {className: 'row'}, clear), file.element),
    value: () => strokes.length ? {base64: btoa(offsets())} : file.value(),
    demo: () => {
      strokes = [[], []];
      for (let i = 0; i <= 40; i++) strokes[0].push([100 + 5 * i, 150 - 60 * Math.sin(i / 6)]);
      for (let i = 0; i <= 10; i++) strokes[1].push([400 + 4 * i, 100 + 8 * i]);
      paint();
      changed();
    },
  };
}

/* --- notes --- */

function notesInput(variable, model, changed) {
  const file = fileInput(variable, '.mid,.midi,audio/midi', () => { played = []; show(); changed(); });
  const said = element('p', {className: 'quiet', role: 'status'}), keys = element('div', {className: 'keys'});
  const names = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'];
  let played = [];
  const show = () => { said.textContent = played.length ? played.map(k => names[k % 12] + (Math.floor(k / 12) - 1)).join(' ') : 'No note yet.'; };
  for (let key = 60; key <= 84; key++)
    keys.append(element('button', {type: 'button', className: names[key % 12].length > 1 ? 'sharp' : '', onclick: () => { played.push(key); show(); changed(); }},
                        names[key % 12]));
  const back = element('button', {type: 'button', className: 'plain', onclick: () => { played = []; show(); }}, 'None of them');
  show();
  return {
    element: element('div', {}, keys, said, element('div', {className: 'row'}, back), file.element),
    value: () => played.length ? {base64: base64(midi(played))} : file.value(),
    demo: () => { played = [60, 64, 67, 72]; show(); changed(); },
  };
}

/* --- what is typed --- */

function textInput(variable, model, changed) {
  const area = element('textarea', {spellcheck: false, oninput: changed});
  return {
    element: labelled(`${variable.name}, a text`, area),
    value: () => area.value,
    demo: text => { area.value = text; changed(); },
  };
}

function labelInput(variable, model, changed) {
  const known = variable.labels ?? [];
  const field = known.length && known.length <= 200
    ? element('select', {onchange: changed}, ...known.map(s => element('option', {}, s)))
    : element('input', {oninput: changed});
  return {element: labelled(variable.name, field), value: () => field.value, demo: text => { if (!known.length) field.value = text; }};
}

function numberInput(variable, model, changed) {
  const n = variable.width || 1;
  if (n > 16) return numbersInput(variable, model, changed);
  const fields = Array.from({length: n}, (_, i) => element('input', {type: 'number', step: 'any', value: 0, size: 8, oninput: changed,
                                                                    ariaLabel: n > 1 ? `${variable.name}, number ${i + 1}` : variable.name}));
  return {
    element: element('div', {className: 'row'}, element('span', {}, variable.name), ...fields),
    value: () => n > 1 ? fields.map(f => +f.value) : +fields[0].value,
    demo: () => fields.forEach((f, i) => { f.value = i + 1; }),
  };
}

/* Steps of numbers: a line each, or between blanks where each is one number. */
function numbersInput(variable, model, changed) {
  const n = variable.width || 1;
  const area = element('textarea', {className: 'series', spellcheck: false, oninput: changed});
  const read = () => area.value.trim().split(n > 1 ? /\n+/ : /[\s,;]+/).filter(Boolean).map(s => n > 1 ? s.trim().split(/[\s,;]+/).map(Number) : +s);
  return {
    element: labelled(n > 1 ? `${variable.name}: lines of ${n} numbers` : `${variable.name}: numbers`, area),
    value: () => variable.has_steps ? read() : read()[0] ?? null,
    demo: () => {
      const rows = Array.from({length: variable.has_steps ? 12 : 1}, (_, t) => Array.from({length: n}, (_, i) => Math.sin((t + i) / 2).toFixed(2)).join(' '));
      area.value = rows.join('\n');
      changed();
    },
  };
}

/* --- a table of series with dates --- */

export function seriesInput(model, changed) {
  const area = element('textarea', {className: 'series', spellcheck: false, oninput: changed});
  const chosen = element('input', {type: 'file', accept: '.csv,text/csv'});
  const columns = [model.time, model.series, ...model.variables.filter(v => v.kind !== 'time').map(v => v.name)].filter(Boolean);
  const box = element('div', {className: 'drop'}, labelled('A CSV file, or drop one here', chosen), labelled(`Rows with ${columns.join(', ')}`, area));
  const take = async file => { area.value = await file.text(); changed(); };
  chosen.onchange = () => chosen.files[0] && take(chosen.files[0]);
  box.ondragover = event => event.preventDefault();
  box.ondrop = event => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  };
  return {
    element: box,
    value: () => area.value,
    demo: () => {
      const y = model.variables.filter(v => v.kind !== 'time');
      const head = [model.time, ...(model.series ? [model.series] : []), ...y.map(v => v.name)];
      const rows = Array.from({length: 120}, (_, t) => [`${2010 + Math.floor(t / 12)}-${String(t % 12 + 1).padStart(2, '0')}-01`, ...(model.series ? ['a'] : []),
        ...y.map((_, i) => (100 + t / 2 + 20 * Math.sin(Math.PI * t / 6 + i)).toFixed(2))]);
      area.value = [head, ...rows].map(r => r.join(',')).join('\n') + '\n';
      changed();
    },
  };
}

/* --- which --- */

const derived = new Set(['part', 'time', 'end']);
const makers = [
  [v => v.kind === 'image', pictureInput],
  [v => v.kind === 'audio', soundInput],
  [v => v.kind === 'video', filmInput],
  [v => v.kind === 'pen', penInput],
  [v => v.kind === 'notes', notesInput],
  [v => v.unit === 'labels' && !v.has_steps, labelInput],
  [v => v.symbols > 0, textInput],
  [v => v.has_steps, numbersInput],
  [() => true, numberInput],
];

/* What is given: all that is not predicted, but what follows from something else. */
export const given = model => model.variables.filter(v => !v.predicted && !derived.has(v.sort));

export function inputOf(variable, model, changed) {
  const input = makers.find(([fits]) => fits(variable))[1](variable, model, changed);
  const box = element('fieldset', {}, element('legend', {}, variable.name), input.element);
  return {...input, name: variable.name, element: box};
}
