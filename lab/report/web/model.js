// What a run has told so far. `feed` takes one line of the trace (docs/trace.md) after another, from the page itself or
// live, and keeps what the pictures need; nothing is computed from the beginning again.

class Run {
  constructor() {
    this.header = null;
    this.events = []; // by ordinal
    this.children = new Map(); // ordinal -> events that happened during it
    this.frames = new Map(); // id -> Frame
    this.arrows = []; // frames on their way, in the order in which they ended
    this.connections = new Map(); // number -> Connection
    this.pools = new Map(); // device -> Map of pool -> [{t, used, size, fail}]
    this.timerRuns = new Map(); // device -> [{t}] runs of the TCP timer
    this.marks = []; // what a ladder says beside a lifeline: {t, node, kind, text, event}
    this.end = 0;
    this.start = 0;
    this.ended = false;
    this.hasDied = false;
    this.version = 0; // grows with each event: who draws compares
  }

  /** Take one line of a trace. Kinds that are not known are only kept (docs/trace.md: a reader must). */
  feed(event) {
    if (event.schema) {
      this.begin(event);
      return;
    }
    this.version += 1;
    this.events[event.i] = event;
    if (event.t > this.end) this.end = event.t;
    if (event.by !== undefined) append(this.children, event.by, event);
    const take = TAKE[event.kind];
    if (take) take(this, event);
  }

  begin(header) {
    if (header.schema !== "netstack-trace" || header.version !== 1) {
      throw new Error(`not a netstack trace of version 1: ${header.schema} ${header.version}`);
    }
    this.header = header;
    this.version += 1;
  }

  device(name) {
    return this.header.devices.find((device) => device.name === name);
  }

  /** ns of a slow tick of a device: what TCP counts its times in. */
  slow(name) {
    return this.device(name)?.tick?.slow_ns ?? 500 * MS;
  }

  fast(name) {
    return this.device(name)?.tick?.fast_ns ?? 250 * MS;
  }

  connection(event) {
    let found = this.connections.get(event.conn);
    if (!found) {
      found = new Connection(event.conn, event);
      this.connections.set(event.conn, found);
    }
    return found;
  }

  /** The end of a connection at the device that an event is of. */
  endOf(event) {
    return this.connection(event).end(event.on, event.flow);
  }

  frame(id) {
    let found = this.frames.get(id);
    if (!found) {
      found = { id, info: `frame ${id}`, outs: [], ins: [], arrows: [], verdicts: [] };
      this.frames.set(id, found);
    }
    return found;
  }

  mark(event, node, kind, text, color) {
    this.marks.push({ t: event.t, node, kind, text, color, event, conn: event.conn });
  }

  /** The nodes of the network from left to right: devices outside, what joins them between. */
  nodes() {
    const devices = this.header.devices.map((device) => device.name);
    const seen = new Set();
    for (const cable of this.header.cables) for (const end of cable.ends) seen.add(end);
    for (const arrow of this.loose ?? []) seen.add(arrow);
    const between = [...seen].filter((name) => !devices.includes(name));
    if (devices.length < 2) return [...devices, ...between];
    const [first, ...others] = devices;
    return [first, ...between, ...others];
  }

  /** Without cables (a live device) the other end of every frame is the network. */
  get cableless() {
    return this.header.cables.length === 0;
  }

  /** Every event that tells of an arrow's frame: of sender, wire and receiver, in their order. */
  story(arrow) {
    const { frame } = arrow;
    const out = this.outOf(arrow);
    const found = new Set();
    if (out) {
      if (out.segment !== undefined) found.add(this.events[out.segment]);
      found.add(out);
    }
    for (const verdict of frame.verdicts) found.add(verdict);
    found.add(arrow.event);
    const into = this.intoOf(arrow);
    if (into) this.gather(into, found);
    return [...found].filter(Boolean).sort((one, other) => one.i - other.i);
  }

  gather(event, found) {
    found.add(event);
    for (const child of this.children.get(event.i) ?? []) this.gather(child, found);
  }

  outOf(arrow) {
    const { outs } = arrow.frame;
    return outs.findLast((event) => event.on === arrow.from && event.t <= arrow.sent) ?? outs[0] ?? null;
  }

  intoOf(arrow) {
    if (arrow.arrived === null) return null;
    const frame = arrow.as ?? arrow.frame;
    return frame.ins.find((event) => event.on === arrow.to && event.t >= arrow.arrived) ?? null;
  }

  /** The `segment-out` that made the frame of an arrow, if a traced device sent it. */
  segmentOf(arrow) {
    if (arrow.segment === undefined) {
      const out = this.outOf(arrow);
      if (!out) return null; // perhaps it is told yet: the wire may speak before the device
      arrow.segment = out.segment === undefined ? null : (this.events[out.segment] ?? null);
    }
    return arrow.segment;
  }
}

/** What is done with an event of each kind. */
const TAKE = {
  frame(run, event) {
    Object.assign(run.frame(event.frame), { info: event.info, event, tcp: event.tcp, conn: event.conn, size: event.size });
    run.frame(event.frame).family = familyOf(event);
  },
  "frame-out"(run, event) {
    const frame = run.frame(event.frame);
    frame.outs.push(event);
    if (run.cableless && event.err === null) addArrow(run, event, frame, event.on, remoteName(run, frame, true), event.t, event.t);
  },
  "frame-in"(run, event) {
    const frame = run.frame(event.frame);
    frame.ins.push(event);
    if (run.cableless) addArrow(run, event, frame, remoteName(run, frame, false), event.on, event.t, event.t);
  },
  wire(run, event) {
    const [from, to] = event.on.split(">");
    const arrow = addArrow(run, event, run.frame(event.frame), from, to, event.sent, event.arrived);
    if (event.as !== undefined && event.as !== null && event.as !== event.frame) arrow.as = run.frame(event.as);
  },
  died(run, event) {
    const [from, to] = event.on.split(">");
    const arrow = addArrow(run, event, run.frame(event.frame), from, to, event.sent ?? event.t, null);
    arrow.died = event;
    run.hasDied = true;
  },
  verdict(run, event) {
    run.frame(event.frame).verdicts.push(event);
  },
  "segment-in"(run, event) {
    run.endOf(event).take(event);
  },
  "segment-out"(run, event) {
    run.endOf(event).send(event);
  },
  held(run, event) {
    if (event.conn !== undefined) run.endOf(event).held.push(event);
    if (!QUIET_HOLDS.has(event.why)) run.mark(event, event.on, "held", `held: ${event.why}`, "orange");
  },
  drop(run, event) {
    run.mark(event, event.on, "drop", `dropped: ${event.reason}`, "red");
  },
  state(run, event) {
    const end = run.endOf(event);
    end.states.push(event);
    run.mark(event, event.on, "state", event.new, "ink");
  },
  tcb(run, event) {
    run.endOf(event).snapshots.push(event);
  },
  congestion(run, event) {
    run.endOf(event).congestion.push(event);
  },
  rtt(run, event) {
    run.endOf(event).measure(event);
  },
  "timer-armed"(run, event) {
    run.endOf(event).arm(event);
    if (event.timer !== "delayed-ack") run.endOf(event).slowRuns.push({ t: event.due });
  },
  "timer-stopped"(run, event) {
    run.endOf(event).stop(event);
  },
  "timer-fired"(run, event) {
    run.endOf(event).fire(event);
    run.mark(event, event.on, "timer", `${event.timer} fires`, "orange");
  },
  timer(run, event) {
    if (event.name === "tcp") append(run.timerRuns, event.on, { t: event.t });
  },
  pool(run, event) {
    let pools = run.pools.get(event.on);
    if (!pools) run.pools.set(event.on, (pools = new Map()));
    append(pools, event.pool, { t: event.t, used: event.used, size: event.size, fail: event.action === "fail", event });
    if (event.action === "fail") run.mark(event, event.on, "pool", `${event.pool} is empty`, "red");
  },
  reassembly(run, event) {
    run.endOf(event).reassembly.push(event);
  },
  device(run, event) {
    const device = { ...event, name: event.on };
    const { devices } = run.header;
    const at = devices.findIndex((one) => one.name === event.on);
    if (at < 0) devices.push(device);
    else devices[at] = device;
  },
  boot(run, event) {
    if (event.again) run.mark(event, event.on, "boot", "boots again", "red");
  },
  end(run) {
    run.ended = true;
  },
};

// Holds that are everyday and would cover the ladder; they are found by search, and beside what they belong to.
const QUIET_HOLDS = new Set("delayed-ack small-update snd-buf snd-queuelen ack-behind-nagle busy cwnd window".split(" "));

function append(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** The family that chooses a frame's colour: data, ack, syn, fin, rst, arp, udp, icmp, other. */
function familyOf(event) {
  const { tcp } = event;
  if (tcp) {
    if (tcp.flags.includes("R")) return "rst";
    if (tcp.flags.includes("S")) return "syn";
    if (tcp.flags.includes("F")) return "fin";
    return tcp.len ? "data" : "ack";
  }
  return event.arp ? "arp" : event.udp ? "udp" : event.icmp || event.igmp ? "icmp" : "other";
}

function addArrow(run, event, frame, from, to, sent, arrived) {
  const arrow = { i: run.arrows.length, event, frame, from, to, sent, arrived, died: null, as: null, segment: undefined };
  arrow.t = sent;
  arrow.until = arrived ?? event.t;
  run.arrows.push(arrow);
  frame.arrows.push(arrow);
  return arrow;
}

function remoteName(run, frame, outgoing) {
  const { ip, arp } = frame.event ?? {};
  const name = (ip && (outgoing ? ip.dst : ip.src)) || (arp && (outgoing ? arp.tpa : arp.spa)) || "network";
  const shown = name.startsWith("255.") || name.startsWith("224.") || name === "0.0.0.0" ? "network" : name;
  const known = (run.loose ??= new Set());
  if (known.size < 3 || known.has(shown)) known.add(shown);
  return known.has(shown) ? shown : [...known][0];
}

/** data, ack, syn ... or rexmit when the sender knows that it has sent this before, or probe. */
function kindOf(run, arrow) {
  const segment = run.segmentOf(arrow);
  if (segment) {
    if (segment.cause === "persist-probe" || segment.cause === "keepalive") return "probe";
    if (segment.xmit > 1) return "rexmit";
  }
  return arrow.frame.family ?? "other";
}
