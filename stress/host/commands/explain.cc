// The disassembly of an operation, in the order in which it runs, with one verdict column a
// protocol.
#include "stress/host/commands/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stress/host/claims.h"
#include "stress/host/commands/adapter_page.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/common_sequence.h"
#include "stress/host/demangle.h"
#include "stress/host/disassembly.h"
#include "stress/host/finding.h"
#include "stress/host/strip_svg.h"
#include "stress/host/strip_text.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

// One protocol's way through the operation, or, of an adapter, one handler's, and the verdict at each
// boundary.
struct Column {
  std::string title;
  const OperationMap* operation;
  std::vector<std::string> verdicts;

  bool same_way(const Column& other) const {
    const auto& a = operation->boundaries;
    const auto& b = other.operation->boundaries;
    return std::ranges::equal(a, b, [](const BoundaryAccount& x, const BoundaryAccount& y) {
      return x.at.symbol == y.at.symbol && x.at.offset == y.at.offset;
    });
  }
};

// mark: behind a verdict that may not be shown.
Column column_of(const std::string& title, const OperationMap& operation, const CellMap& cell,
                 const std::string& mark) {
  Column column{title, &operation, {}};
  for (std::size_t i = 0; i < operation.boundaries.size(); i++) {
    const BoundaryOutcome* outcome = cell.outcome(i);
    if (outcome == nullptr) {
      column.verdicts.emplace_back("?");
      continue;
    }
    column.verdicts.push_back((outcome->judged ? outcome->verdict : "not judged") +
                              (outcome->slots == "-" ? "" : " " + outcome->slots) +
                              (outcome->allowed ? "" : mark));
  }
  return column;
}

// `slots`: what of them is live has a column; a subject without slots has none.
void print_way(Listing* listing, const std::vector<Column>& columns, bool slots) {
  const auto& boundaries = columns.front().operation->boundaries;
  const auto live = [&](const std::string& text) {
    return slots ? fmt::format(" {:<9}", text) : "";
  };
  fmt::print("{:<52} {:<28}{}", "a signal in front of", "part and state", live("live"));
  for (const Column& c : columns) fmt::print(" {:<{}}", c.title, &c == &columns.back() ? 0 : 19);
  fmt::print("\n");
  std::string symbol;
  for (std::size_t i = 0; i < boundaries.size(); i++) {
    const BoundaryAccount& line = boundaries[i];
    if (line.at.symbol != symbol) {
      symbol = line.at.symbol;
      fmt::print("{}{}:\n", demangled(symbol), in_module(place_of(line)));
    }
    const std::string state = line.phase.head().substr(0, line.phase.head().find("/live="));
    std::string text = fmt::format("  +{:#05x}  {:<41.41}  {:<28}{}", line.at.offset,
                                   demangled(listing->at(line)), state, live(line.live));
    for (const Column& c : columns) text += fmt::format(" {:<19}", c.verdicts[i]);
    fmt::print("{}\n", text.substr(0, text.find_last_not_of(' ') + 1));
  }
  fmt::print("\n");
}

// A column a protocol. Those that take the same way stand side by side.
void print_protocols(const std::vector<OperationMap>& maps, Listing* listing) {
  std::vector<std::vector<Column>> ways;
  for (const OperationMap& map : maps) {
    const Column column = column_of(map.protocol, map, map.cells.front(), "");
    const auto way =
        std::ranges::find_if(ways, [&](const auto& w) { return w.front().same_way(column); });
    if (way == ways.end()) {
      ways.push_back({column});
    } else {
      way->push_back(column);
    }
  }
  for (const auto& way : ways) print_way(listing, way, true);
}

// Of names that stand for code without one: what they mean. Empty where there are none.
std::string names_explained(const std::vector<OperationMap>& maps) {
  for (const OperationMap& map : maps) {
    for (const BoundaryAccount& b : map.boundaries) {
      if (is_made_up(b.at.symbol, b.module)) return kMadeUpNames;
    }
  }
  return {};
}

// Of an adapter: a column a handler. A verdict that breaks a promise has a mark.
void print_handlers(const Session& session, const std::vector<OperationMap>& maps,
                    Listing* listing) {
  for (const OperationMap& map : maps) {
    fmt::print("{} interrupted, protocol {}\n\n", map.site, map.protocol);
    std::vector<Column> columns;
    for (const CellMap& cell : map.cells) {
      const bool promised = session.promised(map.protocol, cell.handler);
      columns.push_back(column_of(cell.handler + (promised ? "" : " (observed)"), map, cell, " !"));
    }
    print_way(listing, columns, false);
  }
  fmt::print(
      "!           breaks what was promised: a finding\n"
      "(observed)  was never promised: no verdict in that column is a finding\n");
  fmt::print("{}", names_explained(maps));
}

// ---- a stub that is wrong, beside its mended form

// An instruction as it is compared. A target inside its own stub is an offset.
std::vector<std::string> comparable(const Disassembler& code, const std::string& stub) {
  std::vector<std::string> texts;
  for (const Instruction& insn : code.function(stub)) {
    std::string text = insn.text;
    const std::size_t at = text.find(stub + "+");
    if (at != text.npos) text.erase(at, stub.size());
    texts.push_back(text);
  }
  return texts;
}

void print_beside(const Disassembler& code, const DefectSpec& defect) {
  const auto left = comparable(code, defect.stub), right = comparable(code, defect.mended);
  const auto length = common_lengths(left, right);
  fmt::print("{:<46}    {}\n", defect.stub, defect.mended);
  for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    const bool have_left = i < left.size(), have_right = j < right.size();
    const bool same = have_left && have_right && left[i] == right[j];
    // Of two that differ: both at once, unless one side has more than the other.
    const bool both = have_left && have_right && length[i][j] == length[i + 1][j + 1];
    const bool take_left =
        same || both || !have_right || (have_left && length[i + 1][j] >= length[i][j + 1]);
    const bool take_right = same || both || !take_left;
    fmt::print("  {:<44} {}  {}\n", take_left ? left[i] : "", same ? "  " : "<>",
               take_right ? right[j] : "");
    i += take_left ? 1 : 0;
    j += take_right ? 1 : 0;
  }
  fmt::print("<> {}\n\n", defect.what);
}

// All that this ISA has. Were there any?
bool explain_defects(const Session& session) {
  const Disassembler code(session.runner_path);
  bool any = false;
  const ClaimBook book = read_claims(session);
  for (const DefectSpec& defect : book.defects) {
    if (session.options.isa != defect.isa) continue;
    print_beside(code, defect);
    any = true;
  }
  return any;
}

SweepPlan plan_of(const Session& session, const std::vector<std::string>& protocols,
                  const std::vector<std::string>& handlers) {
  const Options& o = session.options;
  SweepPlan plan;
  plan.inject = o.inject;
  plan.no_red_zone = o.no_red_zone;
  plan.seed = o.seed;
  plan.per_boundary = true;
  for (const std::string& protocol : protocols)
    add_cells(protocol, session.sites(), forms_of(1), handlers, &plan);
  return plan;
}

// Every site that is selected, and every handler.
SweepPlan plan_of_adapter(const Session& session) {
  std::vector<std::string> protocols = session.protocols();
  const bool all = session.options.protocols == std::vector<std::string>{"all"};
  if (all) protocols.resize(1);  // the way is the same
  return plan_of(session, protocols, session.handlers());
}

// One site and one handler, all protocols that are selected.
SweepPlan plan_of_operation(const Session& session) {
  const Options& o = session.options;
  const auto sites = session.sites();
  auto handlers = session.handlers();
  if (o.sites == std::vector<std::string>{"all"} || sites.size() != 1) {
    throw Failure(kUsage, "explain needs one --site; see `sigsweep list`");
  }
  // By default the handler that does what the interrupted operation does.
  if (o.handlers == std::vector<std::string>{"all"})
    handlers = {sites[0].substr(0, sites[0].find('@'))};
  if (handlers.size() != 1)
    throw Failure(kUsage, "explain needs one --handler; see `sigsweep list`");
  return plan_of(session, session.protocols(), handlers);
}

// Writes --svg, if it is given.
void write_picture(const Options& options, const std::vector<Strip>& strips) {
  if (options.svg.empty()) return;
  const std::string origin = fmt::format("sigsweep {}, build {}: {}", version(),
                                         build_description(), options.command_line);
  write_text(options.svg, strips_svg(strips, origin));
}

int explain(const Session& session, const SweepPlan& plan, ResultsWriter* writer) {
  const SweepResult result = sweep(session, plan, writer);
  if (result.stopped) throw Failure(kStopped, "stopped");
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  Listing listing(session.runner_path, session.description.modules);
  const std::vector<Strip> strips = strips_of(result.maps, &listing);
  write_picture(session.options, strips);
  if (session.options.strip) {
    fmt::print("{}", strips_text(strips, colour_of_stdout()));
  } else if (session.description.adapter) {
    print_handlers(session, result.maps, &listing);
  } else {
    print_protocols(result.maps, &listing);
  }
  for (const BaselineProblem& p : result.without_signal) {
    fmt::print("{} {}: {} without any signal: {}\n", p.protocol, p.site, p.verdict, p.detail);
  }
  return result.without_signal.empty() ? kAsExpected : kFinding;
}

// Without slots there is nothing to say of a site but its name.
void print_sites(const Description& d) {
  if (d.adapter) {
    fmt::print("\nsites\n");
    for (const auto& s : d.sites) fmt::print("  {}\n", s.name);
    return;
  }
  fmt::print("\nsites{:<23} in          out     zero afterwards  ends by\n", "");
  for (const auto& s : d.sites)
    fmt::print("  {:<26} {:<11} {:<7} {:<16} {}\n", s.name, s.in, s.out, s.zeroed, s.ends);
}

}  // namespace

int explain_command(const Options& options) {
  const Session session = open_session(options);
  const bool adapter = session.description.adapter.has_value();
  const bool any_site = options.sites == std::vector<std::string>{"all"};
  if (!adapter && any_site && explain_defects(session)) return kAsExpected;
  const SweepPlan plan = adapter ? plan_of_adapter(session) : plan_of_operation(session);
  print_provenance(session);
  if (!adapter && !options.strip) {
    fmt::print("{} interrupted, handler {}\n\n", plan.groups.front().site,
               plan.groups.front().handlers.front());
  }
  const std::string file =
      options.json.empty() && !options.out.empty() ? options.out + "/explain.jsonl" : options.json;
  ResultsWriter writer(file);
  writer.write(run_row(session));
  const int status = write_to_end(&writer, [&] { return explain(session, plan, &writer); });
  if (!options.svg.empty()) fmt::print("strip: {}\n", options.svg);
  if (!file.empty()) fmt::print("results: {}\n", file);
  return status;
}

int list_command(const Options& options) {
  const Session session = open_session(options);
  const Description& d = session.description;
  fmt::print("isa        {}\n", d.catalog.isa);
  if (d.adapter) {
    fmt::print("adapter    {} {}, build {}\npromises   {}\ntraits     {}\n", d.adapter->name,
               d.adapter->version, d.adapter->build, fmt::join(d.adapter->promises, " "),
               fmt::join(d.adapter->traits, " "));
  }
  fmt::print("\nprotocols\n");
  for (const auto& p : d.protocols)
    fmt::print("  {:<18} {} [{}]\n", p.name, p.summary, p.allowed.text());
  for (const auto& [name, isa] : d.elsewhere) fmt::print("  {:<18} for isa {} only\n", name, isa);
  print_sites(d);
  std::vector<std::string> handlers;
  handlers.reserve(d.catalog.handlers.size());
  for (const auto& h : d.catalog.handlers) handlers.push_back(h.name);
  fmt::print("\nhandlers   {}\n", fmt::join(handlers, " "));
  fmt::print("verdicts   {}\n", fmt::join(d.catalog.verdicts, " "));
  fmt::print("sources    {}\n", fmt::join(kSourceNames, " "));
  return kAsExpected;
}

}  // namespace sigsweep
