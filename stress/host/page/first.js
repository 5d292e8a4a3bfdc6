// Did it hold, and what is new? One sentence, four figures, and the claims.

function drawFirst(body) {
  const held = judged();
  body.append(element("h1", { class: `answer ${held.mood}` }, held.sentence));
  if (held.mood === "good" && lastParts().length > 0) body.append(mergeNote(), provenance());
  drawFailedClaims(body);
  drawFaults(body);
  body.append(element("ul", { class: "figures" }, figures().map(({ number, text, mood }) => element("li", { class: mood }, element("strong", {}, number), " ", text))));
  if (held.mood !== "good" || lastParts().length === 0) body.append(provenance());
  const warnings = warningsOfFiles();
  if (warnings.length > 0) body.append(listCut(warnings, 12, "warnings"));
  for (const draw of [drawLibraries, drawClaims, drawContrast]) draw(body);
}

// A night without a finding, in words for one who asks whether to merge.
function mergeNote() {
  const missing = claimPairs().filter((pair) => pair.claim === undefined && pair.why === NOT_ASKED).length;
  return element("p", { class: "why" }, "May it be merged? As far as this night can tell, yes. ",
    results.of("contrasted").length > 0 ? "" : `Whether something became worse it cannot tell: ${comparedWith()}. `,
    missing > 0 ? `${count(missing)} of ${count(claimPairs().length)} pairs of a claim and an ISA were not tried; the table of claims says which.` : "");
}

// ---- the sentence

// All that nobody has acknowledged, and all that somebody has: of all results, not of those that the page holds.
function findingsCount(known) {
  return results.tallies.filter((tally) => tally.known === known).reduce((sum, tally) => sum + tally.findings, 0);
}

// What is wrong, most important first; each is a text.
function problems() {
  const failing = results.of("claim").filter((claim) => !claim.holds);
  const storms = results.of("storm").filter((storm) => !storm.expected);
  const wrongCells = results.sums.reduce((sum, each) => sum + each.unexpected, 0), unknown = findingsCount(false);
  const replays = results.of("replayed").filter((row) => !row.expected);
  const list = [], ids = new Set(failing.map((claim) => claim.id)).size, faults = faultsOf({}).length;
  if (ids > 0) list.push(`${counted(ids, "claim")} ${ids === 1 ? "fails" : "fail"}`);
  if (unknown > 0) list.push(`${counted(unknown, "finding")}${unknown > 1 ? `, of ${counted(faults, "fault")}` : ""}`);
  else if (wrongCells > 0 && findingsCount(true) === 0) list.push(`${counted(wrongCells, "cell")} not as expected`);
  if (storms.length > 0) list.push(`${counted(storms.length, "storm")} not as expected`);
  if (replays.length > 0) list.push(`${count(replays.length)} of ${count(results.of("replayed").length)} kept schedules not as expected`);
  if (results.of("baseline").length > 0) list.push(`${counted(results.of("baseline").length, "operation")} wrong without any signal`);
  return list;
}

// What kept the run from telling all.
function gaps() {
  const list = [];
  const parts = lastParts().filter((part) => !["ok", "finding", "skipped"].includes(part.status));
  if (parts.length > 0) list.push(`${counted(parts.length, "part")} of the night did not run to ${parts.length === 1 ? "its" : "their"} end`);
  const begun = new Set(results.of("run").map((run) => run.file));
  const cut = results.files.filter((file, i) => begun.has(i) && file.status === null);
  if (cut.length > 0) list.push(`${counted(cut.length, "file")} did not come to ${cut.length === 1 ? "its" : "their"} end`);
  const stopped = results.files.filter((file) => file.status !== null && file.status > 1 && parts.length === 0);
  if (stopped.length > 0) list.push(`${counted(stopped.length, "run")} ended with status ${[...new Set(stopped.map((file) => file.status))].join(", ")}`);
  const broken = results.files.reduce((sum, file) => sum + file.broken, 0);
  if (broken > 0) list.push(`${counted(broken, "line")} cannot be read`);
  return list;
}

function judged() {
  const wrong = problems(), missing = gaps(), trials = totals().trials;
  const anything = results.files.some((file) => file.lines > file.broken) || results.ratios.length > 0 || Object.keys(results.kinds).length > 0 || results.tallies.length > 0;
  if (!anything) return { mood: "bad", sentence: "There are no results here." };
  if (wrong.length > 0) return { mood: "bad", sentence: `It does not hold: ${wrong.join("; ")}.` };
  const promised = promisedBoundaries();
  const good = promised.all > 0 && results.of("claim").length === 0
    ? `Safe at ${count(promised.safe)} of ${count(promised.all)} boundaries for what was promised`
    : results.of("claim").length > 0 ? "All claims that were tried hold" : `No finding in ${counted(trials, "trial")}`;
  if (missing.length > 0) return { mood: "unsure", sentence: `${good}, but not all was run: ${missing.join(", ")}.` };
  const found = findingsCount(true) > 0 ? "no finding is unknown" : "nothing was found";
  if (results.of("claim").length === 0 || lastParts().length === 0) return { mood: "good", sentence: `${good}.` };
  const worse = contrastCount({ fails: true });
  if (worse > 0) return { mood: "bad", sentence: `${good}, but ${counted(worse, "thing")} got worse since the night before.` };
  return { mood: "good", sentence: `Nothing speaks against this build: ${found}, ${good[0].toLowerCase()}${good.slice(1)}${results.of("contrasted").length > 0 ? ", and nothing is worse than in the night before" : ""}.` };
}

// How many things differ from the night before; all of them, also those that the page does not hold.
function contrastCount({ what, subject, fails = false }) {
  const counts = results.of("contrasted").at(-1)?.counts ?? [];
  return counts.filter((each) => (what === undefined || each.what === what) && (subject === undefined || each.subject === subject)).reduce((sum, each) => sum + (fails ? each.fail : each.all), 0);
}

// Of several rows with one name the last counts.
function lastParts() {
  return [...new Map(results.of("part").map((part) => [part.name, part])).values()];
}

// What was asked, of which build, against what; and what is missing from it.
function provenance() {
  const night = results.of("night").at(-1), run = results.of("run")[0], past = results.of("past_run").at(-1);
  const from = night ?? run ?? past;
  if (from === undefined) return "";
  const machine = { ...from.machine, ...run?.machine };
  const took = night?.ended ? `, took ${duration((new Date(night.ended) - new Date(night.started)) / 1000)}` : "";
  const idle = lastParts().filter(didNothing), skipped = lastParts().filter((part) => part.status === "skipped" || part.status === "not-built");
  const facts = [
    ["Build", `${run?.version ? `sigsweep ${run.version}, ` : ""}${from.build} (preset, commit, compiler)`],
    [night !== undefined ? "Night" : "Run", `${from.started.replace("T", " ").replace("Z", " UTC")}${took}`],
    ["Command", night?.command ?? ""],
    ["ISAs", [...new Set(results.of("run").flatMap((each) => each.isas))].join(", ")],
    ["Machine", [machine.cpu || machine.processor, machine.cpus === undefined ? "" : counted(machine.cpus, "processor"), machine.kernel].filter((word) => word).join(", ")],
    ["Compared with", comparedWith()],
    ["Known findings", `${findingsCount(true) === 0 ? "none" : count(findingsCount(true))}; the list of what is acknowledged is corpus/known.txt`],
    ["Did no work", lastParts().length === 0 ? "" : idle.length === 0 ? "no part" : idle.map((part) => part.name).join(", ")],
    ["Skipped", lastParts().length === 0 ? "" : skipped.length === 0 ? "no part" : skipped.map((part) => `${part.name} (${shortened(part.reason, 80)})`).join(", ")],
  ];
  return element("dl", { class: "facts" }, facts.filter(([, text]) => text).map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, shortened(text, 300)))));
}

function didNothing(part) {
  return ["ok", "finding"].includes(part.status) && Object.values(part.work).every((number) => number === 0);
}

// The night before the one that is shown, or why there is nothing to compare with.
function comparedWith() {
  const place = results.history;
  if (place === null) return results.of("night").length > 0 ? "nothing: no history was given" : "";
  if (!place.has_night) return `nothing: ${place.night === "" ? "the history has no night" : `night ${place.night} does not stand in ${place.file}`}`;
  const later = place.later > 0 ? `. ${counted(place.later, "later night")} in ${place.file}: not shown here` : "";
  if (place.before === "") return `first night in this history: nothing to compare with${later}`;
  return `night ${place.before}, build ${place.before_build}${later}`;
}

// ---- figures

function totals() {
  const sum = (key) => results.sums.reduce((all, each) => all + each[key], 0);
  return { trials: sum("trials"), landed: sum("landed"), unreached: sum("unreached"), cells: sum("cells"), promised: sum("promised"), kept: sum("kept") };
}

function figures() {
  const compared = results.of("contrasted").length > 0;
  const known = findingsCount(true), unknown = findingsCount(false);
  const fresh = compared ? `; ${count(contrastCount({ what: "new", subject: "finding", fails: true }))} of them new since the night before` : "";
  const list = [{ number: unknown === 0 ? "no finding" : counted(unknown, "finding"), text: `that nobody has acknowledged${unknown > 0 ? fresh : ""}${known > 0 ? `; and ${counted(known, "acknowledged one")}` : ""}`, mood: unknown > 0 ? "bad" : "good" }];
  list.push(claimsFigure());
  const all = totals();
  list.push({ number: count(all.landed), text: `signals landed${all.unreached > 0 ? `; ${count(all.unreached)} could not be reached, because an earlier one of the trial had gone wrong, as unsafe protocols do` : ", all that were asked for"}`, mood: all.landed > 0 ? "good" : "unsure" });
  list.push(lastFigure(compared));
  return list;
}

// Claims are tried on each ISA by itself: so pairs of the two are counted.
function claimsFigure() {
  const claims = results.of("claim"), promised = promisedBoundaries();
  if (claims.length > 0) {
    const held = claims.filter((claim) => claim.holds).length, all = claimPairs();
    const missing = all.filter((pair) => pair.claim === undefined && pair.why === NOT_ASKED).length, others = all.filter((pair) => pair.claim === undefined).length - missing;
    const notTried = [missing > 0 ? `${count(missing)} more were not asked for` : "", others > 0 ? `${count(others)} do not apply` : ""].filter((text) => text !== "").join(", and ");
    return { number: `${count(held)} of ${count(claims.length)}`, text: `claims hold, each claim counted on each ISA that it was tried on; ${counted(valuesOf(claims, "id").length, "claim")}, ${counted(valuesOf(claims, "isa").length, "ISA")}${notTried === "" ? "" : `. ${notTried}: the table says which`}`, mood: held === claims.length ? "good" : "bad" };
  }
  if (promised.all > 0) return { number: `${count(promised.safe)} of ${count(promised.all)}`, text: "boundaries are safe for what was promised", mood: promised.safe === promised.all ? "good" : "bad" };
  return { number: count(boundariesSeen()), text: "different boundaries had their verdict told", mood: "good" };
}

function boundariesSeen() {
  const codes = new Set(results.operations.map((operation) => operation.code));
  return [...codes].reduce((all, code) => all + results.codes[code].length, 0);
}

function lastFigure(compared) {
  const judgedRatios = results.of("contrasted").at(-1)?.judged ?? 0;
  if (compared && judgedRatios > 0) {
    const slower = contrastCount({ what: "slower" });
    return { number: `${slower} slower`, text: `of ${judgedRatios} ratios, outside their noise, against the night before`, mood: slower > 0 ? "bad" : "good" };
  }
  const parts = lastParts();
  if (parts.length > 0) {
    const ran = parts.filter((part) => part.status === "ok" || part.status === "finding"), found = parts.filter((part) => part.status === "finding"), skipped = parts.filter((part) => part.status === "skipped").length;
    return { number: `${ran.length} of ${parts.length}`, text: `parts of the night ran to their end${found.length > 0 ? `; ${count(found.length)} of them found something` : "; none found anything"}${skipped > 0 ? `; ${count(skipped)} skipped` : ""}`, mood: found.length > 0 ? "bad" : ran.length + skipped === parts.length ? "good" : "unsure" };
  }
  const storms = results.of("storm");
  if (storms.length > 0) return { number: counted(storms.length, "storm"), text: `${storms.filter((storm) => storm.expected).length} as expected`, mood: storms.every((storm) => storm.expected) ? "good" : "bad" };
  return { number: counted(totals().cells, "cell"), text: `in ${counted(totals().trials, "trial")}`, mood: "good" };
}

// ---- what was promised

// Boundaries at which all promised handlers came to what was promised, of those that had a promise.
// Where no verdict by boundary is there, of the cells' trials.
function promisedBoundaries(subject = null) {
  const sums = results.sums.filter((sum) => sum.promised > 0 && sum.form === "single" && (subject === null || sum.subject === subject));
  const operations = results.operations.filter((operation) => sums.some((sum) => sum.subject === operation.subject && sum.isa === operation.isa && sum.protocol === operation.protocol && sum.site === operation.site));
  let all = 0, safe = 0;
  const boundaries = new Map(); // one that several protocols share is one
  for (const operation of operations) {
    const rows = operation.strips.map((strip) => results.row(strip.row));
    results.codes[operation.code].forEach((place, i) => {
      const key = `${operation.subject} ${operation.isa} ${operation.site} ${operation.code} ${i} ${place}`;
      boundaries.set(key, (boundaries.get(key) ?? true) && rows.every((row) => !row[i]?.finding));
    });
  }
  if (operations.length > 0) return { all: boundaries.size, safe: [...boundaries.values()].filter((isSafe) => isSafe).length, exact: true };
  for (const sum of sums) {
    all += sum.promised;
    safe += sum.kept;
  }
  return { all, safe, exact: false };
}

function drawLibraries(body) {
  const runs = results.of("run").filter((run) => run.adapter !== undefined);
  const libraries = [...new Map(runs.map((run) => [run.adapter.name, run.adapter])).values()];
  if (libraries.length === 0) return;
  body.append(table("Libraries: what each promised, and whether it kept that", [
    ["library", (each) => `${shortened(each.name)} ${shortened(each.version, 20)}`],
    ["promised", (each) => (each.promises.length === 0 ? "that a signal whose handler only returns changes nothing" : each.promises.join(", "))],
    ["kept", (each) => promiseText(promisedBoundaries(each.name))],
    ["backtrace from a handler", (each) => unwindGrade(each.name)],
  ], libraries));
}

function promiseText({ all, safe, exact }) {
  if (all === 0) return "no result";
  return `${safe === all ? "✓" : "✗"} safe at ${count(safe)} of ${count(all)} ${exact ? "boundaries" : "trials"}`;
}

// What backtraces came to, of the operations' strips with that handler.
function unwindGrade(subject) {
  const grades = new Map();
  for (const operation of results.operations) {
    if (operation.subject !== subject) continue;
    for (const strip of operation.strips) {
      if (!strip.handlers.includes("observe")) continue;
      for (const outcome of results.row(strip.row)) {
        const look = lookOf(outcome);
        grades.set(look, (grades.get(look) ?? 0) + 1);
      }
    }
  }
  if (grades.size === 0) return "no verdict by boundary";
  return [...grades].map(([look, number]) => `${look === "unjudged" ? "nobody can judge" : look}: ${count(number)}`).join(", ");
}

// ---- what is new since the night before

function drawContrast(body) {
  const rows = results.of("contrast");
  if (results.of("contrasted").length === 0 || rows.length === 0) return;
  body.append(element("h2", { class: "sub" }, "Since the night before"), element("p", { class: "note" }, `Compared with ${comparedWith()}.`));
  const columns = [["of", (row) => row.subject, "word"], ["which", (row) => shortened(row.name)], ["told", (row) => shortened(row.text, 200)]];
  for (const what of new Set(rows.map((row) => row.what))) {
    const same = rows.filter((row) => row.what === what), all = contrastCount({ what });
    body.append(firstOf(`${what}: ${count(all)}`, columns, same, 5, all, `sigsweep history compare ${results.history?.before} ${results.history?.night}`));
  }
}

function warningsOfFiles() {
  const list = gaps().map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`);
  for (const file of results.files) {
    const name = shortened(file.path);
    if (file.lines === 0 && !file.path.endsWith(".sqlite") && results.files.length < 50) list.push(`${name} is empty.`);
    if (file.broken > 0) list.push(`${name}: ${counted(file.broken, "line")} of ${count(file.lines)} cannot be read${file.half_written ? "; the last one is half written" : ""}.`);
  }
  for (const row of results.of("skipped")) list.push(`${row.isa}: ${row.what} was not tried: ${shortened(row.why, 160)}.`);
  for (const part of lastParts()) if (!["ok", "finding"].includes(part.status)) list.push(`Part ${part.name} ${partWords(part)}${part.reason === "" ? "" : `: ${shortened(part.reason, 160)}`}.`);
  return list;
}
