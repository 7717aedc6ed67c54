// From time or bytes to pixels, and the axes that say so.

class Scale {
  /** Values `from`..`to` onto pixels `low`..`high`. */
  constructor(from, to, low, high) {
    this.from = from;
    this.to = to;
    this.low = low;
    this.high = high;
    this.factor = (high - low) / (to - from || 1);
  }

  px(value) {
    return this.low + (value - this.from) * this.factor;
  }

  value(px) {
    return this.from + (px - this.low) / this.factor;
  }
}

// The left edge is the same in all pictures over time, so that the cursor is one straight line.
const MARGIN = { left: 112, right: 12, top: 8, bottom: 18 };

/** The frame of a picture over time: grid, labels of both axes. Returns the two scales. */
function timeAxes(surface, view, low, high, { unit = "", wanted = 4, top = MARGIN.top, labels = true } = {}) {
  const { width, height } = surface;
  const x = new Scale(view.t0, view.t1, MARGIN.left, width - MARGIN.right);
  const y = new Scale(low, high, height - MARGIN.bottom, top);
  timeGrid(surface, x, top, height - MARGIN.bottom, labels);
  const marks = ticks(low, high, wanted);
  const flat = [];
  for (const value of marks.values) {
    const at = Math.round(y.px(value)) + 0.5;
    flat.push(x.low, at, x.high, at);
    surface.text(shortNumber(value), x.low - 7, at, { color: "faint", size: 10, align: "right" });
  }
  surface.segments(flat, { color: "grid" });
  if (unit) surface.text(unit, 10, top + 4, { color: "faint", size: 10 });
  return { x, y };
}

/** Vertical lines and, below, the times. */
function timeGrid(surface, x, top, bottom, labels = true) {
  const marks = ticks(x.from, x.to, Math.max(2, (x.high - x.low) / 110));
  const flat = [];
  for (const value of marks.values) {
    const at = Math.round(x.px(value)) + 0.5;
    flat.push(at, top, at, bottom);
    if (labels) {
      const text = timeText(value, marks.step);
      const half = textWidth(text, 10) / 2;
      if (at - half > x.low - 14 && at + half < x.high + 10) {
        surface.text(text, at, bottom + 10, { color: "faint", size: 10, align: "center" });
      }
    }
  }
  surface.segments(flat, { color: "grid" });
  surface.segments([x.low, bottom + 0.5, x.high, bottom + 0.5], { color: "line" });
}

/** A step line of `get(element)` over a list sorted by time. Where there are more elements than pixels, its reach in each
 * two pixels: a picture can show no more, and would take long to draw it.
 */
function stepLine(list, x, y, get) {
  const flat = [];
  const many = lastBefore(list, x.to) - lastBefore(list, x.from) > x.high - x.low;
  let last = null;
  let column = null; // where the stretch begins whose changes are being collected: their reach and where they end
  let high = 0;
  let low = 0;
  const flush = () => {
    if (column === null) return;
    if (!many) flat.push(column, high, column, low, column, last);
    else if (high === low) flat.push(column, high);
    else flat.push(column, high, column + 1, low);
    column = null;
  };
  walk(list, x.from, x.to, get, x.high - x.low, (time, least, most, value) => {
    const at = Math.max(x.px(time), x.low);
    const level = y.px(value);
    if (last === null) flat.push(at, level);
    else if (level !== last || least !== most) {
      if (column === null || at - column >= (many ? 2 : 1)) {
        flush();
        if (!many || at - flat[flat.length - 2] > 3) flat.push(at, last);
        column = at;
        high = low = level;
      }
      high = Math.min(high, y.px(most));
      low = Math.max(low, y.px(least));
    }
    last = level;
  });
  flush();
  if (last !== null) flat.push(x.high, last);
  return flat;
}

/** The least and the largest of `get` over what a view shows of a sorted list, or null where there is nothing. */
function extent(list, view, get) {
  let found = null;
  walk(list, view.t0, view.t1, get, 300, (time, least, most) => {
    if (found === null) found = { low: least, high: most };
    else {
      if (least < found.low) found.low = least;
      if (most > found.high) found.high = most;
    }
  });
  return found;
}

/** The largest of several of them, 0 at least. */
function largest(list, view, ...gets) {
  return Math.max(0, ...gets.map((get) => extent(list, view, get)?.high ?? 0));
}

/** Call `take(element)` for elements of a sorted list in a view, so that no two begin within `apart` pixels. */
function sparse(list, x, apart, take) {
  let index = Math.max(0, lastBefore(list, x.from));
  while (index < list.length && list[index].t <= x.to) {
    take(list[index], index);
    const next = lastBefore(list, x.value(x.px(list[index].t) + apart)) + 1;
    index = Math.max(index + 1, next);
  }
}

const BLOCK = 16; // elements that are taken together where many share a pixel

/** Call `take(time, least, most, last)` for the elements of a sorted list from `from` (and what held then) to `to`;
 * in blocks, once there are more than BLOCK of them for each of `pixels`. */
function walk(list, from, to, get, pixels, take) {
  const begin = Math.max(0, lastBefore(list, from));
  const end = lastBefore(list, to) + 1;
  if (end - begin <= BLOCK * pixels) {
    for (let index = begin; index < end; index += 1) {
      const value = get(list[index]);
      if (value !== null && value !== undefined) take(list[index].t, value, value, value);
    }
    return;
  }
  const blocks = blocksOf(list, get);
  const whole = Math.min(Math.floor(end / BLOCK), blocks.length);
  for (let block = Math.floor(begin / BLOCK); block < whole; block += 1) {
    const { t, least, most, last } = blocks[block];
    if (last !== null) take(t, least, most, last);
  }
  for (let index = whole * BLOCK; index < end; index += 1) {
    const value = get(list[index]);
    if (value !== null && value !== undefined) take(list[index].t, value, value, value);
  }
}

const blockCache = new WeakMap(); // list -> Map of getter -> blocks

/** Least, most and last of each BLOCK elements; only those that have come since are looked at. */
function blocksOf(list, get) {
  let byGetter = blockCache.get(list);
  if (!byGetter) blockCache.set(list, (byGetter = new Map()));
  let blocks = byGetter.get(get);
  if (!blocks) byGetter.set(get, (blocks = []));
  while ((blocks.length + 1) * BLOCK <= list.length) {
    const block = { t: list[blocks.length * BLOCK].t, least: Infinity, most: -Infinity, last: null };
    for (let index = blocks.length * BLOCK; index < (blocks.length + 1) * BLOCK; index += 1) {
      const value = get(list[index]);
      if (value === null || value === undefined) continue;
      block.least = Math.min(block.least, value);
      block.most = Math.max(block.most, value);
      block.last = value;
    }
    blocks.push(block);
  }
  return blocks;
}

/** The ticks of a device's TCP timer from runs and armings that the trace tells: {from (a slow one), fast, every}. */
function tickGrid(run, device, end, time) {
  const fast = run.fast(device);
  const runs = run.timerRuns.get(device) ?? [];
  const slow = end && (latest(end.slowRuns, time) ?? end.slowRuns[0]);
  const anchor = slow ?? latest(runs, time) ?? runs[0];
  if (!anchor) return null;
  return { from: anchor.t, fast, every: Math.max(1, Math.round(run.slow(device) / fast)), sure: Boolean(slow) };
}

/** Draw a tick grid as far as it has room: slow ticks as lines, fast ones dotted. */
function drawTicks(surface, x, top, bottom, grid) {
  if (!grid || grid.fast * grid.every * x.factor < 8) return;
  const slow = [];
  const fast = [];
  for (let k = Math.ceil((x.from - grid.from) / grid.fast); ; k += 1) {
    const at = Math.round(x.px(grid.from + k * grid.fast)) + 0.5;
    if (at > x.high) break;
    const isSlow = grid.sure && k % grid.every === 0;
    if (isSlow) slow.push(at, top, at, bottom);
    else if (grid.fast * x.factor >= 8) fast.push(at, top, at, bottom);
  }
  surface.segments(fast, { color: "tick", dash: [1, 3] });
  surface.segments(slow, { color: "tick" });
}
