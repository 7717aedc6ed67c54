// A picture in the page: its heading with the legend and the values at the cursor, its canvas, and a second canvas above
// it for the cursor alone, so that moving it draws nothing anew.

class Panel {
  constructor(app, picture, runView, name) {
    this.app = app;
    this.picture = picture;
    this.runView = runView;
    this.name = name;
    this.canvas = h("canvas", { role: "img", "aria-label": picture.title });
    this.overlay = h("canvas.overlay", { "aria-hidden": "true" });
    this.area = h("div.plot", {}, this.canvas, this.overlay);
    this.legend = h("div.legend");
    const label = runView.label ? `${runView.label} · ${picture.title}` : picture.title;
    this.element = h(
      "section.panel", { dataset: { panel: name } },
      h("header", { ondblclick: () => app.maximise(this) },
        h("h2", {}, label), this.legend,
        h("button.quiet", { title: "Save as SVG", "aria-label": `Save ${picture.title} as SVG`, onclick: () => this.save() }, "⤓"),
        h("button.quiet", { title: "Enlarge or restore", "aria-label": `Enlarge ${picture.title}`, onclick: () => app.maximise(this) }, "⤢"),
      ),
      this.area,
    );
    this.legendNames = null;
    new ResizeObserver(() => this.resize()).observe(this.area);
    new Pointer(this);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.area;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const context = canvas.getContext("2d", { alpha: canvas === this.overlay });
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.width = width;
    this.height = height;
    this.app.redraw();
  }

  get visible() {
    return this.width > 0 && this.area.offsetParent !== null;
  }

  surface(canvas) {
    return new CanvasSurface(canvas.getContext("2d"), this.width, this.height, this.app.colours);
  }

  draw() {
    if (!this.visible || !this.runView.run.header) return;
    if (this.picture instanceof OverviewPicture) {
      const key = [this.runView.run.version, this.width, this.height, this.app.theme.name].join();
      if (key === this.drawn) return;
      this.drawn = key;
    }
    this.picture.draw(this.surface(this.canvas), this.app.scene(this.runView));
    if (this.picture instanceof TimersPicture) this.makeRoom(this.picture.lanes.length);
  }

  /** Each timer needs a line of its own. */
  makeRoom(lanes) {
    if (lanes > 4 && lanes !== this.lanes) this.element.style.flexBasis = `${46 + lanes * 12}px`;
    this.lanes = lanes;
  }

  drawCursor() {
    if (!this.visible || !this.runView.run.header) return;
    const surface = this.surface(this.overlay);
    surface.context.clearRect(0, 0, this.width, this.height);
    this.picture.cursor(surface, this.app.scene(this.runView));
    this.drawLegend();
  }

  /** Names and colours, with what each is at the cursor. What does not change is left alone. */
  drawLegend() {
    const entries = this.picture.legend(this.app.scene(this.runView));
    const values = entries.map(({ value = null }) => (typeof value === "number" ? count(Math.round(value)) : value));
    const names = entries.map((entry) => `${entry.name} ${entry.color}`).join();
    if (names !== this.legendNames) {
      this.legendNames = names;
      this.legendValues = entries.map(() => document.createElement("b"));
      this.legend.replaceChildren(...entries.map((entry, index) => {
        const shape = ["area", "dash", "dot", "ring", "stroke", "cross"].find((name) => entry[name]) ?? "line";
        return h("span", {}, h(`i.${shape}`, { style: `--c: var(--${entry.color})` }), entry.name, this.legendValues[index]);
      }));
    }
    values.forEach((value, index) => {
      const element = this.legendValues[index];
      if (element.textContent !== (value ?? "")) element.textContent = value ?? "";
    });
  }

  save() {
    download(`${this.name}.svg`, pictureSvg(this.picture, this.app.scene(this.runView), this.width, this.height, this.app.colours), "image/svg+xml");
  }
}

/** Mouse and wheel over a panel. */
class Pointer {
  constructor(panel) {
    this.panel = panel;
    this.app = panel.app;
    this.drag = null;
    const { area } = panel;
    area.addEventListener("mousemove", (event) => this.move(event));
    area.addEventListener("mouseleave", () => this.app.leave(panel));
    area.addEventListener("mousedown", (event) => this.down(event));
    area.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    area.addEventListener("dblclick", () => this.app.fit());
  }

  get isLadder() {
    return this.panel.picture instanceof LadderPicture;
  }

  place(event) {
    const box = this.panel.area.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  time({ x, y }) {
    const { picture } = this.panel;
    return this.isLadder ? (picture.layout ? picture.timeAt(y) : null) : picture.timeAt(x);
  }

  move(event) {
    if (this.drag) return;
    const at = this.place(event);
    const { picture, runView } = this.panel;
    const found = picture.hit(at.x, at.y, this.app.scene(runView), this.panel.height);
    this.panel.area.style.cursor = found ? "pointer" : "crosshair";
    this.app.hover(this.time(at), this.panel, found, event);
  }

  down(event) {
    if (event.button !== 0) return;
    const begin = this.place(event);
    const { picture, runView, area } = this.panel;
    const view = { ...this.app.view };
    const scroll = picture.scroll;
    const select = event.shiftKey && picture.x;
    let moved = false;
    this.drag = true;
    const box = select ? area.appendChild(h("div.brush")) : null;
    const move = (next) => {
      const at = this.place(next);
      const [dx, dy] = [at.x - begin.x, at.y - begin.y];
      if (Math.abs(dx) + Math.abs(dy) > 4) moved = true;
      if (!moved) return;
      this.app.tip.hide();
      if (box) Object.assign(box.style, { left: `${Math.min(at.x, begin.x)}px`, width: `${Math.abs(dx)}px` });
      else if (this.isLadder && !picture.trueScale) this.app.scrollLadder(this.panel, scroll - dy);
      else if (this.isLadder) this.app.pan(view, -dy / picture.layout.scale.factor);
      else if (picture instanceof OverviewPicture) this.app.centre(picture.timeAt(at.x));
      else if (picture.x) this.app.pan(view, -dx / picture.x.factor);
    };
    const up = (last) => {
      window.removeEventListener("mousemove", move);
      window.removeEventListener("mouseup", up);
      this.drag = null;
      const at = this.place(last);
      if (box) {
        box.remove();
        if (moved) this.app.show(picture.timeAt(Math.min(at.x, begin.x)), picture.timeAt(Math.max(at.x, begin.x)));
      } else if (!moved) {
        if (picture instanceof OverviewPicture) this.app.centre(picture.timeAt(at.x));
        else this.app.choose(runView, picture.hit(at.x, at.y, this.app.scene(runView), this.panel.height), this.time(at));
      }
    };
    window.addEventListener("mousemove", move);
    window.addEventListener("mouseup", up);
    event.preventDefault();
    document.activeElement?.blur?.();
  }

  wheel(event) {
    event.preventDefault();
    const { picture } = this.panel;
    const at = this.place(event);
    const unit = event.deltaMode === 1 ? 18 : 1;
    if (this.isLadder && !picture.trueScale) {
      if (event.ctrlKey || event.altKey || event.metaKey) this.app.zoomLadder(this.panel, Math.exp(-event.deltaY * unit * 0.002), at.y);
      else this.app.scrollLadder(this.panel, picture.scroll + event.deltaY * unit);
      return;
    }
    const time = this.time(at);
    if (time === null) return;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.app.pan(this.app.view, (sideways * unit * (this.app.view.t1 - this.app.view.t0)) / 1200);
    } else this.app.zoom(Math.exp(event.deltaY * unit * 0.002), time);
  }
}
