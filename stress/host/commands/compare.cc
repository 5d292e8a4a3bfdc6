// Two results files are read into boundaries by operation; each boundary of the one is held against
// its match in the other.
#include "stress/host/commands/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "stress/account/account.h"
#include "stress/host/boundary_match.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/demangle.h"
#include "stress/host/results.h"
#include "stress/host/results_reader.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// ---- reading

// What a handler's signal came to.
struct Told {
  std::string verdict, slots;  // slots: "s0+s1", or empty
  bool finding = false;
  bool is_ok() const { return verdict == verdict_name(Verdict::ok); }
  std::string text() const { return verdict + (slots.empty() ? "" : " ") + slots; }
};

struct ComparedBoundary {
  BoundaryIdentity identity;
  std::string place;  // "module:symbol+0x12", with the pass if it is not the first
  ordered_json json;  // symbol, offset, pass, phase, instruction
  std::map<std::string, Told> handlers;
};

using OperationKey = std::tuple<std::string, std::string, std::string>;  // isa, protocol, site

struct Compared {
  std::string path;
  ResultLine run, end;
  std::string own_file;  // of the adapter; empty: it has none
  bool pairs_only = false;
  std::set<std::string> isas;
  std::map<OperationKey, std::vector<ComparedBoundary>> operations;
};

Told told_of(const ResultLine& row, const std::string& handler, const ordered_json& json) {
  const ResultLine entry{row.place + ": handlers: " + handler, json};
  Told told{entry.text("verdict"), {}, json.value("finding", false)};
  if (!verdict_from_name(told.verdict)) {
    throw Failure(kUsage, fmt::format("{}: there is no verdict {}; allowed: {}", entry.place,
                                      told.verdict, fmt::join(kVerdictNames, ", ")));
  }
  if (json.contains("slots")) {
    for (const ordered_json& slot : json["slots"])
      told.slots += (told.slots.empty() ? "" : "+") + slot.get<std::string>();
  }
  return told;
}

// The file name of the run's adapter; empty: it has none.
std::string adapter_file(const ResultLine& run) {
  if (!run.json.contains("adapter")) return {};
  return std::filesystem::path(run.json["adapter"].value("file", "")).filename();
}

// As it is in each build: the adapter's own file may have another name in each.
std::string without_file(std::string symbol, const std::string& file) {
  for (std::size_t at = 0; !file.empty() && (at = symbol.find(file, at)) != symbol.npos;)
    symbol.erase(at, file.size());
  return symbol;
}

ComparedBoundary boundary_of(const ResultLine& row, const std::string& own_file) {
  const std::string module = row.json.value("module", "");
  const bool alone = module.empty() || module == own_file;
  const std::string symbol = (alone ? "" : module + ":") + row.text("symbol");
  const std::uint64_t pass = row.number("pass");
  const auto phase = Phase::parse(row.text("phase"));
  if (!phase) {
    throw Failure(kUsage, fmt::format("{}: phase {}: PART/key=value/.../live=SLOTS#N is expected",
                                      row.place, row.text("phase")));
  }
  ComparedBoundary boundary;
  boundary.identity = {without_file(symbol, own_file), *phase, row.text("instruction")};
  boundary.place = fmt::format("{}+{:#x}{}", symbol, row.number("offset"),
                               pass == 1 ? "" : fmt::format(" pass {}", pass));
  for (const char* key : {"module", "symbol", "offset", "pass", "phase", "instruction"}) {
    if (row.json.contains(key)) boundary.json[key] = row.json[key];
  }
  for (const auto& [handler, entry] : row.object("handlers").items())
    boundary.handlers[handler] = told_of(row, handler, entry);
  return boundary;
}

void take_boundary(const ResultLine& row, Compared* side) {
  side->isas.insert(row.text("isa"));
  auto& operation = side->operations[{row.text("isa"), row.text("protocol"), row.text("site")}];
  ComparedBoundary boundary = boundary_of(row, side->own_file);
  // Shards may have divided the handlers of an operation among them.
  const auto same = std::ranges::find_if(operation, [&](const ComparedBoundary& b) {
    return b.identity.symbol == boundary.identity.symbol &&
           b.identity.phase == boundary.identity.phase;
  });
  if (same == operation.end()) {
    operation.push_back(std::move(boundary));
  } else {
    same->handlers.merge(boundary.handlers);
  }
}

Compared read_side(const std::string& path) {
  Compared side;
  side.path = path;
  constexpr std::string_view kKinds[] = {"run",    "cell", "finding",  "baseline", "boundary",
                                         "matrix", "end",  "protocol", "stub",     "word"};
  read_results(path, kKinds, [&](ResultLine row) {
    const std::string kind = row.text("kind");
    if (kind == "run") {
      side.own_file = adapter_file(row);
      side.run = std::move(row);
    } else if (kind == "end") {
      side.end = std::move(row);
    } else if (kind == "boundary") {
      take_boundary(row, &side);
    } else if (kind == "matrix") {
      side.pairs_only = true;
    }
  });
  if (side.run.json.is_null()) throw Failure(kUsage, fmt::format("{}:1:1: has no `run` row", path));
  if (side.operations.empty()) {
    throw Failure(kUsage,
                  fmt::format("{}: has {} `boundary` rows: nothing can be compared; "
                              "`sigsweep sweep --per-boundary --json FILE` writes them",
                              path, side.pairs_only ? "pairs of signals (depth 2), and no" : "no"));
  }
  check_came_to_end(path, side.end);
  return side;
}

// ---- judging

enum class Change : std::uint8_t { worse, better, changed, same, fresh, gone };
constexpr std::string_view kChangeNames[] = {"worse", "better", "changed", "same", "new", "gone"};
constexpr unsigned kChanges = 6;
std::string_view name_of(Change change) {
  return kChangeNames[static_cast<unsigned>(change)];
}

Change change_of(const Told& before, const Told& now) {
  if (before.verdict == now.verdict && before.slots == now.slots && before.finding == now.finding)
    return Change::same;
  if ((before.is_ok() && !now.is_ok()) || (!before.finding && now.finding)) return Change::worse;
  if ((now.is_ok() && !before.is_ok()) || (before.finding && !now.finding)) return Change::better;
  return Change::changed;
}

// A boundary that is not the same. The pointers are into the two sides.
struct Difference {
  Change what = Change::same;
  OperationKey operation;
  const ComparedBoundary* before = nullptr;  // null: it is new
  const ComparedBoundary* now = nullptr;     // null: it is gone
  std::map<std::string, Change> handlers;    // those that differ; of one that is new or gone: all
};

struct Comparison {
  std::array<std::uint64_t, kChanges> counts{};
  std::vector<Difference> differences;
  std::vector<std::string> not_compared;  // what only one of the two has
  std::uint64_t count(Change change) const { return counts[static_cast<unsigned>(change)]; }
};

// What is new is worse only where it may not be so: nothing was there to be better.
Difference alone(const ComparedBoundary* before, const ComparedBoundary* now) {
  Difference d{before == nullptr ? Change::fresh : Change::gone, {}, before, now, {}};
  for (const auto& [handler, told] : (before == nullptr ? now : before)->handlers) {
    const bool worse = before == nullptr && told.finding;
    d.handlers[handler] = worse                    ? Change::worse
                          : d.what == Change::gone ? Change::gone
                                                   : Change::fresh;
    if (worse) d.what = Change::worse;
  }
  return d;
}

// `missing`: handlers that only one of them has.
Difference difference_of(const ComparedBoundary& before, const ComparedBoundary& now,
                         std::set<std::string>* missing) {
  Difference d{Change::same, {}, &before, &now, {}};
  for (const auto& [handler, told] : before.handlers) {
    const auto other = now.handlers.find(handler);
    if (other == now.handlers.end()) {
      missing->insert(handler);
      continue;
    }
    const Change change = change_of(told, other->second);
    if (change == Change::same) continue;
    d.handlers[handler] = change;
    d.what = std::min(d.what, change);  // the worst of them: the order of the names
  }
  for (const auto& [handler, told] : now.handlers) {
    if (!before.handlers.contains(handler)) missing->insert(handler);
  }
  return d;
}

std::vector<BoundaryIdentity> identities(const std::vector<ComparedBoundary>& boundaries) {
  std::vector<BoundaryIdentity> all;
  all.reserve(boundaries.size());
  for (const ComparedBoundary& b : boundaries) all.push_back(b.identity);
  return all;
}

void compare_operation(const OperationKey& key, const std::vector<ComparedBoundary>& before,
                       const std::vector<ComparedBoundary>& now, Comparison* result,
                       std::set<std::string>* missing) {
  for (const BoundaryPair& pair : match_boundaries(identities(before), identities(now))) {
    const ComparedBoundary* a = pair.before ? &before[*pair.before] : nullptr;
    const ComparedBoundary* b = pair.now ? &now[*pair.now] : nullptr;
    Difference d = a != nullptr && b != nullptr ? difference_of(*a, *b, missing) : alone(a, b);
    result->counts[static_cast<unsigned>(d.what)]++;
    if (d.what == Change::same) continue;
    d.operation = key;
    result->differences.push_back(std::move(d));
  }
}

constexpr std::size_t kHandlersNamed = 3;

std::string some_of(const std::vector<std::string>& names) {
  if (names.size() == 1) return "handler " + names.front();
  const auto shown = static_cast<long>(std::min(names.size(), kHandlersNamed));
  std::string text =
      fmt::format("handlers {}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > kHandlersNamed)
    text += fmt::format(" and {} more", names.size() - kHandlersNamed);
  return text;
}

std::string joined(const OperationKey& key) {
  return fmt::format("{}", fmt::join(key, " "));
}

void note_alone(const Compared& side, const Compared& other, Comparison* result) {
  for (const std::string& isa : side.isas) {
    if (!other.isas.contains(isa))
      result->not_compared.push_back(fmt::format("isa {}: only {} has it", isa, side.path));
  }
  for (const auto& [key, boundaries] : side.operations) {
    if (other.isas.contains(std::get<0>(key)) && !other.operations.contains(key))
      result->not_compared.push_back(fmt::format("{}: only {} has it", joined(key), side.path));
  }
}

Comparison compare(const Compared& before, const Compared& now) {
  Comparison result;
  std::set<std::string> missing;
  bool any = false;
  for (const auto& [key, boundaries] : before.operations) {
    const auto other = now.operations.find(key);
    if (other == now.operations.end()) continue;
    any = true;
    compare_operation(key, boundaries, other->second, &result, &missing);
  }
  if (!any) {
    throw Failure(kUsage, fmt::format("{} and {} have no operation (isa, protocol, site) in common",
                                      before.path, now.path));
  }
  note_alone(before, now, &result);
  note_alone(now, before, &result);
  if (!missing.empty()) {
    result.not_compared.push_back(some_of({missing.begin(), missing.end()}) +
                                  ": at some boundaries only one of the two has a verdict");
  }
  return result;
}

void check_same_subject(const Compared& before, const Compared& now) {
  const std::string a = before.run.text("subject"), b = now.run.text("subject");
  if (a != b) {
    throw Failure(kUsage, fmt::format("{} is of the subject {}, and {} is of {}: only results of "
                                      "the same subject can be compared",
                                      before.path, a, now.path, b));
  }
  const auto common = [&](const std::string& isa) { return now.isas.contains(isa); };
  if (std::ranges::none_of(before.isas, common)) {
    throw Failure(kUsage, fmt::format("{} is of isa {}, and {} is of {}: only results of the same "
                                      "isa can be compared",
                                      before.path, fmt::join(before.isas, ", "), now.path,
                                      fmt::join(now.isas, ", ")));
  }
}

// ---- telling

constexpr std::size_t kShown = 10;  // of what is not worse; the results have all

std::string told_text(const ComparedBoundary* boundary, const std::string& handler) {
  return boundary == nullptr ? "" : boundary->handlers.at(handler).text();
}

// "ok -> crash", or what one side alone has; handlers of the same come together.
std::map<std::string, std::vector<std::string>> courses(const Difference& d) {
  std::map<std::string, std::vector<std::string>> handlers;
  for (const auto& [handler, change] : d.handlers) {
    const std::string a = told_text(d.before, handler), b = told_text(d.now, handler);
    const bool may_not =
        d.now != nullptr && d.now->handlers.at(handler).finding && change == Change::worse;
    handlers[fmt::format("{}{}{}{}", a, a.empty() || b.empty() ? "" : " -> ", b,
                         may_not ? ", a finding" : "")]
        .push_back(handler);
  }
  return handlers;
}

void print_difference(const Difference& d) {
  const ComparedBoundary& here = d.now != nullptr ? *d.now : *d.before;
  const bool is_new = d.before == nullptr && d.what == Change::worse;
  fmt::print("  {}: {}  {}  {}{}\n", joined(d.operation), demangled(here.place),
             demangled(here.identity.instruction), here.identity.phase.text(),
             is_new ? "  (new)" : "");
  if (d.before != nullptr && d.now != nullptr && d.before->place != d.now->place)
    fmt::print("    was {}  {}\n", demangled(d.before->place),
               demangled(d.before->identity.instruction));
  for (const auto& [course, handlers] : courses(d))
    fmt::print("    {}: {}\n", course, some_of(handlers));
}

void print_all(const Comparison& result) {
  const auto count = [&](Change change) { return result.count(change); };
  const std::uint64_t worse = count(Change::worse);
  fmt::print("{}; better at {}, changed at {}, same at {}; {} new, {} gone\n",
             worse == 0
                 ? "nothing is worse"
                 : fmt::format("worse at {} {}", worse, worse == 1 ? "boundary" : "boundaries"),
             count(Change::better), count(Change::changed), count(Change::same),
             count(Change::fresh), count(Change::gone));
  for (const std::string& what : result.not_compared) fmt::print("not compared: {}\n", what);
  for (unsigned i = 0; i < kChanges; i++) {
    const auto change = static_cast<Change>(i);
    if (change == Change::same || count(change) == 0) continue;
    fmt::print("\n{}:\n", name_of(change));
    std::size_t shown = 0;
    for (const Difference& d : result.differences) {
      if (d.what != change) continue;
      if (change == Change::worse || shown++ < kShown) print_difference(d);
    }
    if (shown > kShown) fmt::print("  ... and {} more; --json FILE has all\n", shown - kShown);
  }
}

// Without the adapter's build, which is what the two are compared for.
std::string asked_for(const Compared& side) {
  const std::string selection = side.run.text("selection");
  const std::size_t rest = selection.starts_with("adapter=") ? selection.find(" isa=") : 0;
  return rest == 0 || rest == selection.npos ? selection : selection.substr(rest + 1);
}

// Sweeps that were not asked for in the same way may differ by that alone.
void warn_of_selections(const Compared& before, const Compared& now) {
  const std::string a = asked_for(before), b = asked_for(now);
  if (a.empty() || b.empty() || a == b) return;
  fmt::print(stderr, "sigsweep: the two were not asked for the same:\n  {}: {}\n  {}: {}\n",
             before.path, a, now.path, b);
}

ordered_json told_json(const ComparedBoundary* boundary, const std::string& handler) {
  if (boundary == nullptr) return nullptr;
  const Told& told = boundary->handlers.at(handler);
  ordered_json json = {{"verdict", told.verdict}};
  if (!told.slots.empty()) json["slots"] = slots_from_text(told.slots);
  if (told.finding) json["finding"] = true;
  return json;
}

ordered_json change_row(const Difference& d) {
  const auto& [isa, protocol, site] = d.operation;
  ordered_json handlers = ordered_json::object();
  for (const auto& [handler, change] : d.handlers) {
    handlers[handler] = {{"what", name_of(change)},
                         {"old", told_json(d.before, handler)},
                         {"new", told_json(d.now, handler)}};
  }
  return {{"kind", "change"},
          {"what", name_of(d.what)},
          {"isa", isa},
          {"protocol", protocol},
          {"site", site},
          {"old", d.before == nullptr ? ordered_json() : d.before->json},
          {"new", d.now == nullptr ? ordered_json() : d.now->json},
          {"handlers", handlers}};
}

void write_rows(const Options& options, const Compared& before, const Compared& now,
                const Comparison& result, ResultsWriter* writer) {
  const auto write = [&](const ordered_json& row) {
    writer->write_line(row.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  };
  RunRow run = run_row(options);
  run.isas.clear();
  run.seed = 0;  // it draws nothing
  std::ranges::set_intersection(before.isas, now.isas, std::back_inserter(run.isas));
  run.subject = now.run.text("subject");
  writer->write(run);
  ordered_json row = {{"kind", "compared"},
                      {"old", {{"file", before.path}, {"build", before.run.text("build")}}},
                      {"new", {{"file", now.path}, {"build", now.run.text("build")}}}};
  ordered_json& counts = row["boundaries"] = ordered_json::object();
  for (unsigned i = 0; i < kChanges; i++) counts[std::string(kChangeNames[i])] = result.counts[i];
  row["not_compared"] = result.not_compared;
  write(row);
  for (const Difference& d : result.differences) write(change_row(d));
}

}  // namespace

int compare_command(const Options& options) {
  const Compared before = read_side(options.files.at(0)), now = read_side(options.files.at(1));
  check_same_subject(before, now);
  warn_of_selections(before, now);
  const Comparison result = compare(before, now);
  print_all(result);
  const int status = result.count(Change::worse) == 0 ? kAsExpected : kFinding;
  ResultsWriter writer(options.json);
  write_rows(options, before, now, result, &writer);
  writer.end(status);
  return status;
}

}  // namespace sigsweep
