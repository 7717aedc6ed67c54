// What the pictures over time have in common: time runs to the right, and a cursor goes through all of them.

class TimePicture {
  constructor(title) {
    this.title = title;
    this.x = null;
    this.y = null;
  }

  timeAt(px) {
    return this.x ? this.x.value(px) : null;
  }

  cursor(surface, scene) {
    if (!this.x) return;
    if (scene.differs !== null) {
      const at = Math.round(this.x.px(scene.differs)) + 0.5;
      if (at >= this.x.low && at <= this.x.high) {
        surface.segments([at, 2, at, surface.height - MARGIN.bottom], { color: "orange", width: 1.5, dash: [6, 3] });
      }
    }
    if (scene.time === null) return;
    const at = Math.round(this.x.px(scene.time)) + 0.5;
    if (at < this.x.low || at > this.x.high) return;
    surface.segments([at, 2, at, surface.height - MARGIN.bottom], { color: "ink", alpha: 0.55 });
  }

  hit() {
    return null;
  }

  /** Marks where something happened, on the upper edge: small triangles. */
  flags(surface, events, color) {
    let before = -10;
    for (const event of events) {
      const at = this.x.px(event.t);
      if (at < this.x.low || at > this.x.high || at - before < 3) continue;
      before = at;
      surface.polygon([at - 4, MARGIN.top - 6, at + 4, MARGIN.top - 6, at, MARGIN.top + 1], color);
    }
  }

  nothing(surface, text) {
    surface.text(text, surface.width / 2, surface.height / 2, { color: "faint", size: 12, align: "center" });
  }
}

/** Of a list sorted by time, what lies in a view. */
function inView(list, view) {
  const from = lastBefore(list, view.t0 - 1) + 1;
  const to = lastBefore(list, view.t1);
  return list.slice(from, to + 1);
}
