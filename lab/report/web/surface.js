// Where pictures are drawn: a canvas, or SVG text. Both offer the same few strokes, and colours are the names of
// theme.js, so each picture has one drawing code.
//
// A style is {color, width, dash, alpha}. Lines come flat: [x1, y1, x2, y2, ...].

class CanvasSurface {
  constructor(context, width, height, colours) {
    this.context = context;
    this.width = width;
    this.height = height;
    this.colours = colours;
  }

  colour(name) {
    return this.colours[name] ?? name;
  }

  clear(color = "panel") {
    this.context.fillStyle = this.colour(color);
    this.context.fillRect(0, 0, this.width, this.height);
  }

  clip(x, y, width, height) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
  }

  unclip() {
    this.context.restore();
  }

  rect(x, y, width, height, color, alpha = 1) {
    const context = this.context;
    context.globalAlpha = alpha;
    context.fillStyle = this.colour(color);
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
  }

  frame(x, y, width, height, style, radius = 0) {
    this.stroke(style);
    this.context.beginPath();
    this.context.roundRect(x, y, width, height, radius);
    this.context.stroke();
    this.context.globalAlpha = 1;
  }

  stroke({ color, width = 1, dash = null, alpha = 1 }) {
    const context = this.context;
    context.strokeStyle = this.colour(color);
    context.lineWidth = width;
    context.globalAlpha = alpha;
    context.setLineDash(dash ?? []);
  }

  /** Lines that hang together by twos: each four numbers are one. */
  segments(flat, style) {
    if (!flat.length) return;
    const context = this.context;
    this.stroke(style);
    context.beginPath();
    for (let at = 0; at < flat.length; at += 4) {
      context.moveTo(flat[at], flat[at + 1]);
      context.lineTo(flat[at + 2], flat[at + 3]);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  polyline(flat, style) {
    if (flat.length < 4) return;
    const context = this.context;
    this.stroke(style);
    context.lineJoin = "bevel";
    context.beginPath();
    context.moveTo(flat[0], flat[1]);
    for (let at = 2; at < flat.length; at += 2) context.lineTo(flat[at], flat[at + 1]);
    context.stroke();
    context.globalAlpha = 1;
  }

  polygon(flat, color, alpha = 1) {
    if (flat.length < 6) return;
    const context = this.context;
    context.globalAlpha = alpha;
    context.fillStyle = this.colour(color);
    context.beginPath();
    context.moveTo(flat[0], flat[1]);
    for (let at = 2; at < flat.length; at += 2) context.lineTo(flat[at], flat[at + 1]);
    context.closePath();
    context.fill();
    context.globalAlpha = 1;
  }

  circle(x, y, radius, color, style = null) {
    const context = this.context;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    if (color) {
      context.fillStyle = this.colour(color);
      context.fill();
    }
    if (style) {
      this.stroke(style);
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  rounded(x, y, width, height, radius, color, style = null) {
    const context = this.context;
    context.beginPath();
    context.roundRect(x, y, width, height, radius);
    context.fillStyle = this.colour(color);
    context.fill();
    if (style) {
      this.stroke(style);
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  /** `base`: middle, alphabetic. `halo`: colour behind the letters. `turn`: radians around (x, y). */
  text(text, x, y, { color = "ink", size = 11, align = "left", weight = 400, mono = false, base = "middle", halo = null, turn = 0 } = {}) {
    const context = this.context;
    const font = `${weight} ${size}px ${mono ? MONO : FONT}`;
    if (context.font !== font) context.font = font;
    context.textAlign = align;
    context.textBaseline = base;
    if (turn) {
      context.save();
      context.translate(x, y);
      context.rotate(turn);
      x = y = 0;
    }
    if (halo) {
      context.strokeStyle = this.colour(halo);
      context.lineWidth = 3.5;
      context.lineJoin = "round";
      context.setLineDash([]);
      context.strokeText(text, x, y);
    }
    context.fillStyle = this.colour(color);
    context.fillText(text, x, y);
    if (turn) context.restore();
  }
}

class SvgSurface {
  constructor(width, height, colours, title) {
    this.width = width;
    this.height = height;
    this.colours = colours;
    this.title = title;
    this.parts = [];
    this.clips = 0;
  }

  colour(name) {
    return this.colours[name] ?? name;
  }

  clear(color = "panel") {
    this.rect(0, 0, this.width, this.height, color);
  }

  clip(x, y, width, height) {
    const id = `c${this.clips++}`;
    this.parts.push(`<clipPath id="${id}"><rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"/></clipPath>`);
    this.parts.push(`<g clip-path="url(#${id})">`);
  }

  unclip() {
    this.parts.push("</g>");
  }

  rect(x, y, width, height, color, alpha = 1) {
    const faint = alpha < 1 ? ` fill-opacity="${n(alpha)}"` : "";
    this.parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${this.colour(color)}"${faint}/>`);
  }

  stroke({ color, width = 1, dash = null, alpha = 1 }) {
    let text = `fill="none" stroke="${this.colour(color)}" stroke-width="${n(width)}"`;
    if (dash) text += ` stroke-dasharray="${dash.join(" ")}"`;
    if (alpha < 1) text += ` stroke-opacity="${n(alpha)}"`;
    return text;
  }

  frame(x, y, width, height, style, radius = 0) {
    this.parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(radius)}" ${this.stroke(style)}/>`);
  }

  segments(flat, style) {
    if (!flat.length) return;
    let path = "";
    for (let at = 0; at < flat.length; at += 4) path += `M${n(flat[at])} ${n(flat[at + 1])}L${n(flat[at + 2])} ${n(flat[at + 3])}`;
    this.parts.push(`<path d="${path}" ${this.stroke(style)}/>`);
  }

  polyline(flat, style) {
    if (flat.length >= 4) this.parts.push(`<polyline points="${points(flat)}" stroke-linejoin="round" ${this.stroke(style)}/>`);
  }

  polygon(flat, color, alpha = 1) {
    if (flat.length < 6) return;
    const faint = alpha < 1 ? ` fill-opacity="${n(alpha)}"` : "";
    this.parts.push(`<polygon points="${points(flat)}" fill="${this.colour(color)}"${faint}/>`);
  }

  circle(x, y, radius, color, style = null) {
    const edge = style ? this.stroke(style).replace('fill="none" ', "") : "";
    this.parts.push(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${color ? this.colour(color) : "none"}" ${edge}/>`);
  }

  rounded(x, y, width, height, radius, color, style = null) {
    const edge = style ? this.stroke(style).replace('fill="none" ', "") : "";
    this.parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(radius)}" fill="${this.colour(color)}" ${edge}/>`);
  }

  text(text, x, y, { color = "ink", size = 11, align = "left", weight = 400, mono = false, base = "middle", halo = null, turn = 0 } = {}) {
    const anchor = { left: "", center: ' text-anchor="middle"', right: ' text-anchor="end"' }[align];
    const behind = halo ? ` stroke="${this.colour(halo)}" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"` : "";
    const down = base === "middle" ? size * 0.36 : 0; // dominant-baseline is not drawn by every program
    const turned = turn ? ` transform="rotate(${n((turn * 180) / Math.PI)} ${n(x)} ${n(y)})"` : "";
    const bold = weight === 400 ? "" : ` font-weight="${weight}"`;
    this.parts.push(
      `<text x="${n(x)}" y="${n(y + down)}" font-size="${n(size)}"${bold}${mono ? ' class="m"' : ""} ` +
        `fill="${this.colour(color)}"${anchor}${behind}${turned}>${escapeXml(text)}</text>`,
    );
  }

  /** The picture as a file. */
  finish() {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" ` +
      `viewBox="0 0 ${this.width} ${this.height}" role="img" font-family="${escapeXml(FONT)}">` +
      `<title>${escapeXml(this.title)}</title><style>.m{font-family:${escapeXml(MONO)}}</style>\n` +
      `${this.parts.join("\n")}\n</svg>\n`
    );
  }
}

function n(value) {
  return String(Math.round(value * 100) / 100);
}

function points(flat) {
  let text = "";
  for (let at = 0; at < flat.length; at += 2) text += `${at ? " " : ""}${n(flat[at])},${n(flat[at + 1])}`;
  return text;
}

function escapeXml(text) {
  return String(text).replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);
}
