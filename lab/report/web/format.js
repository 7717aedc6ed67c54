// Numbers and times as people read them.

const MS = 1e6;
const SECOND = 1e9;

/** A point of time in seconds, with as many decimals as `step` (ns between neighbours) needs. */
function timeText(ns, step = MS) {
  const decimals = step >= SECOND ? 0 : Math.min(9, Math.max(1, Math.ceil(9 - Math.log10(step) - 1e-9)));
  return (ns / SECOND).toFixed(decimals) + " s";
}

/** A stretch of time with the unit that suits it. */
function spanText(ns) {
  const abs = Math.abs(ns);
  if (abs === 0) return "0";
  if (abs < 1e3) return `${round(ns, 3)} ns`;
  if (abs < MS) return `${round(ns / 1e3, 3)} µs`;
  if (abs < SECOND) return `${round(ns / MS, 3)} ms`;
  return `${round(ns / SECOND, 4)} s`;
}

/** `value` with about `digits` digits, no trailing zeros. */
function round(value, digits) {
  return String(Number(value.toPrecision(digits)));
}

/** Whole numbers with thin spaces between thousands. */
function count(value) {
  return value === null || value === undefined ? "–" : String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** Bytes on an axis: 0, 536, 4.3k, 1.2M. */
function shortNumber(value) {
  const abs = Math.abs(value);
  if (abs < 10000) return String(Math.round(value));
  if (abs < 1e6) return `${round(value / 1e3, 3)}k`;
  return `${round(value / 1e6, 3)}M`;
}

/** Ticks of 1, 2 or 5 times a power of ten: about `wanted` of them between `from` and `to`. */
function niceStep(from, to, wanted) {
  const raw = Math.max((to - from) / Math.max(wanted, 1), 1e-9);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

function ticks(from, to, wanted) {
  const step = niceStep(from, to, wanted);
  const found = [];
  for (let value = Math.ceil(from / step - 1e-9) * step; value <= to + step * 1e-9; value += step) found.push(value);
  return { step, values: found };
}

/** Width of a text, estimated: canvas and SVG lay out alike, and no picture needs a browser to be made. */
function textWidth(text, size, mono = false) {
  if (mono) return text.length * size * 0.602;
  let width = 0;
  for (const letter of text) {
    width += /[A-Z0-9_%→←≥≤–…]/.test(letter) ? 0.64 : /[ijl.,:;|'()[\]! ]/.test(letter) ? 0.3 : /[mwMW@]/.test(letter) ? 0.86 : 0.545;
  }
  return width * size;
}

/** `text` cut to `room` pixels, with an ellipsis. */
function fitText(text, size, room, mono = false) {
  if (textWidth(text, size, mono) <= room) return text;
  let shown = text;
  while (shown && textWidth(`${shown}…`, size, mono) > room) shown = shown.slice(0, -1);
  return shown ? `${shown}…` : "";
}

/** Index of the last element of `list` (sorted by `key`) with key <= value, or -1. */
function lastBefore(list, value, key = "t") {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle][key] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The last element at or before `value`, or null. */
function latest(list, value, key = "t") {
  const index = lastBefore(list, value, key);
  return index < 0 ? null : list[index];
}
