// The table of connections: who with whom, in which states, what was moved and what it cost.

class ConnectionTable {
  constructor(app) {
    this.app = app;
    this.body = h("tbody");
    const names = ["", "end", "state", "bytes", "segs", "again", "opened"];
    this.element = h("section.panel.connections", {},
      h("header", {}, h("h2", {}, "Connections")),
      h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))), this.body)));
  }

  draw() {
    const key = this.app.views.map(({ run, number }) => `${run.version} ${number}`).join();
    if (key === this.key) return;
    const now = performance.now();
    if (this.drawn && now - this.drawn < 300 && this.app.views.some(({ run }) => !run.ended)) return; // live: not each frame
    this.drawn = now;
    this.key = key;
    const rows = [];
    for (const view of this.app.views) {
      view.settle();
      if (this.app.comparing) rows.push(h("tr.group", {}, h("td", { colspan: "7" }, view.label)));
      for (const connection of [...view.run.connections.values()].slice(0, 400)) rows.push(this.row(view, connection));
    }
    if (!rows.length) rows.push(h("tr", {}, h("td", { colspan: "7" }, "no TCP connection")));
    this.body.replaceChildren(...rows);
  }

  row(view, connection) {
    const { app } = this;
    const sides = connection.sides();
    const segments = sides.map(outgoing);
    const again = segments.map((list) => list.filter((segment) => segment.xmit > 1).length);
    const bytes = segments.map((list) => list.reduce((most, segment) => Math.max(most, segment.seq + segment.len - 1), 0));
    const states = sides.map((side) => (side.end ? side.end.stateAt(view.run.end) : "·"));
    const choose = () => app.setConnection(view, connection.number);
    const lines = (list, mark) => list.map((one) => h("div", {}, mark?.(one) ? h("span.red", {}, one) : one));
    const ends = sides.map((side) => (side.name === side.local ? side.name : `${side.name}:${side.local.split(":")[1]}`));
    return h(connection.number === view.number ? "tr.chosen" : "tr", {
      tabindex: "0", onclick: choose, onkeydown: (event) => event.key === "Enter" && choose(), title: connection.flow,
    },
      h("td", {}, String(connection.number)),
      h("td", {}, lines(ends)),
      h("td", {}, lines(states)),
      h("td.n", {}, lines(bytes.map(count))),
      h("td.n", {}, lines(segments.map((list) => count(list.length)))),
      h("td.n", {}, lines(again.map(count), (text) => text !== "0")),
      h("td.n", {}, lines([`${(connection.opened / SECOND).toFixed(3)} s`, `+${spanText(connection.closed - connection.opened)}`])));
  }
}
