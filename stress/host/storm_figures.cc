#include "stress/host/storm_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string program_of(const ordered_json& row) {
  if (row.at("kind") == "bare") {
    const unsigned timers = row.at("timers");
    if (row.at("rate_asked") == 0) return "bare, no timer";
    return fmt::format("bare, {} timer{}", timers, timers == 1 ? "" : "s");
  }
  std::string protocol = row.at("protocol");
  if (!row.contains("adapter")) return protocol;
  return row.at("adapter").at("name").get<std::string>() + " " + protocol;
}

double seconds_of(const StormRun& run) {
  return run.row.at("seconds");
}

double sum_of_sources(const StormRun& run, const char* key) {
  if (run.row.at("kind") == "bare") return run.row.value(key, 0.0);
  double sum = 0;
  for (const ordered_json& source : run.row.at("sources")) sum += source.at(key).get<double>();
  return sum;
}

// What the program did, whatever that is, a second.
double done_a_second(const StormRun& run) {
  if (run.row.at("kind") == "bare") return run.row.at("rounds").get<double>() / seconds_of(run);
  double sum = 0;
  for (const auto& [mix, n] : run.row.at("operations").items()) sum += n.get<double>();
  return sum / seconds_of(run);
}

// Each run with the nearest one without signals, which is then taken: no run counts twice.
std::vector<std::pair<const StormRun*, const StormRun*>> pairs_of(const StormGroup& with,
                                                                  const StormGroup& without) {
  std::vector<const StormRun*> left;
  for (const StormRun& run : without.runs) left.push_back(&run);
  std::vector<std::pair<const StormRun*, const StormRun*>> pairs;
  for (const StormRun& run : with.runs) {
    const auto distance = [&](const StormRun* other) {
      return run.place > other->place ? run.place - other->place : other->place - run.place;
    };
    const auto nearest = std::ranges::min_element(left, {}, distance);
    if (nearest == left.end()) break;
    pairs.emplace_back(&run, *nearest);
    left.erase(nearest);
  }
  return pairs;
}

Figure over_pairs(const StormGroup& with, const StormGroup& without,
                  double (*value)(const StormRun&, const StormRun&)) {
  const auto pairs = pairs_of(with, without);
  std::vector<double> values;
  values.reserve(pairs.size());
  for (const auto& [run, alone] : pairs) values.push_back(value(*run, *alone));
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  return figure_of(std::move(values));
}

// The probability of so many heads in n tosses of a coin.
double of_heads(std::size_t n, std::size_t heads) {
  const auto log_factorial = [](std::size_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  return std::exp(log_factorial(n) - log_factorial(heads) - log_factorial(n - heads) -
                  static_cast<double>(n) * std::log(2.0));
}

}  // namespace

Figure figure_of(std::vector<double> repetitions) {
  Figure figure;
  const std::size_t n = figure.repetitions = repetitions.size();
  if (n == 0) return figure;
  std::ranges::sort(repetitions);
  figure.median =
      n % 2 == 1 ? repetitions[n / 2] : (repetitions[n / 2 - 1] + repetitions[n / 2]) / 2;
  // The true median is below the k-th least value with the probability that at most k - 1 of n
  // tosses of a coin are heads. Of all k with 2.5 % or less the largest gives the interval.
  double below = 0;
  for (std::size_t k = 1; k <= n / 2; k++) {
    below += of_heads(n, k - 1);
    if (below > 0.025) break;
    figure.has_interval = true;
    figure.low = repetitions[k - 1];
    figure.high = repetitions[n - k];
  }
  return figure;
}

bool is_told(std::uint64_t samples, double quantile) {
  return static_cast<double>(samples) * (1 - quantile) >= kLeastBeyond - 1e-6;
}

std::vector<StormGroup> storm_groups(const std::vector<ordered_json>& rows) {
  std::map<std::tuple<bool, std::string, bool, unsigned, unsigned>, StormGroup> groups;
  unsigned cpus = 1;
  for (std::size_t i = 0; i < rows.size(); i++) {
    const ordered_json& row = rows[i];
    const std::string kind = row.at("kind");
    if (kind == "run") cpus = row.at("machine").at("cpus");
    if (kind != "storm" && kind != "bare") continue;
    StormGroup group;
    group.bare = kind == "bare";
    group.program = program_of(row);
    group.held = row.value("hold_rate", false);
    group.threads = row.at(group.bare ? "threads" : "ms");
    group.rate = row.at("rate_asked");
    auto& runs =
        groups
            .try_emplace({group.bare, group.program, group.held, group.threads, group.rate}, group)
            .first->second.runs;
    runs.push_back({row, std::min(cpus, group.threads), i});
  }
  std::vector<StormGroup> all;
  all.reserve(groups.size());
  for (auto& [key, group] : groups) all.push_back(std::move(group));
  return all;
}

const StormGroup* without_signals(const std::vector<StormGroup>& groups, const StormGroup& of) {
  for (const StormGroup& group : groups) {
    const bool same = group.bare == of.bare && (of.bare || group.program == of.program);
    if (same && group.rate == 0 && group.threads == of.threads && !group.held) return &group;
  }
  return nullptr;
}

double signals_a_second(const StormRun& run) {
  return sum_of_sources(run, "delivered") / seconds_of(run);
}

double work_a_second(const StormRun& run) {
  const double handlers = run.row.value("handler_seconds", 0.0);
  return done_a_second(run) * seconds_of(run) / (seconds_of(run) * run.cpus - handlers);
}

Figure signal_cost(const StormGroup& with, const StormGroup& without) {
  return over_pairs(with, without, [](const StormRun& run, const StormRun& alone) {
    const double taken = 1 - done_a_second(run) / done_a_second(alone);
    return taken * run.cpus / signals_a_second(run) * 1e6;
  });
}

Figure work_kept(const StormGroup& with, const StormGroup& without) {
  return over_pairs(with, without, [](const StormRun& run, const StormRun& alone) {
    return work_a_second(run) / work_a_second(alone);
  });
}

Figure over_runs(const StormGroup& group, double (*value)(const StormRun&)) {
  std::vector<double> values;
  for (const StormRun& run : group.runs) values.push_back(value(run));
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  return figure_of(std::move(values));
}

}  // namespace sigsweep
