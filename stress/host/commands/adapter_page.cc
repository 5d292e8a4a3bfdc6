#include "stress/host/commands/adapter_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sigsweep {
namespace {

// What a handler does, as a subject of a sentence.
std::string deed_of(const std::string& handler) {
  constexpr std::pair<const char*, const char*> kDeeds[] = {
      {"none", "a handler that only returns"},
      {"observe", "a backtrace in the handler"},
      {"switch", "a round trip in the handler"},
  };
  const auto deed = std::ranges::find(kDeeds, handler,
                                      [](const auto& row) { return std::string_view(row.first); });
  return deed == std::end(kDeeds) ? "the handler " + handler : deed->second;
}

using Counts = std::map<std::string, std::uint64_t>;  // by verdict

// Of the cells of one handler and one protocol: they have each boundary once.
struct Tally {
  std::uint64_t trials = 0, not_judged = 0;
  Counts observed, broken;
};
// By handler and protocol.
using Tallies = std::map<std::string, std::map<std::string, Tally>>;

Tallies tallies(const Session& session, const SweepResult& result) {
  Tallies all;
  for (const CellRow& row : result.cells) {
    Tally& tally = all[row.handler][row.protocol];
    tally.trials += row.trials;
    tally.not_judged += row.not_judged;
    for (const auto& [verdict, n] : row.standing->observed) tally.observed[verdict] += n;
    const VerdictSet allowed = session.allowed(row.protocol, row.site, row.handler);
    for (const auto& [verdict, n] : row.verdicts) {
      if (!contains(allowed, verdict)) tally.broken[verdict] += n;
    }
  }
  return all;
}

// What was promised was tried at so many boundaries, or pairs of them. Each counts once, whichever
// protocols and handlers it was tried with.
std::uint64_t boundaries_tried(const SweepResult& result) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> most;  // by site and form
  for (const CellRow& row : result.cells) {
    if (!row.standing->promised) continue;
    std::uint64_t& of_site = most[{row.site, row.form}];
    of_site = std::max(of_site, row.trials);
  }
  std::uint64_t sum = 0;
  for (const auto& [site, n] : most) sum += n;
  return sum;
}

// "crash at 12 of 412 boundaries, hang at 3"; empty where there is nothing to tell.
std::string told(const Counts& counts, std::uint64_t trials, const char* unit) {
  std::string text;
  for (const auto& [verdict, n] : counts) {
    text += text.empty() ? fmt::format("{} at {} of {} {}", verdict, n, trials, unit)
                         : fmt::format(", {} at {}", verdict, n);
  }
  return text;
}

// A line for each handler; one for each protocol where these differ.
std::string lines(const Tallies& all, const char* unit, Counts (*counts)(const Tally&)) {
  std::string text;
  for (const auto& [handler, by_protocol] : all) {
    std::vector<std::pair<std::string, std::vector<std::string>>> told_of;  // the protocols of each
    for (const auto& [protocol, tally] : by_protocol) {
      const std::string what = told(counts(tally), tally.trials, unit);
      auto same = std::ranges::find(told_of, what, [](const auto& row) { return row.first; });
      if (same == told_of.end()) same = told_of.insert(same, {what, {}});
      same->second.push_back(protocol);
    }
    for (const auto& [what, protocols] : told_of) {
      const bool everywhere = protocols.size() == by_protocol.size();
      if (what.empty()) continue;
      text += fmt::format("  {}{}: {}\n", deed_of(handler),
                          everywhere ? "" : fmt::format(", {}", fmt::join(protocols, ", ")), what);
    }
  }
  return text;
}

// Cells that were not swept: a line for each reason.
std::string left_out(const SweepResult& result) {
  std::map<std::string, std::vector<std::string>> cells;  // by reason
  for (const CellRow& row : result.cells) {
    if (row.left_out.empty()) continue;
    cells[row.left_out].push_back(fmt::format("{} {}, a second signal in the handler {}",
                                              row.protocol, row.site, row.handler));
  }
  std::string text;
  for (const auto& [why, names] : cells) {
    text += fmt::format("not swept, because {}: {}{}\n", why, names.front(),
                        names.size() == 1 ? "" : fmt::format(", and {} more", names.size() - 1));
  }
  return text;
}

// Backtraces that are neither right nor wrong.
std::string not_judged(const Tallies& all, const char* unit) {
  const std::string text = lines(all, unit, [](const Tally& tally) {
    return tally.not_judged == 0 ? Counts() : Counts{{"ended", tally.not_judged}};
  });
  return text.empty() ? text
                      : "not judged, because SP was in a stack that the library declared as its "
                        "own:\n" +
                            text;
}

// Beyond what was promised.
std::string beyond(const SweepResult& result, const std::string& observed) {
  if (!observed.empty()) return "beyond that, observed, and never a finding:\n" + observed;
  const auto is_more = [](const CellRow& row) {
    return !row.standing->promised && row.trials != 0;
  };
  return std::ranges::any_of(result.cells, is_more) ? "beyond that, nothing was observed to break\n"
                                                    : "";
}

// Each round trip of a handler goes through the run queue of a library that schedules, at any point of
// its work: few such libraries were made for that.
std::string hint(const AdapterSpec& adapter, const Tallies& all) {
  const auto tried = all.find("switch");
  if (tried == all.end() || std::ranges::count(adapter.traits, "schedules") == 0) return {};
  const auto fails = [](const auto& by_protocol) {
    return !by_protocol.second.observed.empty() || !by_protocol.second.broken.empty();
  };
  if (std::ranges::none_of(tried->second, fails)) return {};
  return "the library schedules, and a round trip in a handler enters its scheduler anywhere; "
         "without it: --handler none,observe\n";
}

std::string promises_of(const AdapterSpec& adapter) {
  std::string text = "a signal changes nothing";  // of any library
  for (const std::string& promise : adapter.promises) text += ", " + promise;
  return text;
}

}  // namespace

std::string adapter_page(const Session& session, const SweepResult& result) {
  const AdapterSpec& adapter = *session.description.adapter;
  const char* const unit = session.options.depth > 1 ? "pairs of boundaries" : "boundaries";
  const Tallies all = tallies(session, result);
  const std::string broken = lines(all, unit, [](const Tally& tally) { return tally.broken; });
  const std::string observed = lines(all, unit, [](const Tally& tally) { return tally.observed; });
  const bool part = result.stopped || !result.cut_short.empty();
  std::string page = adapter.name + " " + adapter.version + (part ? ", so far: " : ": ");
  if (!result.without_signal.empty()) {
    const BaselineProblem& first = result.without_signal.front();
    page += fmt::format("NOT right even without a signal: {}: {} {}\n", first.site, first.verdict,
                        first.detail);
  } else if (!broken.empty()) {
    page += fmt::format("NOT safe for what was promised ({}):\n{}", promises_of(adapter), broken);
  } else if (const std::uint64_t tried = boundaries_tried(result); tried == 0) {
    page += "nothing of what was tried was promised\n";
  } else {
    page += fmt::format("safe at {} of {} {} for what was promised ({})\n", tried, tried, unit,
                        promises_of(adapter));
  }
  page += beyond(result, observed) + hint(adapter, all) + not_judged(all, unit) + left_out(result);
  if (result.unreached() != 0) {
    page += fmt::format(
        "{} signals found no boundary: the library does not take the same way each time\n",
        result.unreached());
  }
  std::uint64_t copies = 0;
  for (const CellRow& row : result.cells) copies += row.copies;
  if (copies != 0)
    page += fmt::format("{} trials had a copy of the process for themselves, or ended theirs\n",
                        copies);
  return page;
}

std::optional<AdapterRow> adapter_row(const Session& session) {
  const auto& adapter = session.description.adapter;
  if (!adapter) return std::nullopt;
  return AdapterRow{adapter->name,           adapter->version,  adapter->build,
                    session.options.adapter, adapter->promises, adapter->traits};
}

}  // namespace sigsweep
