// How good is the search? Phases over time of each campaign; what it found, by cause; and how many
// inputs it takes until each hazard is seen.

function hasSearch() {
  return results.of("campaign").length > 0 || results.of("hunt").length > 0;
}

function drawSearch(body) {
  if (results.of("campaign").length > 0) drawCampaigns(body);
  if (results.of("hunt").length > 0) drawHunts(body);
}

function drawCampaigns(body) {
  const campaigns = results.of("campaign").filter((campaign) => isChosen(campaign, ["isa"]) && matchesSearch(campaign.target, campaign.engine));
  const name = (campaign) => `${campaign.target} ${campaign.engine}`;
  const lines = campaigns.filter((campaign) => campaign.course.length > 0 && campaign.phases[0].all > 0).map((campaign) => ({
    name: name(campaign), points: campaign.course.map((at) => ({ x: at.seconds, y: at.covered / Math.max(1, campaign.phases.reduce((all, each) => all + each.all, 0)) })) }));
  body.append(element("h3", {}, "Phases over time"), element("p", { class: "note" }, "The share of all phases in which a signal has landed, of each campaign. Inputs that were in the corpus already count from the start."));
  if (lines.length > 0) body.append(lineChart({ lines, x: "seconds", y: "phases covered", yFormat: d3.format(".0%"), y0: 0, y1: 1 }));
  body.append(table("Campaigns", [["target", name], ["inputs", (each) => count(each.execs), "number"], ["a second", (each) => count(Math.round(each.execs / Math.max(each.seconds, 0.001))), "number"],
    ["signals landed", (each) => (each.requested === 0 && each.landed === 0 ? "none: it drives no signals" : count(each.landed)), "number"], ["phases", (each) => each.phases.map((phase) => `${phase.covered} of ${phase.all}`).join("; ")], ["added to corpus", (each) => count(each.added), "number"],
    ["crashes", (each) => count(each.findings), "number"], ["causes", (each) => count(each.causes), "number"], ["problem", (each) => shortened(each.problem, 100)]], campaigns));
  const found = results.of("found");
  if (found.length > 0) body.append(table("Crashes by cause", [["target", (each) => each.target], ["cause", (each) => shortened(each.cause, 120)], ["what the target says", (each) => shortened(each.why, 200)], ["inputs", (each) => count(each.inputs), "number"]], found.slice(0, 200)));
  body.append(dataBehind("campaigns", () => ({ campaigns, found })));
}

// Of each engine and verdict: the inputs until the first of it, of all seeds.
function drawHunts(body) {
  const hunts = results.of("hunt");
  const engines = [...new Set(hunts.map((hunt) => `${hunt.engine} by ${hunt.source}`))];
  const verdicts = [...new Set(hunts.flatMap((hunt) => Object.keys(hunt.found)))].filter((verdict) => verdict !== "ok");
  const row = (engine) => {
    const of = hunts.filter((hunt) => `${hunt.engine} by ${hunt.source}` === engine);
    return { engine, seeds: of.length, middle: Object.fromEntries(verdicts.map((verdict) => [verdict, d3.median(of.filter((hunt) => hunt.found[verdict] !== undefined), (hunt) => hunt.found[verdict])])) };
  };
  const rows = engines.map(row);
  const points = rows.flatMap((each) => verdicts.filter((verdict) => each.middle[verdict] !== undefined).map((verdict) => ({ group: verdict, series: each.engine, value: each.middle[verdict] })));
  body.append(element("h3", {}, "Time to detection"), element("p", { class: "note" }, "Inputs until the first of a verdict: the median of all seeds. Fewer is better. The scale is logarithmic. A sweep tries each boundary once, and so needs no luck."),
    dotChart({ points, x: "inputs until the first", logarithmic: true }),
    table("Inputs until the first of a verdict, the median of all seeds", [["engine", (each) => each.engine], ["seeds", (each) => each.seeds, "number"], ...verdicts.map((verdict) => [verdict, (each) => (each.middle[verdict] === undefined ? "not found" : count(each.middle[verdict])), "number"])], rows),
    dataBehind("hunts", () => hunts));
}

// ---- charts

const STROKES = ["", "6 3", "2 2", "8 3 2 3"]; // lines differ without colour, too
const CHART = { width: 760, height: 300, left: 64, right: 28, top: 10, bottom: 42 };

function seriesClass(i) {
  return `series series-${i % 6}`;
}

function chartFrame(label, height = CHART.height) {
  const svg = d3.create("svg").attr("viewBox", `0 0 ${CHART.width} ${height}`).attr("role", "img").attr("aria-label", label).attr("class", "chart");
  return svg;
}

function axes(svg, { x, y, xTitle, yTitle, xFormat, yFormat, height = CHART.height, xTicks }) {
  const bottom = svg.append("g").attr("transform", `translate(0,${height - CHART.bottom})`).call(Array.isArray(xTicks) ? d3.axisBottom(x).tickValues(xTicks).tickFormat(d3.format(xFormat)) : d3.axisBottom(x).ticks(xTicks ?? 7, xFormat));
  bottom.append("text").attr("class", "axis-title").attr("x", CHART.width / 2).attr("y", 34).text(xTitle);
  const left = svg.append("g").attr("transform", `translate(${CHART.left},0)`).call(d3.axisLeft(y).ticks(6, yFormat));
  left.append("text").attr("class", "axis-title").attr("transform", "rotate(-90)").attr("x", -(height - CHART.bottom) / 2).attr("y", -50).text(yTitle);
}

// 0, 100, 1k, 10k: labels that have room on a scale of logarithms.
function powersOfTen(most) {
  const ticks = [0];
  for (let tick = 100; tick <= most; tick *= 10) ticks.push(tick);
  return ticks;
}

// Points of a line that is `apart` belong to different runs: no line joins them.
function lineChart({ lines, x, y, yFormat = null, xLog = false, yLog = false, y0 = null, y1 = null }) {
  const all = lines.flatMap((line) => line.points);
  const extent = (key, low) => [low ?? d3.min(all, (point) => point[key]), d3.max(all, (point) => point[key]) || 1];
  const areApart = lines.every((line) => line.apart);
  const scale = (log) => (log ? d3.scaleSymlog().constant(10) : d3.scaleLinear());
  const across = scale(xLog && !areApart).domain(extent("x", 0)).range([CHART.left, CHART.width - CHART.right]);
  const up = (yLog ? d3.scaleLog() : d3.scaleLinear()).domain([yLog ? d3.min(all, (point) => Math.max(point.y, 1)) : y0 ?? 0, y1 ?? (d3.max(all, (point) => point.y) || 1)]).nice().range([CHART.height - CHART.bottom, CHART.top]);
  const svg = chartFrame(`${y} against ${x}: ${some(lines.map((line) => line.name), 20)}`);
  axes(svg, { x: across, y: up, xTitle: x, yTitle: y, yFormat, xFormat: xLog ? "~s" : null, xTicks: xLog && !areApart ? powersOfTen(across.domain()[1]) : undefined });
  const path = d3.line().x((point) => across(point.x)).y((point) => up(yLog ? Math.max(point.y, 1) : point.y));
  lines.forEach((line, i) => {
    const g = svg.append("g").attr("class", seriesClass(i));
    g.append("title").text(line.name);
    if (!line.apart) g.append("path").attr("d", path(line.points)).attr("stroke-dasharray", STROKES[Math.floor(i / 6) % STROKES.length]);
    if (line.apart) g.classed("dot", true).selectAll("path").data(line.points).enter().append("path").attr("class", "sign").attr("d", signOf(i)).attr("transform", (point) => `translate(${across(point.x)},${up(yLog ? Math.max(point.y, 1) : point.y)})`);
    else if (line.points.length < 30) g.selectAll("circle").data(line.points).enter().append("circle").attr("r", 3).attr("cx", (point) => across(point.x)).attr("cy", (point) => up(yLog ? Math.max(point.y, 1) : point.y));
  });
  const lineKey = (i) => drawn("svg", { width: 26, height: 10, "aria-hidden": "true" }, drawn("g", { class: seriesClass(i) }, drawn("path", { d: "M1 5h24", "stroke-dasharray": STROKES[Math.floor(i / 6) % STROKES.length] })));
  const key = (i) => (lines[i].apart ? signKey(i) : lineKey(i));
  return element("figure", {}, element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${y} against ${x}` }, svg.node()), legend(lines.map((line, i) => [key(i), shortened(line.name, 60)])));
}

const SHAPES = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond, d3.symbolCross, d3.symbolStar];

// Series differ in their sign without colour, too.
function signOf(i) {
  return d3.symbol().type(SHAPES[(i + Math.floor(i / 6)) % SHAPES.length]).size(60)();
}
function signKey(i) {
  return drawn("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, drawn("g", { class: `${seriesClass(i)} dot` }, drawn("path", { class: "sign", d: signOf(i) })));
}

// A line a group, a sign a series. `low` and `high` of a point: its noise.
function dotChart({ points, x, logarithmic = false }) {
  const groups = valuesOf(points, "group"), series = valuesOf(points, "series"), left = 210;
  const height = 24 * groups.length + CHART.bottom + CHART.top;
  const values = points.flatMap((point) => [point.value, point.low ?? point.value, point.high ?? point.value]);
  const across = (logarithmic ? d3.scaleLog() : d3.scaleLinear()).domain([logarithmic ? Math.max(d3.min(values), 1e-6) : Math.min(0, d3.min(values)), d3.max(values)]).nice().range([left, CHART.width - CHART.right]);
  const down = d3.scaleBand().domain(groups).range([CHART.top, height - CHART.bottom]);
  const svg = chartFrame(`${x}: ${some(groups, 20)}`, height);
  svg.append("g").attr("transform", `translate(0,${height - CHART.bottom})`).call(d3.axisBottom(across).ticks(6, logarithmic ? "~s" : null)).append("text").attr("class", "axis-title").attr("x", (left + CHART.width) / 2).attr("y", 34).text(x);
  svg.append("g").attr("transform", `translate(${left},0)`).call(d3.axisLeft(down).tickFormat((name) => shortened(name, 32)));
  for (const point of points) {
    const i = series.indexOf(point.series), y = down(point.group) + down.bandwidth() / 2 + (i - (series.length - 1) / 2) * 3;
    const g = svg.append("g").attr("class", `${seriesClass(i)} dot`);
    g.append("title").text(`${point.series}, ${point.group}: ${point.value}${point.low === undefined ? "" : ` (${point.low} to ${point.high})`}`);
    if (point.low !== undefined) g.append("path").attr("d", `M${across(point.low)} ${y}H${across(point.high)}`);
    g.append("path").attr("class", "sign").attr("d", signOf(i)).attr("transform", `translate(${across(point.value)},${y})`);
  }
  return element("figure", {}, element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": x }, svg.node()), legend(series.map((name, i) => [signKey(i), shortened(name, 60)])));
}
