// What do two signals do? A square for each pair of boundaries: a row is where the first signal
// lands, a column where the second does. A canvas, because a matrix may have millions of squares.

const MATRIX_BAND = 16, MATRIX_LEFT = 74;

function hasMatrices() {
  return results.matrices.length > 0;
}

// Pairs may have run without a matrix.
function noMatrices() {
  const pairs = results.sums.filter((sum) => sum.form !== "single"), trials = pairs.reduce((sum, each) => sum + each.trials, 0);
  const keep = "`sigsweep sweep --depth 2 --per-boundary --site S --handler H` keeps those of one operation and handler; the part `pairs` of a night does so.";
  if (trials === 0) return `No pairs of signals were tried. ${keep}`;
  return `${counted(trials, "pair")} of signals ran, and “Trials by verdict” below counts what they came to. They were not kept boundary by boundary, because there are too many for all cells. ${keep}`;
}

function lookOfLetter(matrix, letter) {
  const verdict = matrix.legend[letter];
  if (verdict === "not run" || verdict === undefined) return "not-run";
  return results.verdicts.has(verdict) ? verdict : "unknown";
}

function pairSums(matrix) {
  const sums = new Map();
  for (const row of matrix.rows) {
    for (const letter of row) {
      const look = lookOfLetter(matrix, letter);
      if (look !== "not-run") sums.set(look, (sums.get(look) ?? 0) + 1);
    }
  }
  return sums;
}

function matrixName(matrix) {
  return [matrix.isa, matrix.protocol, matrix.site, matrix.handler, matrix.form].map((name) => shortened(name, 30)).join(" ");
}

// Of each protocol and form the matrix that shows most; or the one that was chosen.
function shownMatrices() {
  const chosen = results.matrices.filter((matrix) => isChosen(matrix) && matchesSearch(matrixName(matrix)));
  if (choice.matrix !== "") return results.matrices.filter((matrix) => matrixName(matrix) === choice.matrix);
  const best = new Map();
  for (const matrix of chosen) {
    const key = `${matrix.subject} ${matrix.isa} ${matrix.protocol} ${matrix.form}`, kinds = pairSums(matrix).size;
    if (!best.has(key) || best.get(key).kinds < kinds) best.set(key, { matrix, kinds });
  }
  return [...best.values()].map(({ matrix }) => matrix).slice(0, 24);
}

function drawMatrices(body) {
  const shown = shownMatrices();
  body.append(element("p", { class: "note" }, "A row is where the first signal lands, a column where the second does. “Nested”: the second lands in the handler of the first. “Two”: it lands later in the operation. Point at a square, or use the arrow keys."));
  if (results.matrices.length > shown.length || choice.matrix !== "") body.append(matrixChooser());
  if (shown.length === 0) body.append(element("p", { class: "note" }, "Nothing here is as chosen."));
  for (const matrix of shown) body.append(matrixBlock(matrix, roomOfPart()));
}

function matrixChooser() {
  const select = element("select", { onchange: () => choose({ matrix: select.value }) }, element("option", { value: "" }, "the richest of each protocol"),
    results.matrices.slice(0, 2000).map((matrix) => element("option", { value: matrixName(matrix) }, matrixName(matrix))));
  select.value = choice.matrix;
  return element("label", { class: "chooser" }, element("span", {}, "Pairs of"), select);
}

// The protocol may be known to be harmful: that is no finding.
function matrixVerdict(matrix, sums) {
  if (matrix.findings.length > 0) return `✗ ${matrix.findings.join(", ")}`;
  return [...sums.keys()].every((look) => look === "ok" || look === "rejected") ? "✓ safe" : "harmful, as expected";
}

function matrixBlock(matrix, room) {
  const sums = pairSums(matrix), pairs = [...sums.values()].reduce((a, b) => a + b, 0);
  const first = results.code(matrix.first), second = results.code(matrix.second);
  const fits = Math.floor((room - MATRIX_LEFT - 4) / Math.max(second.length, 1));
  const small = Math.max(2, Math.min(fits, 14, Math.floor(8000 / Math.max(second.length, first.length, 1))));
  const view = { matrix, first, second, cell: small, at: { row: 0, column: 0 } };
  const canvas = element("canvas", {}), readout = element("p", { class: "readout" }, "Point at a square, or use the arrow keys.");
  const pane = element("div", { class: "matrix", tabindex: 0, role: "application", "aria-roledescription": "matrix", "aria-label": `${matrixName(matrix)}: ${count(pairs)} pairs. Arrow keys move.` }, canvas);
  const looks = new Set(sums.keys());
  if (matrix.rows.some((row) => row.includes(" "))) looks.add("not-run");
  const larger = element("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => {
    const isLarge = view.cell !== small;
    view.cell = isLarge ? small : Math.max(12, Math.min(14, Math.floor(16000 / Math.max(second.length, first.length))));
    larger.setAttribute("aria-pressed", String(!isLarge));
    paint();
  } }, "Larger squares, with letters");
  const paint = () => paintMatrix(view, canvas);
  moveInMatrix(view, pane, canvas, readout, paint);
  requestAnimationFrame(paint);
  const title = `${matrix.protocol}: ${matrix.form === "nested" ? "the second lands in the first one's handler" : "the second lands later in the operation"}`;
  return element("div", { class: "block" }, element("h3", {}, `${matrix.isa} ${shortened(title)}: ${matrixVerdict(matrix, sums)}`),
    element("p", { class: "note" }, `Operation ${shortened(matrix.site)}, handler ${shortened(matrix.handler)}. ${counted(pairs, "pair")}: ${[...sums].map(([look, number]) => `${count(number)} ${look}`).join(", ")}.`),
    verdictLegend(looks), small < 12 ? larger : null, pane, readout, dataBehind("matrix", () => matrix));
}

// Colours of the page's style, so that both themes have their own.
function coloursOf(look) {
  const probe = element("span", { class: `swatch look-${look}` });
  document.body.append(probe);
  const style = getComputedStyle(probe), colours = { cell: style.backgroundColor, letter: style.color };
  probe.remove();
  return colours;
}

function paintMatrix({ matrix, first, second, cell, at }, canvas) {
  const width = MATRIX_LEFT + second.length * cell, height = MATRIX_BAND + first.length * cell, scale = width * height > 16e6 ? 1 : devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  pen.scale(scale, scale);
  paintBands(pen, style, segmentsOf(second), segmentsOf(first), cell);
  const gap = cell >= 5 ? 1 : 0, looks = new Map();
  pen.font = `700 ${Math.min(11, cell)}px monospace`;
  pen.textAlign = "center";
  matrix.rows.forEach((row, i) => {
    for (const { key: letter, begin, end } of runsOf([...row], (each) => each)) {
      const look = lookOfLetter(matrix, letter);
      if (look === "not-run") continue;
      if (!looks.has(look)) looks.set(look, coloursOf(look));
      pen.fillStyle = looks.get(look).cell;
      for (let j = begin; j < (gap ? end : begin + 1); j++) pen.fillRect(MATRIX_LEFT + j * cell, MATRIX_BAND + i * cell, (gap ? cell : (end - begin) * cell) - gap, cell - gap);
      if (cell < 9 || letterOf(look) === "") continue;
      pen.fillStyle = looks.get(look).letter;
      for (let j = begin; j < end; j++) pen.fillText(letterOf(look), MATRIX_LEFT + (j + 0.5) * cell, MATRIX_BAND + (i + 0.85) * cell);
    }
  });
  pen.strokeStyle = style.getPropertyValue("--focus");
  pen.lineWidth = 2;
  if (document.activeElement === canvas.parentElement) pen.strokeRect(MATRIX_LEFT + at.column * cell, MATRIX_BAND + at.row * cell, cell, cell);
}

function paintBands(pen, style, across, down, cell) {
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "left";
  const paint = (part, i, x, y, width, height, room) => {
    pen.fillStyle = style.getPropertyValue(`--part-${i % 2}`);
    pen.fillRect(x, y, width, height);
    pen.fillStyle = style.getPropertyValue("--part-ink");
    pen.fillText(fitting(room, part, part.split(".").at(-1)), x + 3, y + 11);
  };
  across.forEach(({ part, begin, length }, i) => paint(part, i, MATRIX_LEFT + begin * cell, 0, length * cell - 1, MATRIX_BAND - 3, length * cell - 4));
  down.forEach(({ part, begin, length }, i) => paint(length * cell >= 12 ? part : "", i, 0, MATRIX_BAND + begin * cell, MATRIX_LEFT - 3, length * cell - 1, MATRIX_LEFT - 6));
}

function moveInMatrix(view, pane, canvas, readout, paint) {
  const { matrix, first, second, at } = view;
  const told = () => {
    const look = lookOfLetter(matrix, matrix.rows[at.row]?.[at.column] ?? " ");
    const side = (place) => `${placeName(place)} ${shortened(place.instruction, 40)} (${place.part})`;
    return `${look.replace("-run", " run")}. First in front of ${side(first[at.row])}. Second in front of ${side(second[at.column])}.`;
  };
  const tell = (aloud) => {
    if (first.length === 0 || second.length === 0) return;
    readout.textContent = told();
    if (aloud) say(readout.textContent);
  };
  const bounded = (value, last) => Math.min(Math.max(value, 0), last);
  pane.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -1e9], End: [0, 1e9] };
    if (moves[event.key] === undefined) return;
    event.preventDefault();
    at.row = bounded(at.row + moves[event.key][0], first.length - 1);
    at.column = bounded(at.column + moves[event.key][1], second.length - 1);
    const x = MATRIX_LEFT + at.column * view.cell;
    if (x < pane.scrollLeft + MATRIX_LEFT || x > pane.scrollLeft + pane.clientWidth - view.cell) pane.scrollLeft = x - pane.clientWidth / 2;
    paint();
    tell(true);
  });
  pane.addEventListener("focus", () => { paint(); tell(true); });
  pane.addEventListener("blur", paint);
  pane.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - MATRIX_LEFT) / view.cell), row = Math.floor((event.clientY - box.top - MATRIX_BAND) / view.cell);
    if (row < 0 || column < 0 || row >= first.length || column >= second.length) return;
    Object.assign(at, { row, column });
    tell(false);
  });
}
