// What is shown: the choice stands in the address, so a link to it can be sent. Parts are drawn anew
// when it changes: those in view at once, the others when there is time.

const CHOICES = ["subject", "isa", "protocol", "site", "handler", "verdict", "q", "rows", "at", "matrix", "finding", "part"];
const choice = readChoice();

function readChoice() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(CHOICES.map((key) => [key, given.get(key) ?? ""]));
}

// The address of the page with other choices, for links.
function linkTo(changes) {
  const wanted = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...choice, part: "", ...changes })) {
    if (value !== "") wanted.set(key, value);
  }
  return `#${wanted}`;
}

// Makes a choice, and draws what depends on it.
function choose(changes) {
  const before = { ...choice };
  Object.assign(choice, { part: "" }, changes);
  showChoiceInBar();
  history.replaceState(null, "", linkTo({}) === "#" ? location.pathname + location.search : linkTo({}));
  drawAnew(CHOICES.filter((key) => choice[key] !== before[key]));
}

// ---- which parts are drawn when

const onPage = []; // {part, section, stale}
let waiting = 0;

// `changed`: the choices that are others now.
function drawAnew(changed = CHOICES) {
  for (const entry of onPage) if (changed.some((key) => entry.part.uses.includes(key))) entry.stale = true;
  drawVisible();
  drawRestLater();
}

function isVisible(section) {
  const box = section.getBoundingClientRect();
  return box.bottom >= 0 && box.top <= innerHeight;
}

// First all are asked where they stand, and then drawn: to ask in between would lay out the page anew.
function drawVisible() {
  onPage.filter((entry) => entry.stale && isVisible(entry.section)).forEach(drawEntry);
}

// The room that a part has. Asked for once a width of the window, because each question lays out the page.
let room = { window: 0, width: 0 };
function roomOfPart() {
  if (room.window !== innerWidth) room = { window: innerWidth, width: document.getElementById("parts").clientWidth };
  return room.width;
}

function drawEntry(entry) {
  entry.stale = false;
  entry.draw(emptied(entry.body), results);
}

function drawRestLater() {
  if (waiting !== 0) return;
  const wait = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 30));
  waiting = wait(() => {
    waiting = 0;
    const next = onPage.find((entry) => entry.stale);
    if (next === undefined) {
      document.body.dataset.drawn = "all"; // tests wait for it
      return;
    }
    drawEntry(next);
    drawRestLater();
  }, { timeout: 500 });
  delete document.body.dataset.drawn;
}

// Does the text that is searched for stand in one of these?
function matchesSearch(...texts) {
  const wanted = choice.q.toLowerCase();
  return wanted === "" || texts.some((text) => String(text).toLowerCase().includes(wanted));
}

// Is it what was chosen? A thing that does not have a key is shown whatever is chosen for it.
function isChosen(thing, keys = ["subject", "isa", "protocol", "site", "handler", "verdict"]) {
  return keys.every((key) => choice[key] === "" || thing[key] === undefined || thing[key] === choice[key]);
}

// ---- the bar of choices

function choicesFor(key) {
  const all = new Set();
  for (const operation of results.operations) {
    if (key === "handler") for (const strip of operation.strips) for (const handler of strip.handlers) all.add(handler);
    else if (operation[key] !== undefined) all.add(operation[key]);
  }
  for (const list of [results.sums, results.matrices, results.tallies, results.of("finding")]) {
    for (const each of list) if (each[key] !== undefined && each[key] !== "") all.add(each[key]);
  }
  if (key === "verdict") {
    for (const outcome of results.outcomes) all.add(outcome.verdict);
    for (const sum of results.sums) for (const verdict of Object.keys(sum.verdicts)) all.add(verdict);
  }
  return [...all].sort();
}

function chooser(key, title) {
  const select = element("select", { id: `choose-${key}`, onchange: () => choose({ [key]: select.value, at: "" }) },
    element("option", { value: "" }, "all"),
    choicesFor(key).map((value) => element("option", { value }, shortened(value, 40))));
  return element("label", { class: "chooser" }, element("span", {}, title), select);
}

function filterBar() {
  const search = element("input", { type: "search", id: "choose-q", placeholder: "name, instruction" });
  let later = 0;
  search.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(() => choose({ q: search.value.trim() }), 120);
  });
  return element("form", { class: "filters", role: "search", "aria-label": "What is shown", onsubmit: (event) => event.preventDefault() },
    choicesFor("subject").length > 1 ? chooser("subject", "Library") : null, chooser("isa", "ISA"), chooser("protocol", "Protocol"), chooser("site", "Operation"), chooser("handler", "Handler"), chooser("verdict", "Verdict"),
    element("label", { class: "chooser" }, element("span", {}, "Search"), search),
    element("button", { type: "button", onclick: () => choose(Object.fromEntries(CHOICES.map((key) => [key, ""]))) }, "Show all"));
}

function showChoiceInBar() {
  for (const key of ["subject", "isa", "protocol", "site", "handler", "verdict", "q"]) {
    const input = document.getElementById(`choose-${key}`);
    if (input === null) continue;
    if (input !== document.activeElement || input.tagName === "SELECT" || choice[key] === "") input.value = choice[key];
  }
}
