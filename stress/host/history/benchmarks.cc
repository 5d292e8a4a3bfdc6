// Times to ratios, ratios to judgements.
#include "stress/host/history/benchmarks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "stress/host/history/significance.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// (isa, benchmark) -> process -> time
using Times = std::map<std::pair<std::string, std::string>, std::map<unsigned, double>>;

// The harness's own benchmarks are judged by what the machine takes for a bare breakpoint and a bare
// signal. All others are a subject's.
struct HarnessPeers {
  const char* name;
  std::vector<const char*> peers;
};
const HarnessPeers kHarnessPeers[] = {
    {"BM_inject_direct", {"BM_int3_floor"}},
    {"BM_inject_kill", {"BM_int3_floor", "BM_tgkill_floor"}},
    {"BM_inject_itimer", {"BM_int3_floor", "BM_tgkill_floor"}},
    {"BM_inject_hwbreak", {"BM_int3_floor"}},
    {"BM_trial_contained", {"BM_int3_floor"}},
    {"BM_trial_fork", {"BM_tgkill_floor"}},
};
// Another library's switch, which no change of a subject makes slower.
constexpr const char* kSwitch = "BM_fcontext_two_jumps";
constexpr const char* kOtherSwitches[] = {kSwitch, "BM_swapcontext_two"};
constexpr std::string_view kFloor = "_floor";

bool is_peer(const std::string& name) {
  return name.ends_with(kFloor) || std::ranges::count(kOtherSwitches, name) != 0;
}

// BM_STEM_anything is measured against BM_STEM_floor, too.
std::string floor_of(const std::string& name) {
  const std::size_t stem = name.find('_') + 1;
  return name.substr(0, name.find('_', stem)) + std::string(kFloor);
}

std::string bare_name(const std::string& run_name) {  // without "/manual_time"
  return run_name.substr(0, run_name.find('/'));
}

double nanoseconds(const ordered_json& row) {
  static const std::map<std::string, double> kUnits = {
      {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  return row.at("real_time").get<double>() * kUnits.at(row.at("time_unit"));
}

Times by_name(const std::vector<BenchmarkTime>& times) {
  Times sorted;
  for (const BenchmarkTime& t : times) sorted[{t.isa, t.name}][t.process] = t.ns;
  return sorted;
}

std::vector<std::string> names_of(const Times& times, const std::string& isa) {
  std::vector<std::string> names;
  for (const auto& [key, processes] : times) {
    if (key.first == isa) names.push_back(key.second);
  }
  return names;
}

// One ratio a process that has measured them all.
std::vector<double> ratios(const Times& times, const std::string& isa, const std::string& name,
                           const Peers& peers) {
  std::vector<double> found;
  const auto at = times.find({isa, name});
  if (at == times.end()) return found;
  for (const auto& [process, ns] : at->second) {
    double below = 0;
    const bool whole = std::ranges::all_of(peers, [&, process = process](const auto& peer) {
      const auto of = times.find({isa, peer});
      if (of == times.end() || !of->second.contains(process)) return false;
      below += of->second.at(process);
      return true;
    });
    if (whole && below > 0) found.push_back(ns / below);
  }
  return found;
}

void compare_one(const Times& before, const Times& now, SlowerRow row, TimesCompared* result) {
  std::vector<double> a = ratios(before, row.isa, row.name, row.peers);
  const std::vector<double> b = ratios(now, row.isa, row.name, row.peers);
  row.processes_before = a.size();
  row.processes_now = b.size();
  if (std::min(a.size(), b.size()) < kLeastProcesses) {
    result->not_judged.push_back(fmt::format(
        "{} of {} by {}: measured in {} and in {} processes, of {} that it takes", row.name,
        row.isa, fmt::join(row.peers, " + "), a.size(), b.size(), kLeastProcesses));
    return;
  }
  result->judged++;
  row.before = median_of(a);
  row.now = median_of(b);
  for (double& ratio : a) ratio *= kLeastEffect;
  row.chance = p_of_greater(b, a);
  if (row.chance < kMostChance) result->slower.push_back(std::move(row));
}

}  // namespace

bool is_benchmark_json(const ordered_json& json) {
  return json.is_object() && json.contains("context") && json.contains("benchmarks");
}

std::vector<BenchmarkTime> benchmark_times(const ordered_json& json, const std::string& part,
                                           unsigned* process) {
  const std::string isa = json.at("context").value("isa", "amd64");
  // Processes that were put together have one repetition each, and an index each.
  std::map<std::pair<unsigned, std::string>, double> least;
  unsigned processes = 0;
  for (const ordered_json& row : json.at("benchmarks")) {
    if (row.at("run_type") != "iteration" || row.contains("error_occurred")) continue;
    const bool is_own_process = row.at("repetitions") == 1;
    const unsigned index = is_own_process ? row.at("repetition_index").get<unsigned>() : 0;
    const double ns = nanoseconds(row);
    const auto [at, fresh] = least.try_emplace({index, bare_name(row.at("run_name"))}, ns);
    at->second = std::min(at->second, ns);
    processes = std::max(processes, index + 1);
  }
  std::vector<BenchmarkTime> times;
  times.reserve(least.size());
  for (const auto& [key, ns] : least)
    times.push_back({part, isa, key.second, *process + key.first, ns});
  *process += processes;
  return times;
}

std::vector<Peers> peers_of(const std::string& name, const std::vector<std::string>& measured) {
  std::vector<Peers> wanted;
  const auto* const own = std::ranges::find(kHarnessPeers, name, &HarnessPeers::name);
  if (own != std::end(kHarnessPeers)) {
    wanted.emplace_back(own->peers.begin(), own->peers.end());
  } else if (!is_peer(name)) {
    wanted = {{kSwitch}, {floor_of(name)}};
  }
  std::erase_if(wanted, [&](const Peers& peers) {
    return !std::ranges::all_of(
        peers, [&](const auto& peer) { return std::ranges::count(measured, peer) != 0; });
  });
  return wanted;
}

std::vector<BenchmarkRatios> ratios_by_peers(const std::vector<BenchmarkTime>& times) {
  const Times sorted = by_name(times);
  std::vector<BenchmarkRatios> found;
  for (const auto& [key, processes] : sorted) {
    const auto& [isa, name] = key;
    for (Peers& peers : peers_of(name, names_of(sorted, isa))) {
      std::vector<double> measured = ratios(sorted, isa, name, peers);
      if (!measured.empty()) found.push_back({isa, name, std::move(peers), std::move(measured)});
    }
  }
  return found;
}

TimesCompared compare_times(const std::vector<BenchmarkTime>& before,
                            const std::vector<BenchmarkTime>& now) {
  const Times a = by_name(before), b = by_name(now);
  TimesCompared result;
  for (const auto& [key, processes] : b) {
    const auto& [isa, name] = key;
    if (!a.contains(key)) continue;  // it is new: there is nothing to hold it against
    const std::vector<Peers> all = peers_of(name, names_of(b, isa));
    if (all.empty() && !is_peer(name)) {
      result.not_judged.push_back(fmt::format("{} of {}: no peer of it was measured", name, isa));
    }
    for (const Peers& peers : all) compare_one(a, b, {isa, name, peers}, &result);
  }
  return result;
}

}  // namespace sigsweep
