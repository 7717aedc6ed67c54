// The time-sequence graph, in the grammar of tcptrace: bars for segments, R for those sent again, the ACK line and
// the window line above it, ticks for duplicate ACKs, S and F; and what tcptrace can only guess: the true SND.UNA,
// SND.NXT and the edge that cwnd allows.

class SequencePicture extends TimePicture {
  constructor() {
    super("Time–sequence");
  }

  legend(scene) {
    const shot = scene.sender?.end?.at(scene.time ?? scene.run.end);
    const nxt = shot ? shot.nxt : null;
    return [
      { name: "segment", color: "blue" },
      { name: "R sent again", color: "red" },
      { name: "ACK", color: "green", value: shot?.una },
      { name: "SND.NXT", color: "ink", value: nxt },
      { name: "cwnd edge", color: "purple", dash: true, value: shot ? shot.una + shot.cwnd : null },
      { name: "window edge", color: "orange", value: shot ? shot.una + shot.snd_wnd : null },
    ];
  }

  draw(surface, scene) {
    surface.clear();
    this.x = null;
    const { view, sender } = scene;
    if (!sender) return this.nothing(surface, "no TCP connection yet");
    const out = outgoing(sender);
    const acks = acknowledged(sender);
    const shots = sender.end?.snapshots ?? [];
    const range = this.range(view, out, acks, shots);
    Object.assign(this, timeAxes(surface, view, range.low, range.high, { wanted: Math.max(2, (surface.height - 40) / 42), unit: "sequence no." }));
    surface.clip(this.x.low, 0, this.x.high - this.x.low, surface.height - MARGIN.bottom);
    this.truth(surface, shots);
    surface.polyline(stepLine(acks, this.x, this.y, ACK), { color: "green", width: 1.75 });
    if (!shots.length) surface.polyline(stepLine(acks, this.x, this.y, EDGE), { color: "orange", width: 1.25 });
    this.bars(surface, scene, out);
    surface.unclip();
    return undefined;
  }

  /** The sequence numbers that are in sight, with the windows as far as they do not press the rest flat. */
  range(view, out, acks, shots) {
    const seen = [extent(out, view, SEQ), extent(out, view, END), extent(acks, view, ACK), extent(shots, view, UNA), extent(shots, view, NXT)].filter(Boolean);
    if (!seen.length) return { low: 0, high: 1 };
    const low = Math.min(...seen.map((one) => one.low));
    let high = Math.max(...seen.map((one) => one.high));
    const edge = Math.max(high, extent(shots, view, WINDOW_EDGE)?.high ?? 0, extent(acks, view, EDGE)?.high ?? 0);
    high = Math.min(edge, high + Math.max(high - low, 1) * 0.6 + 400);
    const room = Math.max((high - low) * 0.05, 1);
    return { low: low - room, high: high + room };
  }

  /** The sender's own edges, as lines under everything else. */
  truth(surface, shots) {
    if (!shots.length) return;
    const { x, y } = this;
    const una = stepLine(shots, x, y, UNA);
    const nxt = stepLine(shots, x, y, NXT);
    // Between both: what is in flight.
    const back = [];
    for (let at = una.length - 2; at >= 0; at -= 2) back.push(una[at], una[at + 1]);
    surface.polygon([...nxt, ...back], "wash", 0.9);
    surface.polyline(stepLine(shots, x, y, WINDOW_EDGE), { color: "orange", width: 1.25 });
    surface.polyline(stepLine(shots, x, y, CWND_EDGE), { color: "purple", width: 1.25, dash: [5, 3] });
    surface.polyline(nxt, { color: "ink", width: 1, alpha: 0.75 });
  }

  bars(surface, scene, out) {
    const shown = inView(out, scene.view);
    const roomy = shown.length < (this.x.high - this.x.low) / 2.5;
    if (roomy) {
      this.duplicates(surface, scene.sender.end?.duplicates ?? [], scene.view);
      this.roomyBars(surface, scene, shown);
    }
    else this.denseBars(surface, scene, shown);
  }

  /** One bar for each segment, with caps and letters. */
  roomyBars(surface, scene, shown) {
    const lines = { blue: [], red: [], orange: [] };
    const caps = { blue: [], red: [], orange: [] };
    const letters = [];
    for (const segment of shown) {
      const at = Math.round(this.x.px(segment.t)) + 0.5;
      const top = this.y.px(segment.end);
      const bottom = this.y.px(segment.seq);
      const color = barColour(segment);
      if (scene.selected?.segment === segment) surface.rect(at - 5, Math.min(top, bottom) - 4, 10, Math.abs(bottom - top) + 8, "select");
      if (segment.end > segment.seq) {
        lines[color].push(at, top, at, bottom);
        caps[color].push(at - 3, top, at + 3, top, at - 3, bottom, at + 3, bottom);
      }
      if (segment.flags.includes("P")) surface.polygon([at - 3, top - 5, at + 3, top - 5, at, top - 1], color);
      const letter = color === "red" ? "R" : segment.flags.includes("S") ? "S" : segment.flags.includes("F") ? "F" : segment.flags.includes("R") ? "RST" : "";
      if (letter) letters.push([letter, at, top - 9, { S: "green", F: "purple" }[letter] ?? "red"]);
    }
    for (const [color, flat] of Object.entries(lines)) surface.segments(flat, { color, width: 2 });
    for (const [color, flat] of Object.entries(caps)) surface.segments(flat, { color, width: 1.25 });
    for (const [letter, at, level, color] of letters) {
      surface.text(letter, at, Math.max(level, 7), { color, size: 10, weight: 700, align: "center", halo: "panel" });
    }
  }

  /** One bar for all segments of a colour that share a column of pixels. */
  denseBars(surface, scene, shown) {
    const bars = { blue: [], orange: [], red: [] }; // the red ones longer than true, to be seen
    if (shown.length > (BLOCK / 4) * (this.x.high - this.x.low)) this.blockBars(outgoing(scene.sender), bars.blue);
    else this.columnBars(shown, bars);
    for (const segment of inView(scene.sender.end?.again ?? [], scene.view)) {
      const at = Math.round(this.x.px(segment.t)) + 0.5;
      bars.red.push(at, this.y.px(segment.end) - 4, at, this.y.px(segment.seq) + 4);
    }
    for (const [color, flat] of Object.entries(bars)) surface.segments(flat, { color, width: color === "blue" ? 1 : 2 });
  }

  /** One bar for each block: there are several of them in a pixel. */
  blockBars(out, flat) {
    const { x, y } = this;
    const tops = [];
    walk(out, x.from, x.to, END, 1, (time, least, most) => tops.push(most));
    let at = 0;
    walk(out, x.from, x.to, SEQ, 1, (time, least) => {
      flat.push(x.px(time), y.px(tops[at]), x.px(time), y.px(least));
      at += 1;
    });
  }

  columnBars(shown, bars) {
    for (const segment of shown) {
      if (segment.end === segment.seq) continue;
      const flat = bars[barColour(segment)];
      const at = Math.round(this.x.px(segment.t)) + 0.5;
      const top = this.y.px(segment.end);
      const bottom = this.y.px(segment.seq);
      const last = flat.length - 4;
      if (last >= 0 && flat[last] === at && top < flat[last + 3] + 2 && bottom > flat[last + 1] - 2) {
        flat[last + 1] = Math.min(flat[last + 1], top);
        flat[last + 3] = Math.max(flat[last + 3], bottom);
      } else flat.push(at, top, at, bottom);
    }
  }

  /** Ticks through the ACK line where an ACK said nothing new. */
  duplicates(surface, back, view) {
    const flat = [];
    for (const segment of inView(back, view)) {
      const at = Math.round(this.x.px(segment.t)) + 0.5;
      const level = this.y.px(segment.ack);
      flat.push(at, level - 5, at, level + 5);
    }
    surface.segments(flat, { color: "green", width: 2 });
  }

  hit(px, py, scene) {
    if (!this.x || !scene.sender) return null;
    let best = null;
    let nearest = 14;
    const reach = { t0: this.x.value(px - 8), t1: this.x.value(px + 8) };
    for (const [list, level] of [[outgoing(scene.sender), null], [incoming(scene.sender), "ack"]]) {
      for (const segment of inView(list, reach)) {
        const top = this.y.px(level ? segment.ack : segment.end);
        const bottom = this.y.px(level ? segment.ack : segment.seq);
        const far = Math.abs(this.x.px(segment.t) - px) + Math.max(0, top - 3 - py, py - bottom - 3);
        if (far < nearest) {
          nearest = far;
          best = { event: segment };
        }
      }
    }
    return best;
  }
}

function barColour(segment) {
  if (segment.xmit > 1) return "red";
  return segment.cause === "persist-probe" || segment.cause === "keepalive" ? "orange" : "blue";
}

// What is read of segments, acknowledgements and snapshots.
const SEQ = (segment) => segment.seq;
const END = (segment) => segment.end;
const ACK = (one) => one.ack;
const EDGE = (one) => one.edge;
const UNA = (shot) => shot.una;
const NXT = (shot) => shot.nxt;
const WINDOW_EDGE = (shot) => shot.una + shot.snd_wnd;
const CWND_EDGE = (shot) => shot.una + shot.cwnd;
