// All pictures by name, and any of them as SVG. This file and those before it need no browser.

const PICTURES = {
  ladder: LadderPicture,
  sequence: SequencePicture,
  windows: WindowsPicture,
  rtt: RttPicture,
  timers: TimersPicture,
  pools: PoolsPicture,
  rulers: RulersPicture,
  states: StatesPicture,
  overview: OverviewPicture,
};

/** What a picture needs to know: the run, the connection and whose side, the part of time, the cursor. */
function makeScene(run, number, sideIndex, view, time = null) {
  const connection = run.connections.get(number) ?? null;
  const sides = connection ? connection.sides() : [];
  return {
    run, connection, sides, sideIndex, view, time,
    sender: sides[sideIndex] ?? null,
    receiver: sides[1 - sideIndex] ?? null,
    selected: null, hits: null, differs: null, found: null, ladderSpan: null,
    decimals: run.header?.clock === "real" ? 6 : 4,
  };
}

/** The connection that moves most data: the one to begin with. */
function busiest(run) {
  let best = null;
  let most = -1;
  for (const connection of run.connections.values()) {
    let bytes = 0;
    for (const side of connection.sides()) for (const segment of outgoing(side)) bytes += segment.len;
    if (bytes > most) {
      most = bytes;
      best = connection;
    }
  }
  return best;
}

/** All of a run, with a little room at both sides. */
function wholeRun(run) {
  const room = Math.max((run.end - run.start) * 0.015, MS / 10);
  return { t0: run.start - room, t1: run.end + room };
}

/** A picture as the text of an SVG file, with its heading and legend above it. */
function pictureSvg(picture, scene, width, height, colours) {
  const head = 30;
  const entries = picture.legend(scene);
  const svg = new SvgSurface(width, height + head, colours, `${picture.title}: ${scene.run.header?.title ?? ""}`);
  svg.clear();
  svg.text(picture.title, 10, 16, { size: 13, weight: 600 });
  let x = 10 + textWidth(picture.title, 13) + 26;
  for (const entry of entries) {
    const wide = textWidth(entry.name, 11) + 40;
    if (x + wide > width) break;
    svg.segments([x, 16, x + 14, 16], { color: entry.color, width: entry.area ? 6 : 2, dash: entry.dash ? [4, 2] : null });
    svg.text(entry.name, x + 19, 16, { size: 11, color: "soft" });
    x += wide;
  }
  const inner = new SvgSurface(width, height, colours, "");
  picture.draw(inner, scene);
  picture.cursor(inner, scene);
  svg.parts.push(`<g transform="translate(0 ${head})">`, ...inner.parts, "</g>");
  return svg.finish();
}

/** Every picture of a run as SVG: {name: text}. The command line runs this (lab/report/svg.py). */
function exportSvgs(data, theme) {
  const { run } = decodeRun(data.runs[0]);
  const connection = busiest(run);
  const scene = makeScene(run, connection?.number, connection?.busier() ?? 0, wholeRun(run));
  const found = {};
  for (const [name, kind] of Object.entries(PICTURES)) {
    const picture = new kind();
    const [width, height] = SVG_SIZES[name];
    let tall = height;
    if (name === "ladder") tall = Math.min(picture.arrange(scene, height).height + LADDER.head, 12000);
    const at = name === "rulers" ? { ...scene, time: fullest(scene.sender) } : scene;
    found[name] = pictureSvg(picture, at, width, Math.ceil(tall), PALETTES[theme]);
  }
  return found;
}

/** When a side had most in flight: the moment at which a ruler shows most. */
function fullest(side) {
  let best = null;
  for (const shot of side?.end?.snapshots ?? []) if (best === null || shot.flight > best.flight) best = shot;
  return best ? best.t : null;
}

const SVG_SIZES = {
  ladder: [720, 900], sequence: [960, 420], windows: [960, 300], rtt: [960, 260], timers: [960, 220],
  pools: [960, 300], rulers: [960, 130], states: [420, 420], overview: [960, 80],
};
