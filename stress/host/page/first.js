// Did it hold, and what is new? One sentence, four figures, and the claims.

function drawFirst(body) {
  const held = judged();
  body.append(element("h1", { class: `answer ${held.mood}` }, held.sentence));
  body.append(element("p", { class: "note" }, provenance()));
  body.append(element("ul", { class: "figures" }, figures().map(({ number, text, mood }) => element("li", { class: mood }, element("strong", {}, number), " ", text))));
  const warnings = warningsOfFiles();
  if (warnings.length > 0) body.append(element("ul", { class: "warnings" }, warnings.map((text) => element("li", {}, text))));
  for (const draw of [drawFaults, drawLibraries, drawClaims, drawContrast]) draw(body);
}

// ---- the sentence

function unknownFindings() {
  return results.of("finding").filter((finding) => !finding.known);
}

// What is wrong, most important first; each is a text.
function problems() {
  const failing = results.of("claim").filter((claim) => !claim.holds);
  const storms = results.of("storm").filter((storm) => !storm.expected);
  const wrongCells = results.sums.reduce((sum, each) => sum + each.unexpected, 0);
  const list = [];
  if (failing.length > 0) list.push(`${counted(new Set(failing.map((claim) => claim.id)).size, "claim")} ${failing.length === 1 ? "fails" : "fail"}`);
  if (unknownFindings().length > 0) list.push(counted(unknownFindings().length + results.findings_left_out, "finding"));
  else if (wrongCells > 0 && results.of("finding").length === 0) list.push(`${counted(wrongCells, "cell")} not as expected`);
  if (storms.length > 0) list.push(`${counted(storms.length, "storm")} not as expected`);
  if (results.of("baseline").length > 0) list.push(`${counted(results.of("baseline").length, "operation")} wrong without any signal`);
  return list;
}

// What kept the run from telling all.
function gaps() {
  const list = [];
  const parts = lastParts().filter((part) => !["ok", "finding", "skipped"].includes(part.status));
  if (parts.length > 0) list.push(`${counted(parts.length, "part")} of the night did not do ${parts.length === 1 ? "its" : "their"} work`);
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
  const anything = results.files.some((file) => file.lines > file.broken) || results.ratios.length > 0 || Object.keys(results.kinds).length > 0;
  if (!anything) return { mood: "bad", sentence: "There are no results here." };
  if (wrong.length > 0) return { mood: "bad", sentence: `It does not hold: ${wrong.join(", ")}.` };
  const promised = promisedBoundaries();
  const good = promised.all > 0 && results.of("claim").length === 0
    ? `Safe at ${count(promised.safe)} of ${count(promised.all)} boundaries for what was promised`
    : results.of("claim").length > 0 ? "The proof holds" : `No finding in ${counted(trials, "trial")}`;
  if (missing.length > 0) return { mood: "unsure", sentence: `${good}, but not all was run: ${missing.join(", ")}.` };
  const fresh = results.of("contrast").filter((row) => row.fails);
  if (results.of("contrasted").length > 0) return { mood: fresh.length > 0 ? "bad" : "good", sentence: fresh.length > 0 ? `${good}, but ${counted(fresh.length, "thing")} got worse since the night before.` : `${good}; nothing new since the night before.` };
  return { mood: "good", sentence: `${good}.` };
}

// Of several rows with one name the last counts.
function lastParts() {
  return [...new Map(results.of("part").map((part) => [part.name, part])).values()];
}

function provenance() {
  const night = results.of("night").at(-1), run = results.of("run")[0], past = results.of("past_run").at(-1);
  const from = night ?? run ?? past;
  if (from === undefined) return "";
  const machine = from.machine ?? {};
  const isas = [...new Set(results.of("run").flatMap((each) => each.isas))];
  const words = [night !== undefined ? `night of ${from.started.slice(0, 10)}` : `run of ${from.started.slice(0, 10)}`, `build ${from.build}`, isas.join(", "),
    machine.cpu || machine.processor, machine.cpus === undefined ? "" : counted(machine.cpus, "processor"), machine.kernel];
  if (night?.ended) words.push(duration((new Date(night.ended) - new Date(night.started)) / 1000));
  return words.filter((word) => word).map((word) => shortened(word, 100)).join(" · ");
}

// ---- figures

function totals() {
  const sum = (key) => results.sums.reduce((all, each) => all + each[key], 0);
  return { trials: sum("trials"), landed: sum("landed"), unreached: sum("unreached"), cells: sum("cells"), promised: sum("promised"), kept: sum("kept") };
}

function figures() {
  const contrasts = results.of("contrast"), compared = results.of("contrasted").length > 0;
  const fresh = contrasts.filter((row) => row.what === "new" && row.subject === "finding" && row.fails);
  const known = results.of("finding").length - unknownFindings().length;
  const unknown = unknownFindings().length + results.findings_left_out;
  const list = [compared && unknown === 0
    ? { number: `${count(fresh.length)} new`, text: `findings since the night before; ${counted(known, "known one")}`, mood: fresh.length > 0 ? "bad" : "good" }
    : { number: counted(unknown, "finding"), text: known > 0 ? `and ${counted(known, "acknowledged one")}` : "that nobody has acknowledged", mood: unknown > 0 ? "bad" : "good" }];
  list.push(claimsFigure());
  const all = totals();
  list.push({ number: count(all.landed), text: `signals landed; ${count(all.unreached)} could not be reached, as an earlier one had gone wrong`, mood: all.landed > 0 ? "good" : "unsure" });
  list.push(lastFigure(contrasts, compared));
  return list;
}

function claimsFigure() {
  const claims = results.of("claim"), promised = promisedBoundaries();
  if (claims.length > 0) {
    const ids = [...new Set(claims.map((claim) => claim.id))];
    const held = ids.filter((id) => claims.every((claim) => claim.id !== id || claim.holds));
    return { number: `${held.length} of ${ids.length}`, text: `claims hold, on ${counted(new Set(claims.map((claim) => claim.isa)).size, "ISA")}`, mood: held.length === ids.length ? "good" : "bad" };
  }
  if (promised.all > 0) return { number: `${count(promised.safe)} of ${count(promised.all)}`, text: "boundaries are safe for what was promised", mood: promised.safe === promised.all ? "good" : "bad" };
  return { number: count(boundariesSeen()), text: "different boundaries had their verdict told", mood: "good" };
}

function boundariesSeen() {
  const codes = new Set(results.operations.map((operation) => operation.code));
  return [...codes].reduce((all, code) => all + results.codes[code].length, 0);
}

function lastFigure(contrasts, compared) {
  const judgedRatios = results.of("contrasted").at(-1)?.judged ?? 0;
  if (compared && judgedRatios > 0) {
    const slower = contrasts.filter((row) => row.what === "slower").length;
    return { number: `${slower} slower`, text: `ratios outside their noise, of ${judgedRatios}`, mood: slower > 0 ? "bad" : "good" };
  }
  const parts = lastParts();
  if (parts.length > 0) {
    const worked = parts.filter((part) => part.status === "ok" || part.status === "finding").length;
    return { number: `${worked} of ${parts.length}`, text: "parts of the night did their work", mood: worked === parts.length ? "good" : "unsure" };
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

// ---- what is new, and the claims

// Those that nobody has acknowledged, one line for each verdict in each function: one fault of a stub
// is found in many ways. Those with most findings first.
function faultsOf(findings) {
  const faults = new Map();
  for (const finding of findings) {
    const key = `${finding.isa} ${finding.verdict} ${finding.symbol ?? finding.phase ?? ""}`;
    if (!faults.has(key)) faults.set(key, []);
    faults.get(key).push(finding);
  }
  return [...faults.values()].sort((a, b) => b.length - a.length);
}

function drawFaults(body) {
  const faults = faultsOf(unknownFindings().filter((finding) => isChosen(finding, ["isa"])));
  if (faults.length === 0) return;
  const names = (fault, key) => some([...new Set(fault.map((finding) => finding[key]))].filter((name) => name), 3);
  const columns = [
    ["verdict", (fault) => fault[0].verdict, "word"], ["where", (fault) => element("a", { href: linkTo({ finding: fault[0].id }) }, `${shortened(fault[0].symbol ?? fault[0].phase ?? "?")}${fault[0].offset === undefined ? "" : `+0x${fault[0].offset.toString(16)}`}`)],
    ["findings", (fault) => count(fault.length), "number"], ["ISA", (fault) => fault[0].isa, "word"], ["protocols", (fault) => names(fault, "protocol")],
    ["sites", (fault) => names(fault, "site")], ["what was seen", (fault) => shortened(fault[0].detail ?? "", 120)],
  ];
  body.append(element("h2", { class: "sub" }, "What broke, and where"), firstOf("Faults", columns, faults, 5));
}

// A table of the first rows; the others open on demand.
function firstOf(caption, columns, rows, most) {
  const parts = [table(caption, columns, rows.slice(0, most))];
  const rest = rows.slice(most, 500);
  if (rest.length > 0) {
    const more = element("details", {}, element("summary", {}, `${count(rows.length - most)} more`));
    more.addEventListener("toggle", () => {
      if (more.open && more.children.length === 1) more.append(table(`${caption}, continued`, columns, rest));
    });
    parts.push(more);
  }
  return element("div", {}, parts);
}

function drawContrast(body) {
  const rows = results.of("contrast");
  if (results.of("contrasted").length === 0 || rows.length === 0) return;
  body.append(element("h2", { class: "sub" }, "Since the night before"));
  const columns = [["of", (row) => row.subject, "word"], ["which", (row) => shortened(row.name)], ["told", (row) => shortened(row.text, 200)]];
  for (const what of new Set(rows.map((row) => row.what))) {
    const same = rows.filter((row) => row.what === what);
    body.append(firstOf(`${what}: ${count(same.length)}`, columns, same, 5));
  }
}

function drawClaims(body) {
  const claims = results.of("claim").filter((claim) => isChosen(claim, ["isa"]));
  if (claims.length === 0) return;
  const isas = valuesOf(claims, "isa");
  const rows = [...new Map(claims.map((claim) => [claim.id, claim])).values()].sort((a, b) => a.id - b.id);
  const columns = isas.map((isa) => [isa, (row) => claimCell(claims.find((claim) => claim.id === row.id && claim.isa === isa)), "claim"]);
  body.append(table("Claims", [["no.", (row) => row.id, "number"], ["claim", (row) => shortened(row.statement, 300)], ...columns], rows), dataBehind("claims", () => claims));
}

// What was not tried is said beside each claim: a claim of pairs that rests on none says so.
function claimCell(claim) {
  if (claim === undefined) return "not tried";
  const details = [counted(claim.trials, "trial")];
  if (claim.pairs > 0) details.push(counted(claim.pairs, "pair"));
  else if (/\bpairs?\b/.test(claim.statement)) details.push("no pairs were tried");
  if (claim.left_out.length > 0) details.push(`left out: ${some(claim.left_out, 3)}`);
  return [element("span", { class: claim.holds ? "holds-mark" : "fails-mark" }, claim.holds ? "✓ holds" : "✗ fails"), element("small", {}, details.join("; ")),
    !claim.holds && claim.finding !== undefined ? element("a", { href: linkTo({ finding: claim.finding }) }, "what happened") : null];
}

function warningsOfFiles() {
  const list = gaps().map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`);
  for (const file of results.files) {
    const name = shortened(file.path);
    if (file.lines === 0 && !file.path.endsWith(".sqlite") && results.files.length < 50) list.push(`${name} is empty.`);
    if (file.broken > 0) list.push(`${name}: ${counted(file.broken, "line")} of ${count(file.lines)} cannot be read${file.half_written ? "; the last one is half written" : ""}.`);
  }
  if (results.findings_left_out > 0) list.push(`The page holds the first ${count(results.of("finding").length)} findings. The results have ${count(results.findings_left_out)} more.`);
  for (const row of [...results.of("skipped")]) list.push(`${row.isa}: ${row.what} was not tried: ${shortened(row.why, 160)}.`);
  for (const part of lastParts()) if (part.reason !== "") list.push(`Part ${part.name}: ${shortened(part.reason, 160)}.`);
  return list.slice(0, 60);
}
