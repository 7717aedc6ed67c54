// The data of the page: events as rows of values, each behind the number of its shape (lab/report/data.py).

/** A run from its data: {run, label}. */
function decodeRun({ label, header, shapes, rows }) {
  const run = new Run();
  run.feed(header);
  for (const row of rows) {
    const keys = shapes[row[0]];
    const event = {};
    for (let at = 0; at < keys.length; at += 1) event[keys[at]] = row[at + 1];
    run.feed(event);
  }
  return { run, label };
}
