// The parts of the page, each the answer to one question, in the order in which they stand.
//   id        of the section, and what `part=` in a link names
//   question  its title
//   has       is there anything to show? Else the section says so in one line
//   draw      draws into an empty element; called anew when a choice changes
//   uses      the choices that it depends on

const NAMES = ["subject", "isa", "protocol", "site", "handler", "verdict", "q"];
const PARTS = [
  { id: "what", question: "Did it hold, and what is new?", has: () => true, draw: drawFirst, uses: ["isa"] },
  { id: "where", question: "Where does it break?", has: hasStrips, draw: drawStrips, uses: [...NAMES, "rows", "at"], nothing: "No verdicts by boundary. `sigsweep sweep --per-boundary` writes them." },
  { id: "two", question: "What do two signals do?", has: hasMatrices, draw: drawMatrices, uses: [...NAMES, "matrix"], nothing: noMatrices },
  { id: "why", question: "What went wrong here?", has: hasFindings, draw: drawFindings, uses: [...NAMES, "finding"], nothing: "No findings." },
  { id: "search", question: "How good is the search?", has: hasSearch, draw: drawSearch, uses: ["isa", "q"], nothing: "No campaigns and no hunts." },
  { id: "cost", question: "What does it cost?", has: hasCost, draw: drawCost, uses: ["isa", "protocol", "q"], nothing: "No storms and no benchmarks." },
  { id: "swept", question: "What was run?", has: () => true, draw: drawRuns, uses: NAMES },
  { id: "words", question: "What do the words mean?", has: () => true, draw: drawWords, uses: [] },
];

function sectionOf(part) {
  const body = element("div", { class: "body" });
  const section = element("section", { id: part.id, "aria-labelledby": `${part.id}-title` },
    element("h2", { id: `${part.id}-title`, tabindex: -1 }, part.question), body);
  if (part.has(results)) {
    onPage.push({ part, section, body, stale: true, draw: part.draw });
  } else {
    body.append(element("p", { class: "note" }, typeof part.nothing === "function" ? part.nothing() : part.nothing));
  }
  return section;
}

function contents() {
  return element("nav", { "aria-label": "Parts of the page" },
    element("ul", {}, PARTS.map((part) => element("li", {}, element("a", { href: linkTo({ part: part.id }), onclick: (event) => {
      event.preventDefault();
      goTo(part.id);
    } }, part.question)))));
}

// The bar of choices stays on top, and must not cover what a link leads to.
function makeRoomForBar() {
  const bar = document.querySelector(".filters");
  document.documentElement.style.scrollPaddingTop = getComputedStyle(bar).position === "sticky" ? `${bar.offsetHeight + 8}px` : "0";
}

function goTo(id) {
  const title = document.getElementById(`${id}-title`);
  if (title === null) return;
  for (const entry of onPage) if (entry.stale) drawEntry(entry); // what stands above takes its room
  makeRoomForBar();
  title.scrollIntoView();
  title.focus({ preventScroll: true });
}

// After a link was followed: what it names is brought into view.
function followLink() {
  Object.assign(choice, readChoice());
  showChoiceInBar();
  drawAnew();
  if (choice.part !== "") goTo(choice.part);
  else if (choice.at !== "") goTo("where");
  else if (choice.finding !== "") goTo("why");
  else if (choice.matrix !== "") goTo("two");
  if (choice.at !== "") showLinkedCode();
}

function start() {
  document.querySelector("a.skip").addEventListener("click", (event) => {
    event.preventDefault();
    goTo("where");
  });
  document.getElementById("top").append(contents());
  const parts = emptied(document.getElementById("parts"));
  const [first, ...rest] = PARTS.map(sectionOf);
  parts.append(first, filterBar(), ...rest);
  showChoiceInBar();
  addEventListener("hashchange", followLink);
  addEventListener("scroll", drawVisible, { passive: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAnew()); // canvases hold colours
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) drawAnew();
    width = innerWidth;
  });
  if (location.hash.length > 1) followLink();
  else drawAnew();
}

start();
