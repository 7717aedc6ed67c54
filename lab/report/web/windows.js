// What bounds the sender: its congestion window and the peer's window, against what is in flight; and the window that
// it offers itself.

class WindowsPicture extends TimePicture {
  constructor() {
    super("Windows");
    this.series = [
      { name: "flight", color: "blue", get: (shot) => shot.flight, area: true },
      { name: "peer's window", color: "orange", get: (shot) => shot.snd_wnd },
      { name: "own window", color: "teal", get: (shot) => shot.rcv_wnd },
      { name: "announced", color: "teal", get: (shot) => shot.rcv_ann_wnd, dash: [2, 2] },
      { name: "ssthresh", color: "red", get: (shot) => (shot.ssthresh > 1e8 ? null : shot.ssthresh), dash: [5, 3] },
      { name: "cwnd", color: "purple", get: (shot) => shot.cwnd, width: 1.75 },
    ];
  }

  legend(scene) {
    const shot = scene.sender?.end?.at(scene.time ?? scene.run.end);
    const [flight, peers, own, announced, ssthresh, cwnd] = this.series; // drawn in this order, read in another
    return [cwnd, ssthresh, flight, peers, own, announced].map(({ name, color, get, dash, area }) => ({ name, color, dash: Boolean(dash), area, value: shot ? get(shot) : null }));
  }

  draw(surface, scene) {
    surface.clear();
    this.x = null;
    const shots = scene.sender?.end?.snapshots ?? [];
    if (!shots.length) return this.nothing(surface, `${scene.sender?.name ?? "nobody"} is not traced: choose the other side (S)`);
    const { view } = scene;
    const scaled = this.series.filter((one) => one.name !== "ssthresh").map((one) => one.get);
    const most = scene.mostWindow ?? Math.max(1, largest(shots, view, ...scaled));
    Object.assign(this, timeAxes(surface, view, 0, most * 1.08, { wanted: Math.max(2, (surface.height - 30) / 34), unit: "bytes" }));
    surface.clip(this.x.low, 0, this.x.high - this.x.low, surface.height - MARGIN.bottom + 1);
    for (const { color, get, dash, area, width } of this.series) {
      const flat = stepLine(shots, this.x, this.y, get);
      if (area && flat.length) surface.polygon([...flat, flat.at(-2), this.y.low, flat[0], this.y.low], "wash");
      surface.polyline(flat, { color, width: width ?? 1.25, dash: dash ?? null });
    }
    const { congestion } = scene.sender.end;
    this.flags(surface, congestion.filter((event) => event.cause === "rto"), "red");
    this.flags(surface, congestion.filter((event) => event.cause === "fast"), "orange");
    surface.unclip();
  }

  hit(px, py, scene) {
    if (!this.x || py > 16) return null;
    const near = scene.sender.end.congestion.filter((event) => Math.abs(this.x.px(event.t) - px) < 6);
    return near.length ? { event: near[0] } : null;
  }
}
