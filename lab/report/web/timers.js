// Timers: from when each was armed to when it fired or was stopped, and (hollow) how long it would have run; on the
// grid of the device's fast and slow ticks.

class TimersPicture extends TimePicture {
  constructor() {
    super("Timers");
    this.lanes = [];
  }

  legend() {
    return [
      { name: "runs", color: "blue", area: true },
      { name: "would run to", color: "grey", dash: true },
      { name: "fired", color: "red", dot: true },
      { name: "stopped", color: "green", stroke: true },
      { name: "slow tick", color: "grey", stroke: true },
      { name: "fast tick", color: "grey", dash: true },
    ];
  }

  arrange(scene) {
    const lanes = [];
    for (const side of scene.sides) {
      if (!side.end) continue;
      for (const timer of TIMER_ORDER) {
        const list = side.end.timers.get(timer);
        if (list) lanes.push({ side, timer, list });
      }
    }
    return lanes;
  }

  draw(surface, scene) {
    surface.clear();
    this.x = null;
    this.lanes = this.arrange(scene);
    if (!this.lanes.length) return this.nothing(surface, "no timer was armed");
    const bottom = surface.height - MARGIN.bottom;
    this.x = new Scale(scene.view.t0, scene.view.t1, MARGIN.left, surface.width - MARGIN.right);
    this.height = Math.min(24, (bottom - 6) / this.lanes.length);
    timeGrid(surface, this.x, 4, bottom);
    this.lanes.forEach((lane, index) => this.lane(surface, scene, lane, 5 + index * this.height));
  }

  lane(surface, scene, { side, timer, list }, top) {
    const { x, height } = this;
    const middle = top + height / 2;
    const first = this.lanes.findIndex((lane) => lane.side === side) === this.lanes.findIndex((lane) => lane.side === side && lane.timer === timer);
    if (first && top > 8) surface.segments([8, top - 0.5, x.high, top - 0.5], { color: "line" });
    if (first) surface.text(fitText(side.name, 10, 42), 8, middle, { size: 10, weight: 600 });
    surface.text(timer, x.low - 7, middle, { color: "soft", size: 10, align: "right" });
    drawTicks(surface, x, top, top + height, tickGrid(scene.run, side.end.device, side.end, scene.view.t1));
    surface.clip(x.low, top, x.high - x.low, height);
    const half = Math.max(2, Math.min(5, height / 2 - 2));
    const flats = { wash: [], washRed: [], begins: [], lines: [], dues: [], stops: [] };
    sparse(list, x, 0.7, (one, index) => {
      const from = x.px(one.t);
      const to = x.px(one.until ?? Math.min(scene.run.end, one.due));
      const due = Math.max(x.px(one.due), to);
      if (due < x.low) return;
      flats[one.fate === "fired" ? "washRed" : "wash"].push(from, middle, Math.max(to, from + 1), middle);
      flats.begins.push(from, middle - half, from, middle + half);
      flats.lines.push(from, middle, to, middle);
      if (one.fate === "stopped" || one.fate === "running") {
        const free = Math.min(due, index + 1 < list.length ? x.px(list[index + 1].t) : due);
        if (free - to > 5) flats.dues.push(to, middle, free, middle);
      }
      if (one.fate === "stopped") flats.stops.push(to, middle - half, to, middle + half);
    });
    surface.segments(flats.wash, { color: "wash", width: half * 2 });
    surface.segments(flats.washRed, { color: "washRed", width: half * 2 });
    surface.segments(flats.lines, { color: "blue" });
    surface.segments(flats.dues, { color: "grey", dash: [2, 3] });
    surface.segments(flats.begins, { color: "blue", width: 1.5 });
    surface.segments(flats.stops, { color: "green", width: 2 });
    sparse(side.end.fired.get(timer) ?? [], x, 1, ({ t }) => surface.circle(x.px(t), middle, Math.min(4.5, half), "red"));
    surface.unclip();
  }

  hit(px, py, scene) {
    if (!this.x) return null;
    const lane = this.lanes[Math.floor((py - 5) / this.height)];
    if (!lane || px < this.x.low) return null;
    const time = this.x.value(px);
    const slack = 4 / this.x.factor;
    const found = lane.list.findLast((one) => one.t - slack <= time && time <= (one.until ?? one.due) + slack);
    if (!found) return null;
    const atEnd = found.ended && time > (found.t + found.until) / 2;
    return { event: atEnd ? found.ended : found.armed };
  }
}

const TIMER_ORDER = "rexmit persist delayed-ack keepalive ooseq syn-rcvd fin-wait-2 last-ack time-wait".split(" ");
