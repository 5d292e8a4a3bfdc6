// The code under a strip, with the verdicts of its rows beside it. Each instruction has a link.

function openCode(view, line, i) {
  const { group } = line;
  const link = (place) => atOf(line.row.operation, line.row.handler, place);
  choose.quietly({ at: link(group.places[i]) });
  const heading = element("h4", { tabindex: -1 }, `Code of ${view.block.isa}, ${shortened(line.row.operation.site, 40)}`);
  const close = element("button", { type: "button", class: "small", onclick: () => {
    emptied(view.code);
    choose.quietly({ at: "" });
    view.strips.focus();
  } }, "Close");
  const rows = group.places.map((place, k) => codeRow(group, place, k, k === i, link(place)));
  emptied(view.code).append(element("div", { class: "code" }, element("div", { class: "code-head" }, heading, close),
    element("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": "Disassembly with verdicts" },
      element("table", {}, element("thead", {}, element("tr", {}, ["in front of", "instruction"].map((title) => element("th", { scope: "col" }, title)),
        group.rows.map((row) => element("th", { scope: "col", class: "verdict", title: row.handlers.join(", ").slice(0, 400) }, shortened(row.label, 28))), ["part", "what holds"].map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, rows)))));
  const chosen = rows[i];
  chosen.scrollIntoView({ block: "nearest" });
  chosen.querySelector("a").focus({ preventScroll: true });
}

function codeRow(group, place, k, isChosenRow, at) {
  const holds = [...Object.entries(place.holds).map(([key, value]) => `${key}=${value}`), ...(place.live.length > 0 ? [`live ${place.live.join("+")}`] : [])];
  const mark = group.marks.get(k);
  return element("tr", { class: isChosenRow ? "chosen" : null, "aria-current": isChosenRow ? "true" : null },
    element("td", {}, element("a", { href: linkTo({ at }), title: "A link to this line, for others" }, placeName(place)), mark === undefined ? null : element("span", { class: "guilty", title: mark }, " ◂ look here")),
    element("td", {}, element("code", {}, shortened(place.instruction, 120))),
    group.rows.map((row) => {
      const outcome = row.outcomes[k];
      return element("td", { class: "verdict", title: outcomeText(outcome) }, swatch(lookOf(outcome)), " ", outcome === null ? "not run" : `${outcome.verdict}${outcome.slots === "" ? "" : ` ${outcome.slots}`}${outcome.finding ? ", a finding" : ""}`);
    }), element("td", {}, place.part), element("td", {}, holds.join(" ")));
}

// A choice that only the address tells: nothing is drawn anew.
choose.quietly = (changes) => {
  Object.assign(choice, { part: "" }, changes);
  showChoiceInBar();
  history.replaceState(null, "", linkTo({}));
};

// Opens the code at the instruction that the link names, in the first strip that has it.
function showLinkedCode() {
  const { isa, place: wanted } = parsedAt();
  for (const strips of document.querySelectorAll("#where .strips")) {
    if (strips.view.block.isa !== isa) continue;
    for (const line of strips.view.rows) {
      const i = line.group.places.findIndex((place) => placeKey(place) === wanted);
      if (i >= 0) return openCode(strips.view, line, i);
    }
  }
  say(`No strip shows ${shortened(wanted)}.`);
}
