// The page's data, unpacked: page_json.cc writes them. Nothing here touches the page.

const results = unpacked(JSON.parse(document.getElementById("data").textContent));

function unpacked(data) {
  const text = (index) => data.texts[index];
  const places = data.places.map(([module, symbol, offset, pass, phase, number, live, instruction]) => {
    const whole = text(phase) + (number > 0 ? `#${number}` : "");
    return { module: text(module), symbol: text(symbol), offset, pass, phase: whole, ...phaseParts(text(phase)),
      live: text(live) === "" ? [] : text(live).split("+"), instruction: text(instruction) };
  });
  const index = new Map([...data.alphabet].map((letter, i) => [letter, i]));
  const outcomes = data.outcomes.map(([verdict, slots, detail, flags]) =>
    ({ verdict, slots, detail, judged: (flags & 1) === 0, finding: (flags & 2) !== 0 }));
  const operations = data.operations.map(([subject, isa, protocol, site, inject, contain, code, strips]) =>
    ({ subject: text(subject), isa: text(isa), protocol: text(protocol), site: text(site), inject: text(inject), contain: text(contain), code,
      strips: strips.map(([row, ...handlers]) => ({ row, handlers: handlers.map(text) })) }));
  const tallies = data.tallies.map(([isa, protocol, site, handler, verdict, symbol, known, findings, firstSeen, firstBuild]) =>
    ({ isa: text(isa), protocol: text(protocol), site: text(site), handler: text(handler), verdict: text(verdict), symbol: text(symbol), known: known === 1, findings,
      firstSeen: text(firstSeen), firstBuild: text(firstBuild) }));
  const rowLetters = data.rows;
  const unpackedRows = new Map(); // row -> outcomes, or null where no signal landed
  const row = (number) => {
    if (!unpackedRows.has(number)) {
      unpackedRows.set(number, [...rowLetters[number]].map((letter) => outcomes[index.get(letter) - 1] ?? null));
    }
    return unpackedRows.get(number);
  };
  const verdicts = new Map(data.verdicts.map((verdict) => [verdict.name, verdict]));
  return { ...data, places, outcomes, operations, tallies, row, verdicts, of: (kind) => data.kinds[kind] ?? [],
    code: (number) => data.codes[number].map((place) => places[place]) };
}

// "stub.switched/g=g0/sp=g0/live=s0" -> the part, and what holds there, but for the live slots.
function phaseParts(phase) {
  const [part, ...rest] = phase.replace(/#\d+$/, "").split("/");
  const holds = rest.map((pair) => pair.split("=")).filter(([key, value]) => key !== "live" && value !== undefined);
  return { part, holds: Object.fromEntries(holds) };
}

function placeName(place) {
  const pass = place.pass > 1 ? ` pass ${place.pass}` : "";
  return `${shortened(place.symbol, 48)}+0x${place.offset.toString(16)}${pass}`;
}

// What a deep link names an instruction by.
function placeKey(place) {
  return `${place.symbol}+0x${place.offset.toString(16)}.${place.pass}`;
}

// How an outcome looks: "ok" that nobody can judge looks like neither ok nor wrong.
function lookOf(outcome) {
  if (outcome === null) return "not-run";
  if (outcome.verdict === "ok" && !outcome.judged) return "unjudged";
  return results.verdicts.has(outcome.verdict) ? outcome.verdict : "unknown";
}

function letterOf(look) {
  if (look === "ok" || look === "not-run") return "";
  return results.verdicts.get(look)?.letter ?? "?";
}

function meaningOf(look) {
  if (look === "not-run") return "no signal landed there";
  if (look === "unjudged") return "the backtrace ended early, and nobody can tell if that is right";
  return results.verdicts.get(look)?.meaning ?? "a verdict that this version does not know";
}

function outcomeText(outcome) {
  if (outcome === null) return "not run";
  const parts = [outcome.verdict];
  if (!outcome.judged) parts[0] += " (not judged)";
  if (outcome.slots !== "") parts[0] += ` ${outcome.slots}`;
  if (outcome.detail !== "") parts.push(shortened(outcome.detail, 120));
  if (outcome.finding) parts.push("a finding");
  return parts.join(", ");
}

function swatch(look) {
  return element("span", { class: `swatch look-${look}`, "aria-hidden": "true" }, letterOf(look));
}

// A legend of those that a picture shows, in the order of the list of verdicts, ok first.
function verdictLegend(looks) {
  const order = ["ok", "unjudged", ...[...results.verdicts.keys()].filter((name) => name !== "ok").reverse(), "unknown", "not-run"];
  return legend(order.filter((look) => looks.has(look)).map((look) => [swatch(look), element("span", { title: meaningOf(look) }, look.replace("-run", " run"))]));
}

// The values that a list of things has, each once, in the order in which they come.
function valuesOf(list, key) {
  return [...new Set(list.map((each) => each[key]))];
}
