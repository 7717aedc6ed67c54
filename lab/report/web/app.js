// The page: what is shown of which run, where the cursor is, what is chosen; and when something is drawn.

/** One run in the page: which connection of it, seen from which side. */
class RunView {
  constructor(run, label) {
    this.run = run;
    this.label = label;
    this.number = null; // of the connection; null: decided when there is one
    this.sideIndex = 0;
    this.panels = {};
  }

  /** The connection that is shown; the busiest until somebody chooses. */
  settle() {
    if (this.number === null || this.auto) {
      const best = busiest(this.run);
      if (best && best.number !== this.number) {
        this.number = best.number;
        this.sideIndex = best.busier();
      }
      this.auto = !this.run.ended;
    }
    return this.number;
  }
}

class App {
  constructor(runs, difference) {
    this.views = runs.map(({ run, label }) => new RunView(run, label));
    this.difference = difference ?? null;
    this.time = null; // of the cursor
    this.chosen = null; // {runView, arrow, event, segment, t}
    this.hits = [];
    this.panels = [];
    this.fitted = true;
    this.dirty = new Set(); // panels to draw anew
    this.asked = false;
    this.view = { t0: 0, t1: SECOND };
    this.theme = new Theme(() => this.redraw());
    this.tip = new Tip();
    this.build();
    this.fit();
    this.begin();
  }

  get comparing() {
    return this.views.length > 1;
  }

  get colours() {
    return this.theme.colours;
  }

  scene(runView) {
    runView.settle();
    const scene = makeScene(runView.run, runView.number, runView.sideIndex, this.view, this.time);
    const mine = this.chosen?.runView === runView ? this.chosen : null;
    scene.selected = mine;
    scene.hits = this.search.marks(runView);
    scene.found = this.search.times(runView);
    scene.ladderSpan = runView.ladderSpan;
    scene.differs = this.difference?.times[this.views.indexOf(runView)] ?? null;
    if (this.comparing) scene.mostWindow = this.mostWindow();
    return scene;
  }

  /** Two runs are only comparable on one scale. */
  mostWindow() {
    const version = this.views.map(({ run, number, sideIndex }) => [run.version, number, sideIndex].join()).join();
    if (this.windowKey !== version) {
      this.windowKey = version;
      this.windowMost = 1;
      for (const { run, number, sideIndex } of this.views) {
        const shots = run.connections.get(number)?.sides()[sideIndex].end?.snapshots ?? [];
        const gets = ["flight", "cwnd", "snd_wnd", "rcv_wnd"].map((name) => (shot) => shot[name]);
        this.windowMost = Math.max(this.windowMost, largest(shots, { t0: -Infinity, t1: Infinity }, ...gets));
      }
    }
    return this.windowMost;
  }

  // --- building -------------------------------------------------------------------------------------------------

  build() {
    this.search = new Search(this);
    this.inspector = new Inspector(this);
    this.table = new ConnectionTable(this);
    this.help = new Help();
    this.ladders = h("div.ladders");
    this.charts = h("div.charts");
    const right = h("aside.right", {}, this.table.element, this.inspector.element);
    for (const view of this.views) {
      view.panels.ladder = this.add("ladder", view, this.ladders);
      const overview = this.add("overview", view, this.charts);
      overview.element.classList.add("overview");
    }
    const names = this.comparing ? ["sequence", "windows", "rtt"] : ["sequence", "windows", "rtt", "timers", "pools", "rulers"];
    for (const name of names) for (const view of this.views) this.add(name, view, this.charts);
    if (!this.comparing) this.add("states", this.views[0], right);
    const main = h(this.comparing ? "main.comparing" : "main", {}, this.ladders, this.charts, right);
    document.getElementById("app").replaceChildren(this.bar(), ...this.differenceBar(), main, this.tip.element, this.help.element);
    new Keys(this);
  }

  add(name, runView, parent) {
    const panel = new Panel(this, new PICTURES[name](), runView, name);
    panel.element.classList.add(name);
    runView.panels[name] = panel;
    this.panels.push(panel);
    parent.append(panel.element);
    return panel;
  }

  bar() {
    this.titles = h("h1");
    this.facts = h("p.facts");
    this.sidePicker = h("div.sides", { role: "group", "aria-label": "Whose sending is drawn" });
    return h("header.bar", {},
      h("div.title", {}, this.titles, this.facts),
      this.sidePicker,
      this.search.element,
      h("div.buttons", {},
        h("button", { id: "ladder-scale", title: "Ladder: fold silence, or true to scale (L)", onclick: () => this.toggleScale() }, "Fold"),
        h("button", { id: "ladder-only", title: "Ladder: all frames, or the connection's only (O)", onclick: () => this.toggleOnly() }, "All frames"),
        h("button", { id: "fit", title: "Show the whole run (F)", onclick: () => this.fit() }, "Fit"),
        h("button", { id: "theme", title: "Light, dark or as the system (T)", onclick: () => this.theme.next() }, "Theme"),
        h("button", { id: "help", title: "Keys and signs (?)", onclick: () => this.help.toggle() }, "?"),
      ),
    );
  }

  differenceBar() {
    if (!this.comparing) return [];
    const { difference } = this;
    return [h("div.difference", { role: "status" },
      h("b", {}, difference ? "First difference" : "No difference"),
      h("span", {}, difference?.text ?? "both runs have the same frames at the same times"),
      difference ? h("button", { title: "Go there (D)", onclick: () => this.toDifference() }, "Show") : null)];
  }

  /** What to show first: the difference, or else the first frame that died, was sent again, or probes. */
  begin() {
    if (this.difference) return this.toDifference();
    const [view] = this.views;
    if (!view?.run.header || !view.run.arrows.length) return undefined;
    const { run } = view;
    const rows = run.arrows;
    const first = (kind) => rows.find((one) => kindOf(run, one) === kind);
    const arrow = rows.find((one) => one.died) ?? first("rexmit") ?? first("probe") ?? first("syn") ?? rows[0];
    return this.choose(view, { arrow }, null, false);
  }

  // --- drawing --------------------------------------------------------------------------------------------------

  /** Draw everything anew, at the browser's next moment. */
  redraw() {
    this.ask(this.panels);
  }

  /** Draw some panels anew, and the cursor in all. */
  ask(panels) {
    for (const panel of panels) this.dirty.add(panel);
    if (!this.asked) requestAnimationFrame(() => this.draw());
    this.asked = true;
  }

  draw() {
    const { dirty } = this;
    this.dirty = new Set();
    this.asked = false;
    for (const panel of this.panels) if (dirty.has(panel)) panel.draw();
    if (dirty.size === this.panels.length) {
      this.drawBar();
      this.table.draw();
    }
    for (const view of this.views) view.ladderSpan = this.ladderSpan(view);
    for (const panel of this.panels) panel.drawCursor();
  }

  ladderSpan(view) {
    const { picture, height } = view.panels.ladder;
    return picture.layout && height ? [picture.timeAt(LADDER.head), picture.timeAt(height)] : null;
  }

  drawBar() {
    const headers = this.views.map(({ run }) => run.header).filter(Boolean);
    if (!headers.length) return;
    const title = [...new Set(headers.map((header) => header.title))].join("  |  ");
    const facts = this.views.map(({ run, label }) => {
      if (!run.header) return "";
      const { source, seed, devices } = run.header;
      const parts = [label, source, seed === null || seed === undefined ? "" : `seed ${seed}`, [...new Set(devices.map((one) => one.profile))].join(", "), `${count(run.frames.size)} frames`, spanText(run.end)];
      return parts.filter(Boolean).join(" · ");
    }).join("   |   ");
    if (this.titles.textContent !== title) this.titles.textContent = document.title = title;
    if (this.facts.textContent !== facts) this.facts.textContent = this.facts.title = facts;
    this.drawSides();
  }

  drawSides() {
    const [view] = this.views;
    const { sides, sideIndex } = this.scene(view);
    const key = JSON.stringify([sides.map((side) => side.name), sideIndex]);
    if (key === this.sidesKey) return;
    this.sidesKey = key;
    this.sidePicker.replaceChildren(...sides.map((side, index) =>
      h("button", { "aria-pressed": String(index === sideIndex), title: "Whose sending the graphs show (S)", onclick: () => this.setSide(index) },
        `${side.name} → ${sides[1 - index].name}`)));
  }

  // --- moving ---------------------------------------------------------------------------------------------------

  span() {
    const whole = this.views.filter(({ run }) => run.header).map(({ run }) => wholeRun(run));
    if (!whole.length) return { t0: 0, t1: SECOND };
    return { t0: Math.min(...whole.map((one) => one.t0)), t1: Math.max(...whole.map((one) => one.t1)) };
  }

  fit() {
    this.view = this.span();
    this.fitted = true;
    this.redraw();
  }

  show(t0, t1) {
    const whole = this.span();
    const least = 2000; // ns: no closer
    let width = Math.max(least, Math.min(t1 - t0, whole.t1 - whole.t0));
    let from = (t0 + t1) / 2 - width / 2;
    from = Math.max(whole.t0, Math.min(from, whole.t1 - width));
    this.view = { t0: from, t1: from + width };
    this.fitted = width >= (whole.t1 - whole.t0) * 0.999;
    this.tip.hide();
    this.redraw();
  }

  pan(view, by) {
    const whole = this.span();
    const shift = Math.max(whole.t0 - view.t0, Math.min(by, whole.t1 - view.t1));
    this.show(view.t0 + shift, view.t1 + shift);
  }

  zoom(factor, about = null) {
    const { t0, t1 } = this.view;
    const centre = about ?? this.time ?? (t0 + t1) / 2;
    this.show(centre - (centre - t0) * factor, centre + (t1 - centre) * factor);
  }

  centre(time) {
    if (time === null) return;
    const half = (this.view.t1 - this.view.t0) / 2;
    this.show(time - half, time + half);
    this.setTime(time, null);
  }

  scrollLadder(panel, to) {
    panel.picture.scroll = to;
    this.ask([panel]);
  }

  zoomLadder(panel, factor, at) {
    const { picture } = panel;
    const time = picture.timeAt(at);
    picture.zoom = Math.max(0.02, Math.min(4, picture.zoom * factor));
    picture.arrange(this.scene(panel.runView), panel.height);
    picture.scroll += picture.yAt(time) - at;
    this.ask([panel]);
  }

  /** Bring a point of time into a ladder's sight. */
  reveal(view, time, y = null) {
    const { picture, height } = view.panels.ladder;
    if (!height || picture.trueScale || !view.run.header) return;
    picture.arrange(this.scene(view), height);
    const at = y === null ? picture.yAt(time) : picture.py(y);
    if (at < LADDER.head + 14 || at > height - 20) {
      picture.scroll += at - height * 0.4;
      this.ask([view.panels.ladder]);
    }
  }

  // --- cursor and choice ----------------------------------------------------------------------------------------

  setTime(time, panel) {
    this.time = time;
    if (time !== null) {
      for (const view of this.views) if (!panel || panel.name !== "ladder" || panel.runView !== view) this.reveal(view, time);
    }
    this.ask(this.panels.filter((one) => CURSOR_DRAWS.has(one.name)));
  }

  hover(time, panel, found, event) {
    if (time !== null) this.setTime(time, panel);
    if (found) this.tip.show(this.describe(panel.runView, found), event.clientX, event.clientY);
    else this.tip.hide();
  }

  leave(panel) {
    this.tip.hide();
    if (this.chosen && this.time !== this.chosen.t) {
      this.setTime(this.chosen.t, panel);
    }
  }

  describe(runView, { arrow, event, text }) {
    if (text) return { title: text, text: "" };
    const { run } = runView;
    if (arrow) {
      const segment = run.segmentOf(arrow);
      const way = arrow.died ? `died: ${arrow.died.rule}` : arrow.arrived === null ? "under way" : spanText(arrow.arrived - arrow.sent);
      return { title: `${arrow.from} → ${arrow.to}: ${arrow.frame.info}`, note: way, text: segment ? eventText(segment) : eventText(arrow.event) };
    }
    return { title: `${event.on}: ${eventTitle(event)}`, note: `${(event.t / SECOND).toFixed(4)} s`, text: eventText(event) };
  }

  /** Choose an arrow or an event; null chooses nothing. */
  choose(runView, found, time, move = true) {
    if (!found || (!found.arrow && !found.event)) {
      if (time !== null && time !== undefined) this.setTime(time, null);
      this.chosen = null;
      this.inspector.show(null);
      return this.redraw();
    }
    const { run } = runView;
    let { arrow = null, event = null } = found;
    if (event && !arrow) arrow = arrowOf(run, event);
    const segment = arrow ? run.segmentOf(arrow) : event?.kind === "segment-out" ? event : null;
    const t = event ? event.t : arrow.sent;
    this.chosen = { runView, arrow, event, segment, t };
    this.inspector.show(this.chosen);
    this.time = t;
    if (move && (t < this.view.t0 || t > this.view.t1)) this.pan(this.view, t - (this.view.t0 + this.view.t1) / 2);
    for (const view of this.views) this.reveal(view, t, view === runView && arrow ? this.rowOf(view, arrow) : null);
    return this.redraw();
  }

  rowOf(view, arrow) {
    const { picture, height } = view.panels.ladder;
    if (!height) return null;
    return picture.arrange(this.scene(view), height).rows.find((row) => row.arrow === arrow)?.y0 ?? null;
  }

  /** The next or last frame of the ladder. */
  step(by) {
    const runView = this.chosen?.runView ?? this.views[0];
    const { picture, height } = runView.panels.ladder;
    const rows = picture.arrange(this.scene(runView), height || 600).rows;
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.arrow === this.chosen?.arrow);
    const next = now < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, now + by));
    this.choose(runView, { arrow: rows[next].arrow }, null);
  }

  toDifference() {
    const { difference } = this;
    if (!difference) return;
    const at = difference.at.findIndex((i) => i !== null);
    const runView = this.views[at];
    const time = difference.times[at];
    const event = runView.run.events[difference.at[at]];
    const arrow = event ? arrowOf(runView.run, event) : null;
    this.choose(runView, arrow ? { arrow } : event ? { event } : null, time);
    this.setTime(time, null);
  }

  // --- switches -------------------------------------------------------------------------------------------------

  setSide(index) {
    for (const view of this.views) view.sideIndex = index;
    this.redraw();
  }

  setConnection(view, number) {
    view.number = number;
    view.auto = false;
    view.sideIndex = view.run.connections.get(number).busier();
    this.redraw();
  }

  nextConnection() {
    for (const view of this.views) {
      const numbers = [...view.run.connections.keys()];
      if (numbers.length) this.setConnection(view, numbers[(numbers.indexOf(view.number) + 1) % numbers.length]);
    }
  }

  toggleScale() {
    for (const { panels } of this.views) {
      panels.ladder.picture.trueScale = !panels.ladder.picture.trueScale;
      panels.ladder.picture.scroll = 0;
    }
    document.getElementById("ladder-scale").textContent = this.views[0].panels.ladder.picture.trueScale ? "True scale" : "Fold";
    if (this.time !== null) for (const view of this.views) this.reveal(view, this.time);
    this.redraw();
  }

  toggleOnly() {
    for (const view of this.views) {
      const { picture } = view.panels.ladder;
      picture.onlyConnection = !(picture.onlyConnection ?? view.run.connections.size > 1);
    }
    this.redraw();
    const only = this.views[0].panels.ladder.picture.onlyConnection;
    document.getElementById("ladder-only").textContent = only ? "Connection" : "All frames";
  }

  /** One picture instead of all; the same again brings all back. */
  maximise(panel) {
    const now = document.body.classList.toggle("one", this.large !== panel);
    this.large?.element.classList.remove("large");
    this.large?.element.parentElement.classList.remove("holds");
    this.large = now ? panel : null;
    this.large?.element.classList.add("large");
    this.large?.element.parentElement.classList.add("holds");
    this.redraw();
  }

  // --- live -----------------------------------------------------------------------------------------------------

  /** Take an event of a run that goes on. */
  feed(event, index = 0) {
    const { run } = this.views[index];
    const follows = this.fitted || this.view.t1 >= run.end;
    run.feed(event);
    if (this.fitted) this.view = this.span();
    else if (follows && run.end > this.view.t1) {
      const by = run.end - this.view.t1;
      this.view = { t0: this.view.t0 + by, t1: this.view.t1 + by };
    }
    const { picture, height } = this.views[index].panels.ladder;
    if (follows && !this.chosen && height && picture.layout) picture.scroll = Infinity;
    this.redraw();
  }
}

// These show the moment of the cursor itself, so they are drawn when it moves.
const CURSOR_DRAWS = new Set(["rulers", "states"]);

/** The arrow that an event is about, or null. */
function arrowOf(run, event) {
  let id = event.frame;
  if (event.kind === "segment-out") {
    for (const child of run.events.slice(event.i, event.i + 400)) {
      if (child?.kind === "frame-out" && child.segment === event.i) {
        id = child.frame;
        break;
      }
    }
  }
  if (id === undefined) return null;
  const frame = run.frames.get(id);
  const arrows = frame?.arrows ?? [];
  if (event.kind === "segment-in" || event.kind === "frame-in") return arrows.findLast((arrow) => arrow.to === event.on) ?? changedInto(run, id) ?? null;
  return arrows.find((arrow) => arrow.event === event) ?? arrows[0] ?? null;
}

function changedInto(run, id) {
  return run.arrows.findLast((arrow) => arrow.as?.id === id);
}
