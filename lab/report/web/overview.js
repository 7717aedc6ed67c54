// The whole run in one strip: how many frames each moment had, where frames died or were sent again, and which part of
// it the graphs (the brush) and the ladder (the bar beneath) show.

class OverviewPicture {
  constructor() {
    this.title = "Overview";
    this.x = null;
  }

  legend() {
    return [];
  }

  draw(surface, scene) {
    surface.clear("panel");
    const { run } = scene;
    this.x = new Scale(run.start, Math.max(run.end, run.start + 1), MARGIN.left, surface.width - MARGIN.right);
    const { x } = this;
    const top = 4;
    const bottom = surface.height - 18;
    const bins = new Array(Math.max(1, Math.ceil((x.high - x.low) / 3))).fill(0);
    const bad = new Map();
    for (const arrow of run.arrows) {
      const bin = Math.min(bins.length - 1, Math.max(0, Math.floor((x.px(arrow.sent) - x.low) / 3)));
      bins[bin] += 1;
      if (arrow.died) bad.set(bin, "red");
      else if (kindOf(run, arrow) === "rexmit" && !bad.has(bin)) bad.set(bin, "orange");
    }
    const most = Math.max(1, ...bins);
    timeGrid(surface, x, top, bottom);
    bins.forEach((many, bin) => {
      if (!many) return;
      const tall = Math.max(2, ((bottom - top - 7) * Math.log1p(many)) / Math.log1p(most));
      surface.rect(x.low + bin * 3, bottom - tall, 2.4, tall, "grey");
    });
    for (const [bin, color] of bad) surface.rect(x.low + bin * 3, top, 2.4, 5, color);
  }

  cursor(surface, scene) {
    const { x } = this;
    if (!x) return;
    const bottom = surface.height - 18;
    const from = Math.max(x.low, x.px(scene.view.t0));
    const to = Math.min(x.high, x.px(scene.view.t1));
    surface.rect(x.low, 0, Math.max(0, from - x.low), bottom, "page", 0.72);
    surface.rect(to, 0, Math.max(0, x.high - to), bottom, "page", 0.72);
    surface.frame(from + 0.5, 0.5, Math.max(to - from - 1, 2), bottom - 1, { color: "blue", width: 1 });
    if (scene.ladderSpan) {
      const [a, b] = scene.ladderSpan.map((time) => Math.min(x.high, Math.max(x.low, x.px(time))));
      surface.rect(a, bottom - 2, Math.max(b - a, 3), 3, "ink");
    }
    if (scene.time !== null) {
      const at = Math.round(x.px(scene.time)) + 0.5;
      surface.segments([at, 0, at, bottom], { color: "ink", alpha: 0.7 });
    }
    for (const time of scene.found ?? []) surface.rect(x.px(time) - 1, bottom - 7, 2, 5, "purple");
  }

  timeAt(px) {
    return this.x ? this.x.value(px) : null;
  }

  hit() {
    return null;
  }
}
