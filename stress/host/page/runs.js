// What was run? Verdicts by protocol, the files that this page was made of, and the parts of a night.

function drawRuns(body) {
  drawSums(body);
  const parts = lastParts();
  if (parts.length > 0) {
    body.append(table("Parts of the night", [["part", (part) => part.name], ["status", (part) => part.status], ["took", (part) => duration(part.seconds), "number"],
      ["did", (part) => Object.entries(part.work).map(([what, number]) => `${count(number)} ${what}`).join(", ")], ["reason", (part) => shortened(part.reason, 160)]], parts));
  }
  const changes = results.of("change");
  if (changes.length > 0) {
    body.append(table("Boundaries that differ between two builds", [["what", (row) => row.what], ["ISA", (row) => row.isa], ["protocol", (row) => row.protocol], ["operation", (row) => shortened(row.site, 30)],
      ["where", (row) => { const place = row.new ?? row.old; return `${shortened(place.symbol, 40)}+0x${place.offset.toString(16)}`; }], ["handlers", (row) => some(Object.keys(row.handlers), 3)]], changes.slice(0, 300)));
  }
  body.append(table("Files", [["file", (file) => shortened(file.path)], ["lines", (file) => count(file.lines), "number"], ["not readable", (file) => count(file.broken), "number"],
    ["of other kinds", (file) => count(file.unknown), "number"], ["exit status", (file) => file.status ?? "no end"]], results.files.filter((file) => file.path !== "").slice(0, 300)));
  for (const run of results.of("run").slice(0, 20)) body.append(commandLine(run.command, `${run.started.slice(0, 16)}Z`));
}

// Trials by protocol and verdict, all sites and handlers together.
function drawSums(body) {
  const sums = results.sums.filter((sum) => isChosen(sum) && matchesSearch(sum.protocol, sum.site));
  if (sums.length === 0) return;
  const rows = new Map();
  for (const sum of sums) {
    const key = [sum.subject, sum.isa, sum.protocol, sum.form].join("\n");
    const row = rows.get(key) ?? { ...sum, cells: 0, trials: 0, landed: 0, unreached: 0, unexpected: 0, verdicts: new Map() };
    for (const field of ["cells", "trials", "landed", "unreached", "unexpected"]) row[field] += sum[field];
    for (const [verdict, number] of Object.entries(sum.verdicts)) row.verdicts.set(verdict, (row.verdicts.get(verdict) ?? 0) + number);
    rows.set(key, row);
  }
  const verdicts = (row) => [...row.verdicts].sort((a, b) => b[1] - a[1]).map(([verdict, number]) => element("span", { class: "tally" }, swatch(results.verdicts.has(verdict) ? verdict : "unknown"), ` ${count(number)} ${verdict}`));
  body.append(table("Trials by verdict", [["subject", (row) => shortened(row.subject, 30)], ["ISA", (row) => row.isa], ["protocol", (row) => row.protocol], ["signals", (row) => ({ single: "one", nested: "two, nested", two: "two" })[row.form] ?? row.form],
    ["cells", (row) => count(row.cells), "number"], ["trials", (row) => count(row.trials), "number"], ["verdicts", verdicts], ["not as expected", (row) => counted(row.unexpected, "cell"), "number"]], [...rows.values()]), dataBehind("sums", () => sums));
}
