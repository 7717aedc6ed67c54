// The ladder's scale of time. Drawn true to scale, a time-out of three seconds leaves frames that are a millisecond
// apart on one line. So silence is folded: ten times the time takes a few pixels more, what happens at one moment
// gets a line each, in causal order, and the order of everything stays as it is.

const ROW = 17; // pixels between two frames that start at one node

/** Pixels for a stretch of time. */
function foldedHeight(ns) {
  return ns <= 0 ? 0 : 7 * Math.log10(1 + ns / 1e5);
}

class Fold {
  /** Lay out `arrows` and `marks`; `zoom` stretches everything. */
  constructor(run, arrows, marks, zoom) {
    const stops = [];
    const usual = usualDelays(arrows);
    const order = new Map(arrows.map((arrow) => [arrow, run.outOf(arrow)?.i ?? arrow.event.i]));
    const sent = [...arrows].sort((one, other) => one.sent - other.sent || order.get(one) - order.get(other));
    const before = new Map(); // direction -> [time, order] of the last arrival
    for (const arrow of sent) {
      const row = { arrow, y0: 0, y1: 0 };
      const way = `${arrow.from}>${arrow.to}`;
      stops.push({ t: arrow.sent, order: order.get(arrow), kind: "start", node: arrow.from, row });
      // A frame that died where it started is drawn on its way, behind those before it: they would have met there.
      const [met, last] = before.get(way) ?? [0, arrow.event.i];
      const until = arrow.died ? Math.max(arrow.until, arrow.sent + (usual.get(way) ?? 0), met) : arrow.until;
      const behind = arrow.died ? last + 0.5 : arrow.event.i;
      stops.push({ t: until, order: Math.max(order.get(arrow) + 0.5, behind), kind: "end", node: arrow.to, row });
      before.set(way, [until, behind]);
    }
    for (const mark of marks) stops.push({ t: mark.t, order: mark.event.i, kind: "mark", node: mark.node, mark });
    stops.sort((one, other) => one.t - other.t || one.order - other.order);
    this.rows = [];
    this.marks = [];
    this.gaps = [];
    this.times = [];
    this.heights = [];
    this.reach = 0;
    this.place(stops, zoom);
  }

  place(stops, zoom) {
    const lastOf = new Map(); // "kind node" -> y
    let y = 10;
    let before = stops.length ? stops[0].t : 0;
    for (const stop of stops) {
      const silence = stop.t - before;
      const from = y;
      y += foldedHeight(silence) * zoom;
      for (const [kind, least] of SPACING[stop.kind]) {
        const other = lastOf.get(`${kind} ${stop.node}`);
        if (other !== undefined) y = Math.max(y, other + least * zoom);
      }
      if (silence >= 100 * MS && zoom > 0.5) {
        y = Math.max(y, from + 28);
        this.gaps.push({ y: (from + y) / 2, from, to: y, silence });
      }
      lastOf.set(`${stop.kind} ${stop.node}`, y);
      this.times.push(stop.t);
      this.heights.push(y);
      before = stop.t;
      if (stop.kind === "start") {
        stop.row.y0 = y;
        this.rows.push(stop.row);
      } else if (stop.kind === "end") {
        stop.row.y1 = y;
        this.reach = Math.max(this.reach, y - stop.row.y0);
      } else this.marks.push({ mark: stop.mark, y });
    }
    this.height = y + 24;
  }

  /** Where a point of time is. */
  px(time) {
    const { times, heights } = this;
    if (!times.length) return 10;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return heights[0] - Math.min(10, foldedHeight(times[0] - time));
    const at = low - 1;
    if (low === times.length) return heights[at] + foldedHeight(time - times[at]);
    const share = (time - times[at]) / (times[low] - times[at] || 1);
    return heights[at] + share * (heights[low] - heights[at]);
  }

  /** Which point of time is at a height. */
  value(y) {
    const { times, heights } = this;
    if (!times.length) return 0;
    let low = 0;
    let high = heights.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (heights[middle] <= y) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return times[0];
    const at = low - 1;
    if (low === times.length) return times[at];
    const share = (y - heights[at]) / (heights[low] - heights[at] || 1);
    return times[at] + share * (times[low] - times[at]);
  }
}

/** The shortest delay of each direction, ns. */
function usualDelays(arrows) {
  const found = new Map();
  for (const { from, to, sent, arrived } of arrows) {
    if (arrived === null) continue;
    const way = `${from}>${to}`;
    if (!(found.get(way) <= arrived - sent)) found.set(way, arrived - sent);
  }
  return found;
}

/** The same with time true to scale: what the graphs show of it fills the ladder's height. */
class TrueScale {
  constructor(run, arrows, marks, view, height) {
    this.scale = new Scale(view.t0, view.t1, 10, height - 10);
    this.rows = arrows
      .map((arrow) => ({ arrow, y0: this.scale.px(arrow.sent), y1: this.scale.px(arrow.until) }))
      .sort((one, other) => one.y0 - other.y0);
    this.marks = marks.map((mark) => ({ mark, y: this.scale.px(mark.t) }));
    this.gaps = [];
    this.reach = this.rows.reduce((most, row) => Math.max(most, row.y1 - row.y0), 0);
    this.height = height;
  }

  px(time) {
    return this.scale.px(time);
  }

  value(y) {
    return this.scale.value(y);
  }
}

// What keeps which distance at one node: [kind before, pixels].
const SPACING = {
  start: [["start", ROW], ["end", 9], ["mark", 13]],
  end: [["end", ROW - 3], ["start", 4], ["mark", 12]],
  mark: [["mark", 13], ["end", 11], ["start", 15]],
};
