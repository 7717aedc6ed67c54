// Start: unpack the data, build the page, and offer `netstack.feed` to whoever brings events later.

/** The data in the page, or null. Long ones are deflated (gzip in base64). */
async function pageData() {
  const script = document.getElementById("data");
  if (!script) return null;
  if (script.dataset.encoding !== "gzip") return JSON.parse(script.textContent);
  const bytes = Uint8Array.from(atob(script.textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

async function start() {
  const data = await pageData();
  const runs = data?.runs.length ? data.runs.map(decodeRun) : [{ run: new Run(), label: "" }];
  return new App(runs, data?.difference);
}

/**
 * For live pages: `netstack.feed(line)` takes the header and then each event of a trace, in their order, whenever they
 * come; `netstack.ready` is there when the page is. An event may have a `text`, its explanation.
 */
const waiting = [];
const netstack = {
  app: null,
  feed(event, index = 0) {
    if (netstack.app) netstack.app.feed(event, index);
    else waiting.push([event, index]);
  },
  ready: start().then((app) => {
    netstack.app = app;
    for (const [event, index] of waiting.splice(0)) app.feed(event, index);
    document.documentElement.dataset.ready = "true";
    return app;
  }),
};
window.netstack = netstack;
