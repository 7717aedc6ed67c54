// The state machine of RFC 9293 (figure 5): where both ends are, and the path that each has walked.

const STATE_PLACES = {
  CLOSED: [0.5, 0.05], LISTEN: [0.5, 0.18], SYN_RCVD: [0.19, 0.31], SYN_SENT: [0.81, 0.31], ESTABLISHED: [0.5, 0.43],
  FIN_WAIT_1: [0.19, 0.58], CLOSE_WAIT: [0.81, 0.58], CLOSING: [0.5, 0.7], FIN_WAIT_2: [0.19, 0.79], LAST_ACK: [0.81, 0.79],
  TIME_WAIT: [0.5, 0.94],
};

// The ways back to CLOSED go around the others.
const STATE_DETOURS = {
  "TIME_WAIT CLOSED": [[0.02, 0.94], [0.02, 0.05]],
  "LAST_ACK CLOSED": [[0.98, 0.79], [0.98, 0.05]],
};

const STATE_EDGES = [
  ["CLOSED", "LISTEN"], ["CLOSED", "SYN_SENT"], ["LISTEN", "SYN_RCVD"], ["LISTEN", "SYN_SENT"], ["SYN_SENT", "SYN_RCVD"],
  ["SYN_SENT", "ESTABLISHED"], ["SYN_RCVD", "ESTABLISHED"], ["SYN_RCVD", "FIN_WAIT_1"], ["ESTABLISHED", "FIN_WAIT_1"],
  ["ESTABLISHED", "CLOSE_WAIT"], ["FIN_WAIT_1", "FIN_WAIT_2"], ["FIN_WAIT_1", "CLOSING"], ["FIN_WAIT_1", "TIME_WAIT"],
  ["FIN_WAIT_2", "TIME_WAIT"], ["CLOSING", "TIME_WAIT"], ["CLOSE_WAIT", "LAST_ACK"], ["LAST_ACK", "CLOSED"], ["TIME_WAIT", "CLOSED"],
];

const SIDE_COLOURS = ["blue", "orange"];

class StatesPicture {
  constructor() {
    this.title = "States";
    this.steps = [];
  }

  legend(scene) {
    return scene.sides.map((side, index) => ({
      name: side.end ? fitText(side.name, 11, 90) : `${fitText(side.name, 11, 90)} (not traced)`, color: SIDE_COLOURS[index], area: true,
    }));
  }

  draw(surface, scene) {
    surface.clear();
    this.steps = [];
    const width = surface.width;
    const height = surface.height - 8;
    const box = { width: Math.min(96, width * 0.28), height: Math.min(22, height / 13) };
    const place = (state) => ({ x: STATE_PLACES[state][0] * width, y: STATE_PLACES[state][1] * height + 4 });
    for (const [from, to] of STATE_EDGES) this.way(surface, from, to, place, box, { color: "line", width: 1 }, 0);
    const time = scene.time ?? scene.run.end;
    scene.sides.forEach((side, index) => {
      let number = 0;
      for (const event of side.end?.states ?? []) {
        if (event.t > time || !STATE_PLACES[event.old] || !STATE_PLACES[event.new]) continue;
        number += 1;
        const shift = index === 0 ? -3 : 3;
        const color = SIDE_COLOURS[index];
        const middle = this.way(surface, event.old, event.new, place, box, { color, width: 2 }, shift);
        surface.circle(middle.x, middle.y, 7, color);
        surface.text(String(number), middle.x, middle.y, { color: "panel", size: 9.5, weight: 700, align: "center" });
        this.steps.push({ x: middle.x, y: middle.y, event });
      }
    });
    const here = scene.sides.map((side) => (side.end ? side.end.stateAt(time) : null));
    for (const state of Object.keys(STATE_PLACES)) this.state(surface, state, place(state), box, here);
  }

  state(surface, state, { x, y }, box, here) {
    const [first, second] = here.map((name) => name === state);
    const color = first ? SIDE_COLOURS[0] : second ? SIDE_COLOURS[1] : null;
    const left = x - box.width / 2;
    const top = y - box.height / 2;
    surface.rounded(left, top, box.width, box.height, 5, color ?? "panel", { color: color ?? "faint", width: 1 });
    if (first && second) {
      surface.rounded(x, top, box.width / 2, box.height, 5, SIDE_COLOURS[1]);
      surface.rect(x, top, 6, box.height, SIDE_COLOURS[1]);
    }
    surface.text(state.replace("_", "-").replace("_", "-"), x, y + 0.5, {
      color: color ? "panel" : "soft", size: Math.min(10.5, box.width / 8.6), align: "center", weight: color ? 700 : 500,
    });
  }

  /** The arrow between two states; returns where its number goes. */
  way(surface, old, now, place, box, style, shift) {
    const detour = STATE_DETOURS[`${old} ${now}`];
    if (!detour) return this.edge(surface, place(old), place(now), box, style, shift);
    const [first, second] = detour.map(([x, y]) => ({ x: x * surface.width + shift, y: y * (surface.height - 8) + 4 + shift }));
    surface.polyline([place(old).x, first.y, first.x, first.y, second.x, second.y], style);
    this.edge(surface, { x: second.x - box.width / 2 * Math.sign(place(now).x - second.x), y: second.y }, { ...place(now), y: second.y }, box, style, 0);
    return { x: first.x, y: (first.y + second.y) / 2 };
  }

  /** A straight arrow between two boxes; returns its middle. */
  edge(surface, from, to, box, style, shift = 0) {
    const angle = Math.atan2(to.y - from.y, to.x - from.x);
    const off = { x: -Math.sin(angle) * shift, y: Math.cos(angle) * shift };
    const trim = (centre, sign) => {
      const far = Math.min(box.width / 2 / Math.max(Math.abs(Math.cos(angle)), 1e-6), box.height / 2 / Math.max(Math.abs(Math.sin(angle)), 1e-6)) + 2;
      return { x: centre.x + sign * Math.cos(angle) * far + off.x, y: centre.y + sign * Math.sin(angle) * far + off.y };
    };
    const start = trim(from, 1);
    const end = trim(to, -1);
    surface.segments([start.x, start.y, end.x, end.y], style);
    const point = (turn) => [end.x - 7 * Math.cos(angle + turn), end.y - 7 * Math.sin(angle + turn)];
    surface.polygon([end.x, end.y, ...point(0.4), ...point(-0.4)], style.color);
    return { x: start.x * 0.55 + end.x * 0.45, y: start.y * 0.55 + end.y * 0.45 };
  }

  cursor() {}

  timeAt() {
    return null;
  }

  hit(px, py) {
    const found = this.steps.findLast((step) => Math.hypot(step.x - px, step.y - py) < 9);
    return found ? { event: found.event } : null;
  }
}
