/* Samples of a microphone, block by block, for sound.js. */
registerProcessor('recorder', class extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
});
