// Plays several versions of one sound. All start at the same sample and run together; switching
// only moves the volume from one to another, so position and rhythm stay.
class VersionPlayer {
  constructor(sources, onState) {
    this.sources = sources; // [{letter, load: () => Promise<ArrayBuffer>}]
    this.onState = onState || (() => {});
    this.context = null;
    this.buffers = null;
    this.running = null;
    this.letter = null;
    this.plays = {};
  }

  async prepare() {
    if (this.buffers) return;
    if (!this.loading) {
      this.loading = (async () => {
        this.context = new (window.AudioContext || window.webkitAudioContext)();
        this.buffers = await Promise.all(
          this.sources.map(async (one) => this.context.decodeAudioData(await one.load()))
        );
      })();
    }
    await this.loading;
  }

  position() {
    if (!this.running) return 0;
    const length = this.buffers[0].duration;
    return (this.context.currentTime - this.running.at) % length;
  }

  async play(letter) {
    this.letter = letter;
    await this.prepare();
    await this.context.resume();
    if (this.letter === null) return; // stopped while loading
    if (!this.running) this.start();
    this.plays[letter] = (this.plays[letter] || 0) + 1;
    const now = this.context.currentTime;
    this.running.gains.forEach((gain, i) => {
      const target = this.sources[i].letter === letter ? 1 : 0;
      gain.gain.cancelScheduledValues(now);
      gain.gain.setTargetAtTime(target, now, 0.004);
    });
    this.onState(letter);
  }

  start() {
    const at = this.context.currentTime + 0.05;
    const gains = [], nodes = [];
    this.buffers.forEach((buffer) => {
      const node = this.context.createBufferSource(), gain = this.context.createGain();
      node.buffer = buffer;
      node.loop = true;
      gain.gain.value = 0;
      node.connect(gain).connect(this.context.destination);
      node.start(at);
      gains.push(gain);
      nodes.push(node);
    });
    this.running = { at, gains, nodes };
  }

  stop() {
    this.letter = null;
    if (this.running) this.running.nodes.forEach((node) => node.stop());
    this.running = null;
    this.onState(null);
  }

  close() {
    this.stop();
    if (this.context) this.context.close();
    this.context = null;
  }
}
