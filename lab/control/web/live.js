// Feeds the page of a report with what a running device tells (lab/control/session.py): each message is an array of
// lines of a trace. `left-out` counts events that came quicker than this page takes them.
(() => {
  const status = document.createElement("div");
  status.id = "live";
  status.setAttribute("role", "status");
  Object.assign(status.style, {
    position: "fixed", right: "12px", bottom: "12px", zIndex: 1000, padding: "4px 10px", borderRadius: "12px",
    font: "12px system-ui, sans-serif", color: "#fff", background: "#1b7f3b", pointerEvents: "none",
  });
  document.body.append(status);

  let events = 0;
  let leftOut = 0;
  let ended = "";

  function tell() {
    const gap = leftOut ? `, ${leftOut.toLocaleString("en")} left out` : "";
    status.textContent = `${ended || "live"}: ${events.toLocaleString("en")} events${gap}`;
    status.style.background = ended ? "#666" : leftOut ? "#9a5b00" : "#1b7f3b";
    document.documentElement.dataset.live = ended ? "ended" : "on";
  }

  const socket = new WebSocket(location.href.replace(/^http/, "ws") + "events");
  socket.onmessage = (message) => {
    for (const line of JSON.parse(message.data)) {
      if (line.kind === "left-out") leftOut += line.events;
      if (!line.schema) events += 1;
      window.netstack.feed(line);
    }
    tell();
  };
  socket.onclose = (event) => {
    ended = event.reason || "the device has ended";
    tell();
  };
  tell();
})();
