// What is chosen, in full: why it happened, the state before and after, the headers; and the small text at the mouse.

/** What an event says in plain words: from the explain engine, or else its fields. */
function eventText(event) {
  if (event.text) return event.text;
  const known = new Set(["i", "t", "on", "kind", "by", "conn", "flow", "frame", "hex", "text", "source", "end", "info"]);
  return Object.entries(event).filter(([name, value]) => !known.has(name) && typeof value !== "object" && value !== undefined)
    .map(([name, value]) => `${name} ${value}`).join(", ");
}

function eventTitle(event) {
  const what = event.why ?? event.cause ?? event.verdict ?? event.timer ?? event.what ?? event.which ?? event.pool ?? event.call ?? event.reason ?? event.name ?? "";
  return `${event.kind}${what ? ` · ${what}` : ""}`;
}

class Tip {
  constructor() {
    this.element = h("div.tip", { role: "tooltip", hidden: true });
  }

  show({ title, note, text }, x, y) {
    const key = `${title}${note}${text}`;
    if (key !== this.key) {
      this.key = key;
      this.element.replaceChildren(h("b", {}, title), note ? h("small", {}, note) : "", text ? h("p", {}, text) : "");
    }
    this.element.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = x + 16 + width > window.innerWidth ? x - width - 12 : x + 16;
    const top = Math.min(y + 14, window.innerHeight - height - 8);
    this.element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  hide() {
    this.element.hidden = true;
  }
}

const STATE_ROWS = [
  ["state", "state"], ["una", "SND.UNA"], ["nxt", "SND.NXT"], ["lbb", "snd_lbb"], ["flight", "flight"], ["cwnd", "cwnd"],
  ["ssthresh", "ssthresh"], ["snd_wnd", "SND.WND"], ["snd_buf", "snd_buf"], ["snd_queuelen", "snd_queuelen"],
  ["rcv_nxt", "RCV.NXT"], ["rcv_wnd", "RCV.WND"], ["rcv_ann_wnd", "rcv_ann_wnd"], ["rcv_edge", "announced edge"],
  ["unread", "unread"], ["ooseq_bytes", "out of order"], ["dupacks", "dupacks"], ["rtime", "rtime"], ["rto", "rto"],
  ["nrtx", "nrtx"], ["sa", "sa"], ["sv", "sv"], ["persist", "persist"], ["flags", "flags"],
];

class Inspector {
  constructor(app) {
    this.app = app;
    this.body = h("div.body", { tabindex: "0" });
    this.element = h("section.panel.inspector", { "aria-live": "polite" }, h("header", {}, h("h2", {}, "Why")), this.body);
  }

  show(chosen) {
    if (!chosen) {
      this.body.replaceChildren(h("p.hint", {}, "Click a frame, a segment or a timer to read why it happened. ",
        h("kbd", {}, "?"), " shows all keys."));
      return;
    }
    const { runView, arrow, event } = chosen;
    const story = arrow ? runView.run.story(arrow) : [event];
    const focus = event ?? chosen.segment ?? arrow.event;
    this.body.replaceChildren(
      ...this.heading(arrow, focus),
      this.story(runView, story, focus),
      ...this.states(runView, story),
      ...(arrow ? this.headers(arrow) : []),
    );
    this.body.scrollTop = 0;
  }

  heading(arrow, focus) {
    if (!arrow) return [h("h3", {}, eventTitle(focus)), h("p.way", {}, `${focus.on} · ${(focus.t / SECOND).toFixed(4)} s`)];
    const way = arrow.died ? `died at ${(arrow.died.t / SECOND).toFixed(4)} s`
      : arrow.arrived === null ? "still under way" : `arrived ${(arrow.arrived / SECOND).toFixed(4)} s, after ${spanText(arrow.arrived - arrow.sent)}`;
    return [
      h(`h3.${FRAME_COLOURS[kindOf(this.app.chosen.runView.run, arrow)]}`, {}, arrow.frame.info),
      h("p.way", {}, `${arrow.from} → ${arrow.to} · sent ${(arrow.sent / SECOND).toFixed(4)} s · ${way} · ${arrow.frame.size} bytes`),
    ];
  }

  /** What happened to it, one line for each event that has something to say. */
  story(runView, story, focus) {
    const told = story.filter((event) => event === focus || !DULL.has(event.kind));
    return h("ol.story", {}, told.map((event) =>
      h(event === focus ? "li.focus" : "li", { onclick: () => this.app.choose(runView, { event }, null), title: `event ${event.i}` },
        h("span.when", {}, `${event.on || "run"} · ${eventTitle(event)}`),
        h("p", {}, eventText(event)), event.source ? h("small", {}, event.source) : null)));
  }

  /** The control blocks of both ends before and after; what changed first. */
  states(runView, story) {
    const found = [];
    for (const event of story) {
      if (event.kind !== "segment-out" && event.kind !== "segment-in" && !(story.length === 1 && event.conn !== undefined && event.flow)) continue;
      const end = runView.run.connections.get(event.conn)?.ends.get(event.on);
      if (!end) continue;
      const { before, after } = end.around(event);
      if (!before && !after) continue;
      found.push(h("h4", {}, `${event.on}: ${event.kind === "segment-in" ? "receiving it" : event.kind === "segment-out" ? "sending it" : "state"}`), this.change(before, after));
    }
    return found;
  }

  change(before, after) {
    const rows = STATE_ROWS.map(([key, name]) => ({ name, old: stateText(before?.[key]), now: stateText(after?.[key] ?? before?.[key]) }))
      .filter((row) => row.old !== "–" || row.now !== "–");
    const row = ({ name, old, now }) => h(old === now ? "tr" : "tr.changed", {}, h("th", { scope: "row" }, name), h("td", {}, old), h("td", {}, now));
    const changed = rows.filter((one) => one.old !== one.now);
    const same = rows.filter((one) => one.old === one.now);
    const head = h("tr", {}, h("th"), h("th", { scope: "col" }, "before"), h("th", { scope: "col" }, "after"));
    return h("div", {},
      changed.length ? h("table.state", {}, h("thead", {}, head), h("tbody", {}, changed.map(row))) : h("p.hint", {}, "nothing of it changed"),
      h("details", {}, h("summary", {}, `${same.length} unchanged`), h("table.state", {}, h("tbody", {}, same.map(row)))));
  }

  headers(arrow) {
    const { event } = arrow.frame;
    if (!event) return [];
    const parts = [];
    for (const layer of ["eth", "arp", "ip", "icmp", "igmp", "udp", "dhcp", "dns", "tcp"]) {
      if (!event[layer]) continue;
      parts.push(h("h4", {}, LAYER_NAMES[layer]), h("dl", {}, Object.entries(event[layer]).map(([name, value]) => [h("dt", {}, name), h(headerText(name, value).length > 12 ? "dd.wide" : "dd", {}, headerText(name, value))])));
    }
    const bytes = (event.hex ?? "").match(/.{1,2}/g) ?? [];
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) lines.push(`${at.toString(16).padStart(4, "0")}  ${bytes.slice(at, at + 16).join(" ")}`);
    parts.push(h("details", {}, h("summary", {}, `${event.size} bytes`), h("pre", {}, lines.join("\n"))));
    return parts;
  }
}

// Told by what stands beside them.
const DULL = new Set(["frame", "frame-in", "frame-out", "pool", "tcb", "window", "retransmit", "timer-stopped", "done"]);

const LAYER_NAMES = { eth: "Ethernet", arp: "ARP", ip: "IPv4", icmp: "ICMP", igmp: "IGMP", udp: "UDP", dhcp: "DHCP", dns: "DNS", tcp: "TCP" };

/** A field of a header, as people write it. */
function headerText(name, value) {
  if (typeof value === "string" && /^[0-9a-f]{12}$/.test(value)) return value.match(/../g).join(":");
  if (name === "type" && value > 255) return `0x${value.toString(16).padStart(4, "0")}`;
  return stateText(value);
}

function stateText(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.length ? value.map(stateText).join(" ") : "none";
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${stateText(one)}`).join(", ");
  return String(value);
}
