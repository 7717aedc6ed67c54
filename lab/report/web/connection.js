// A TCP connection and its two ends, as far as each is traced.

class Connection {
  constructor(number, event) {
    this.number = number;
    this.flow = event.flow; // of the first event: the one that opens it
    this.opened = event.t;
    this.ends = new Map(); // device -> End
  }

  end(device, flow) {
    let found = this.ends.get(device);
    if (!found) {
      found = new End(this, device, flow);
      this.ends.set(device, found);
    }
    return found;
  }

  /** Its two sides, the one that opened it first. A side that is not traced has its address as its name. */
  sides() {
    const [opener, other] = this.flow.split(">");
    return [this.side(opener, other), this.side(other, opener)];
  }

  side(local, remote) {
    for (const end of this.ends.values()) if (end.flow.startsWith(`${local}>`)) return { name: end.device, local, end };
    const across = [...this.ends.values()].find((end) => end.flow.startsWith(`${remote}>`)) ?? null;
    return { name: local, local, end: null, across };
  }

  /** Index of the side that has sent more data: whose graph is worth seeing first. */
  busier() {
    const [one, other] = this.sides().map((side) => outgoing(side).reduce((sum, segment) => sum + segment.len, 0));
    return other > one ? 1 : 0;
  }

  /** The last thing that happened in it. */
  get closed() {
    let last = this.opened;
    for (const end of this.ends.values()) {
      for (const list of [end.sent, end.got, end.states]) if (list.length) last = Math.max(last, list.at(-1).t);
    }
    return last;
  }
}

/** What a device knows of a connection: each list in the order of time. */
class End {
  constructor(connection, device, flow) {
    this.connection = connection;
    this.device = device;
    this.flow = flow;
    this.sent = []; // segment-out
    this.got = []; // segment-in
    this.acksSent = []; // {t, ack, edge} of those that did not go back
    this.acksGot = [];
    this.again = []; // of `sent`: what had been sent before
    this.duplicates = []; // of `got`: duplicate ACKs
    this.snapshots = []; // tcb
    this.states = [];
    this.congestion = [];
    this.samples = []; // {t, m, sa, sv, rto, took}: took = ns from sending to ACK
    this.cancelled = [];
    this.timers = new Map(); // timer -> [{t, due, until, fate, armed, ended}]
    this.fired = new Map(); // timer -> timer-fired
    this.slowRuns = []; // {t} at which a slow tick is known to be
    this.held = [];
    this.reassembly = [];
    this.edge = 0; // highest sequence number sent, behind its last byte
    this.timed = null;
  }

  send(event) {
    event.end = event.seq + event.len + (event.flags.includes("S") ? 1 : 0) + (event.flags.includes("F") ? 1 : 0);
    this.sent.push(event);
    advance(this.acksSent, event);
    if (event.xmit > 1) this.again.push(event);
  }

  take(event) {
    event.end = event.seq + event.len + (event.flags.includes("S") ? 1 : 0) + (event.flags.includes("F") ? 1 : 0);
    this.got.push(event);
    advance(this.acksGot, event);
    if (event.ack_kind === "duplicate") this.duplicates.push(event);
  }

  measure(event) {
    if (event.what === "timed") this.timed = event;
    else if (event.what === "cancelled") this.cancelled.push(event);
    else {
      const started = this.timed && this.timed.seq === event.seq ? this.timed.t : null;
      this.samples.push({ t: event.t, m: event.m, rto: event.rto, took: started === null ? null : event.t - started, event });
    }
  }

  arm(event) {
    const running = this.running(event.timer);
    if (running) Object.assign(running, { until: event.t, fate: "again", ended: event });
    append(this.timers, event.timer, { t: event.t, due: event.due, until: null, fate: "running", armed: event, ended: null });
  }

  stop(event) {
    const running = this.running(event.timer);
    if (running) Object.assign(running, { until: event.t, fate: "stopped", ended: event });
  }

  fire(event) {
    append(this.fired, event.timer, event);
    const running = this.running(event.timer);
    if (running) Object.assign(running, { until: event.t, fate: "fired", ended: event });
    else append(this.timers, event.timer, { t: event.t, due: event.t, until: event.t, fate: "fired", armed: event, ended: event });
  }

  running(timer) {
    const last = this.timers.get(timer)?.at(-1);
    return last && last.until === null ? last : null;
  }

  /** The control block at a point of time, or null before there was one. */
  at(time) {
    return latest(this.snapshots, time);
  }

  stateAt(time) {
    return latest(this.states, time)?.new ?? "CLOSED";
  }

  /** The control block before and after what an event did: the last before it, the last of its processing. */
  around(event) {
    const before = latest(this.snapshots, event.i - 1, "i");
    const root = event.by ?? event.i;
    let after = null;
    for (let at = lastBefore(this.snapshots, event.i, "i") + 1; at < this.snapshots.length; at += 1) {
      const shot = this.snapshots[at];
      if (shot.t > event.t) break;
      if (shot.by === event.i || shot.by === root || after === null) after = shot;
      else break;
    }
    return { before, after };
  }
}

/** Put an ACK behind others, if it does not go back. `edge`: the right edge of the window that it offers. */
function advance(acks, { t, ack, wnd }) {
  if (ack === null || (acks.length && ack < acks.at(-1).ack)) return;
  acks.push({ t, ack, edge: ack + wnd });
}

/** The acknowledgements that a side received. */
function acknowledged(side) {
  return side.end ? side.end.acksGot : (side.across?.acksSent ?? []);
}

/** The segments that a side sent: as it tells, or else as the other side received them. */
function outgoing(side) {
  return side.end ? side.end.sent : (side.across?.got ?? []);
}

/** The segments that a side received: as it tells, or else as the other side sent them. */
function incoming(side) {
  return side.end ? side.end.got : (side.across?.sent ?? []);
}
