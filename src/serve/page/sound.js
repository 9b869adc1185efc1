/* Sound in and out: WAV from a microphone or from samples, MIDI from keys, notes as tones. */

function writer(size) {
  const bytes = new Uint8Array(size), view = new DataView(bytes.buffer);
  let at = 0;
  return {
    bytes,
    text(s) { for (const c of s) bytes[at++] = c.charCodeAt(0); },
    four(x) { view.setUint32(at, x, true); at += 4; },
    two(x) { view.setInt16(at, x, true); at += 2; },
  };
}

/* One channel of 16 bits. */
export function wav(samples, rate) {
  const w = writer(44 + 2 * samples.length);
  w.text('RIFF'); w.four(36 + 2 * samples.length); w.text('WAVEfmt ');
  w.four(16); w.two(1); w.two(1); w.four(rate); w.four(2 * rate); w.two(2); w.two(16);
  w.text('data'); w.four(2 * samples.length);
  for (const x of samples) w.two(Math.round(32767 * Math.max(-1, Math.min(1, x))));
  return w.bytes;
}

/* Hands over blocks of samples, until the returned function is called. */
async function microphone(rate, block) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1}});
  const context = new AudioContext({sampleRate: rate});
  await context.audioWorklet.addModule('/page/recorder.js');
  const node = new AudioWorkletNode(context, 'recorder');
  node.port.onmessage = event => block(event.data);
  context.createMediaStreamSource(stream).connect(node);
  return async () => {
    stream.getTracks().forEach(track => track.stop());
    await context.close();
  };
}

function joined(blocks) {
  const all = new Float32Array(blocks.reduce((n, b) => n + b.length, 0));
  let at = 0;
  for (const b of blocks) { all.set(b, at); at += b.length; }
  return all;
}

/* Records until the returned function is called, which gives the bytes of a WAV file. */
export async function record(rate) {
  const blocks = [], close = await microphone(rate, b => blocks.push(b));
  return async () => {
    await close();
    return wav(joined(blocks), rate);
  };
}

/* Hands over pieces of a quarter of a second, as samples of 16 bits, until the returned function is called. It hands over the rest. */
export async function hear(rate, piece) {
  let blocks = [], n = 0;
  const hand = last => {
    piece(wav(joined(blocks), rate).subarray(44), last);
    blocks = [];
    n = 0;
  };
  const close = await microphone(rate, b => {
    blocks.push(b);
    n += b.length;
    if (n >= rate / 4) hand(false);
  });
  return async () => {
    await close();
    hand(true);
  };
}

/* A MIDI file of keys (numbers of MIDI) that follow each other, a quarter note each. */
export function midi(keys) {
  const track = [];
  for (const key of keys) track.push(0, 0x90, key, 0x40, 4, key, 0);
  track.push(0, 0xff, 0x2f, 0);
  const n = track.length;
  return new Uint8Array([0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 0, 4, 0x4d, 0x54, 0x72, 0x6b,
                         n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255, ...track]);
}

/* steps: lists of keys of MIDI that sound then. Returns a function that stops it. */
export function play(steps, seconds, ended) {
  const context = new AudioContext(), loud = context.createGain(), begun = context.currentTime + 0.1;
  loud.gain.value = 0.15;
  loud.connect(context.destination);
  const tone = (key, from, to) => {
    const o = context.createOscillator(), g = context.createGain();
    o.type = 'triangle';
    o.frequency.value = 440 * 2 ** ((key - 69) / 12);
    g.gain.setValueAtTime(0, begun + from * seconds);
    g.gain.linearRampToValueAtTime(1, begun + from * seconds + 0.01);
    g.gain.setTargetAtTime(0, begun + to * seconds - 0.03, 0.02);
    o.connect(g).connect(loud);
    o.start(begun + from * seconds);
    o.stop(begun + to * seconds + 0.1);
  };
  const on = new Map();
  steps.forEach((keys, t) => {
    for (const [key, from] of on) if (!keys.includes(key)) { tone(key, from, t); on.delete(key); }
    for (const key of keys) if (!on.has(key)) on.set(key, t);
  });
  for (const [key, from] of on) tone(key, from, steps.length);
  const timer = setTimeout(() => stop(), (steps.length * seconds + 0.5) * 1000);
  function stop() {
    clearTimeout(timer);
    if (context.state !== 'closed') context.close();
    ended();
  }
  return stop;
}
