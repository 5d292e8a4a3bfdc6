#include "stress/host/storm_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stress/host/chart_svg.h"
#include "stress/host/storm_figures.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// What must hold is of one thread a processor, on all of them.
constexpr unsigned kMostThreads = 64;  // of a storm
constexpr unsigned kClean = 10000;     // signals a second, of all threads together
constexpr unsigned kFast = 50000;      // signals a second and thread
constexpr double kLeastDelivered = 0.95, kLeastWork = 0.9;

// All that a report is made of.
struct Storms {
  std::vector<ordered_json> runs, cells;
  std::vector<StormGroup> groups;     // without the hazards
  std::vector<ordered_json> storms;   // likewise
  std::vector<ordered_json> hazards;  // storms that had to go wrong, and did
  unsigned cpus = 1;
};

Storms read(const std::vector<ordered_json>& rows) {
  Storms all;
  std::vector<ordered_json> loads;
  for (const ordered_json& row : rows) {
    const std::string kind = row.at("kind");
    const bool hazard = kind == "storm" && !row.at("verdicts").empty() && row.at("expected");
    if (kind == "run") all.runs.push_back(row);
    if (kind == "cell") all.cells.push_back(row);
    if (hazard) all.hazards.push_back(row);
    if (kind == "storm" && !hazard) all.storms.push_back(row);
    if (!hazard) loads.push_back(row);
  }
  all.groups = storm_groups(loads);
  if (!all.runs.empty()) {
    const unsigned cpus = all.runs.front().at("machine").at("cpus");
    all.cpus = std::min(cpus, kMostThreads);
  }
  return all;
}

std::string counted(double n, const char* what) {
  return fmt::format("{} {}{}", number_text(n), what, n == 1 ? "" : "s");
}

// "27.6 us (20.1 to 33.0)", or why there is no figure.
std::string cost_text(const Figure& cost) {
  if (cost.repetitions < kLeastRepetitions || !cost.has_interval) {
    return fmt::format("not measurable here: {}, and {} are needed",
                       counted(static_cast<double>(cost.repetitions), "pair"), kLeastRepetitions);
  }
  if (!cost.is_beyond_zero())
    return fmt::format("not measurable here ({:.1f} to {:.1f} us)", cost.low, cost.high);
  return fmt::format("{:.1f} us ({:.1f} to {:.1f})", cost.median, cost.low, cost.high);
}

std::string with_interval(const Figure& figure) {
  if (!figure.has_interval) return number_text(figure.median);
  return fmt::format("{} ({} to {})", number_text(figure.median), number_text(figure.low),
                     number_text(figure.high));
}

double handler_share(const StormRun& run) {
  return run.row.value("handler_seconds", 0.0) / run.row.at("seconds").get<double>() /
         signals_a_second(run) * 1e6;
}

double delivered_share(const StormRun& run) {
  const double asked = run.row.at("rate_asked").get<double>() *
                       run.row.at(run.row.contains("ms") ? "ms" : "threads").get<double>();
  return signals_a_second(run) / asked;
}

// ---- the first paragraph

struct Totals {
  double calls = 0, rejected = 0, ran = 0, legal = 0, false_reject = 0, seconds = 0, operations = 0;
  unsigned threads = 0, rate = 0;
  std::size_t wrong = 0;  // storms that are not as promised
  std::string finding;    // of the first of them
};

Totals totals_of(const std::vector<ordered_json>& storms) {
  Totals sum;
  for (const ordered_json& row : storms) {
    sum.calls += row.at("calls").get<double>();
    sum.rejected += row.at("rejected").get<double>();
    sum.ran += row.at("ran").get<double>();
    sum.legal += row.at("legal").get<double>();
    sum.false_reject += row.at("false_reject").get<double>();
    sum.seconds += row.at("seconds").get<double>();
    for (const auto& [mix, n] : row.at("operations").items()) sum.operations += n.get<double>();
    sum.threads = std::max(sum.threads, row.at("ms").get<unsigned>());
    sum.rate = std::max(sum.rate, row.at("rate_asked").get<unsigned>());
    if (row.at("expected")) continue;
    if (sum.wrong++ == 0) sum.finding = row.value("finding", std::string("not as promised"));
  }
  return sum;
}

// Of all groups of this kind the cost with the narrowest interval; without one: what is known.
Figure best_cost(const std::vector<StormGroup>& groups, bool bare, const StormGroup** of) {
  Figure best;
  for (const StormGroup& group : groups) {
    const StormGroup* const without = without_signals(groups, group);
    if (group.bare != bare || group.rate == 0 || without == nullptr) continue;
    const Figure cost = signal_cost(group, *without);
    const bool better =
        cost.has_interval && (!best.has_interval || cost.high - cost.low < best.high - best.low);
    if (!better && *of != nullptr) continue;
    best = cost;
    *of = &group;
  }
  return best;
}

std::string cost_sentences(const Storms& all) {
  const StormGroup *storm = nullptr, *bare = nullptr;
  const Figure cost = best_cost(all.groups, false, &storm);
  const Figure floor = best_cost(all.groups, true, &bare);
  if (storm == nullptr)
    return "What a signal costs was not asked: that needs storms with signals and without.";
  std::string text =
      cost.is_beyond_zero()
          ? fmt::format("**A signal costs {:.1f} us** of a processor's time ({:.1f} to {:.1f}), ",
                        cost.median, cost.low, cost.high)
          : fmt::format("**What a signal costs is {}**; ", cost_text(cost));
  text +=
      fmt::format("at {} signals a second and thread on {}. Its handler takes {:.2f} us of that. ",
                  number_text(storm->rate), counted(storm->threads, "thread"),
                  over_runs(*storm, handler_share).median);
  if (bare == nullptr) return text;
  if (floor.is_beyond_zero())
    return text + fmt::format(
                      "In a program without sigsweep a signal takes {}: that is the "
                      "machine's own.",
                      cost_text(floor));
  return text + fmt::format("What it takes in a program without sigsweep is {}.", cost_text(floor));
}

std::string summary(const Storms& all) {
  const Totals sum = totals_of(all.storms);
  std::string text = fmt::format(
      "{} on this machine, {} of them in all: up to {} switch stacks all the time, and up to {} "
      "signals a second and thread interrupt them anywhere. Does each operation still come out "
      "right, and is each call from a signal handler answered as promised? ",
      counted(static_cast<double>(all.storms.size()), "storm"),
      counted(std::round(sum.seconds), "second"), counted(sum.threads, "thread"),
      number_text(sum.rate));
  text += sum.wrong == 0
              ? "**It held.** "
              : fmt::format("**It did not hold** in {}: {}. ",
                            counted(static_cast<double>(sum.wrong), "storm"), sum.finding);
  text += fmt::format(
      "Of {} from handlers {} were rejected, and {} carried out. Of {} outside "
      "handlers {} were rejected. {} came to their end. ",
      counted(sum.calls, "call"), number_text(sum.rejected), number_text(sum.ran),
      counted(sum.legal, "call"), number_text(sum.false_reject),
      counted(sum.operations, "operation"));
  return text + cost_sentences(all) + "\n";
}

std::string provenance(const Storms& all, const std::string& prefix) {
  if (all.runs.empty()) return "";
  const ordered_json& run = all.runs.front();
  const ordered_json& machine = run.at("machine");
  return fmt::format("{}, build {}, {}, {}, Linux {}. The lines are in `{}.jsonl`.\n",
                     run.at("started").get<std::string>(), run.at("build").get<std::string>(),
                     counted(machine.at("cpus").get<double>(), "processor"),
                     machine.at("cpu").get<std::string>(), machine.at("kernel").get<std::string>(),
                     prefix);
}

// ---- tables

std::string told(std::uint64_t samples, double quantile, double value) {
  return is_told(samples, quantile) ? number_text(value) : "too few samples";
}

// The median of the runs; each of them must have samples enough.
std::string quantile_text(const StormGroup& group, const char* key, double quantile) {
  std::vector<double> values;
  for (const StormRun& run : group.runs) {
    const ordered_json& latency = run.row.at("latency");
    if (!is_told(latency.at("count"), quantile)) return "too few samples";
    values.push_back(latency.at(key));
  }
  return number_text(figure_of(std::move(values)).median);
}

std::string most_text(const StormGroup& group) {
  double most = 0;
  for (const StormRun& run : group.runs)
    most = std::max(most, run.row.at("latency").at("max").get<double>());
  return number_text(most);
}

std::string load_table(const Storms& all) {
  std::string text =
      "| protocol | threads | asked/s and thread | runs | delivered/s | operations/s | p50 | p99 | "
      "p99.9 | max, ns |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const StormGroup& group : all.groups) {
    if (group.bare) continue;
    text += fmt::format(
        "| {}{} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", group.program,
        group.held ? ", rate held" : "", group.threads, number_text(group.rate), group.runs.size(),
        number_text(std::round(over_runs(group, signals_a_second).median)),
        with_interval(
            over_runs(group, [](const StormRun& run) { return std::round(work_a_second(run)); })),
        quantile_text(group, "p50", 0.5), quantile_text(group, "p99", 0.99),
        quantile_text(group, "p999", 0.999), most_text(group));
  }
  return text;
}

std::string cost_table(const Storms& all) {
  std::string text =
      "| program | threads | asked/s and thread | delivered, of that | found no progress | a "
      "signal "
      "takes | of that its handler |\n|---|---|---|---|---|---|---|\n";
  for (const StormGroup& group : all.groups) {
    const StormGroup* const without = without_signals(all.groups, group);
    if (group.rate == 0) continue;
    const Figure still = over_runs(group, [](const StormRun& run) {
      return run.row.at("no_progress").get<double>() /
             (signals_a_second(run) * run.row.at("seconds").get<double>());
    });
    text += fmt::format(
        "| {}{} | {} | {} | {:.3f} | {:.3f} | {} | {} |\n", group.program,
        group.held ? ", rate held" : "", group.threads, number_text(group.rate),
        over_runs(group, delivered_share).median, still.median,
        without == nullptr ? "no run without signals" : cost_text(signal_cost(group, *without)),
        group.bare ? "-" : fmt::format("{:.2f} us", over_runs(group, handler_share).median));
  }
  return text;
}

// ---- what must hold

struct Check {
  std::string what;
  Figure figure;
  double least;
};

std::vector<Check> checks_of(const Storms& all) {
  std::vector<Check> checks;
  for (const StormGroup& group : all.groups) {
    if (group.bare || group.threads != all.cpus) continue;
    const StormGroup* const without = without_signals(all.groups, group);
    if (group.held && group.rate == kFast) {
      const auto delivered = [](const StormRun& run) {
        const ordered_json& source = run.row.at("sources").at(0);
        return source.at("delivered").get<double>() / source.at("sent").get<double>();
      };
      checks.push_back({fmt::format("{}: signals delivered, of those due at {} a second for each "
                                    "thread, the rate held",
                                    group.program, number_text(kFast)),
                        over_runs(group, delivered), kLeastDelivered});
    } else if (!group.held && group.rate == kClean / all.cpus && without != nullptr) {
      checks.push_back({fmt::format("{}: operations at {} signals a second, of those without "
                                    "signals, the handlers' own time taken off",
                                    group.program, number_text(kClean)),
                        work_kept(group, *without), kLeastWork});
    }
  }
  return checks;
}

bool holds(const Check& check) {
  return check.figure.median >= check.least;
}

std::string checks_text(const std::vector<Check>& checks) {
  if (checks.empty()) {
    return fmt::format(
        "Not tried: no storm has one thread a processor, and {} signals a second of "
        "all threads, or {} of each with `--hold-rate`.\n",
        number_text(kClean), number_text(kFast));
  }
  std::string text;
  for (const Check& check : checks) {
    const Figure& f = check.figure;
    text += fmt::format("- {}: {}: {:.3f}{} >= {} ({})\n", holds(check) ? "holds" : "FAILS",
                        check.what, f.median,
                        f.has_interval ? fmt::format(" ({:.3f} to {:.3f})", f.low, f.high) : "",
                        check.least, counted(static_cast<double>(f.repetitions), "run"));
    const bool either = f.has_interval && f.low < check.least && check.least <= f.high;
    if (either) text += "  The limit lies within the error: another run may say the other.\n";
  }
  return text;
}

// ---- hazards

std::string exact_lane(const Storms& all) {
  double hurt = 0, trials = 0, seconds = 0;
  for (const ordered_json& cell : all.cells) {
    trials += cell.at("trials").get<double>();
    seconds += cell.at("seconds").get<double>();
    for (const auto& [verdict, n] : cell.at("verdicts").items())
      hurt += verdict == "ok" ? 0 : n.get<double>();
  }
  if (hurt == 0) return "";
  return fmt::format(
      "\nThe exact lane: {} among {}, each at an instruction that is named, in {:.2f} "
      "s; {:.1f} us for each.\n",
      counted(hurt, "violation"), counted(trials, "trial"), seconds, seconds / hurt * 1e6);
}

std::string hazards_text(const Storms& all) {
  if (all.hazards.empty()) return "Not tried: no storm has a protocol that must go wrong.\n";
  std::string text =
      "| protocol | source | signals/s | violations | the first after | from send to "
      "handler, p50 and p99 |\n|---|---|---|---|---|---|\n";
  for (const ordered_json& row : all.hazards) {
    double violations = 0;
    for (const auto& [verdict, n] : row.at("verdicts").items()) violations += n.get<double>();
    const ordered_json &source = row.at("sources").at(0), &entry = row.at("entry");
    const std::uint64_t samples = entry.at("count");
    const std::string sent = samples == 0
                                 ? "not known"
                                 : fmt::format("{} and {} ns", told(samples, 0.5, entry.at("p50")),
                                               told(samples, 0.99, entry.at("p99")));
    text +=
        fmt::format("| {} | {} | {} | {} | {:.2f} ms | {} |\n",
                    row.at("protocol").get<std::string>(), source.at("source").get<std::string>(),
                    number_text(std::round(source.at("rate_reached").get<double>())),
                    number_text(violations), row.at("first_violation").get<double>() * 1000, sent);
  }
  return text + exact_lane(all);
}

// ---- charts

template <typename Point>
Chart chart_of(const Storms& all, const char* title, const char* y_label, Point point) {
  Chart chart{title, "signals a second and thread, asked (logarithmic above 1,000)", y_label, {}};
  for (const StormGroup& group : all.groups) {
    if (group.bare || group.held) continue;
    const std::string name = group.program + ", " + counted(group.threads, "thread");
    if (chart.lines.empty() || chart.lines.back().name != name) chart.lines.push_back({name, {}});
    if (const auto at = point(group)) chart.lines.back().points.push_back(*at);
  }
  std::erase_if(chart.lines, [](const ChartLine& line) { return line.points.empty(); });
  return chart;
}

std::vector<StormPicture> pictures_of(const Storms& all) {
  const auto work = [](const StormGroup& group) -> std::optional<ChartPoint> {
    const Figure figure = over_runs(group, work_a_second);
    return ChartPoint{static_cast<double>(group.rate), figure.median, figure.low, figure.high};
  };
  const auto late = [](const StormGroup& group) -> std::optional<ChartPoint> {
    std::vector<double> values;
    for (const StormRun& run : group.runs) {
      const ordered_json& latency = run.row.at("latency");
      if (is_told(latency.at("count"), 0.999)) values.push_back(latency.at("p999"));
    }
    if (values.empty()) return std::nullopt;
    const Figure figure = figure_of(std::move(values));
    return ChartPoint{static_cast<double>(group.rate), figure.median, figure.low, figure.high};
  };
  return {{"operations",
           chart_svg(chart_of(all, "Operations under signals", "operations a second", work))},
          {"latency", chart_svg(chart_of(all, "The slowest operation of a thousand",
                                         "p99.9 of an operation, ns", late))}};
}

}  // namespace

StormReport storm_report(const std::vector<ordered_json>& rows, const std::string& prefix) {
  const Storms all = read(rows);
  const std::vector<Check> checks = checks_of(all);
  StormReport report;
  report.pictures = pictures_of(all);
  report.holds = totals_of(all.storms).wrong == 0 && std::ranges::all_of(checks, holds);
  std::string& page = report.markdown;
  page = "# Stress report\n\n" + summary(all) + "\n" + provenance(all, prefix);
  page +=
      "\nA figure is the median of its runs. Behind it stands its 95 % interval, that of the sign "
      "test, if there are six runs or more. A figure whose interval holds 0 is not told. A "
      "quantile is told if ten samples or more lie beyond it: p99.9 needs 10,000.\n";
  page +=
      "\n## Operations under signals\n\nOperations a second are of the processor time that "
      "handlers leave. The quantiles are of an operation of mix slots, in ns.\n\n" +
      load_table(all);
  for (const StormPicture& picture : report.pictures)
    page += fmt::format("\n![{0}]({1}-{0}.svg)\n", picture.name, prefix);
  page += "\n## What must hold, on one thread a processor\n\n" + checks_text(checks);
  page +=
      "\n## What a signal costs, and the machine's floor\n\n`bare` is `bare_timers`: the same "
      "timers in a program without sigsweep, whose handler only counts. What it is short of the "
      "rate, and what a signal takes from it, are the kernel's and the hypervisor's. Of timers "
      "that take turns a signal costs less. A storm slows its timers down where more than 1 % "
      "of signals find no progress, unless the rate is held.\n\n" +
      cost_table(all);
  page += "\n## Time to the first violation of an unsafe protocol\n\n" + hazards_text(all);
  return report;
}

}  // namespace sigsweep
