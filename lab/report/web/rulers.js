// The byte stream at one moment, from both ends, on one axis of sequence numbers. Above, the sender: acknowledged, in
// flight, may be sent, waits in the queue. Below, the receiver: read, unread, out of order, the edge of its window.

class RulersPicture {
  constructor() {
    this.title = "Byte stream";
    this.hits = [];
  }

  legend() {
    return [
      { name: "acknowledged, read", color: "grey", area: true },
      { name: "in flight", color: "blue", area: true },
      { name: "sent again", color: "red", area: true },
      { name: "may be sent", color: "green", area: true },
      { name: "queued", color: "orange", area: true },
      { name: "unread", color: "teal", area: true },
      { name: "out of order", color: "purple", area: true },
    ];
  }

  draw(surface, scene) {
    surface.clear();
    this.hits = [];
    if (!scene.sender) return;
    const time = scene.time ?? scene.view.t1;
    const send = scene.sender.end?.at(time) ?? null;
    const take = scene.receiver.end?.at(time) ?? null;
    const scale = this.scale(surface, scene, send, take);
    const half = (surface.height - 30) / 2;
    const axis = surface.height / 2 + 1;
    this.axis(surface, scale, axis);
    const thick = Math.min(22, half - 14);
    this.name(surface, scene.sender.name, "sends", axis - 14 - thick / 2);
    this.name(surface, scene.receiver.name, "receives", axis + 14 + thick / 2);
    surface.clip(scale.low, 0, scale.high - scale.low, surface.height);
    if (send) this.sender(surface, scale, send, scene, axis - 14 - thick, thick);
    if (take) this.receiver(surface, scale, take, axis + 14, thick);
    surface.unclip();
    if (!send && !take) surface.text("nothing is known of it yet", scale.low + 8, axis - 24, { color: "faint", size: 11 });
    surface.text(timeText(time, 1e5), surface.width - 8, 9, { color: "faint", size: 10, align: "right", mono: true });
  }

  /** A span of sequence numbers that is as wide throughout the run and moves in steps, so that it does not swim. */
  scale(surface, scene, send, take) {
    const device = scene.run.device(scene.sender.end?.device ?? scene.receiver.end?.device);
    const window = Math.max(send?.snd_wnd_max ?? 0, take?.rcv_wnd ?? 0, device?.wnd ?? 0);
    const filled = largest(scene.sender.end?.snapshots ?? [], EVER, FILLED); // no more room than a few times of this
    const span = Math.max(Math.min(window, filled * 3), 2000) * 1.9;
    const una = send ? send.una : (take?.rcv_nxt ?? 0);
    const step = span * 0.2;
    const from = Math.max(Math.floor((una - span * 0.18) / step) * step, -span * 0.02);
    return new Scale(from, from + span, 104, surface.width - 12);
  }

  name(surface, device, role, y) {
    surface.text(fitText(device, 11, 92), 8, y - 6, { size: 11, weight: 600 });
    surface.text(role, 8, y + 7, { color: "faint", size: 10 });
  }

  axis(surface, scale, y) {
    const marks = ticks(Math.max(scale.from, 0), scale.to, Math.max(3, (scale.high - scale.low) / 90));
    for (const value of marks.values) {
      surface.text(count(Math.round(value)), scale.px(value), y, { color: "faint", size: 10, align: "center" });
    }
  }

  block(surface, scale, from, to, top, thick, color, fill, label, size = to - from) {
    const left = Math.max(scale.px(from), scale.low - 2);
    const right = Math.min(scale.px(to), scale.high + 2);
    if (right - left < 0.5) return;
    surface.rect(left, top, right - left, thick, fill);
    surface.frame(left + 0.5, top + 0.5, Math.max(right - left - 1, 0.5), thick - 1, { color, width: 1 });
    this.hits.push({ left, right, top, bottom: top + thick, text: `${label}: ${size} bytes, up to ${to}` });
    const text = `${label} ${size}`;
    if (textWidth(text, 10) < right - left - 6) surface.text(text, (left + right) / 2, top + thick / 2, { color, size: 10, align: "center", weight: 500 });
  }

  edge(surface, scale, at, top, bottom, color, label, up, before = false) {
    const x = scale.px(at);
    if (x < scale.low || x > scale.high) return;
    surface.segments([x, top, x, bottom], { color, width: 1.75 });
    const flip = before || x > scale.high - textWidth(label, 9.5) - 8;
    surface.text(label, x + (flip ? -4 : 4), up ? top + 4 : bottom - 4, { color, size: 9.5, align: flip ? "right" : "left", halo: "panel" });
  }

  sender(surface, scale, shot, scene, top, thick) {
    this.block(surface, scale, Math.min(scale.from, shot.una), shot.una, top, thick, "grey", "sunk", "acknowledged", Math.max(shot.una - 1, 0));
    const again = new Set();
    const { sent } = scene.sender.end;
    const now = lastBefore(sent, shot.t);
    for (const segment of sent.slice(Math.max(0, now - 300), now + 1)) {
      if (segment.xmit > 1 && segment.end > shot.una) again.add(segment.seq);
    }
    const flying = shot.unacked.filter(([, to]) => to > shot.una);
    for (const [from, to] of flying) {
      const second = again.has(from);
      this.block(surface, scale, Math.max(from, shot.una), to, top, thick, second ? "red" : "blue", second ? "washRed" : "wash", second ? "again" : "in flight");
    }
    const edge = shot.una + Math.min(shot.cwnd, shot.snd_wnd);
    const sentTo = Math.max(shot.nxt, flying.at(-1)?.[1] ?? 0);
    for (const [from, to] of shot.unsent) this.block(surface, scale, from, to, top, thick, "orange", "washOrange", "queued");
    const free = Math.max(sentTo, shot.lbb ?? 0);
    if (edge > sentTo) this.block(surface, scale, sentTo, edge, top + thick - 5, 5, "green", "washGreen", "may be sent");
    if (edge > free) this.block(surface, scale, free, edge, top, thick, "green", "washGreen", "may be sent");
    this.edge(surface, scale, shot.una + shot.snd_wnd, top - 9, top + thick + 2, "orange", `window ${shot.snd_wnd}`, true);
    if (shot.cwnd < shot.snd_wnd) this.edge(surface, scale, shot.una + shot.cwnd, top - 9, top + thick + 2, "purple", `cwnd ${shot.cwnd}`, true);
  }

  receiver(surface, scale, shot, top, thick) {
    const read = shot.rcv_nxt - shot.unread - (shot.refused ?? 0);
    this.block(surface, scale, Math.min(scale.from, read), read, top, thick, "grey", "sunk", "read", Math.max(read - 1, 0));
    this.block(surface, scale, read, shot.rcv_nxt, top, thick, "teal", "washTeal", "unread");
    for (const [from, to] of shot.ooseq) this.block(surface, scale, from, to, top, thick, "purple", "wash", "out of order");
    const edge = shot.rcv_edge ?? shot.rcv_nxt + shot.rcv_ann_wnd;
    surface.segments([scale.px(shot.rcv_nxt), top + thick - 0.5, Math.max(scale.px(edge), scale.px(shot.rcv_nxt)), top + thick - 0.5], { color: "teal", dash: [3, 3] });
    this.edge(surface, scale, edge, top - 2, top + thick + 10, "teal", `window edge (${shot.rcv_ann_wnd})`, false);
    this.edge(surface, scale, shot.rcv_nxt, top - 2, top + thick + 10, "ink", `RCV.NXT ${shot.rcv_nxt}`, false, true);
  }

  cursor() {}

  timeAt() {
    return null;
  }

  hit(px, py) {
    const found = this.hits.find((box) => px >= box.left && px <= box.right && py >= box.top && py <= box.bottom);
    return found ? { text: found.text } : null;
  }
}

// Bytes from the first that is not acknowledged to the last that the application has handed over, or that cwnd allows.
const FILLED = (shot) => Math.max(shot.lbb - shot.una, Math.min(shot.cwnd, shot.snd_wnd));
