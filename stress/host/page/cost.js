// What does it cost? Ratios over the nights with their noise; operations and percentiles against the
// signals that arrived; and what the machine itself takes.

function hasCost() {
  return results.of("storm").length > 0 || results.ratios.length > 0 || results.of("bare").length > 0;
}

function drawCost(body) {
  if (results.ratios.length > 0) drawRatios(body);
  if (results.of("storm").length > 0) drawStorms(body);
  drawFloor(body);
}

// ---- ratios

function drawRatios(body) {
  const ratios = results.ratios.filter((ratio) => isChosen(ratio, ["isa"]) && matchesSearch(ratio.name, ratio.peers.join(" ")));
  const nights = valuesOf(ratios, "night");
  const name = (ratio) => `${ratio.name.replace(/^BM_/, "")} ${ratio.isa}`;
  body.append(element("h3", {}, "Ratios"), element("p", { class: "note" }, "Each time is divided by that of its peer in the same process, because a time alone means nothing on a shared machine. A sign is the median of all processes of a night, a line its middle half."));
  for (const [peers, of] of d3.nest().key((ratio) => ratio.peers.join(" + ")).entries(ratios).map(({ key, values }) => [key, values])) {
    body.append(element("h4", {}, `In ${peers.replace(/BM_/g, "")}`), nights.length > 2
      ? lineChart({ lines: d3.nest().key(name).entries(of).map(({ key, values }) => ({ name: key, points: values.map((ratio) => ({ x: nights.indexOf(ratio.night), y: ratio.median })) })), x: `nights, from ${nights[0]} on`, y: "ratio" })
      : dotChart({ points: of.map((ratio) => ({ group: name(ratio), series: ratio.night, value: ratio.median, low: ratio.quarter, high: ratio.three_quarters })), x: "ratio", logarithmic: true }));
  }
  const figure = (number) => number.toPrecision(3);
  body.append(table("Ratios", [["benchmark", name], ["in", (ratio) => ratio.peers.map((peer) => peer.replace(/^BM_/, "")).join(" + ")], ["night", (ratio) => shortened(ratio.night, 24)],
    ["median", (ratio) => figure(ratio.median), "number"], ["middle half", (ratio) => `${figure(ratio.quarter)} to ${figure(ratio.three_quarters)}`], ["processes", (ratio) => ratio.processes, "number"]], ratios.slice(0, 500)), dataBehind("ratios", () => ratios));
}

// ---- storms

// A percentile is told if ten values or more lie above it, as in the stress report.
function percentile(latency, key) {
  const least = { p50: 20, p99: 1000, p999: 10000 }[key];
  if (latency.count < least) return latency.count === 0 ? "none" : "not measurable";
  return count(latency[key]);
}

function delivered(storm) {
  return storm.sources.reduce((sum, source) => sum + source.delivered, 0);
}

function operationsOf(storm) {
  return Object.values(storm.operations).reduce((sum, number) => sum + number, 0);
}

function drawStorms(body) {
  const storms = results.of("storm").filter((storm) => isChosen(storm, ["isa", "protocol"]));
  const build = (storm) => results.of("run").find((run) => run.file === storm.file)?.build.split(" ")[0] ?? "", file = (storm) => results.files[storm.file]?.path ?? "";
  const name = (storm) => `${storm.adapter?.name ?? storm.protocol}, ${counted(storm.ms, "thread")}, ${storm.sources.map((source) => source.source).join("+")}${/^storm-/.test(file(storm)) ? `, ${file(storm).split("/")[0]}` : build(storm) === "" ? "" : `, ${build(storm)}`}`;
  const series = d3.nest().key(name).entries(storms);
  const isSeries = (values) => new Set(values.map((storm) => storm.rate_asked)).size > 1; // one storm at several rates
  const lines = (value) => series.map(({ key, values }) => ({ name: key, apart: !isSeries(values), points: values.map((storm) => ({ x: delivered(storm) / storm.seconds, y: value(storm) })).sort((a, b) => a.x - b.x) }));
  if (storms.length > 1) {
    body.append(element("h3", {}, "Operations against signals"), element("p", { class: "note" }, "A point is a storm. A line joins those that differ in the rate of signals alone."), lineChart({ lines: lines((storm) => operationsOf(storm) / storm.seconds), x: "signals delivered a second", y: "operations a second", xLog: true, yFormat: "~s" }),
      element("h3", {}, "Time of one operation against signals"), lineChart({ lines: lines((storm) => storm.latency.p99), x: "signals delivered a second", y: "99 % take at most, ns", xLog: true, yLog: true, yFormat: "~s" }));
  }
  body.append(table("Storms: many threads under signals that come when they like", [["what", name], ["ISA", (storm) => storm.isa],
    ["signals a second", (storm) => count(Math.round(delivered(storm) / storm.seconds)), "number"], ["operations a second", (storm) => count(Math.round(operationsOf(storm) / storm.seconds)), "number"],
    ["median, ns", (storm) => percentile(storm.latency, "p50"), "number"], ["99 %, ns", (storm) => percentile(storm.latency, "p99"), "number"], ["99.9 %, ns", (storm) => percentile(storm.latency, "p999"), "number"],
    ["in handlers", (storm) => `${(100 * storm.handler_seconds / Math.max(storm.seconds * storm.ms, 1e-9)).toPrecision(2)} %`, "number"],
    ["as promised", (storm) => (storm.expected ? "✓ yes" : `✗ ${shortened(storm.finding ?? "no", 80)}`)]], storms.slice(0, 300)), dataBehind("storms", () => storms));
}

// ---- the machine's floor

function drawFloor(body) {
  const machines = [...results.of("night"), ...results.of("past_run")].filter((run) => run.machine?.floor_us !== undefined && run.machine.floor_us !== null);
  if (machines.length > 0) body.append(table("The machine’s floor: a bare breakpoint, without sigsweep", [["run", (run) => shortened(run.id)], ["processor", (run) => shortened(run.machine.processor)], ["microseconds", (run) => run.machine.floor_us.toPrecision(3), "number"]], machines.slice(-50)));
  const bare = results.of("bare");
  if (bare.length > 0) body.append(table("Bare timers: what timers come to without sigsweep", Object.keys(bare[0]).filter((key) => !["kind", "file"].includes(key)).map((key) => [key.replaceAll("_", " "), (row) => shortened(typeof row[key] === "object" ? JSON.stringify(row[key]) : row[key], 40)]), bare.slice(0, 50)));
}
