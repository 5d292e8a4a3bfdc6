// Where does it break? An instruction a column, in the order in which they run; a protocol or a
// handler a row. Operations with the same code share the bands above their rows. Columns are aligned
// by part of the code, so that stubs and ISAs can be compared by eye.
//
// A row is a few SVG elements, however many instructions it has: a path of all cells that look alike,
// and a text of all their letters.

const ROW = 20, BAND = 18, BAR = 9, GAP = 18; // heights
const LEAST_CELL = 9, MOST_CELL = 20;         // widths

function hasStrips() {
  return results.operations.length > 0;
}

// ---- what is shown

// The operation and handler that show most, for a page that was opened without a choice. Of one
// subject, or of all.
const richest = new Map();
function richestStrip(subject = "") {
  if (!richest.has(subject)) richest.set(subject, richestOf(results.operations.filter((operation) => subject === "" || operation.subject === subject)));
  return richest.get(subject);
}

function richestOf(operations) {
  const seen = new Map(); // subject, site, handler -> what they show
  for (const operation of operations) {
    for (const strip of operation.strips) {
      const looks = [...new Set(results.row(strip.row).map(lookOf))];
      for (const handler of strip.handlers) {
        const key = [operation.subject, operation.site, handler].join("\n");
        if (!seen.has(key)) seen.set(key, new Set());
        for (const look of looks) seen.get(key).add(`${operation.isa} ${operation.protocol} ${look}`);
      }
    }
  }
  let best = { subject: "", site: "", handler: "", score: -1 };
  for (const [key, looks] of seen) {
    const [subject, site, handler] = key.split("\n");
    // A handler that does the same as the operation shows the hazards best: a little in its favour.
    const score = looks.size + (handler === site ? 0.5 : 0);
    if (score > best.score) best = { subject, site, handler, score };
  }
  return best;
}

function rowsAre() {
  if (choice.rows !== "") return choice.rows;
  const subject = choice.subject || parsedAt().subject || richestStrip().subject;
  const protocols = new Set(results.operations.filter((operation) => operation.subject === subject).map((operation) => operation.protocol));
  return protocols.size > 2 ? "protocols" : "handlers";
}

// What the strips show: an operation, and either one handler or one protocol.
function shownStrips() {
  const by = rowsAre();
  const linked = parsedAt();
  const subject = choice.subject || linked.subject || richestStrip().subject;
  const site = choice.site || linked.site || richestStrip(subject).site;
  let operations = results.operations.filter((operation) => operation.subject === subject && operation.site === site && isChosen(operation, ["isa", "protocol"]));
  let handler = choice.handler;
  if (by === "protocols" && handler === "") {
    const has = (name) => operations.some((operation) => operation.strips.some((strip) => strip.handlers.includes(name)));
    const wanted = [linked.handler, richestStrip(subject).handler].find(has);
    handler = wanted !== undefined ? wanted : operations[0]?.strips[0]?.handlers[0] ?? "";
  }
  if (by === "handlers" && choice.protocol === "" && choice.rows === "handlers" && operations.length > 0) {
    const first = operations[0].protocol;
    if (new Set(operations.map((operation) => operation.protocol)).size > 2) {
      operations = operations.filter((operation) => operation.protocol === first);
    }
  }
  return { by, subject, site, handler, operations };
}

// A deep link's instruction: subject/isa/site/handler/place. The last may have slashes of its own.
function parsedAt() {
  const [subject = "", isa = "", site = "", handler = "", ...place] = choice.at.split("/");
  return { subject, isa, site, handler, place: place.join("/") };
}

function atOf(operation, handler, place) {
  return [operation.subject, operation.isa, operation.site, handler, placeKey(place)].join("/");
}

// Rows by ISA and code: {isa, groups: [{code, places, rows: [{label, protocol, handler, outcomes}]}]}.
function stripBlocks({ by, handler, operations }) {
  const blocks = new Map(), several = valuesOf(operations, "protocol").length > 1;
  for (const operation of operations) {
    const rows = stripRows(by, handler, operation, several);
    if (rows.length === 0) continue;
    const groups = blocks.get(operation.isa) ?? new Map();
    const group = groups.get(operation.code) ?? { code: operation.code, places: results.code(operation.code), rows: [] };
    group.rows.push(...rows);
    groups.set(operation.code, group);
    blocks.set(operation.isa, groups);
  }
  return [...blocks].map(([isa, groups]) => ({ isa, groups: [...groups.values()] }));
}

function stripRows(by, handler, operation, several) {
  return operation.strips
    .filter((strip) => handler === "" || strip.handlers.includes(handler))
    .map((strip) => ({ operation, outcomes: results.row(strip.row), protocol: operation.protocol, handlers: strip.handlers,
      handler: handler !== "" ? handler : strip.handlers[0],
      label: by === "protocols" ? operation.protocol : `${several ? `${operation.protocol}: ` : ""}${some(strip.handlers, 2)}` }))
    .filter((row) => choice.verdict === "" || row.outcomes.some((outcome) => outcome?.verdict === choice.verdict));
}

// ---- columns

// The parts of a group's code, as runs of instructions: {key, part, begin, length}.
function segmentsOf(places) {
  const segments = [], seen = new Map();
  places.forEach((place, i) => {
    const last = segments.at(-1);
    if (last !== undefined && last.part === place.part) return last.length++;
    const nth = (seen.get(place.part) ?? 0) + 1;
    seen.set(place.part, nth);
    segments.push({ key: `${place.part} ${nth}`, part: place.part, begin: i, length: 1 });
  });
  return segments;
}

// Gives each group the columns of its instructions. A part begins in the same column everywhere.
function alignColumns(blocks) {
  const order = [], width = new Map();
  for (const { groups } of blocks) {
    for (const group of groups) {
      group.segments = segmentsOf(group.places);
      let at = 0;
      for (const { key, length } of group.segments) {
        const known = order.indexOf(key);
        if (known >= 0) at = known + 1;
        else order.splice(at++, 0, key);
        width.set(key, Math.max(width.get(key) ?? 0, length));
      }
    }
  }
  const first = new Map();
  let columns = 0;
  for (const key of order) {
    first.set(key, columns);
    columns += width.get(key);
  }
  for (const { groups } of blocks) {
    for (const group of groups) {
      group.columns = group.segments.flatMap(({ key, length }) => Array.from({ length }, (_, i) => first.get(key) + i));
    }
  }
  return columns;
}

// ---- pictures of rows and bands. `x`: columns to pixels.

function runsOf(list, keyOf) {
  const runs = [];
  list.forEach((each, i) => {
    const key = keyOf(each, i), last = runs.at(-1);
    if (last !== undefined && last.key === key) last.end = i + 1;
    else runs.push({ key, begin: i, end: i + 1 });
  });
  return runs;
}

function drawRow(row, group, top, cell) {
  const cells = new Map(); // look -> columns
  const marks = [];
  row.outcomes.forEach((outcome, i) => {
    const look = lookOf(outcome);
    if (!cells.has(look)) cells.set(look, []);
    cells.get(look).push(group.columns[i]);
    if (outcome?.finding) marks.push(group.columns[i]);
  });
  const picture = [];
  const inner = cell - (cell >= 6 ? 1 : 0);
  for (const [look, columns] of cells) {
    picture.push(drawn("path", { class: `cell look-${look}`, d: columns.map((column) => `M${column * cell} ${top}h${inner}v${ROW - 3}h${-inner}z`).join("") }));
    const letter = letterOf(look);
    if (letter !== "") {
      picture.push(drawn("text", { class: `letter look-${look}`, y: top + ROW - 7, x: columns.map((column) => column * cell + inner / 2).join(" ") }, letter.repeat(columns.length)));
    }
  }
  if (marks.length > 0) picture.push(drawn("path", { class: "finding-mark", d: marks.map((column) => `M${column * cell} ${top + ROW - 3}h${inner}`).join("") }));
  return picture;
}

function drawParts(group, top, cell) {
  return group.segments.map(({ part, begin, length }, i) => {
    const x = group.columns[begin] * cell, width = length * cell - 1;
    const shown = fitting(width, part, part.split(".").at(-1));
    return drawn("g", {}, drawn("title", {}, part),
      drawn("rect", { class: `part part-${i % 2}`, x, y: top, width, height: BAND - 3 }),
      drawn("text", { class: "part-name", x: x + 3, y: top + BAND - 7 }, shown));
  });
}

// The longest of the names that has room; none, if a word would be cut.
function fitting(width, ...names) {
  const letters = Math.floor(width / 6.2);
  return names.find((name) => name.length <= letters) ?? "";
}

// Where two of the things that hold there differ, such as g and SP: each value by name, and a hatch
// where they disagree.
function drawHolds(group, top, cell) {
  const keys = [...new Set(group.places.flatMap((place) => Object.keys(place.holds)))];
  const told = (place) => {
    const values = keys.map((key) => place.holds[key] ?? "");
    return new Set(values).size === 1 ? values[0] : keys.map((key) => `${key}=${place.holds[key] ?? "?"}`).join(" ");
  };
  return runsOf(group.places, (place, i) => `${told(place)}\n${segmentOf(group, i)}`).map(({ key, begin, end }) => {
    const text = key.split("\n")[0];
    const x = group.columns[begin] * cell, width = (end - begin) * cell - 1;
    const differ = text.includes(" ");
    const shown = !differ && text.length * 6.2 < width ? text : "";
    return drawn("g", {}, drawn("title", {}, text),
      drawn("rect", { class: differ ? "holds differ" : "holds", x, y: top + 2, width, height: BAND - 6 }),
      differ ? drawn("path", { class: "differ-mark", d: hatch(x, top + 2, width, BAND - 6) }) : null,
      drawn("text", { class: "part-name", x: x + 3, y: top + BAND - 7 }, shown));
  });
}

function hatch(x, y, width, height) {
  let path = "";
  for (let at = 0; at < width; at += 4) path += `M${x + at} ${y + height}L${Math.min(x + at + height / 2, x + width)} ${y}`;
  return path;
}

function segmentOf(group, i) {
  return group.segments.findIndex(({ begin, length }) => i >= begin && i < begin + length);
}

function drawLive(slot, group, top, cell) {
  const columns = group.columns.filter((_, i) => group.places[i].live.includes(slot));
  return drawn("path", { class: "live", d: columns.map((column) => `M${column * cell} ${top + 1}h${cell}v${BAR - 4}h${-cell}z`).join("") });
}

// Marks above the columns that are searched for, or that a finding names as guilty.
function drawMarks(group, top, cell, marked) {
  return [...marked].map(([i, text]) => drawn("path", { class: "mark", d: `M${group.columns[i] * cell} ${top}h${cell - 1}l${-(cell - 1) / 2} 6z` }, drawn("title", {}, text)));
}

// ---- guilty instructions

// Instructions that the facts of a finding name: "symbol+0x12" -> what it did there.
let guilty = null;
function guiltyPlaces() {
  if (guilty !== null) return guilty;
  guilty = new Map();
  for (const row of [...results.of("finding"), ...results.of("reproduced")]) {
    for (const deed of row.facts?.deeds ?? []) {
      if (["writer", "switched", "left", "lost", "setter", "faulted"].includes(deed.role)) {
        guilty.set(`${deed.symbol}+0x${deed.offset.toString(16)}`, deed.role);
      }
    }
  }
  return guilty;
}

function marksOf(group, siblings) {
  const marked = new Map();
  group.places.forEach((place, i) => {
    const role = guiltyPlaces().get(`${place.symbol}+0x${place.offset.toString(16)}`);
    if (role !== undefined) marked.set(i, `${placeName(place)}: ${role}`);
    if (choice.q !== "" && matchesSearch(place.instruction, place.symbol, placeKey(place), place.phase)) marked.set(i, `found: ${placeName(place)}`);
  });
  for (const i of oddInstructions(group, siblings)) marked.set(i, `${placeName(group.places[i])} ${group.places[i].instruction}: the code differs here from that of the rows that are right`);
  return marked;
}

// Where a code has one or two instructions that a sibling has not, and never comes back to its caller
// as the sibling does, or is wrong everywhere in the same way: the first of them, where the fault lies.
function oddInstructions(group, siblings) {
  const isWrong = ({ outcomes }) => !["ok", "rejected", undefined].includes(outcomes[0]?.verdict) && outcomes.every((outcome) => outcome?.verdict === outcomes[0].verdict);
  const isBad = (each) => !comesBack(each) || each.rows.every(isWrong);
  if (!isBad(group)) return [];
  for (const other of siblings) {
    if (other === group || isBad(other)) continue;
    const odd = missingIn(group.places.map(shape), other.places.map(shape));
    if (odd.length > 0 && odd.length <= 2) return odd.slice(0, 1);
  }
  return [];
}

function comesBack({ places }) {
  const base = (place) => place.part.split(".")[0];
  return places.length > 0 && base(places[0]) === base(places.at(-1));
}

// An instruction without what changes from stub to stub: addresses, and the stub's name.
function shape(place) {
  return place.instruction.replace(/\b0x[0-9a-f]{4,}\b/g, "ADDRESS").replace(/[\w.]+\+0x[0-9a-f]+/g, "PLACE").replace(/\s+/g, " ");
}

// Indexes of `a` that are no part of the longest common sequence of a and b.
function missingIn(a, b) {
  const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
  }
  const missing = [];
  for (let i = 0, j = 0; i < a.length;) {
    if (j < b.length && a[i] === b[j]) { i++; j++; }
    else if (j < b.length && length[i][j + 1] >= length[i + 1][j]) j++;
    else missing.push(i++);
  }
  return missing;
}

// ---- a block: the strips of one ISA, with its labels

// The lines of a block from the top: {kind, height, label, group, row, slot}.
function linesOf(block) {
  const lines = [];
  block.groups.forEach((group, g) => {
    if (g > 0) lines.push({ kind: "gap", height: GAP, label: "" });
    if (group.marks.size > 0) lines.push({ kind: "marks", height: 8, label: "", group });
    lines.push({ kind: "parts", height: BAND, label: "part", group });
    if (group.places.some((place) => Object.keys(place.holds).length > 0)) {
      const keys = [...new Set(group.places.flatMap((place) => Object.keys(place.holds)))];
      lines.push({ kind: "holds", height: BAND, label: keys.map((key) => key.replace(/^sp$/, "SP")).join(" and "), group });
    }
    for (const slot of slotsOf(group)) lines.push({ kind: "live", height: BAR + 4, label: `${slot} is live`, group, slot });
    for (const row of group.rows) lines.push({ kind: "row", height: ROW, label: row.label, group, row });
  });
  return lines;
}

function slotsOf(group) {
  return [...new Set(group.places.flatMap((place) => place.live))].sort().slice(0, 8);
}

const DRAW_LINE = {
  gap: () => [],
  marks: (line, top, cell) => drawMarks(line.group, top, cell, line.group.marks),
  parts: (line, top, cell) => drawParts(line.group, top, cell),
  holds: (line, top, cell) => drawHolds(line.group, top, cell),
  live: (line, top, cell) => drawLive(line.slot, line.group, top, cell),
  row: (line, top, cell) => drawRow(line.row, line.group, top, cell),
};

function drawBlock(block, columns, cell) {
  for (const group of block.groups) group.marks = marksOf(group, block.groups);
  const lines = linesOf(block);
  let top = 0;
  const picture = [];
  for (const line of lines) {
    line.top = top;
    picture.push(DRAW_LINE[line.kind](line, top, cell));
    top += line.height;
  }
  const cursor = drawn("rect", { class: "cursor", width: cell, height: ROW - 2, hidden: true });
  const svg = drawn("svg", { width: columns * cell, height: top, "aria-hidden": "true" }, picture, cursor);
  const readout = element("p", { class: "readout" }, "Point at a cell, or use the arrow keys. Enter opens the code.");
  const strips = element("div", { class: "strips", tabindex: 0, role: "application", "aria-roledescription": "strips",
    "aria-label": `${block.isa}: ${counted(lines.filter((line) => line.kind === "row").length, "row")} of verdicts. Arrow keys move, Enter opens the code.` }, svg);
  const labels = element("div", { class: "labels" }, lines.map((line) =>
    element("div", { class: `label ${line.kind}`, style: `height:${line.height}px`, title: line.row === undefined ? null : `${line.row.protocol}, handlers ${line.row.handlers.map((name) => shortened(name, 40)).slice(0, 40).join(", ")}` }, shortened(line.label, 60))));
  const code = element("div", { class: "code-place" });
  moveIn({ block, lines, cell, strips, svg, cursor, readout, code });
  return element("div", { class: "block", "data-isa": block.isa }, element("h3", {}, block.isa), element("div", { class: "block-row" }, labels, strips), readout, code);
}

// ---- moving about in a block, by keys and by pointer

function moveIn(view) {
  const rows = view.lines.filter((line) => line.kind === "row");
  let at = { row: 0, i: 0 };
  const show = (aloud) => {
    const line = rows[at.row];
    const { text } = toldAt(line, at.i);
    view.readout.textContent = text;
    if (aloud) say(text);
    const x = line.group.columns[at.i] * view.cell;
    for (const [key, value] of [["x", x], ["y", line.top - 1]]) view.cursor.setAttribute(key, value);
    view.cursor.removeAttribute("hidden");
    if (x < view.strips.scrollLeft || x + view.cell > view.strips.scrollLeft + view.strips.clientWidth) view.strips.scrollLeft = x - view.strips.clientWidth / 2;
  };
  const open = () => openCode(view, rows[at.row], at.i);
  view.strips.addEventListener("keydown", (event) => {
    const last = rows[at.row].group.places.length - 1;
    const moves = { ArrowRight: () => at.i = Math.min(at.i + 1, last), ArrowLeft: () => at.i = Math.max(at.i - 1, 0),
      ArrowDown: () => at = stepped(rows, at, 1), ArrowUp: () => at = stepped(rows, at, -1),
      Home: () => at.i = 0, End: () => at.i = last };
    if (event.key === "Enter" || event.key === " ") open();
    else if (moves[event.key] !== undefined) { moves[event.key](); show(true); }
    else return;
    event.preventDefault();
  });
  const pointed = (event) => {
    const box = view.svg.getBoundingClientRect(), y = event.clientY - box.top, column = Math.floor((event.clientX - box.left) / view.cell);
    const row = rows.findIndex((line) => y >= line.top && y < line.top + line.height);
    const i = row < 0 ? -1 : rows[row].group.columns.indexOf(column);
    if (i < 0) return false;
    at = { row, i };
    return true;
  };
  view.strips.addEventListener("pointermove", (event) => { if (pointed(event)) show(false); });
  view.strips.addEventListener("click", (event) => { if (pointed(event)) { show(true); open(); } });
  view.strips.addEventListener("focus", () => show(true));
  view.rows = rows;
  view.strips.view = view; // for deep links
}

// To the next row, in the same column of the picture, or the nearest.
function stepped(rows, { row, i }, by) {
  const next = Math.min(Math.max(row + by, 0), rows.length - 1);
  const column = rows[row].group.columns[i], columns = rows[next].group.columns;
  let best = 0;
  columns.forEach((each, k) => { if (Math.abs(each - column) < Math.abs(columns[best] - column)) best = k; });
  return { row: next, i: best };
}

function toldAt(line, i) {
  const place = line.group.places[i], outcome = line.row.outcomes[i];
  const holds = Object.entries(place.holds).map(([key, value]) => `${key.replace(/^sp$/, "SP")} ${value}`).join(", ");
  const live = place.live.length === 0 ? "" : `, ${place.live.join(" and ")} live`;
  return { text: `${shortened(line.label, 40)}: ${outcomeText(outcome)}. In front of ${placeName(place)}: ${shortened(place.instruction, 60)} (${place.part}${holds === "" ? "" : `, ${holds}`}${live}).` };
}

// ---- the part

function drawStrips(body) {
  const shown = shownStrips();
  const blocks = stripBlocks(shown);
  body.append(...stripSentence(shown), rowSwitch(shown));
  if (blocks.length === 0) {
    body.append(element("p", { class: "note" }, nothingRecorded()));
    return;
  }
  const looks = new Set(blocks.flatMap(({ groups }) => groups.flatMap(({ rows }) => rows.flatMap(({ outcomes }) => outcomes.map(lookOf)))));
  body.append(verdictLegend(looks));
  const columns = alignColumns(blocks);
  const room = roomOfPart() - labelRoom();
  const cell = Math.min(MOST_CELL, Math.max(LEAST_CELL, Math.floor(room / columns * 4) / 4));
  for (const block of blocks) body.append(drawBlock(block, columns, cell));
  body.append(dataBehind("strips", () => stripData(blocks)));
}

// Of what was chosen, what has no verdicts by boundary.
function nothingRecorded() {
  const has = { isa: (o) => o.isa === choice.isa, protocol: (o) => o.protocol === choice.protocol, site: (o) => o.site === choice.site, handler: (o) => o.strips.some((strip) => strip.handlers.includes(choice.handler)) };
  const missing = Object.keys(has).find((key) => choice[key] !== "" && !results.operations.some(has[key]));
  if (missing === undefined) return "Nothing here is as chosen. “Show all” shows everything again.";
  const recorded = missing === "handler" ? results.operations.flatMap((o) => o.strips.flatMap((strip) => strip.handlers)) : valuesOf(results.operations, missing);
  return `Nothing is recorded by boundary for ${shortened(choice[missing])}: only for ${some(new Set(recorded), 6)}. \`sigsweep sweep --per-boundary --${missing} ${shortened(choice[missing])}\` records it. “Trials by verdict” below counts what it came to.`;
}

function labelRoom() {
  return innerWidth < 600 ? 112 : 190;
}

function stripSentence({ by, subject, site, handler, operations }) {
  const several = valuesOf(results.operations, "subject").length > 1;
  const what = element("p", { class: "note" }, several ? [element("b", {}, shortened(subject)), ": a"] : "A", " signal lands in front of an instruction of ", element("b", {}, shortened(site)),
    handler === "" ? ". " : [". Its handler does ", element("b", {}, shortened(handler)), ". "],
    `One column is one instruction, in the order in which they run. One row is one ${by === "protocols" ? "protocol" : "handler"}. `,
    by === "handlers" && valuesOf(operations, "protocol").length === 1 ? protocolSentence(operations[0]) : "",
    "A bar above is a slot that was written and is still to be read. Hatched: two things disagree that belong together, such as g and SP.");
  const key = element("p", { class: "note" }, element("b", {}, "Is red bad? "), "Only with a line below it: ", findingSample(), " is a finding. A harmful verdict without the line is expected: the protocol is known to be unsafe there, which is what the proof shows. A broken backtrace without the line was observed, and nothing was promised.");
  return [what, key];
}

function protocolSentence({ isa, protocol }) {
  const summary = protocolRow(isa, protocol)?.summary;
  return ["All rows are of protocol ", element("b", {}, protocol), summary ? `: ${summary}. ` : ". "];
}

// A cell with the line of a finding below it, as the strips have it.
function findingSample() {
  return drawn("svg", { width: 18, height: 20, class: "sample", role: "img", "aria-label": "a cell with a line below it" }, drawn("path", { class: "cell look-crash", d: "M0 0h18v15h-18z" }), drawn("path", { class: "finding-mark", d: "M0 17h18" }));
}

function rowSwitch({ by }) {
  return element("p", { class: "switch" }, "Rows: ", ["protocols", "handlers"].map((name) =>
    element("button", { type: "button", class: "small", "aria-pressed": String(by === name), onclick: () => choose({ rows: name, at: "" }) }, name)));
}

function stripData(blocks) {
  return blocks.flatMap(({ isa, groups }) => groups.flatMap((group) => group.rows.map((row) => ({
    isa, protocol: row.protocol, site: row.operation.site, handlers: row.handlers,
    boundaries: row.outcomes.map((outcome, i) => ({ at: placeKey(group.places[i]), phase: group.places[i].phase, instruction: group.places[i].instruction, outcome })) }))));
}
