// The disassembly of an operation, in the order in which it runs, with one verdict column a
// protocol.
#include "stress/host/commands/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "stress/account/account.h"
#include "stress/host/claims.h"
#include "stress/host/disassembly.h"
#include "stress/host/sweep_plan.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {
namespace {

// One protocol's way through the operation, or, of an adapter, one handler's, and the verdict at each
// boundary.
struct Column {
  std::string title;
  std::vector<BoundaryAccount> lines;
  std::vector<std::string> verdicts;

  bool same_way(const Column& other) const {
    return std::ranges::equal(lines, other.lines, [](const auto& a, const auto& b) {
      return a.at.symbol == b.at.symbol && a.at.offset == b.at.offset;
    });
  }
};

Column column_of(const Session& session, const std::string& protocol, const std::string& site,
                 const std::string& handler) {
  Column column;
  column.title = protocol;
  const auto take = [&](const Record& r) {
    if (r.word() == "boundary") {
      column.lines.push_back(decode_boundary(r));
    } else if (r.word() == "at") {
      const std::string& slots = r.text("slots");
      column.verdicts.push_back(r.text("verdict") + (slots == "-" ? "" : " " + slots));
    }
  };
  Record command("sweep");
  command.add("protocol", protocol).add("site", site).add("handlers", handler);
  command.add("inject", session.options.inject).add("signal", signal_for(session.options.inject));
  command.add("seed", session.options.seed).add("map", std::uint64_t{1});
  command.add("no_red_zone", unsigned{session.options.no_red_zone});
  const Outcome outcome = session.runner->command(command, take);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  return column;
}

std::string text_of(const Disassemblers& code, const BoundaryAccount& line,
                    std::map<std::string, std::vector<Instruction>>* cache) {
  std::vector<Instruction>& known = (*cache)[line.at.symbol];
  const auto find = [&] { return std::ranges::find(known, line.at.offset, &Instruction::offset); };
  if (find() == known.end()) known = code.listing(place_of(line));
  const auto found = find();
  return found == known.end() ? "?" : found->text;
}

void print_way(const Disassemblers& code, const std::vector<Column>& columns) {
  std::map<std::string, std::vector<Instruction>> cache;
  const Column& first = columns.front();
  fmt::print("{:<52} {:<28} {:<9}", "a signal in front of", "part and state", "live");
  for (const Column& c : columns) fmt::print(" {:<{}}", c.title, &c == &columns.back() ? 0 : 19);
  fmt::print("\n");
  std::string symbol;
  for (std::size_t i = 0; i < first.lines.size(); i++) {
    const BoundaryAccount& line = first.lines[i];
    if (line.at.symbol != symbol) {
      fmt::print("{}{}:\n", symbol = line.at.symbol, in_module(place_of(line)));
    }
    const std::string state = line.phase.head().substr(0, line.phase.head().find("/live="));
    std::string text = fmt::format("  +{:#05x}  {:<41.41}  {:<28} {:<9}", line.at.offset,
                                   text_of(code, line, &cache), state, line.live);
    for (const Column& c : columns) {
      text += fmt::format(" {:<19}", i < c.verdicts.size() ? c.verdicts[i] : "?");
    }
    fmt::print("{}\n", text.substr(0, text.find_last_not_of(' ') + 1));
  }
  fmt::print("\n");
}

// Those that take the same way stand side by side.
void print_columns(const Session& session, std::vector<Column> columns) {
  std::vector<std::vector<Column>> ways;
  for (Column& column : columns) {
    const auto way =
        std::ranges::find_if(ways, [&](const auto& w) { return w.front().same_way(column); });
    if (way == ways.end()) {
      ways.push_back({std::move(column)});
    } else {
      way->push_back(std::move(column));
    }
  }
  const Disassemblers code(session.runner_path, session.description.modules);
  for (const auto& way : ways) print_way(code, way);
}

// ---- an adapter: a column a handler

// A verdict that breaks a promise has a mark.
Column column_of_handler(const Session& session, const std::string& protocol,
                         const std::string& site, const std::string& handler) {
  Column column = column_of(session, protocol, site, handler);
  const VerdictSet allowed = session.allowed(protocol, site, handler);
  const bool promised = session.promised(protocol, handler);
  column.title = handler + (promised ? "" : " (observed)");
  for (std::string& verdict : column.verdicts) {
    if (!contains(allowed, verdict.substr(0, verdict.find(' ')))) verdict += " !";
  }
  return column;
}

int explain_adapter(const Session& session) {
  const bool all = session.options.protocols == std::vector<std::string>{"all"};
  std::vector<std::string> protocols = session.protocols();
  if (all) protocols.resize(1);  // the way is the same
  const auto sites = session.sites();
  const auto handlers = session.handlers();
  print_provenance(session);
  for (const std::string& protocol : protocols) {
    for (const std::string& site : sites) {
      fmt::print("{} interrupted, protocol {}\n\n", site, protocol);
      std::vector<Column> columns;
      for (const std::string& handler : handlers)
        columns.push_back(column_of_handler(session, protocol, site, handler));
      print_columns(session, std::move(columns));
    }
  }
  fmt::print(
      "!           breaks what was promised: a finding\n"
      "(observed)  was never promised: no verdict in that column is a finding\n");
  return kAsExpected;
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

// length[i][j]: of the longest sequence that a from i on and b from j on have in common.
std::vector<std::vector<unsigned>> common_lengths(const std::vector<std::string>& a,
                                                  const std::vector<std::string>& b) {
  std::vector<std::vector<unsigned>> length(a.size() + 1, std::vector<unsigned>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i][j] =
          a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  return length;
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

}  // namespace

int explain_command(const Options& options) {
  const Session session = open_session(options);
  if (session.description.adapter) return explain_adapter(session);
  const bool any_site = options.sites == std::vector<std::string>{"all"};
  if (any_site && explain_defects(session)) return kAsExpected;
  const auto sites = session.sites();
  auto handlers = session.handlers();
  if (options.sites == std::vector<std::string>{"all"} || sites.size() != 1) {
    throw Failure(kUsage, "explain needs one --site; see `sigsweep list`");
  }
  // By default the handler that does what the interrupted operation does.
  if (options.handlers == std::vector<std::string>{"all"})
    handlers = {sites[0].substr(0, sites[0].find('@'))};
  if (handlers.size() != 1)
    throw Failure(kUsage, "explain needs one --handler; see `sigsweep list`");
  print_provenance(options);
  fmt::print("{} interrupted, handler {}\n\n", sites[0], handlers[0]);
  std::vector<Column> columns;
  for (const std::string& protocol : session.protocols()) {
    columns.push_back(column_of(session, protocol, sites[0], handlers[0]));
  }
  print_columns(session, std::move(columns));
  return kAsExpected;
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
