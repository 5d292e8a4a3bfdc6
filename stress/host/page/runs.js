// What was run? Verdicts by protocol, the files that this page was made of, and the parts of a night.

// What came of a part, in words that cannot be read as praise.
const PART_WORDS = { ok: "ran to its end; nothing found", finding: "ran to its end; found something", failed: "failed, by a fault of the harness", hung: "was ended at its time limit", "not-built": "did not run: it is not built", skipped: "did not run: it was skipped", stopped: "did not run, or was stopped" };
function partWords(part) {
  return didNothing(part) ? "ran to its end, and did no work" : PART_WORDS[part.status] ?? part.status;
}

function drawNightParts(body) {
  const parts = lastParts();
  if (parts.length === 0) return;
  body.append(table("Parts of the night", [["part", (part) => part.name, "word"], ["what came of it", partWords], ["took", (part) => duration(part.seconds), "number"],
    ["did", (part) => `${Object.entries(part.work).map(([what, number]) => `${count(number)} ${what}`).join(", ")}${landsNone(part)}`], ["reason", (part) => shortened(part.reason, 160)]], parts));
}

// A fuzz target without signals is one that drives none, if other campaigns have them.
function landsNone(part) {
  return part.name.startsWith("fuzz-") && part.work.signals === undefined && Object.keys(part.work).length > 0 ? "; this target drives no signals" : "";
}

function drawReplays(body) {
  const replays = results.of("replayed");
  if (replays.length === 0) return;
  const wrong = replays.filter((row) => !row.expected);
  body.append(firstOf(`Kept schedules that were run again: ${count(replays.length)}, ${wrong.length === 0 ? "all as expected" : `${count(wrong.length)} not as expected`}`,
    [["schedule", (row) => String(row.path ?? "").split("/").slice(-2).join("/")], ["ISA", (row) => row.isa, "word"], ["verdict", (row) => row.verdict, "word"], ["as expected", (row) => (row.expected ? "✓ yes" : "✗ no"), "word"]],
    [...wrong, ...replays.filter((row) => row.expected)], wrong.length === 0 ? 3 : Math.min(wrong.length, 10)));
}

function drawRuns(body) {
  drawSums(body);
  drawNightParts(body);
  drawReplays(body);
  const changes = results.of("change");
  if (changes.length > 0) {
    body.append(table("Boundaries that differ between two builds", [["what", (row) => row.what], ["ISA", (row) => row.isa, "word"], ["protocol", (row) => row.protocol, "word"], ["operation", (row) => shortened(row.site, 30)],
      ["where", (row) => { const place = row.new ?? row.old; return `${shortened(place.symbol, 40)}+0x${place.offset.toString(16)}`; }], ["handlers", (row) => some(Object.keys(row.handlers), 3)]], changes.slice(0, 300)));
  }
  body.append(firstOf("Files", [["file", (file) => shortened(file.path)], ["lines", (file) => count(file.lines), "number"], ["not readable", (file) => count(file.broken), "number"],
    ["of other kinds", (file) => count(file.unknown), "number"], ["exit status", (file) => file.status ?? "no end", "number"]], results.files.filter((file) => file.path !== ""), 12));
  body.append(element("h3", {}, "Commands"), cardsCut(results.of("run"), (run) => commandLine(run.command, `${run.started.slice(0, 16).replace("T", " ")} UTC`), 5, "command"));
}

// Trials by protocol and verdict, all sites and handlers together. A verdict that the protocol may
// show is marked as expected.
function drawSums(body) {
  const sums = results.sums.filter((sum) => isChosen(sum) && matchesSearch(sum.protocol, sum.site) && (choice.verdict === "" || sum.verdicts[choice.verdict] > 0));
  if (sums.length === 0) return;
  const rows = new Map();
  for (const sum of sums) {
    const key = [sum.subject, sum.isa, sum.protocol, sum.form].join("\n");
    const row = rows.get(key) ?? { ...sum, cells: 0, trials: 0, landed: 0, unreached: 0, unexpected: 0, verdicts: new Map() };
    for (const field of ["cells", "trials", "landed", "unreached", "unexpected"]) row[field] += sum[field];
    for (const [verdict, number] of Object.entries(sum.verdicts)) {
      if (choice.verdict === "" || verdict === choice.verdict) row.verdicts.set(verdict, (row.verdicts.get(verdict) ?? 0) + number);
    }
    rows.set(key, row);
  }
  const verdicts = (row) => [...row.verdicts].sort((a, b) => b[1] - a[1]).map(([verdict, number]) => element("span", { class: "tally" }, swatch(results.verdicts.has(verdict) ? verdict : "unknown"), ` ${count(number)} ${verdict}`, verdictMark(row, verdict)));
  const several = valuesOf(sums, "subject").length > 1 ? [["subject", (row) => shortened(row.subject, 30)]] : [];
  body.append(element("p", { class: "note" }, "“Expected” marks a harmful verdict that the protocol is known to show: it is the danger that the proof is about, and no finding. A verdict marked ✗ may not be shown there. “Observed”: nothing was promised of it, such as a broken backtrace of a library that promises no whole one."),
    firstOf("Trials by verdict", [...several, ["ISA", (row) => row.isa, "word"], ["protocol", (row) => row.protocol, "word"], ["signals", (row) => SIGNALS[row.form] ?? row.form, "word"],
      ["cells", (row) => count(row.cells), "number"], ["trials", (row) => count(row.trials), "number"], ["verdicts", verdicts], ["not as expected", (row) => counted(row.unexpected, "cell"), "number"]], [...rows.values()], 60), dataBehind("sums", () => sums));
}

const SIGNALS = { single: "one", nested: "two, nested", two: "two" };

// Is this harmful verdict expected of the protocol, or may it not be shown? A protocol's row tells;
// without it, cells that are all as expected do.
function verdictMark(row, verdict) {
  if (verdict === "ok" || verdict === "rejected") return "";
  const allowed = protocolRow(row.isa, row.protocol)?.allowed;
  const isLibrary = results.of("run").some((run) => run.adapter?.name === row.subject);
  if (row.unexpected === 0) return element("small", { class: "mark-text" }, isLibrary ? " observed" : " expected");
  if (allowed === undefined) return "";
  return element("small", { class: "mark-text" }, allowed.includes(verdict) ? " expected" : " ✗");
}
