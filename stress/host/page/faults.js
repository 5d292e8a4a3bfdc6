// What broke: claims that fail, and faults. One fault of a stub is found in thousands of ways, so
// findings are put together: by the stub, where it goes wrong wherever the signal lands; else by the
// function in which the signal lands.

// What a verdict says of a call or of an operation.
const DEEDS = { "false-reject": "is refused", "missed-reject": "is let through, and should be refused", "bad-reject": "is refused, and something changed before that", crash: "crashes", hang: "does not end",
  "wrong-switch": "comes to a wrong stack", "stack-smash": "overwrites a stack that is in use", "arg-clobbered": "loses an argument", "result-clobbered": "loses a result", "handler-clobbered": "loses what its handler wrote",
  "slot-leak": "leaves a slot changed", "state-leak": "leaves other state changed", "lost-signal": "loses the signal", "broken-backtrace": "has no whole backtrace", "endless-backtrace": "has a backtrace without an end" };

function protocolRow(isa, name) {
  return results.of("protocol").find((row) => row.isa === isa && row.name === name);
}

// Does each cell of this protocol that is not as expected show that verdict wherever the signal
// lands? Null: no. `calls`: it takes a handler that calls.
const everywhereKnown = new Map();
function everywhereOf({ isa, protocol, verdict }) {
  const key = `${isa} ${protocol} ${verdict}`;
  if (!everywhereKnown.has(key)) everywhereKnown.set(key, everywhereAsked(isa, protocol, verdict));
  return everywhereKnown.get(key);
}

function everywhereAsked(isa, protocol, verdict) {
  const wrong = results.sums.filter((sum) => sum.isa === isa && sum.protocol === protocol && sum.unexpected > 0);
  const same = wrong.map((sum) => sum.everywhere[verdict]);
  if (wrong.length === 0 || wrong.some((sum, i) => (same[i]?.cells ?? 0) < sum.unexpected)) return null;
  return { calls: same.every((each) => each.calls) };
}

// Of all results, those that nobody has acknowledged; most findings first.
const faultsByIsa = new Map();
function faultsOf({ isa = "" }) {
  if (!faultsByIsa.has(isa)) faultsByIsa.set(isa, faultsOfTallies(results.tallies.filter((tally) => !tally.known && (isa === "" || tally.isa === isa))));
  return faultsByIsa.get(isa);
}

function faultsOfTallies(tallies) {
  const faults = new Map();
  for (const tally of tallies) {
    const everywhere = everywhereOf(tally), stub = stubToBlame(tally) ?? "";
    const key = [tally.isa, tally.verdict, everywhere === null ? tally.symbol : `everywhere ${everywhere.calls} ${stub}`].join("\n");
    const fault = faults.get(key) ?? { isa: tally.isa, verdict: tally.verdict, everywhere, stub, symbol: tally.symbol, findings: 0, protocols: new Set(), sites: new Set(), handlers: new Set(), firstSeen: "", firstBuild: "" };
    fault.findings += tally.findings;
    for (const name of ["protocol", "site", "handler"]) if (tally[name] !== "") fault[`${name}s`].add(tally[name]);
    if (tally.firstSeen !== "" && (fault.firstSeen === "" || tally.firstSeen < fault.firstSeen)) Object.assign(fault, { firstSeen: tally.firstSeen, firstBuild: tally.firstBuild });
    faults.set(key, fault);
  }
  return [...faults.values()].sort((a, b) => b.findings - a.findings);
}

function faultSentence(fault) {
  const deed = DEEDS[fault.verdict] ?? `comes to ${fault.verdict}`, through = fault.stub !== "" ? `through ${fault.stub}` : `under ${some(fault.protocols, 4)}`;
  if (fault.everywhere === null) return `${fault.verdict || "A finding"}${fault.symbol === "" ? "" : ` where a signal lands in ${shortened(fault.symbol, 60)}`}`;
  return fault.everywhere.calls ? `Wherever the signal lands: every call by a handler ${through} ${deed}` : `Wherever the signal lands, and whatever its handler does: every operation ${through} ${deed}`;
}

// A finding of a fault that the page holds, one that was looked into if there is one.
function exampleOf(fault) {
  const of = allFindings().filter((finding) => !finding.known && finding.isa === fault.isa && finding.verdict === fault.verdict && fault.protocols.has(finding.protocol ?? "")
    && (fault.everywhere !== null || (finding.symbol ?? "") === fault.symbol));
  return of.find((finding) => finding.why !== undefined) ?? of[0];
}

function firstSeenText(fault) {
  if (fault.firstSeen === "") return "";
  const isNew = fault.firstSeen === results.of("night").at(-1)?.started, place = results.history;
  const before = !isNew ? "" : place?.before ? ` It is new in this night: the night before (${place.before}, build ${place.before_build}) did not show it.` : " No earlier night is in the history.";
  return `First seen ${fault.firstSeen.replace("T", " ").replace("Z", " UTC")}, by build ${shortened(fault.firstBuild, 60)}.${before}`;
}

function faultCard(fault) {
  const example = exampleOf(fault), names = (set, what) => (set.size === 0 ? "" : set.size <= 3 ? `${what}${set.size === 1 ? "" : "s"} ${some(set, 3)}` : counted(set.size, what));
  const facts = [counted(fault.findings, "finding"), fault.isa, names(fault.protocols, "protocol"), names(fault.sites, "operation"), names(fault.handlers, "handler")].filter((text) => text);
  return element("div", { class: "fault" }, element("h3", {}, faultSentence(fault)), element("p", {}, facts.join(" · ")),
    firstSeenText(fault) === "" ? null : element("p", {}, firstSeenText(fault)),
    fault.stub === "" ? null : [element("p", {}, "The fault is likely in ", element("code", {}, fault.stub), ", the stub that all of these enter. The instruction that a signal interrupts is not to blame."), stubCode(fault.isa, fault.stub)],
    example === undefined ? null : [element("p", {}, element("a", { href: linkTo({ finding: example.id }) }, "One of them in detail")), ...commandsOf(example).slice(0, 1)]);
}

// The disassembly of a stub, folded.
function stubCode(isa, name) {
  const stub = results.of("stub").find((row) => row.isa === isa && row.name === name);
  if (stub === undefined || stub.instructions.length === 0) return null;
  const rows = stub.instructions.map(({ offset, text }) => `${name}+0x${offset.toString(16).padStart(2, "0")}  ${text}`).join("\n");
  return element("details", { class: "data", id: `stub-${isa}-${name}` }, element("summary", {}, `Code of ${name} on ${isa}`), element("pre", { class: "text", tabindex: 0, "aria-label": `Code of ${name} on ${isa}` }, rows));
}

function drawFaults(body) {
  const faults = faultsOf({ isa: choice.isa });
  if (faults.length === 0) return;
  body.append(element("h2", { class: "sub" }, `What was found: ${counted(faults.length, "fault")}`), cardsCut(faults, faultCard, 3, "fault"));
}

// The first few as cards; the others open on demand.
function cardsCut(list, card, most, what) {
  const rest = list.slice(most), more = element("details", {}, element("summary", {}, `${counted(rest.length, `more ${what}`)}`));
  more.addEventListener("toggle", () => { if (more.open && more.children.length === 1) more.append(...rest.slice(0, 300).map(card), rest.length > 300 ? element("p", { class: "note" }, `${count(rest.length - 300)} more are not listed here.`) : ""); });
  return element("div", {}, list.slice(0, most).map(card), rest.length > 0 ? more : null);
}

// ---- claims

// The claims that fail, from the first number on: claim 0 needs no signal, and so tells most. A claim
// that fails on several ISAs comes once.
function drawFailedClaims(body) {
  const failing = results.of("claim").filter((claim) => !claim.holds && isChosen(claim, ["isa"]));
  if (failing.length === 0) return;
  const byId = d3.nest().key((claim) => claim.id).sortKeys((a, b) => a - b).entries(failing).map(({ values }) => values);
  body.append(element("h2", { class: "sub" }, "Claims that fail"), cardsCut(byId, failedClaim, 6, "claim"));
}

function failedClaim(rows) {
  const [claim] = rows, contract = rows.find((row) => row.contract !== undefined)?.contract;
  const stub = contract?.split(/[:, ]/)[0];
  const isTold = stub === undefined || faultsOf({ isa: choice.isa }).some((fault) => fault.isa === claim.isa && fault.stub === stub); // its code stands there
  return element("div", { class: "fault" }, element("p", {}, element("b", {}, `Claim ${claim.id}, ${rows.map((row) => row.isa).join(", ")}: `), shortened(claim.statement, 300), ". ", element("b", {}, "What happened: "), shortened(claim.detail || "the results do not say", 400), ". ",
      claim.finding === undefined ? null : element("a", { href: linkTo({ finding: claim.finding }) }, "The trial that shows it")),
    contract === undefined ? null : element("p", {}, "No signal is needed to see this, so look here first: ", element("code", {}, stub), "."), isTold ? null : stubCode(claim.isa, stub));
}

const NOT_ASKED = "not asked for in this run";

// Each claim on each ISA: its row, or why there is none.
function claimPairs() {
  const claims = results.of("claim"), ids = valuesOf(claims, "id").sort((a, b) => a - b), isas = [...new Set([...valuesOf(claims, "isa"), ...valuesOf(results.of("skipped"), "isa")])];
  return ids.flatMap((id) => isas.map((isa) => {
    const claim = claims.find((each) => each.id === id && each.isa === isa), other = claims.find((each) => each.id === id);
    const skipped = results.of("skipped").find((row) => row.isa === isa && row.what === `claim ${id}`);
    return { id, isa, claim, why: claim !== undefined ? "" : skipped?.why ?? (other.only_isa !== undefined && other.only_isa !== isa ? `it speaks of ${other.only_isa} alone` : NOT_ASKED) };
  }));
}

function drawClaims(body) {
  const claims = results.of("claim").filter((claim) => isChosen(claim, ["isa"]));
  if (claims.length === 0) return;
  const pairs = claimPairs().filter((pair) => isChosen(pair, ["isa"])), isas = valuesOf(pairs, "isa");
  const rows = [...new Map(claims.map((claim) => [claim.id, claim])).values()].sort((a, b) => a.id - b.id);
  const columns = isas.map((isa) => [isa, (row) => claimCell(pairs.find((pair) => pair.id === row.id && pair.isa === isa)), "claim"]);
  body.append(element("p", { class: "note" }, "A claim holds if each trial is as it says. Some claims say that a protocol is unsafe: they hold if the danger shows where it is expected."),
    table("Claims", [["no.", (row) => row.id, "number"], ["claim", (row) => shortened(plainStatement(row), 300)], ...columns], rows), dataBehind("claims", () => claims));
}

// Without what differs from ISA to ISA, which its cell tells.
function plainStatement({ statement }) {
  return statement.replace(/; tried with .*$/, "").replace(/\bat \d+ (nested )?pairs\b/, "at $1pairs");
}

// What was not tried is said beside each claim: a claim of pairs that rests on none says so.
function claimCell({ claim, why }) {
  if (claim === undefined) return element("small", {}, `not tried: ${shortened(why, 100)}`);
  const details = [counted(claim.trials, "trial")];
  if (claim.pairs > 0) details.push(counted(claim.pairs, "pair"));
  else if (/\bpairs?\b/.test(claim.statement)) details.push("no pairs were tried");
  if (claim.left_out.length > 0) details.push(`left out: ${shortened(claim.left_out.join(", "), 160)}`);
  return [element("span", { class: claim.holds ? "holds-mark" : "fails-mark" }, claim.holds ? "✓ holds" : "✗ fails"), element("small", {}, details.join("; ")),
    !claim.holds && claim.finding !== undefined ? element("a", { href: linkTo({ finding: claim.finding }) }, "what happened") : null];
}
