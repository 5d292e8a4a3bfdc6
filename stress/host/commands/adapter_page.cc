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

// Of one handler's cells.
struct Tally {
  std::uint64_t trials = 0;
  bool promised = false;
  std::map<std::string, std::uint64_t> observed, broken;  // by verdict
};

std::map<std::string, Tally> tallies(const Session& session, const SweepResult& result) {
  std::map<std::string, Tally> by_handler;
  for (const CellRow& row : result.cells) {
    Tally& tally = by_handler[row.handler];
    tally.trials += row.trials;
    tally.promised = tally.promised || row.standing->promised;
    for (const auto& [verdict, n] : row.standing->observed) tally.observed[verdict] += n;
    const VerdictSet allowed = session.allowed(row.protocol, row.site, row.handler);
    for (const auto& [verdict, n] : row.verdicts) {
      if (!contains(allowed, verdict)) tally.broken[verdict] += n;
    }
  }
  return by_handler;
}

// A line of the page: "a round trip in the handler: crash at 12 of 412 boundaries, hang at 3". Empty
// where there is nothing to tell.
std::string sentence(const std::string& handler, const std::map<std::string, std::uint64_t>& counts,
                     std::uint64_t trials, const char* unit) {
  std::string text;
  for (const auto& [verdict, n] : counts) {
    text += text.empty()
                ? fmt::format("  {}: {} at {} of {} {}", deed_of(handler), verdict, n, trials, unit)
                : fmt::format(", {} at {}", verdict, n);
  }
  return text.empty() ? text : text + "\n";
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

std::string promises_of(const AdapterSpec& adapter) {
  std::string text = "a signal changes nothing";  // of any library
  for (const std::string& promise : adapter.promises) text += ", " + promise;
  return text;
}

}  // namespace

std::string adapter_page(const Session& session, const SweepResult& result) {
  const AdapterSpec& adapter = *session.description.adapter;
  const char* const unit = session.options.depth > 1 ? "pairs of boundaries" : "boundaries";
  std::uint64_t most = 0, copies = 0;
  bool tried_more = false;  // than what was promised
  std::string broken, observed;
  for (const auto& [handler, tally] : tallies(session, result)) {
    if (tally.promised) most = std::max(most, tally.trials);
    tried_more = tried_more || !tally.promised;
    broken += sentence(handler, tally.broken, tally.trials, unit);
    observed += sentence(handler, tally.observed, tally.trials, unit);
  }
  for (const CellRow& row : result.cells) copies += row.copies;
  std::string page = adapter.name + " " + adapter.version + ": ";
  if (!result.without_signal.empty()) {
    const BaselineProblem& first = result.without_signal.front();
    page += fmt::format("NOT right even without a signal: {}: {} {}\n", first.site, first.verdict,
                        first.detail);
  } else if (!broken.empty()) {
    page += fmt::format("NOT safe for what was promised ({}):\n{}", promises_of(adapter), broken);
  } else if (most == 0) {
    page += "nothing of what was tried breaks a promise\n";
  } else {
    page += fmt::format("safe at {} of {} {} for what was promised ({})\n", most, most, unit,
                        promises_of(adapter));
  }
  if (!observed.empty()) {
    page += "beyond that, observed, and never a finding:\n" + observed;
  } else if (tried_more) {
    page += "beyond that, nothing was observed to break\n";
  }
  page += left_out(result);
  if (result.unreached() != 0) {
    page += fmt::format(
        "{} signals found no boundary: the library does not take the same way each time\n",
        result.unreached());
  }
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
