// Pools and heap of a device: a strip each, filled as far as its limit, with a cross where it had nothing left.

class PoolsPicture extends TimePicture {
  constructor() {
    super("Pools and heap");
    this.strips = [];
  }

  legend() {
    return [
      { name: "used", color: "teal", area: true },
      { name: "limit", color: "orange", dash: true },
      { name: "nothing left", color: "red", cross: true },
    ];
  }

  draw(surface, scene) {
    surface.clear();
    this.x = null;
    const device = scene.sender?.end?.device ?? scene.run.header?.devices[0]?.name;
    const pools = scene.run.pools.get(device);
    if (!pools?.size) return this.nothing(surface, `no pools of ${device} are traced`);
    this.strips = [...pools].sort(([one], [other]) => POOL_ORDER.indexOf(other) - POOL_ORDER.indexOf(one) || (one < other ? -1 : 1));
    const bottom = surface.height - MARGIN.bottom;
    this.x = new Scale(scene.view.t0, scene.view.t1, MARGIN.left, surface.width - MARGIN.right);
    this.height = Math.min(34, (bottom - 4) / this.strips.length);
    timeGrid(surface, this.x, 4, bottom);
    this.strips.forEach(([name, list], index) => this.strip(surface, scene, name, list, 4 + index * this.height));
  }

  strip(surface, scene, name, list, top) {
    const { x, height } = this;
    const size = list.at(-1).size || largest(list, EVER, USED) || 1;
    const y = new Scale(0, size, top + height - 1, top + Math.min(5, height * 0.2));
    const now = latest(list, scene.time ?? scene.run.end);
    const most = largest(list, EVER, USED);
    surface.text(fitText(POOL_NAMES[name] ?? name, 10, 62), 8, top + height / 2, { color: "soft", size: 10 });
    surface.text(`${shortNumber(now?.used ?? 0)}/${shortNumber(size)}`, x.low - 7, top + height / 2, { size: 10, align: "right", color: most >= size ? "red" : "ink" });
    surface.clip(x.low, top, x.high - x.low, height);
    surface.segments([x.low, y.high, x.high, y.high], { color: "orange", dash: [4, 3], alpha: 0.9 });
    const flat = stepLine(list, x, y, USED);
    if (flat.length) surface.polygon([...flat, flat.at(-2), y.low, flat[0], y.low], "washTeal");
    surface.polyline(flat, { color: "teal", width: 1.25 });
    const crosses = [];
    for (const one of inView(list, scene.view)) {
      if (!one.fail) continue;
      const at = x.px(one.t);
      crosses.push(at - 3, y.high - 3, at + 3, y.high + 3, at - 3, y.high + 3, at + 3, y.high - 3);
    }
    surface.segments(crosses, { color: "red", width: 1.75 });
    surface.unclip();
    surface.segments([x.low, y.low + 0.5, x.high, y.low + 0.5], { color: "line" });
  }

  hit(px, py, scene) {
    if (!this.x) return null;
    const strip = this.strips[Math.floor((py - 4) / this.height)];
    if (!strip || px < this.x.low || px > this.x.high) return null;
    const near = inView(strip[1], { t0: this.x.value(px - 5), t1: this.x.value(px + 5) });
    return near.length ? { event: (near.find((one) => one.fail) ?? near.at(-1)).event } : null;
  }
}

// Shorter, where the strip's name has no room.
const POOL_NAMES = { TCP_PCB_LISTEN: "PCB_LISTEN", IGMP_GROUP: "IGMP_GRP" };

const POOL_ORDER = "ARP_QUEUE REASSDATA FRAG_PBUF UDP_PCB RAW_PCB TCP_PCB_LISTEN TCP_PCB PBUF_POOL HEAP TCP_SEG".split(" ");

const USED = (one) => one.used;
const EVER = { t0: -Infinity, t1: Infinity };
