// The ladder: a line for each node, time running down, each frame an arrow that is slanted by its real delay, and
// at the right a lane for those that died, with where and by which rule.

const LADDER = { gutter: 66, head: 26, lane: 128, pad: 26, crowd: 700 };

// Where the text of an arrow may stand: how far along, above (1) or below (-1).
const LABEL_PLACES = [[0.5, 1], [0.36, 1], [0.64, 1], [0.25, 1], [0.75, 1], [0.5, -1], [0.36, -1], [0.64, -1]];

class LadderPicture {
  constructor() {
    this.title = "Ladder";
    this.scroll = 0;
    this.zoom = 1;
    this.trueScale = false;
    this.onlyConnection = null; // null: decide by the run
    this.layout = null;
    this.key = "";
  }

  legend() {
    return [
      ["data", "blue"], ["ack", "grey"], ["SYN", "green"], ["FIN", "purple"], ["R again, RST, died", "red"],
      ["ARP, UDP, ICMP", "teal"], ["timers", "orange"],
    ].map(([name, color]) => ({ name, color }));
  }

  /** The arrows and marks that are wanted, laid out; anew only when something has changed. */
  arrange(scene, height) {
    const { run, connection } = scene;
    const only = this.onlyConnection ?? run.connections.size > 1;
    const key = [run.version, only ? connection?.number : "all", this.zoom, this.trueScale && [scene.view.t0, scene.view.t1, height]].join();
    if (key === this.key) return this.layout;
    this.key = key;
    const wanted = (number) => !only || number === undefined || number === null || number === connection?.number;
    const arrows = run.arrows.filter((arrow) => wanted(arrow.frame.conn));
    const marks = run.marks.filter((mark) => wanted(mark.conn));
    this.layout = this.trueScale
      ? new TrueScale(run, arrows, marks, scene.view, height - LADDER.head)
      : new Fold(run, arrows, marks, this.zoom);
    this.nodes = this.shownNodes(run, arrows, marks);
    return this.layout;
  }

  shownNodes(run, arrows, marks) {
    const all = run.nodes();
    if (all.length <= 6) return all;
    const used = new Set([...arrows.flatMap((arrow) => [arrow.from, arrow.to]), ...marks.map((mark) => mark.node)]);
    return all.filter((name) => used.has(name)).slice(0, 12);
  }

  lifeline(name) {
    return this.lines.get(name);
  }

  draw(surface, scene) {
    const layout = this.arrange(scene, surface.height);
    const { width, height } = surface;
    this.limit(height);
    const laneWidth = scene.run.hasDied ? Math.min(LADDER.lane, width * 0.26) : 0;
    const left = LADDER.gutter + LADDER.pad;
    const right = width - laneWidth - LADDER.pad - (laneWidth ? 0 : 6);
    this.lines = new Map(
      this.nodes.map((name, index) => [name, left + ((right - left) * index) / Math.max(1, this.nodes.length - 1)]),
    );
    this.laneAt = laneWidth ? width - laneWidth : null;
    surface.clear();
    surface.clip(0, LADDER.head, width, height - LADDER.head);
    this.ground(surface, scene, laneWidth);
    this.taken = []; // where the last texts along arrows are
    this.fixed = this.remarks(surface, layout); // and those beside lifelines
    this.rows(surface, scene);
    this.drawRemarks(surface, scene);
    surface.unclip();
    this.header(surface, laneWidth);
  }

  limit(height) {
    const room = height - LADDER.head;
    this.scroll = Math.max(0, Math.min(this.scroll, (this.trueScale ? room : this.layout.height) - room));
  }

  /** From a height of the layout to one of the picture. */
  py(y) {
    return y - this.scroll + LADDER.head;
  }

  timeAt(y) {
    return this.layout.value(y - LADDER.head + this.scroll);
  }

  yAt(time) {
    return this.py(this.layout.px(time));
  }

  header(surface, laneWidth) {
    surface.rect(0, 0, surface.width, LADDER.head, "panel");
    surface.text("seconds", LADDER.gutter - 8, 13, { color: "faint", size: 10, align: "right" });
    const room = (surface.width - LADDER.gutter - laneWidth) / this.nodes.length - 8;
    for (const [name, x] of this.lines) {
      const text = fitText(name, 12, room);
      const half = textWidth(text, 12) / 2;
      surface.text(text, Math.max(LADDER.gutter + half, x), 13, { size: 12, weight: 600, align: "center" });
    }
    if (laneWidth) surface.text("died", surface.width - laneWidth + 8, 13, { size: 12, weight: 600, color: "red" });
    surface.segments([0, LADDER.head - 0.5, surface.width, LADDER.head - 0.5], { color: "line" });
  }

  ground(surface, scene, laneWidth) {
    const { height, width } = surface;
    if (laneWidth) surface.rect(width - laneWidth, LADDER.head, laneWidth, height, "sunk");
    for (const gap of this.layout.gaps) {
      const [top, bottom] = [this.py(gap.from), this.py(gap.to)];
      if (bottom < 0 || top > height) continue;
      surface.text(`+ ${spanText(gap.silence)}`, LADDER.gutter - 8, (top + bottom) / 2, { color: "faint", size: 9.5, align: "right" });
    }
    const flat = [];
    for (const x of this.lines.values()) flat.push(Math.round(x) + 0.5, LADDER.head, Math.round(x) + 0.5, height);
    surface.segments(flat, { color: "soft", width: 1.25 });
    // Where much time passes the lifeline is broken, as on a blackboard.
    for (const gap of this.layout.gaps) {
      const at = this.py(gap.y);
      if (at < 0 || at > height || gap.silence < SECOND / 4) continue;
      for (const x of this.lines.values()) {
        surface.rect(x - 2, at - 3, 5, 6, "panel");
        surface.segments([x - 4, at - 1, x + 5, at - 5, x - 4, at + 5, x + 5, at + 1], { color: "soft" });
      }
    }
  }

  /** The rows that are in sight. */
  inSight(height) {
    const { rows, reach } = this.layout;
    const top = this.scroll - reach - 20;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].y0 < top) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (let at = low; at < rows.length && rows[at].y0 < this.scroll + height; at += 1) {
      if (Math.max(rows[at].y0, rows[at].y1) >= this.scroll - 20) found.push(rows[at]);
    }
    return found;
  }

  rows(surface, scene) {
    const shown = this.inSight(surface.height);
    const crowded = shown.length > LADDER.crowd || this.zoom < 0.55;
    const lines = new Map();
    const seen = new Set();
    let timeBelow = -100;
    for (const row of shown) {
      const { arrow } = row;
      const x0 = this.lifeline(arrow.from);
      const x1 = this.lifeline(arrow.to);
      if (x0 === undefined || x1 === undefined) continue;
      const y0 = this.py(row.y0);
      const y1 = this.py(row.y1);
      const color = FRAME_COLOURS[kindOf(scene.run, arrow)] ?? "faint";
      if (crowded) {
        const key = `${color} ${x0} ${Math.round(y0)} ${Math.round(y1)} ${arrow.died ? 1 : 0}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      const end = arrow.died ? { x: x0 + (x1 - x0) * 0.62, y: y0 + 0.62 * (y1 - y0) } : { x: x1, y: y1 };
      const chosen = scene.selected?.arrow === arrow;
      if (chosen || scene.hits?.has(arrow.event.i)) this.highlight(surface, x0, y0, end, chosen);
      append(lines, arrow.died ? `${color} dashed` : color, [x0, y0, end.x, end.y]);
      if (y0 - timeBelow >= 12) {
        surface.text((arrow.sent / SECOND).toFixed(scene.decimals ?? 4), LADDER.gutter - 8, y0, { color: "soft", size: 10, align: "right", mono: true });
        timeBelow = y0;
      }
      if (crowded) continue;
      this.head(surface, x0, y0, end, color, arrow);
      if (arrow.died) this.grave(surface, scene, arrow, end);
      this.label(surface, scene, arrow, x0, y0, end, color, chosen);
    }
    for (const [key, flats] of lines) {
      const [color, dashed] = key.split(" ");
      surface.segments(flats.flat(), { color, width: crowded ? 1 : 1.5, dash: dashed ? [5, 3] : null });
    }
    if (crowded) this.crowdGraves(surface, shown);
  }

  highlight(surface, x0, y0, end, chosen) {
    const half = chosen ? 8 : 6;
    surface.polygon([x0, y0 - half, end.x, end.y - half, end.x, end.y + half, x0, y0 + half], "select", chosen ? 1 : 0.7);
  }

  head(surface, x0, y0, end, color, arrow) {
    if (arrow.died) {
      const { x, y } = end;
      surface.segments([x - 5, y - 5, x + 5, y + 5, x - 5, y + 5, x + 5, y - 5], { color: "red", width: 2 });
      return;
    }
    const angle = Math.atan2(end.y - y0, end.x - x0);
    const point = (turn, far) => [end.x - far * Math.cos(angle + turn), end.y - far * Math.sin(angle + turn)];
    const tip = [end.x, end.y];
    if (arrow.arrived === null) surface.circle(end.x, end.y, 3, "panel", { color, width: 1.5 });
    else surface.polygon([...tip, ...point(0.36, 9), ...point(-0.36, 9)], color);
  }

  grave(surface, scene, arrow, end) {
    if (this.laneAt === null) return;
    const y = end.y;
    surface.segments([end.x + 9, y, this.laneAt + 4, y], { color: "red", dash: [1, 3], alpha: 0.8 });
    const why = [arrow.died.rule, arrow.died.detail].filter(Boolean).join(": ");
    surface.text(fitText(why, 10.5, surface.width - this.laneAt - 14), this.laneAt + 8, y, { color: "red", size: 10.5 });
  }

  crowdGraves(surface, shown) {
    if (this.laneAt === null) return;
    const flat = [];
    for (const row of shown) {
      const y = this.py(row.y0);
      if (row.arrow.died) flat.push(this.laneAt + 8, y, this.laneAt + 16, y);
    }
    surface.segments(flat, { color: "red", width: 2 });
  }

  /** The text along an arrow, where it does not cover another; in a true scale, if there is such a place. */
  label(surface, scene, arrow, x0, y0, end, color, chosen) {
    const [dx, dy] = [end.x - x0, end.y - y0];
    const angle = Math.atan2(dy, dx);
    const turn = dx < 0 ? angle - Math.PI * Math.sign(angle || 1) : angle;
    const steep = Math.abs(turn) > 0.6;
    const text = fitText(arrowText(scene.run, arrow), 11, Math.hypot(dx, dy) - 24);
    const half = textWidth(text, 11) / 2;
    const away = steep ? 0 : 6.5;
    let best = null;
    const slope = steep ? 0 : Math.tan(turn);
    for (const [share, side] of LABEL_PLACES) {
      const at = { x: x0 + dx * share + Math.sin(turn) * away * side, y: y0 + dy * share - Math.cos(turn) * away * side, half, slope };
      if (Math.min(Math.abs(at.x - x0), Math.abs(end.x - at.x)) < half + 8 && share !== 0.5) continue;
      let cover = 0;
      for (const other of this.taken) cover += covered(at, other);
      for (const other of this.fixed) cover += covered(at, other);
      if (best === null || cover < best.cover - 0.5) best = { ...at, cover };
      if (cover === 0) break;
    }
    if (this.trueScale && best.cover > 6 && !chosen) return;
    this.taken.push(best);
    if (this.taken.length > 24) this.taken.shift();
    surface.text(text, best.x, best.y, {
      color, size: 11, align: "center", halo: chosen ? "select" : "panel", turn: steep ? 0 : turn, weight: chosen ? 600 : 450,
    });
  }

  /** States, timers, and what was held or dropped, beside the lifeline of who tells it: where each text goes. */
  remarks(surface, layout) {
    const found = [];
    let below = -100;
    for (const { mark, y } of this.zoom < 0.55 ? [] : layout.marks) {
      const at = this.py(y);
      const x = this.lifeline(mark.node);
      if (x === undefined || at < LADDER.head - 10 || at > surface.height + 10 || (this.trueScale && at - below < 11)) continue;
      below = at;
      const side = this.nodes.length > 1 && mark.node === this.nodes.at(-1) ? -1 : 1;
      const half = textWidth(mark.text, 10) / 2;
      found.push({ mark, line: x, side, x: x + side * (9 + half), y: at, half, slope: 0 });
    }
    return found;
  }

  drawRemarks(surface, scene) {
    for (const { mark, line, side, y } of this.fixed) {
      const lit = scene.selected?.event === mark.event || scene.hits?.has(mark.event.i);
      surface.circle(line + 0.5, y, 3.2, mark.kind === "state" ? "ink" : mark.color);
      surface.text(mark.text, line + side * 9, y, {
        color: mark.color, size: 10, align: side < 0 ? "right" : "left", halo: lit ? "select" : "panel",
        weight: mark.kind === "state" ? 600 : 450,
      });
    }
  }

  cursor(surface, scene) {
    if (!this.layout) return;
    if (scene.differs !== null) {
      const at = Math.round(this.yAt(scene.differs)) - 11.5;
      if (at > LADDER.head) {
        surface.segments([0, at, surface.width, at], { color: "orange", width: 1.5, dash: [6, 3] });
        surface.text("first difference", surface.width - 6, at - 7, { color: "orange", size: 10, weight: 600, align: "right", halo: "panel" });
      }
    }
    if (scene.time === null) return;
    const y = Math.round(this.yAt(scene.time)) + 0.5;
    if (y < LADDER.head || y > surface.height) return;
    surface.segments([0, y, surface.width, y], { color: "ink", alpha: 0.55 });
  }

  /** The arrow or mark at a point, or null. */
  hit(x, y, scene, height) {
    if (!this.layout || y < LADDER.head) return null;
    let best = null;
    let nearest = 9;
    for (const { mark, y: place } of this.layout.marks) {
      const line = this.lifeline(mark.node);
      const far = Math.abs(this.py(place) - y);
      const last = mark.node === this.nodes.at(-1);
      const reach = textWidth(mark.text, 10) + 12;
      if (far < 6 && (last ? x < line + 6 && x > line - reach : x > line - 6 && x < line + reach)) return { event: mark.event };
    }
    for (const row of this.inSight(height)) {
      const x0 = this.lifeline(row.arrow.from);
      const x1 = this.lifeline(row.arrow.to);
      if (x0 === undefined || x1 === undefined) continue;
      const share = (x - x0) / (x1 - x0 || 1);
      const inLane = row.arrow.died && this.laneAt !== null && x > this.laneAt;
      if (!inLane && (share < -0.04 || share > 1.04)) continue;
      const at = this.py(row.y0) + (row.y1 - row.y0) * (inLane ? 0.62 : Math.min(1, Math.max(0, share)));
      const far = Math.abs(at - 3 - y);
      if (far < nearest) {
        nearest = far;
        best = { arrow: row.arrow };
      }
    }
    return best;
  }
}

/** How many pixels two texts, each along a slope, cover each other; 0: they keep a line's distance. */
function covered(one, other) {
  const left = Math.max(one.x - one.half, other.x - other.half);
  const right = Math.min(one.x + one.half, other.x + other.half);
  if (right <= left) return 0;
  const apart = (x) => one.y + one.slope * (x - one.x) - other.y - other.slope * (x - other.x);
  const [first, last] = [apart(left), apart(right)];
  return first * last < 0 ? 12 : Math.max(0, 12 - Math.min(Math.abs(first), Math.abs(last)));
}

/** What is written along an arrow. */
function arrowText(run, arrow) {
  const segment = run.segmentOf(arrow);
  const again = segment && segment.xmit > 1 ? `R ${segment.cause} · ` : segment && kindOf(run, arrow) === "probe" ? `${segment.cause} · ` : "";
  return `${again}${arrow.frame.info}${arrow.as ? ` · became: ${arrow.as.info}` : ""}`;
}
