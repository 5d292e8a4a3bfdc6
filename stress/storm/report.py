#!/usr/bin/env python3
"""The stress report: storms at several rates and numbers of Ms as a Markdown page with plots.

    report.py FILE PREFIX     FILE: lines of `sigsweep storm` and `sigsweep sweep`; writes PREFIX.md, PREFIX-*.svg

Prints the page. Exit status: 0 all required figures hold; 1 one does not; 2 usage, or FILE lacks lines.
"""

import json
import pathlib
import statistics
import subprocess
import sys

# The required figures are of one M a core, on all cores of this machine.
CLEAN = 10000  # signals a second, of all Ms, at which throughput is compared
MOST_MS = 64  # of a storm; with more cores, the storm of one M a core has so many
FAST = 50000  # signals a second and M
LEAST_DELIVERED = 0.95
LEAST_THROUGHPUT = 0.9


def operations(row):
    """Operations a second of processor time that handlers did not take."""
    cores = min(row["ms"], row["cpus"])
    return sum(row["operations"].values()) / (row["seconds"] * cores - row["handler_seconds"])


def read(path):
    storms, cells, bares, run = [], [], [], None
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] == "run":
            run = row
        elif row["kind"] == "storm":
            row["cpus"] = min(run["machine"]["cpus"], MOST_MS)
            storms.append(row)
        elif row["kind"] == "cell":
            cells.append(row)
        elif row["kind"] == "bare":
            bares.append(row)
    return run, storms, cells, bares


def load_table(loads):
    lines = ["| Ms | asked/s and M | delivered/s | of nominal | operations/s | p50 | p99 | p99.9 | max, ns |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in loads:
        timer = row["sources"][0]
        nominal = row["rate_asked"] * row["ms"]
        part = f"{timer['rate_reached'] / nominal:.3f}" if nominal else "-"
        late = row["latency"]
        lines.append(f"| {row['ms']} | {row['rate_asked']} | {timer['rate_reached']:.0f} | {part} | {operations(row):.0f} "
                     f"| {late['p50']} | {late['p99']} | {late['p999']} | {late['max']} |")
    return lines


def clobber_table(raws, cells):
    lines = ["| source | signals/s | clobbered | the first after | from send to handler, p50 and p99 |",
             "|---|---|---|---|---|"]
    for row in raws:
        source = row["sources"][0]
        entry = row["entry"]
        sent = f"{entry['p50']} and {entry['p99']} ns" if entry["count"] else "not known"
        lines.append(f"| {source['source']} | {source['rate_reached']:.0f} | {sum(row['verdicts'].values())} "
                     f"| {row['first_violation'] * 1000:.2f} ms | {sent} |")
    hurt = sum(count for cell in cells for verdict, count in cell["verdicts"].items() if verdict != "ok")
    trials = sum(cell["trials"] for cell in cells)
    seconds = sum(cell["seconds"] for cell in cells)
    lines += ["", f"The exact lane: {hurt} clobberings among {trials} trials, each at an instruction that is named, in "
              f"{seconds:.2f} s; {seconds / hurt * 1e6:.1f} us for each."]
    return lines


def checks(loads, held):
    """(what, value, at least) of the required figures, on one M a core: medians of several, run side by side."""
    alone = [row for row in loads if row["ms"] == row["cpus"] and row["rate_asked"] == 0]
    clean = [row for row in loads if row["ms"] == row["cpus"] and row["rate_asked"] == CLEAN // row["cpus"]]
    delivered = [row["sources"][0]["delivered"] / row["sources"][0]["sent"] for row in held]
    throughput = [operations(with_signals) / operations(without) for without, with_signals in zip(alone, clean)]
    return [(f"signals delivered, of those due at {FAST}/s for each M, the rate held (median of {len(delivered)})",
             statistics.median(delivered), LEAST_DELIVERED),
            (f"operations at {CLEAN} signals a second, of those without signals, handlers' own time taken off "
             f"(median of {len(throughput)})", statistics.median(throughput), LEAST_THROUGHPUT)]


def typical(loads):
    """One row for each number of Ms and rate: the one with the median of operations."""
    groups = {}
    for row in loads:
        groups.setdefault((row["ms"], row["rate_asked"]), []).append(row)
    return [sorted(rows, key=operations)[len(rows) // 2] for rows in groups.values()]


def cost(loads):
    """us that a signal takes from the program on one M, beside its handler's own time."""
    by_rate = {row["rate_asked"]: row for row in loads if row["ms"] == 1}
    loaded = by_rate[CLEAN]
    return taken(operations(loaded), operations(by_rate[0]), loaded["sources"][0]["rate_reached"], 1)


def taken(work, alone, signals, cores):
    """us of a processor that a signal takes from a program; all a second, `alone`: its work without signals."""
    return (1 - work / alone) * cores / signals * 1e6


def floor_table(loads, held, bares):
    """The storm on one M a core beside a program that only takes signals."""
    lines = ["| program | timers in turn | asked/s and thread | delivered, of nominal | found no progress | a signal takes | of that its handler |",
             "|---|---|---|---|---|---|---|"]
    cores = bares[0]["threads"]
    alone = statistics.median(row["rounds"] / row["seconds"] for row in bares if row["rate_asked"] == 0)
    for row in bares:
        if row["rate_asked"] == 0:
            continue
        nominal = row["rate_asked"] * cores * row["seconds"]
        cost = taken(row["rounds"] / row["seconds"], alone, row["delivered"] / row["seconds"], cores)
        lines.append(f"| bare | {row['timers']} | {row['rate_asked']} | {row['delivered'] / nominal:.3f} "
                     f"| {row['no_progress'] / row['delivered']:.3f} | {cost:.1f} us | - |")
    storms = [row for row in loads + held if row["ms"] == cores]
    alone = next(sum(row["operations"].values()) / row["seconds"] for row in storms if row["rate_asked"] == 0)
    for row in storms:
        if row["rate_asked"] == 0:
            continue
        timer = row["sources"][0]
        nominal = row["rate_asked"] * cores * row["seconds"]
        cost = taken(sum(row["operations"].values()) / row["seconds"], alone, timer["rate_reached"], cores)
        lines.append(f"| storm{', rate held' if row['hold_rate'] else ''} | 4 | {row['rate_asked']} | {timer['delivered'] / nominal:.3f} "
                     f"| {row['no_progress'] / timer['delivered']:.3f} | {cost:.1f} us "
                     f"| {row['handler_seconds'] / timer['delivered'] * 1e6:.2f} us |")
    return lines


def plot(loads, prefix, name, label, value):
    data = []
    for ms in sorted({row["ms"] for row in loads}):
        data.append(f"$m{ms} << EOD\n")
        data += [f"{row['rate_asked']} {value(row)}\n" for row in loads if row["ms"] == ms]
        data.append("EOD\n")
    curves = ", ".join(f"$m{ms} with linespoints title '{ms} Ms'" for ms in sorted({row["ms"] for row in loads}))
    script = "".join(data) + (
        f"set terminal svg size 640,400 background 'white'\nset output '{prefix}-{name}.svg'\n"
        f"set xlabel 'signals a second and M, asked'\nset ylabel '{label}'\nset yrange [0:*]\nset key outside\nplot {curves}\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    run, storms, cells, bares = read(sys.argv[1])
    prefix = sys.argv[2]
    held = [row for row in storms if row["hold_rate"]]
    loads = [row for row in storms if row["protocol"] == "reject" and not row["hold_rate"]]
    raws = [row for row in storms if row["protocol"] == "signalok_raw"]
    if not loads or not held or not raws or not cells or not bares:
        print(f"{sys.argv[1]}: lines are missing", file=sys.stderr)
        return 2
    results = checks(loads, held)
    loads = typical(loads)
    plot(loads, prefix, "operations", "operations a second", operations)
    plot(loads, prefix, "latency", "p99.9 of an operation, ns", lambda row: row["latency"]["p999"])
    name = pathlib.Path(prefix).name
    page = ["# Stress report", "",
            f"{run['started']}, build {run['build']}, {run['machine']['cpus']} processors, {run['machine']['cpu']}, "
            f"Linux {run['machine']['kernel']}. By `scripts/stress`; the lines are in `{name}.jsonl`.", "",
            "Protocol reject, every mix of operations, 256 Gs, periodic timers for each M. Operations a second are of the",
            "processor time that is left when the handlers' own is taken off; the quantiles are of an operation of mix slots.", "",
            *load_table(loads), "",
            f"On one M a signal takes {cost(loads):.1f} us from the program beside its handler's own time: the kernel's and the",
            "hypervisor's. Where that comes near the period, signals find no progress, and the timers are slowed down.", "", f"![operations]({name}-operations.svg)", "", f"![latency]({name}-latency.svg)", "",
            "## What must hold, on one M a core", "",
            *[f"- {'holds' if value >= least else 'FAILS'}: {what}: {value:.3f} >= {least}" for what, value, least in results], "",
            "## The machine's floor", "",
            "The same timers in a program without the project, whose handler only counts (`bare_timers`), in the same run: what",
            "it is short of the nominal rate, and what a signal takes from it, are the kernel's and the hypervisor's. Of timers",
            "that take turns a signal costs less: when one has expired, the kernel's clock is set for the next already.",
            "The storm slows its timers down where more than 1 % of signals find no progress, unless the rate is held.", "",
            *floor_table(loads, typical(held), bares), "",
            "## Time to the first clobbering, protocol signalok_raw", "", *clobber_table(raws, cells), ""]
    pathlib.Path(prefix + ".md").write_text("\n".join(page), encoding="utf-8")
    print("\n".join(page))
    return 0 if all(value >= least for _, value, least in results) else 1


if __name__ == "__main__":
    sys.exit(main())
