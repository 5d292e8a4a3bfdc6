// The disassembly of an operation, in the order in which it runs, with one verdict column a
// protocol.
#include "stress/host/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "stress/host/disassembly.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

struct Line {
  std::string symbol, phase, live;
  std::uint64_t offset = 0;
};

// One protocol's way through the operation, and the verdict at each boundary.
struct Column {
  std::string protocol;
  std::vector<Line> lines;
  std::vector<std::string> verdicts;

  bool same_way(const Column& other) const {
    return std::ranges::equal(lines, other.lines, [](const Line& a, const Line& b) {
      return a.symbol == b.symbol && a.offset == b.offset;
    });
  }
};

Column column_of(const Session& session, const std::string& protocol, const std::string& site,
                 const std::string& handler) {
  Column column;
  column.protocol = protocol;
  const auto take = [&](const Record& r) {
    if (r.word() == "boundary") {
      column.lines.push_back(
          {r.text("symbol"), r.text("phase"), r.text("live"), r.number("offset")});
    } else if (r.word() == "at") {
      const std::string& slots = r.text("slots");
      column.verdicts.push_back(r.text("verdict") + (slots == "-" ? "" : " " + slots));
    }
  };
  Record command("sweep");
  command.add("protocol", protocol).add("site", site).add("handlers", handler);
  command.add("inject", session.options.inject).add("signal", signal_for(session.options.inject));
  command.add("seed", session.options.seed).add("map", std::uint64_t{1});
  const Outcome outcome = session.runner->command(command, take);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  return column;
}

std::string text_of(const Disassembler& code, const Line& line,
                    std::map<std::string, std::vector<Instruction>>* cache) {
  auto [at, is_new] = cache->try_emplace(line.symbol);
  if (is_new) at->second = code.function(line.symbol);
  for (const Instruction& insn : at->second) {
    if (insn.offset == line.offset) return insn.text;
  }
  return "?";
}

void print_way(const Disassembler& code, const std::vector<Column>& columns) {
  std::map<std::string, std::vector<Instruction>> cache;
  const Column& first = columns.front();
  fmt::print("{:<52} {:<28} {:<9}", "a signal in front of", "part and state", "live");
  for (const Column& c : columns) fmt::print(" {:<{}}", c.protocol, &c == &columns.back() ? 0 : 19);
  fmt::print("\n");
  std::string symbol;
  for (std::size_t i = 0; i < first.lines.size(); i++) {
    const Line& line = first.lines[i];
    if (line.symbol != symbol) fmt::print("{}:\n", symbol = line.symbol);
    const std::string state = line.phase.substr(0, line.phase.find("/live="));
    std::string text = fmt::format("  +{:#05x}  {:<41.41}  {:<28} {:<9}", line.offset,
                                   text_of(code, line, &cache), state, line.live);
    for (const Column& c : columns) {
      text += fmt::format(" {:<19}", i < c.verdicts.size() ? c.verdicts[i] : "?");
    }
    fmt::print("{}\n", text.substr(0, text.find_last_not_of(' ') + 1));
  }
  fmt::print("\n");
}

}  // namespace

int explain_command(const Options& options) {
  const Session session = open_session(options);
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
  std::vector<std::vector<Column>> ways;
  for (const std::string& protocol : session.protocols()) {
    Column column = column_of(session, protocol, sites[0], handlers[0]);
    const auto way =
        std::ranges::find_if(ways, [&](const auto& w) { return w.front().same_way(column); });
    if (way == ways.end()) {
      ways.push_back({std::move(column)});
    } else {
      way->push_back(std::move(column));
    }
  }
  const Disassembler code(session.runner_path);
  for (const auto& way : ways) print_way(code, way);
  return kAsExpected;
}

int list_command(const Options& options) {
  const Session session = open_session(options);
  const Description& d = session.description;
  fmt::print("isa        {}\n\nprotocols\n", d.catalog.isa);
  for (const auto& p : d.protocols) fmt::print("  {:<18} {} [{}]\n", p.name, p.summary, p.allowed);
  fmt::print("\nsites{:<23} in          out     zero afterwards  ends by\n", "");
  for (const auto& s : d.sites)
    fmt::print("  {:<26} {:<11} {:<7} {:<16} {}\n", s.name, s.in, s.out, s.zeroed, s.ends);
  std::vector<std::string> handlers;
  handlers.reserve(d.catalog.handlers.size());
  for (const auto& h : d.catalog.handlers) handlers.push_back(h.name);
  fmt::print("\nhandlers   {}\n", fmt::join(handlers, " "));
  fmt::print("verdicts   {}\n", fmt::join(d.catalog.verdicts, " "));
  fmt::print("sources    direct kill itimer peer\n");
  return kAsExpected;
}

}  // namespace sigsweep
