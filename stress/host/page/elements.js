// What all parts make their elements with. Text from results enters the page as text only: nothing
// here takes HTML.

const SVG = "http://www.w3.org/2000/svg";
const MOST_SHOWN = 80; // characters of a name; the data have all of it

// A name that is too long keeps its beginning and its end.
function shortened(text, most = MOST_SHOWN) {
  const all = String(text);
  if (all.length <= most) return all;
  const half = Math.floor((most - 1) / 2);
  return `${all.slice(0, half)}…${all.slice(-half)}`;
}

// element("p", {class: "note"}, "text", child...). A key that begins with "on" is a listener; a value
// of null, undefined or false leaves the attribute out.
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function emptied(node) {
  node.replaceChildren();
  return node;
}

// 1234567 -> "1,234,567"
function count(number) {
  return Number(number).toLocaleString("en");
}

function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// Three digits, with a unit: seconds -> "1 h 02 min", "12.3 s", "45 ms".
function duration(seconds) {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, "0")} min`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds) % 60).padStart(2, "0")} s`;
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  return `${(seconds * 1000).toPrecision(3)} ms`;
}

// "list, of, names and 3 more"
function some(names, most = 4) {
  const list = [...names].map((name) => shortened(name, 40));
  if (list.length <= most) return list.join(", ");
  return `${list.slice(0, most).join(", ")} and ${list.length - most} more`;
}

// For those who hear the page: said once, politely.
function say(text) {
  document.getElementById("said").textContent = text;
}

// A button that puts a text on the clipboard. A page from disk may not be allowed to: then the text
// is selected, so that the keyboard's own copy takes it.
function copyButton(text, source) {
  const button = element("button", { type: "button", class: "small" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    say(button.textContent);
  });
  return button;
}

// A command, with a button that copies it.
function commandLine(text, what) {
  const code = element("code", {}, shortened(text, 400));
  return element("div", { class: "command" }, element("span", { class: "what" }, what), code, copyButton(text, code));
}

// The data behind a picture: opened as text, or saved. `data` is called when it is asked for.
function dataBehind(name, data) {
  const text = () => JSON.stringify(data(), null, 1);
  const shown = element("div", {});
  const details = element("details", { class: "data" }, element("summary", {}, "Data of this picture"), shown);
  details.addEventListener("toggle", () => {
    if (!details.open || shown.childNodes.length > 0) return;
    const all = text();
    const save = element("a", { class: "button small", download: `${name}.json`, href: URL.createObjectURL(new Blob([all], { type: "application/json" })) }, "Save as JSON");
    shown.append(save, element("pre", { tabindex: 0, "aria-label": `${name}, as JSON` }, all.length > 200000 ? `${all.slice(0, 200000)}\n… the file has all of it` : all));
  });
  return details;
}

// A table with a head. `columns`: [title, function of a row, "number" for figures].
function table(caption, columns, rows) {
  const cell = (tag, content, kind) => element(tag, { class: kind ?? null, scope: tag === "th" ? "col" : null }, content);
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption },
    element("table", {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, columns.map(([title, , kind]) => cell("th", title, kind)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, columns.map(([, value, kind]) => cell("td", value(row), kind)))))));
}

const MOST_ROWS = 500; // of a table that was opened

// A table of the first rows; the others open on demand. `all`: how many there are, of which the page
// may hold a part; `command` tells all.
function firstOf(caption, columns, rows, most, all = rows.length, command = "") {
  const parts = [table(caption, columns, rows.slice(0, most))], rest = rows.slice(most, most + MOST_ROWS);
  if (all > most) {
    const left = all - most - rest.length;
    const note = left === 0 ? "" : `${count(left)} more are not on this page${command === "" ? "" : `; \`${command}\` tells all`}.`;
    const more = element("details", {}, element("summary", {}, left === 0 ? `${count(rest.length)} more` : `${count(rest.length)} more here, of ${count(all - most)}`));
    more.addEventListener("toggle", () => {
      if (more.open && more.children.length === 1) more.append(rest.length === 0 ? "" : table(`${caption}, continued`, columns, rest), note === "" ? "" : element("p", { class: "note" }, note));
    });
    parts.push(more);
  }
  return element("div", {}, parts);
}

// A list of texts; those beyond the first few open on demand.
function listCut(texts, most, kind) {
  const items = (some) => some.map((text) => element("li", {}, text));
  const list = element("ul", { class: kind }, items(texts.slice(0, most)));
  if (texts.length <= most) return list;
  return element("div", {}, list, element("details", {}, element("summary", {}, `${count(texts.length - most)} more`), element("ul", { class: kind }, items(texts.slice(most)))));
}

function legend(entries) {
  return element("ul", { class: "legend" }, entries.map(([swatch, text]) => element("li", {}, swatch, text)));
}
