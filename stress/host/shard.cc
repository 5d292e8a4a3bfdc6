// Which shard this is, and which cells are its.
#include "stress/host/shard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <optional>

#include "stress/base/sha1.h"

namespace sigsweep {
namespace {

constexpr unsigned kMostShards = 100000;

// What the engines call the number of a part, and where they begin to count.
struct Engine {
  const char* variable;
  unsigned first;
  std::string_view whose;
};
constexpr Engine kEngines[] = {
    {.variable = "SLURM_ARRAY_TASK_ID", .first = 1, .whose = "Slurm, with --array=1-N"},
    {.variable = "JOB_COMPLETION_INDEX", .first = 0, .whose = "Kubernetes, an indexed Job"},
    {.variable = "CI_NODE_INDEX", .first = 1, .whose = "GitLab, parallel: N"},
    {.variable = "PARALLEL_SEQ", .first = 1, .whose = "GNU parallel"},
};

// All of the text as a number that fits.
std::optional<unsigned> number_in(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string all_variables() {
  std::vector<std::string_view> names;
  for (const Engine& engine : kEngines) names.emplace_back(engine.variable);
  return fmt::format("{}", fmt::join(names, ", "));
}

struct AtWork {
  const Engine* engine;
  std::string_view value;  // of its variable
};

// The one engine that has started this process. In a job of one that starts another, several seem
// to have: then nobody can tell which of them divides the work.
AtWork engine_at_work() {
  std::vector<AtWork> found;
  for (const Engine& engine : kEngines) {
    if (const char* value = std::getenv(engine.variable)) found.push_back({&engine, value});
  }
  if (found.empty()) {
    throw Failure(kUsage,
                  "--shard auto/N: no engine tells which part this is; one of these "
                  "variables is expected: " +
                      all_variables());
  }
  if (found.size() > 1) {
    throw Failure(kUsage, fmt::format("--shard auto/N: {} and {} are both set; name the part "
                                      "yourself, as in --shard \"${}/N\"",
                                      found[0].engine->variable, found[1].engine->variable,
                                      found[1].engine->variable));
  }
  return found.front();
}

Shard shard_of_engine(unsigned count) {
  const AtWork at_work = engine_at_work();
  const Engine& engine = *at_work.engine;
  const std::string_view value = at_work.value;
  const auto index = number_in(value);
  const unsigned last = engine.first + count - 1;
  if (!index || *index < engine.first || *index > last) {
    throw Failure(
        kUsage, fmt::format("{}={}: {} to {} is expected for {} parts ({})", engine.variable, value,
                            engine.first, last, count, engine.whose));
  }
  return {*index - engine.first + 1, count,
          fmt::format("{}={}, which counts from {}", engine.variable, value, engine.first)};
}

struct Cell {
  std::size_t group = 0, handler = 0;  // indices in the plan
  std::uint64_t points = 0;
};

// A cell that can't be counted will say so when it is swept, and takes little time.
std::vector<Cell> cells_of(const Session& session, const SweepPlan& plan) {
  std::vector<Cell> cells;
  for (std::size_t g = 0; g < plan.groups.size(); g++) {
    const CellGroup& group = plan.groups[g];
    const std::size_t first = cells.size();
    for (std::size_t h = 0; h < group.handlers.size(); h++) cells.push_back({g, h, 0});
    std::size_t told = first;
    const Record command = Record("count")
                               .add("protocol", group.protocol)
                               .add("site", group.site)
                               .add("handlers", fmt::format("{}", fmt::join(group.handlers, ",")))
                               .add("form", group.form)
                               .add("contain", plan.contain)
                               .add("inject", plan.inject)
                               .add("signal", signal_for(plan.inject))
                               .add("seed", plan.seed);
    const Outcome outcome = session.runner->command(command, [&](const Record& r) {
      if (told < cells.size()) cells[told++].points = r.number("points");
    });
    if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
    if (outcome.kind == Outcome::trouble) throw Failure(kHarnessFailed, outcome.message);
  }
  return cells;
}

std::string hash_of(const std::vector<Cell>& cells) {
  std::string points;
  for (const Cell& cell : cells) points += std::to_string(cell.points) + ",";
  constexpr std::size_t kDigits = 16;
  return sha1(points).substr(0, kDigits);
}

// The plan with these cells alone, in its own order.
SweepPlan plan_with(const SweepPlan& plan, std::vector<Cell> cells) {
  std::ranges::sort(cells, {},
                    [](const Cell& cell) { return std::pair(cell.group, cell.handler); });
  SweepPlan less = plan;
  less.groups.clear();
  for (std::size_t i = 0; i < cells.size(); i++) {
    const CellGroup& group = plan.groups[cells[i].group];
    if (i == 0 || cells[i].group != cells[i - 1].group) {
      less.groups.push_back(group);
      less.groups.back().handlers.clear();
    }
    less.groups.back().handlers.push_back(group.handlers[cells[i].handler]);
  }
  return less;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string which = text.substr(0, slash);
  const unsigned count = slash < text.size() ? number_in(text.substr(slash + 1)).value_or(0) : 0;
  const bool asks_engine = which == "auto";
  const auto index = number_in(which);
  const bool counts = count >= 1 && count <= kMostShards;
  if (counts && asks_engine) return shard_of_engine(count);
  if (!counts || !index || *index < 1 || *index > count) {
    throw Failure(kUsage,
                  fmt::format("shard \"{}\": i/n with 1 <= i <= n <= {} is expected, as in 1/2; or "
                              "auto/n, which asks the engine that started this process",
                              text, kMostShards));
  }
  return {*index, count, {}};
}

std::string list_of_shards(std::span<const unsigned> indices, unsigned count) {
  std::string list;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) last++;
    list += fmt::format("{}{}", list.empty() ? "" : ",", indices[i]);
    if (last > i) list += fmt::format("-{}", indices[last]);
    i = last + 1;
  }
  return fmt::format("{} of {}", list, count);
}

SweepPart part_of(const Session& session, const SweepPlan& plan, const Shard& shard) {
  std::vector<Cell> cells = cells_of(session, plan);
  std::string hash = hash_of(cells);
  std::ranges::stable_sort(cells, std::greater(), &Cell::points);
  std::vector<std::uint64_t> work(shard.count);
  std::vector<Cell> mine;
  for (const Cell& cell : cells) {
    const auto least = std::ranges::min_element(work);
    *least += std::max<std::uint64_t>(1, cell.points);
    if (least - work.begin() + 1 == shard.index) mine.push_back(cell);
  }
  return {plan_with(plan, std::move(mine)), std::move(hash)};
}

}  // namespace sigsweep
