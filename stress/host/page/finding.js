// What went wrong here? A finding as lanes in time: who ran, on which stack, and what the word in
// question held meanwhile. Findings that differ in their place alone come together.

const MOST_GROUPS = 40;

function hasFindings() {
  return results.of("finding").length > 0 || results.of("reproduced").some((row) => row.facts !== undefined) || results.of("past_finding").length > 0;
}

// A replayed schedule tells the same as a finding, under another name.
function allFindings() {
  const replayed = results.of("reproduced").filter((row) => row.facts !== undefined).map((row) => ({ ...row, id: row.path ?? "", why: row.reason, schedule: "", known: false, phase: "", detail: "" }));
  const now = results.of("finding"), ids = new Set(now.map((finding) => finding.id));
  const past = results.of("past_finding").filter((finding) => !ids.has(finding.id));
  return [...now, ...past, ...replayed];
}

function findingGroups(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const stub = stubToBlame(finding); // one fault, wherever the signal lands
    const key = (stub !== null ? [finding.known, finding.isa, finding.verdict, "everywhere", stub] : [finding.known, finding.isa, finding.protocol, finding.site, finding.handler, finding.verdict]).join("\n");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  for (const group of groups.values()) group.sort((a, b) => (b.why !== undefined) - (a.why !== undefined));
  return [...groups.values()].sort((a, b) => a[0].known - b[0].known);
}

let groupsShown = MOST_GROUPS;

function drawFindings(body) {
  const findings = allFindings().filter((finding) => isChosen(finding)
    && matchesSearch(finding.id, finding.protocol, finding.site, finding.handler, finding.verdict, finding.phase, finding.symbol, finding.why, finding.schedule));
  const groups = findingGroups(findings);
  const open = groups.find((group) => group.some((finding) => finding.id === choice.finding)) ?? groups[0];
  body.append(element("p", { class: "note" }, `${findingsSentence(findings.length)} ${counted(groups.length, "kind")} here. Findings of one kind differ in the instruction alone, or go wrong wherever the signal lands.`));
  for (const group of groups.slice(0, Math.max(groupsShown, groups.indexOf(open) + 1))) body.append(findingGroup(group, group === open));
  if (groups.length > groupsShown) {
    body.append(element("button", { type: "button", onclick: () => {
      groupsShown += MOST_GROUPS;
      drawFindings(emptied(body));
    } }, `Show ${Math.min(MOST_GROUPS, groups.length - groupsShown)} more kinds`));
  }
  body.append(dataBehind("findings", () => findings));
}

// All that there are, and how many of them the page holds. A search looks at those alone.
function findingsSentence(shown) {
  const all = results.tallies.filter((tally) => isChosen({ ...tally, handler: tally.handler === "" ? undefined : tally.handler })).reduce((sum, tally) => sum + tally.findings, 0);
  if (choice.q !== "") return `${counted(shown, "finding")} of those on this page.`;
  if (all <= shown) return `${counted(shown, "finding")}.`;
  return `${counted(all, "finding")}; ${count(shown)} of them are on this page, a sample over all places and kinds. The results have all.`;
}

function findingGroup(group, isOpen) {
  const shown = group.find((finding) => finding.id === choice.finding) ?? group[0];
  const place = element("div", {});
  const everywhere = stubToBlame(shown) !== null;
  const names = [shown.isa, shown.protocol, shown.site].filter((name) => name !== "" && name !== undefined).map((name) => shortened(name, 40)).join(" ");
  const details = element("details", { class: "finding", open: isOpen },
    element("summary", {}, swatch(results.verdicts.has(shown.verdict) ? shown.verdict : "unknown"), " ", element("b", {}, shown.verdict || "the target says"), everywhere ? ` ${shown.isa} wherever the signal lands; shown here: ` : "", ` ${names}`,
      shown.handler ? `, handler ${shortened(shown.handler, 40)}` : "", ` · ${counted(group.length, "place")}`, shown.known ? " · acknowledged" : ""),
    place);
  const fill = () => { if (details.open && place.childNodes.length === 0) drawFinding(place, shown, group); };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function drawFinding(place, finding, group) {
  const where = finding.symbol === undefined ? "" : `${shortened(finding.symbol, 60)}+0x${finding.offset.toString(16)}`;
  const source = finding.source_file === undefined ? "" : ` (${finding.source_file}:${finding.source_line})`;
  place.append(element("p", {}, where === "" ? "" : ["The signal lands in front of ", element("code", {}, where), shortened(source, 120), ". "], shortened(finding.detail ?? "", 300), finding.detail ? ". " : "", sinceWhen(finding)));
  if (finding.why) place.append(element("p", { class: "why" }, shortened(finding.why, 2000), /^Nothing more is known/.test(finding.why) ? " The second command below stops in gdb in front of the instruction, and shows what comes of the call." : ""));
  else place.append(element("p", { class: "note" }, "This one was not looked into. The first command below tells why."));
  if (finding.reason && finding.known) place.append(element("p", { class: "note" }, `Acknowledged: ${shortened(finding.reason, 300)}`));
  place.append(stubHint(finding));
  const events = eventsOf(finding);
  if (events.length > 0) place.append(lanes(finding, events));
  const registers = registersOf(finding);
  if (registers !== null) place.append(registers);
  place.append(...commandsOf(finding));
  if (finding.schedule) place.append(element("details", { class: "data" }, element("summary", {}, "Schedule"), element("pre", { class: "text", tabindex: 0, "aria-label": "Schedule" }, shortened(finding.schedule, 20000))));
  if (group.length > 1) place.append(otherPlaces(finding, group));
}

function otherPlaces(finding, group) {
  const link = (other) => element("li", {}, element("a", { href: linkTo({ finding: other.id, at: "" }) }, other.symbol === undefined ? other.id : `${shortened(other.symbol, 40)}+0x${other.offset.toString(16)}`), ` ${shortened(other.phase ?? "", 60)}`);
  return element("details", { class: "data" }, element("summary", {}, `The other ${counted(group.length - 1, "place")}`), element("ul", {}, group.filter((other) => other !== finding).slice(0, 500).map(link)), group.length > 501 ? element("p", { class: "note" }, `${count(group.length - 501)} more are not listed here; search or choose above to find them.`) : null);
}

// Of a fault that does not depend on where the signal lands: the stub that is entered; empty: it is
// unknown. Of others null.
function stubToBlame(finding) {
  const everywhere = everywhereOf(finding), row = protocolRow(finding.isa, finding.protocol);
  return everywhere === null ? null : (everywhere.calls ? row?.handler_enters : row?.operation_enters) ?? "";
}

function stubHint(finding) {
  const stub = stubToBlame(finding);
  if (stub === null) return "";
  return element("p", { class: "note" }, "It goes wrong wherever the signal lands, so the interrupted instruction is not to blame.", stub === "" ? "" : [" Look at ", element("code", {}, stub), ", the stub that is entered. Its code stands under “What was found”."]);
}

function sinceWhen(finding) {
  const past = finding;
  if (past.first_seen === undefined) return "";
  return `First seen ${past.first_seen.slice(0, 10)}, by build ${shortened(past.first_build, 60)}; last seen ${past.last_seen?.slice(0, 10)}; in ${counted(past.count, "run")}.`;
}

function commandsOf(finding) {
  if (finding.id === undefined || finding.id === "") return [];
  const run = results.of("run").find((each) => each.file === finding.file && each.adapter !== undefined);
  const adapter = run === undefined ? "" : ` --adapter ${run.adapter.file}`;
  return [commandLine(`./scripts/reproduce ${finding.id}${adapter}`, "Show it again"), commandLine(`./scripts/reproduce --gdb ${finding.id}${adapter}`, "In gdb, in front of it")];
}

// ---- events, in the order of time: {lane, text, stack, value}

const ROLE_TEXT = {
  owner: (deed, word) => `writes ${word} = ${deed.value}`, writer: (deed, word) => `writes ${word} = ${deed.value}`, reader: (deed, word) => `reads ${word}: ${deed.value}`,
  setter: (deed, word, register) => `sets ${register} = ${deed.value}`, lost: (deed, word, register) => `comes back with another ${register}: ${deed.value}`,
  left: (deed) => `leaves its stack, SP ${deed.value}`, switched: (deed) => `comes to a wrong stack, SP ${deed.value}`, faulted: (deed) => `faults, SP ${deed.value}`,
  last: () => "runs last", "first-of-loop": () => "a loop begins", "last-of-loop": () => "the loop ends",
};

function eventsOf(finding) {
  const deeds = finding.facts?.deeds ?? [];
  if (deeds.length === 0) return [];
  const word = finding.facts.word?.name || (finding.facts.word === undefined ? "a word" : `the word at ${finding.facts.word.address}`);
  const register = finding.facts.register || "a register";
  const events = deeds.map((deed) => ({ lane: deed.by, role: deed.role, value: ["owner", "writer"].includes(deed.role) ? deed.value : null,
    text: (ROLE_TEXT[deed.role] ?? (() => deed.role))(deed, word, register), where: `${shortened(deed.symbol, 40)}+0x${deed.offset.toString(16)}` }));
  return withLanding(events, finding);
}

// The signal lands in front of the first thing that the handler does; if the handler does nothing of
// note, in front of what comes last.
function withLanding(events, finding) {
  const injected = /^inject\s+(\S+) at (\S+)/m.exec(finding.schedule ?? "");
  const { holds } = phaseParts(finding.phase ?? "");
  const stack = holds.sp === undefined ? "" : `SP in ${holds.sp}`;
  const landing = { lane: "operation", role: "landing", text: `${injected?.[1] ?? "the signal"} lands`, where: shortened(injected?.[2] ?? "", 40), stack };
  let at = events.findIndex((event) => event.lane !== "operation");
  if (at < 0) at = Math.max(events.length - 1, 0);
  events.splice(at, 0, landing);
  const handler = events.findLastIndex((event) => event.lane !== "operation");
  if (handler > at && handler < events.length - 1) events.splice(handler + 1, 0, { lane: events[handler].lane, role: "return", text: "returns", where: "" });
  return events;
}

function lanes(finding, events) {
  const rank = (lane) => (lane === "operation" ? "" : lane);
  const names = [...new Set(events.map((event) => event.lane))].sort((a, b) => rank(a).localeCompare(rank(b)));
  const titles = { operation: `interrupted call: ${shortened(finding.site ?? "", 30)}`, signal: "the signal's way in", harness: "harness" };
  const word = finding.facts.word;
  let held = null;
  const rows = events.map((event) => {
    const changed = event.value !== null && event.value !== undefined;
    if (changed) held = { value: event.value, own: event.lane === "operation" };
    return element("tr", { class: `event ${event.role}` }, names.map((name) => laneCell(event, name)),
      word === undefined ? null : element("td", { class: held === null ? null : `held ${held.own ? "own" : "other"}` }, held === null ? "" : changed ? [element("b", {}, shortened(held.value, 30)), held.own ? "" : " overwritten"] : "″"));
  });
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "What happened, in the order of time" }, element("table", { class: "lanes" },
    element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, titles[name] ?? `${name}: ${shortened(finding.handler ?? "", 30)}`)),
      word === undefined ? null : element("th", { scope: "col" }, `${word.name ? `slot or word ${shortened(word.name, 30)}` : word.address}${word.stack ? `, on ${word.stack}` : ""} holds`))),
    element("tbody", {}, rows)));
}

function laneCell(event, name) {
  if (event.lane !== name) return element("td", { class: "lane" });
  return element("td", { class: "lane here" }, event.text, event.where === "" ? null : [" ", element("code", {}, event.where)], event.stack ? element("small", {}, event.stack) : null);
}

// Registers and slots where the signal landed, and at the end.
function registersOf(finding) {
  const landed = finding.facts?.landed, ended = finding.facts?.ended ?? {};
  if (landed === undefined) return null;
  const names = Object.keys(landed);
  return element("details", { class: "data" }, element("summary", {}, Object.keys(ended).length === 0 ? "Registers and slots at the landing" : "Registers and slots, before and after"),
    table("Registers and slots", [["name", (name) => name, "word"], ["at the landing", (name) => element("code", {}, landed[name])],
      ...(Object.keys(ended).length === 0 ? [] : [["at the end", (name) => element("code", { class: ended[name] !== undefined && ended[name] !== landed[name] ? "changed" : null }, ended[name] ?? "")]])], names),
    Object.keys(ended).length === 0 ? element("p", { class: "note" }, "None were recorded at the end: no instruction was looked for.") : null);
}
