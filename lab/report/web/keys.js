// The keyboard: everything that the mouse can do.

const KEYS = [
  ["← →", "move the graphs in time"],
  ["+ −", "zoom at the cursor"],
  ["↑ ↓", "frame before, frame after (also K, J)"],
  ["PgUp PgDn", "scroll the ladder"],
  ["Home End", "first, last frame"],
  ["F", "show the whole run"],
  ["L", "ladder: fold silence, or true to scale"],
  ["O", "ladder: all frames, or this connection's only"],
  ["S", "graphs: the other side's sending"],
  ["C", "next connection"],
  ["/", "search; N and Shift N: next, last"],
  ["1 … 9", "enlarge a picture; the same key or Esc: all again"],
  ["D", "two runs: first difference"],
  ["T", "light or dark"],
  ["?", "this page"],
];

const MOUSE = [
  ["wheel, drag", "zoom, move (graphs); scroll (ladder)"],
  ["Ctrl wheel", "ladder: closer, farther"],
  ["Shift drag", "zoom to a stretch of time"],
  ["click", "why it happened, state before and after, headers"],
  ["double click", "whole run; on a heading: enlarge"],
];

const SIGNS = [
  ["┃ ┃", "blue bar: segment; red bar with R: sent again; S, F: SYN, FIN; ▾ PSH"],
  ["─", "green: acknowledged; a tick through it: duplicate ACK"],
  ["- -", "violet: edge that cwnd allows; orange: edge of the peer's window"],
  ["▨", "between SND.UNA and SND.NXT: in flight"],
  ["▼", "upper edge: time-out (red), fast retransmit (orange)"],
  ["✕", "a frame that died; the lane at the right says by which rule"],
];

class Keys {
  constructor(app) {
    this.app = app;
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "")) return;
    const act = this.action(event);
    if (!act) return;
    act();
    event.preventDefault();
  }

  action(event) {
    const { app } = this;
    const { key } = event;
    const width = app.view.t1 - app.view.t0;
    const ladders = app.views.map((view) => view.panels.ladder);
    const scroll = (share) => () => ladders.forEach((panel) => app.scrollLadder(panel, panel.picture.scroll + share * panel.height));
    const fixed = {
      ArrowLeft: () => app.pan(app.view, -width * 0.15),
      ArrowRight: () => app.pan(app.view, width * 0.15),
      "+": () => app.zoom(1 / 1.5), "=": () => app.zoom(1 / 1.5), "-": () => app.zoom(1.5), "_": () => app.zoom(1.5),
      ArrowUp: () => app.step(-1), ArrowDown: () => app.step(1), k: () => app.step(-1), j: () => app.step(1),
      Home: () => app.step(-Infinity), End: () => app.step(Infinity),
      PageUp: scroll(-0.85), PageDown: scroll(0.85),
      f: () => app.fit(), l: () => app.toggleScale(), o: () => app.toggleOnly(),
      s: () => app.setSide(1 - app.views[0].sideIndex), c: () => app.nextConnection(),
      "/": () => app.search.input.focus(), n: () => app.search.next(1), N: () => app.search.next(-1),
      d: () => app.toDifference(), t: () => app.theme.next(), "?": () => app.help.toggle(),
      Escape: () => (app.large ? app.maximise(app.large) : app.choose(app.views[0], null, null)),
    };
    if (/^[1-9]$/.test(key)) {
      const panel = app.panels.filter((one) => one.name !== "overview")[Number(key) - 1];
      return panel ? () => app.maximise(panel) : null;
    }
    return fixed[key] ?? fixed[key.length === 1 ? key.toLowerCase() : key] ?? null;
  }
}

class Help {
  constructor() {
    const list = (rows, split) => h("dl", {}, rows.map(([key, text]) => [h("dt", {}, (split ? key.split(" ") : [key]).map((one) => h("kbd", {}, one))), h("dd", {}, text)]));
    const signs = h("dl.signs", {}, SIGNS.map(([sign, text]) => [h("dt", {}, sign), h("dd", {}, text)]));
    this.element = h("dialog.help", { "aria-label": "Keys and signs", onclick: (event) => event.target === this.element && this.element.close() },
      h("div", {}, h("section", {}, h("h2", {}, "Keys"), list(KEYS, true)),
        h("section", {}, h("h2", {}, "Mouse"), list(MOUSE, false), h("h2", {}, "Signs"), signs)));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "?") this.element.close();
      event.stopPropagation();
    });
  }

  toggle() {
    if (this.element.open) this.element.close();
    else this.element.showModal();
  }
}
