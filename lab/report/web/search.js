// Search: words in what frames and events say; all words must be there.

class Search {
  constructor(app) {
    this.app = app;
    this.input = h("input", {
      type: "search", placeholder: "Search: rto, drop, 537:1073, nagle …", "aria-label": "Search in frames and explanations",
      oninput: () => this.later(), onkeydown: (event) => this.key(event),
    });
    this.note = h("output");
    this.element = h("div.search", {}, this.input, this.note);
    this.found = []; // {runView, event, arrow}
    this.at = -1;
    this.texts = new WeakMap(); // event -> text
    this.perRun = new Map();
  }

  key(event) {
    if (event.key === "Enter") this.next(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      this.input.value = "";
      this.run();
      this.input.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), 150);
  }

  run() {
    clearTimeout(this.timer);
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.words = words.join(" ");
    this.found = [];
    this.perRun.clear();
    this.at = -1;
    if (words.length) for (const runView of this.app.views) this.look(runView, words);
    this.note.textContent = words.length ? `${count(this.found.length)}` : "";
    this.app.redraw();
  }

  look(runView, words) {
    const marks = new Set();
    const times = [];
    for (const event of runView.run.events) {
      if (!event || SILENT.has(event.kind)) continue;
      const text = this.text(runView.run, event);
      if (!words.every((word) => text.includes(word))) continue;
      this.found.push({ runView, event });
      marks.add(event.i);
      const arrow = event.frame === undefined ? null : runView.run.frames.get(event.frame)?.arrows[0];
      if (arrow) marks.add(arrow.event.i);
      times.push(event.t);
    }
    this.perRun.set(runView, { marks, times });
  }

  text(run, event) {
    let text = this.texts.get(event);
    if (text === undefined) {
      const frame = event.frame === undefined ? null : run.frames.get(event.frame);
      text = `${event.on} ${eventTitle(event)} ${eventText(event)} ${event.source ?? ""} ${frame?.info ?? ""} ${event.rule ?? ""} ${event.detail ?? ""}`.toLowerCase();
      this.texts.set(event, text);
    }
    return text;
  }

  next(by) {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
    if (words !== (this.words ?? "")) this.run();
    if (!this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    const { runView, event } = this.found[this.at];
    this.note.textContent = `${this.at + 1} of ${count(this.found.length)}`;
    this.app.choose(runView, { event }, null);
  }

  marks(runView) {
    return this.perRun.get(runView)?.marks ?? null;
  }

  times(runView) {
    return this.perRun.get(runView)?.times ?? null;
  }
}

// Once a frame is enough, and what has no words of its own.
const SILENT = new Set(["frame", "frame-in", "frame-out", "pool", "tcb", "window"]);
