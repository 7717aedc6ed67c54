// Round trips as they were, as the coarse tick saw them, and the time-out that came of it.

class RttPicture extends TimePicture {
  constructor() {
    super("RTT and RTO");
  }

  legend(scene) {
    const end = scene.sender?.end;
    const shot = end?.at(scene.time ?? scene.run.end);
    const slow = end ? scene.run.slow(end.device) / MS : 0;
    const sample = end ? latest(end.samples, scene.time ?? scene.run.end) : null;
    const ms = (value) => (value === null || value === undefined ? null : `${round(value, 4)} ms`);
    return [
      { name: "rto", color: "red", value: shot ? `${shot.rto} ticks = ${shot.rto * slow} ms` : null },
      { name: "rtime", color: "orange", value: shot && shot.rtime >= 0 ? `${shot.rtime} ticks` : null },
      { name: "srtt", color: "blue", value: shot ? ms((shot.sa / 8) * slow) : null },
      { name: "sample in ticks", color: "purple", dot: true, value: sample ? `${sample.m}` : null },
      { name: "real round trip", color: "green", ring: true, value: sample ? ms(sample.took === null ? null : sample.took / MS) : null },
      { name: "slow tick", color: "grey", stroke: true },
    ];
  }

  draw(surface, scene) {
    surface.clear();
    this.x = null;
    const end = scene.sender?.end;
    if (!end?.snapshots.length) return this.nothing(surface, `${scene.sender?.name ?? "nobody"} is not traced: choose the other side (S)`);
    const { view, run } = scene;
    const slow = run.slow(end.device) / MS;
    const shots = end.snapshots;
    const most = Math.max(largest(shots, view, RTO) * slow, slow * 2);
    Object.assign(this, timeAxes(surface, view, 0, most * 1.1, { wanted: Math.max(2, (surface.height - 30) / 30), unit: "ms" }));
    drawTicks(surface, this.x, MARGIN.top, surface.height - MARGIN.bottom, tickGrid(run, end.device, end, view.t1));
    surface.clip(this.x.low, 0, this.x.high - this.x.low, surface.height - MARGIN.bottom + 1);
    const { x, y } = this;
    const inTicks = new Scale(y.from / slow, y.to / slow, y.low, y.high);
    surface.polyline(stepLine(shots, x, inTicks, RTO), { color: "red", width: 1.75 });
    surface.polyline(stepLine(shots, x, inTicks, SRTT), { color: "blue", width: 1.5 });
    surface.polyline(this.counter(end, run, x, y, slow), { color: "orange", width: 1.25 });
    const marks = [];
    sparse(end.samples, x, 2, (sample) => {
      const at = x.px(sample.t);
      marks.push([at, y.px(sample.m * slow), "purple"]);
      if (sample.took !== null) surface.circle(at, y.px(sample.took / MS), 3, "panel", { color: "green", width: 1.5 });
    });
    for (const [at, level, color] of marks) surface.circle(at, level, 2.2, color);
    const cancelled = [];
    for (const event of inView(end.cancelled, view)) {
      const at = x.px(event.t);
      cancelled.push(at - 3, y.low - 7, at + 3, y.low - 1, at - 3, y.low - 1, at + 3, y.low - 7);
    }
    surface.segments(cancelled, { color: "grey", width: 1.5 });
    this.flags(surface, end.fired.get("rexmit") ?? [], "red");
    surface.unclip();
  }

  /** rtime: grows by one with each slow tick while the timer runs; the saw whose tooth is the time-out. */
  counter(end, run, x, y, slow) {
    const flat = [];
    const tick = run.slow(end.device);
    sparse(end.timers.get("rexmit") ?? [], x, 0.7, (armed) => {
      const until = armed.until ?? Math.min(armed.due, run.end);
      if (until < x.from) return;
      if (tick * x.factor < 2) {
        flat.push(x.px(armed.t), y.low, x.px(until), y.px(((until - armed.t) / tick) * slow), x.px(until), y.low);
        return;
      }
      const { ticks } = armed.armed;
      let level = 0;
      flat.push(x.px(armed.t), y.low);
      for (let k = ticks - 1; k >= 0; k -= 1) {
        const at = armed.due - k * tick;
        if (at > until) break;
        flat.push(x.px(at), y.px(level * slow), x.px(at), y.px((level + 1) * slow));
        level += 1;
      }
      flat.push(x.px(until), y.px(level * slow), x.px(until), y.low);
    });
    return flat;
  }

  hit(px, py, scene) {
    const end = scene.sender?.end;
    if (!this.x || !end) return null;
    const near = inView(end.samples, { t0: this.x.value(px - 5), t1: this.x.value(px + 5) });
    return near.length ? { event: near[0].event } : null;
  }
}

// In slow ticks; lwIP keeps eight times the smoothed round trip.
const RTO = (shot) => shot.rto;
const SRTT = (shot) => shot.sa / 8;
