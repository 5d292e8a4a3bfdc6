// The disassembly of an operation, in the order in which it runs, with one verdict column a
// protocol.
#include "stress/host/commands/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stress/host/claims.h"
#include "stress/host/common_sequence.h"
#include "stress/host/disassembly.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

// One protocol's way through the operation, and the verdict at each boundary.
bool same_way(const OperationMap& a, const OperationMap& b) {
  return std::ranges::equal(a.boundaries, b.boundaries,
                            [](const BoundaryAccount& x, const BoundaryAccount& y) {
                              return x.at.symbol == y.at.symbol && x.at.offset == y.at.offset;
                            });
}

std::string verdict_at(const OperationMap& column, std::size_t boundary) {
  const BoundaryOutcome* outcome = column.cells.front().outcome(boundary);
  if (outcome == nullptr) return "?";
  return outcome->verdict + (outcome->slots == "-" ? "" : " " + outcome->slots);
}

// The protocols whose way is the same, side by side.
using Way = std::vector<OperationMap>;

std::vector<Way> ways_of(std::vector<OperationMap> columns) {
  std::vector<Way> ways;
  for (OperationMap& column : columns) {
    const auto way =
        std::ranges::find_if(ways, [&](const Way& w) { return same_way(w.front(), column); });
    if (way == ways.end()) {
      ways.push_back({std::move(column)});
    } else {
      way->push_back(std::move(column));
    }
  }
  return ways;
}

void print_way(Listing* listing, const Way& way) {
  const OperationMap& first = way.front();
  fmt::print("{:<52} {:<28} {:<9}", "a signal in front of", "part and state", "live");
  for (const OperationMap& c : way) fmt::print(" {:<{}}", c.protocol, &c == &way.back() ? 0 : 19);
  fmt::print("\n");
  std::string symbol;
  for (std::size_t i = 0; i < first.boundaries.size(); i++) {
    const BoundaryAccount& line = first.boundaries[i];
    if (line.at.symbol != symbol) fmt::print("{}:\n", symbol = line.at.symbol);
    const std::string state = line.phase.head().substr(0, line.phase.head().find("/live="));
    std::string text = fmt::format("  +{:#05x}  {:<41.41}  {:<28} {:<9}", line.at.offset,
                                   listing->at(line), state, line.live);
    for (const OperationMap& c : way) text += fmt::format(" {:<19}", verdict_at(c, i));
    fmt::print("{}\n", text.substr(0, text.find_last_not_of(' ') + 1));
  }
  fmt::print("\n");
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

// One site and one handler, all protocols that are selected.
SweepPlan plan_of(const Session& session) {
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
  SweepPlan plan;
  plan.inject = o.inject;
  plan.no_red_zone = o.no_red_zone;
  plan.seed = o.seed;
  plan.per_boundary = true;
  for (const std::string& protocol : session.protocols())
    add_cells(protocol, sites, forms_of(1), handlers, &plan);
  return plan;
}

int explain(const Session& session, const SweepPlan& plan, ResultsWriter* writer) {
  SweepResult result = sweep(session, plan, writer);
  if (result.stopped) throw Failure(kStopped, "stopped");
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  Listing listing(session.runner_path);
  for (const Way& way : ways_of(std::move(result.maps))) print_way(&listing, way);
  for (const BaselineProblem& p : result.without_signal) {
    fmt::print("{} {}: {} without any signal: {}\n", p.protocol, p.site, p.verdict, p.detail);
  }
  return result.without_signal.empty() ? kAsExpected : kFinding;
}

}  // namespace

int explain_command(const Options& options) {
  const Session session = open_session(options);
  const bool any_site = options.sites == std::vector<std::string>{"all"};
  if (any_site && explain_defects(session)) return kAsExpected;
  const SweepPlan plan = plan_of(session);
  print_provenance(options);
  fmt::print("{} interrupted, handler {}\n\n", plan.groups.front().site,
             plan.groups.front().handlers.front());
  const std::string file =
      options.json.empty() && !options.out.empty() ? options.out + "/explain.jsonl" : options.json;
  ResultsWriter writer(file);
  writer.write(RunRow{version(),
                      build_description(),
                      options.command_line,
                      {options.isa},
                      {},
                      options.seed,
                      "",
                      "",
                      subject_of(session)});
  const int status = write_to_end(&writer, [&] { return explain(session, plan, &writer); });
  if (!file.empty()) fmt::print("results: {}\n", file);
  return status;
}

int list_command(const Options& options) {
  const Session session = open_session(options);
  const Description& d = session.description;
  fmt::print("isa        {}\n\nprotocols\n", d.catalog.isa);
  for (const auto& p : d.protocols)
    fmt::print("  {:<18} {} [{}]\n", p.name, p.summary, p.allowed.text());
  for (const auto& [name, isa] : d.elsewhere) fmt::print("  {:<18} for isa {} only\n", name, isa);
  fmt::print("\nsites{:<23} in          out     zero afterwards  ends by\n", "");
  for (const auto& s : d.sites)
    fmt::print("  {:<26} {:<11} {:<7} {:<16} {}\n", s.name, s.in, s.out, s.zeroed, s.ends);
  std::vector<std::string> handlers;
  handlers.reserve(d.catalog.handlers.size());
  for (const auto& h : d.catalog.handlers) handlers.push_back(h.name);
  fmt::print("\nhandlers   {}\n", fmt::join(handlers, " "));
  fmt::print("verdicts   {}\n", fmt::join(d.catalog.verdicts, " "));
  fmt::print("sources    {}\n", fmt::join(kSourceNames, " "));
  return kAsExpected;
}

}  // namespace sigsweep
