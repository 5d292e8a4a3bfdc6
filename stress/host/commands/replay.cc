// Reading a schedule strictly, running it, and saying what was seen.
#include "stress/host/commands/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "stress/host/commands/run_row.h"
#include "stress/host/debugger.h"
#include "stress/host/demangle.h"
#include "stress/host/disassembly.h"
#include "stress/host/explanation.h"
#include "stress/host/finding.h"
#include "stress/host/progress.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLargest = 1 << 20;  // bytes of a schedule file

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Failure(kUsage, fmt::format("{}: cannot be read", path));
  std::string text(kLargest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw Failure(kUsage, fmt::format("{}: cannot be read", path));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargest)
    throw Failure(kUsage,
                  fmt::format("{}:1:1: larger than 1 MiB; a schedule is a small text file", path));
  return text;
}

// A schedule does not name its subject: where it names what this one has not, it may be another's.
std::string hint_at_subject(const std::string& text, const Catalog& catalog) {
  std::istringstream lines(text);
  for (std::string line, word, name; std::getline(lines, line);) {
    std::istringstream words(line);
    if (!(words >> word >> name)) continue;
    if (word == "subject") return {};  // this one does
    const bool unknown =
        (word == "protocol" && std::ranges::count(catalog.protocols, name) == 0) ||
        (word == "op" && std::ranges::count(catalog.sites, name, &CatalogEntry::name) == 0);
    if (unknown)
      return fmt::format(" (is it of another --subject: {}?)", fmt::join(kSubjects, ", "));
  }
  return {};
}

Schedule parse(const std::string& text, const std::string& path, const Catalog& catalog) {
  auto parsed = parse_schedule(text, path, catalog);
  if (const auto* error = std::get_if<ParseError>(&parsed))
    throw Failure(kUsage, error->to_string() + hint_at_subject(text, catalog));
  return std::get<Schedule>(std::move(parsed));
}

bool matches(const std::optional<Expectation>& expected, const Replayed& got) {
  if (!expected) return got.verdict == "ok";
  if (expected->verdict != got.verdict) return false;
  return expected->slot.empty() ||
         ("+" + got.slots + "+").find("+" + expected->slot + "+") != std::string::npos;
}

// How to open in gdb what was run. Where the file says it otherwise, or has the boundaries of
// another build, a file that gdb's runner can take is written.
InGdb opened_in_gdb(const Session& session, const std::string& path, Schedule ran,
                    const ReportedTrial& example) {
  const Account& account = example.account;
  const std::size_t operation = account.operation, injection = account.blame;
  std::vector<Injection>& here = ran.operations.at(operation).injections;
  for (std::size_t i = 0; i < here.size(); i++) here[i].at = account.injections.at(i).planned.at;
  const Schedule written = read_schedule(session, path);
  const auto same = [](const Injection& a, const Injection& b) {
    return a.at == b.at && a.signal == b.signal;
  };
  if (written.isa == ran.isa &&
      std::ranges::equal(written.operations.at(operation).injections, here, same)) {
    return in_gdb(session, ran, operation, injection, path);
  }
  const std::string& out = session.options.out;
  const auto file = std::filesystem::absolute(out.empty() ? "results" : out) / "replayed" /
                    (finding_id(example) + ".sched");
  return in_gdb(session, ran, operation, injection, write_text(file, print_schedule(ran)));
}

// Where the signal that is to blame landed, and what the operation's call passed.
void print_injection(const Session& session, const std::string& path, const Schedule& schedule,
                     const Account& account) {
  const ReportedTrial example{schedule.isa,  schedule.protocol, false,
                              schedule.seed, account,           schedule.adapter};
  const bool ok = account.verdict == Verdict::ok;
  if (!ok) fmt::print("  {} {}\n", standing_of(session, example), finding_id(example));
  const Disassemblers code(session.runner_path, session.description.modules);
  fmt::print("  {} {} with handler {} at {}+{:#x}, {}\n{}", schedule.protocol, example.site(),
             example.handler(), demangled(example.symbol()), example.offset(),
             example.phase().text(), demangled(around(code, place_of(blamed(account)), 3)));
  fmt::print("{}{}", why_lines(code, account), before_and_after(account));
  if (!session.description.adapter) {  // it has no slots that could hold values
    const CallAccount& call = account.call;
    fmt::print("  given {}  ", values_text(account.given));
    fmt::print(
        "{}got {}\n",
        call.ran ? fmt::format("seen {}  made {}  ", values_text(call.seen), values_text(call.made))
                 : "fn never ran  ",
        values_text(call.got));
  }
  if (!ok) fmt::print("{}", gdb_lines(opened_in_gdb(session, path, schedule, example)));
}

void print(const Session& session, const std::string& path, const Schedule& schedule,
           const Replayed& got) {
  const Account& account = got.account;
  for (const std::string& note : account.notes) fmt::print(stderr, "{}: {}\n", path, note);
  fmt::print("{}: {}{} {}\n", path, got.verdict, got.slots == "-" ? "" : " " + got.slots,
             account.detail);
  if (!account.injections.empty()) print_injection(session, path, schedule, account);
  if (!account.fault.empty()) fmt::print("  {}\n", account.fault);
  if (!account.backtrace.empty()) fmt::print("  backtrace: {}\n", account.backtrace);
}

// The schedule's own sources, or the one that the command line names.
bool take_source(const Session& session, Schedule* schedule) {
  const std::string& inject = session.options.replace_source;
  bool external = false;
  for (Operation& op : schedule->operations) {
    for (Injection& injection : op.injections) {
      if (!inject.empty()) injection.by = *source_from_name(inject);
      const bool timer = injection.by == Source::itimer;
      if (timer != (injection.signal == "SIGALRM"))
        injection.signal = timer ? "SIGALRM" : "SIGPROF";
      if (injection.by == Source::external) {
        external = true;
      } else {
        require_source(session, std::string(source_name(injection.by)));
      }
    }
  }
  return external;
}

// Where an injection's boundary stands in the file. The runner was sent the schedule as it is
// printed, without the file's comments and spaces, and speaks of that text: `said`.
Place place_in_file(const Session& session, const Schedule& schedule, const Place& said) {
  Catalog catalog = session.description.catalog;
  catalog.word_bits = 64;
  const Schedule sent = parse(print_schedule(schedule), "", catalog);
  for (std::size_t op = 0; op < sent.operations.size(); op++) {
    for (std::size_t i = 0; i < sent.operations[op].injections.size(); i++) {
      const Place& place = sent.operations[op].injections[i].place;
      if (place.line == said.line && place.column == said.column)
        return schedule.operations[op].injections[i].place;
    }
  }
  return {1, 1};  // of the schedule as a whole
}

[[noreturn]] void fail_refused(const Session& session, const Schedule& schedule,
                               const std::string& path, const Record& refused) {
  const Place said{static_cast<unsigned>(refused.number("line")),
                   static_cast<unsigned>(refused.number("column"))};
  const Place place = place_in_file(session, schedule, said);
  throw Failure(
      kUsage, fmt::format("{}:{}:{}: {}", path, place.line, place.column, refused.text("message")));
}

Replayed replayed(const Account& account) {
  return {false, account, std::string(verdict_name(account.verdict)), slots_text(account.slots)};
}

Replayed run(const Session& session, const Schedule& schedule, bool external,
             const std::string& path, Reasons reasons) {
  if (!external) return replay_schedule(session, schedule, path, reasons);
  return replayed(replay_under_debugger(session, resolved_here(session, schedule, path), path));
}

// The ISA that a schedule's text names; empty where it names none that is known (the parser will
// say).
std::string isa_of(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line, word, isa; std::getline(lines, line);) {
    std::istringstream words(line);
    if (!(words >> word >> isa) || word != "isa") continue;
    return std::ranges::find(kIsas, isa) == std::end(kIsas) ? std::string() : isa;
  }
  return {};
}

// Elsewhere a boundary is found by its phase alone.
void need_phases(const std::string& path, const Schedule& schedule, const std::string& elsewhere) {
  for (const Operation& op : schedule.operations) {
    for (const Injection& injection : op.injections) {
      if (!injection.phase.empty()) continue;
      throw Failure(kUsage,
                    fmt::format("{}:{}:{}: {}: a boundary is found by its phase there, and "
                                "this one has none",
                                path, injection.place.line, injection.place.column, elsewhere));
    }
  }
}

// A schedule of another ISA, for this session's: its boundaries are found by their phases.
void move_here(const Session& session, const std::string& path, Schedule* schedule) {
  narrow(session.description.catalog.word_bits, schedule);
  need_phases(path, *schedule,
              fmt::format("for isa {}, and this is {}", schedule->isa, session.options.isa));
  fmt::print(stderr, "{}: for isa {}, run on {}\n", path, schedule->isa, session.options.isa);
  schedule->isa = session.options.isa;
}

Schedule schedule_to_run(const Session& session, const std::string& path) {
  Schedule schedule = read_schedule(session, path);
  if (schedule.isa != session.options.isa) move_here(session, path, &schedule);
  take_build(session, path, &schedule);
  return schedule;
}

std::string replayed_line(const std::string& path, const Schedule& schedule,
                          const std::string& verdict, bool as_expected) {
  const ordered_json row{{"kind", "replayed"},
                         {"file", path},
                         {"isa", schedule.isa},
                         {"verdict", verdict},
                         {"expected", as_expected}};
  return row.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// How often each verdict was seen.
class Tally {
 public:
  void add(const Replayed& got) {
    counts_[got.verdict + (got.slots == "-" ? "" : " " + got.slots)]++;
  }
  std::string line(unsigned times) const {
    std::string text;
    for (const auto& [verdict, count] : counts_)
      text += fmt::format("{}{} {} of {} times", text.empty() ? "  " : ", ", verdict, count, times);
    return text + "\n";
  }

 private:
  std::map<std::string, unsigned> counts_;
};

Exit replay_file(const Session& session, const std::string& path, ResultsWriter* results) {
  Schedule schedule = schedule_to_run(session, path);
  const bool external = take_source(session, &schedule);
  unsigned as_expected = 0;
  std::string verdict;
  Tally tally;
  for (unsigned i = 0; i < session.options.times; i++) {
    const Replayed got =
        run(session, schedule, external, path, i == 0 ? Reasons::wanted : Reasons::not_wanted);
    if (got.account.landed < got.account.requested && got.verdict == "ok") {
      throw Failure(kHarnessFailed, fmt::format("{}: the injection did not land", path));
    }
    const bool matched = matches(schedule.expect, got);
    const bool first_unmatched = !matched && as_expected == i;
    if (matched) as_expected++;
    if (i == 0 || first_unmatched) {
      verdict = got.verdict;
      print(session, path, schedule, got);
    }
    tally.add(got);
  }
  const std::string expected =
      schedule.expect ? schedule.expect->verdict + " " + schedule.expect->slot : "ok";
  if (session.options.times > 1) {
    fmt::print("{}", tally.line(session.options.times));
    fmt::print("  {} of {} times as expected ({})\n", as_expected, session.options.times, expected);
  } else if (as_expected == 0) {
    fmt::print("  expected {}\n", expected);
  }
  const bool all = as_expected == session.options.times;
  results->write_line(replayed_line(path, schedule, verdict, all));
  return all ? kAsExpected : kFinding;
}

}  // namespace

// In another build of a library the same offset may be another instruction, and nothing but the
// phase tells.
void take_build(const Session& session, const std::string& path, Schedule* schedule) {
  const auto& here = session.description.catalog.adapter;
  if (schedule->adapter && schedule->adapter->build != here->build) {
    need_phases(path, *schedule,
                fmt::format("of build {} of {}, and this is build {}", schedule->adapter->build,
                            here->name, here->build));
    fmt::print(stderr, "{}: of {} {}, build {}; run on {} {}, build {}\n", path,
               schedule->adapter->name, schedule->adapter->version, schedule->adapter->build,
               here->name, here->version, here->build);
  }
  schedule->adapter = here;
}

Schedule read_schedule(const Session& session, const std::string& path) {
  const std::string text = read_file(path);
  Catalog catalog = session.description.catalog;
  const std::string isa = isa_of(text);
  if (!isa.empty() && isa != session.options.isa) catalog.word_bits = 64;  // the widest
  return parse(text, path, catalog);
}

Schedule resolved_here(const Session& session, Schedule schedule, const std::string& path) {
  const std::string text = print_schedule(schedule);
  Record refused, command("resolve");
  command.add("bytes", std::uint64_t{text.size()});
  const Outcome outcome = session.runner->command(
      command,
      [&](const Record& r) {
        if (r.word() == "refused") refused = r;
        if (r.word() == "note") fmt::print(stderr, "{}: {}\n", path, r.text("text"));
        if (r.word() != "resolved") return;
        Injection& injection =
            schedule.operations.at(r.number("operation")).injections.at(r.number("injection"));
        const BoundaryAccount boundary = decode_boundary(r);
        injection.at = boundary.at;
        injection.phase = boundary.phase;
      },
      text);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (!refused.word().empty()) fail_refused(session, schedule, path, refused);
  if (outcome.kind != Outcome::done) {
    throw Failure(kHarnessFailed, fmt::format("{}: {}", path, outcome.message));
  }
  return schedule;
}

// A runner that dies of the schedule is its verdict, if it was in the trial.
Replayed replay_schedule(const Session& session, const Schedule& schedule, const std::string& path,
                         Reasons reasons) {
  const std::string text = print_schedule(schedule);
  std::optional<Account> account;
  Record refused;
  Record command("replay");
  command.add("bytes", std::uint64_t{text.size()});
  command.add("no_red_zone", unsigned{session.options.no_red_zone});
  if (reasons == Reasons::wanted) command.add("why", 1);
  const Outcome outcome = session.runner->command(
      command,
      [&](const Record& r) {
        if (r.word() == "refused") refused = r;
        if (r.word() == "replayed") account = decode(r);
      },
      text);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (!refused.word().empty()) fail_refused(session, schedule, path, refused);
  if (outcome.kind == Outcome::died && outcome.in_trial) {
    return {true, Account(), outcome.hung ? "hang" : "crash", "-"};
  }
  if (outcome.kind != Outcome::done || !account) {
    throw Failure(kHarnessFailed, fmt::format("{}: {}", path, outcome.message));
  }
  return replayed(*account);
}

static InGdb in_gdb_of(const Session& session, const std::string& path, const Schedule& schedule,
                       const Replayed& got) {
  return opened_in_gdb(
      session, path, schedule,
      {schedule.isa, schedule.protocol, false, schedule.seed, got.account, schedule.adapter});
}

std::string gdb_lines_of(const Session& session, const std::string& path, const Schedule& schedule,
                         const Replayed& got) {
  return gdb_lines(in_gdb_of(session, path, schedule, got));
}

ShownReplay show_schedule(const Session& session, const std::string& path, unsigned times) {
  Schedule schedule = schedule_to_run(session, path);
  const bool external = take_source(session, &schedule);
  Tally tally;
  ShownReplay shown{run(session, schedule, external, path, Reasons::wanted), {}};
  tally.add(shown.first);
  print(session, path, schedule, shown.first);
  for (unsigned i = 1; i < times; i++)
    tally.add(run(session, schedule, external, path, Reasons::not_wanted));
  if (times > 1) fmt::print("{}", tally.line(times));
  if (!shown.first.account.injections.empty())
    shown.gdb = in_gdb_of(session, path, schedule, shown.first);
  return shown;
}

std::string isa_of_file(const std::string& path) {
  return isa_of(read_file(path));
}

bool is_for_adapter(const std::string& path) {
  std::istringstream lines(read_file(path));
  for (std::string line, word; std::getline(lines, line);) {
    if (std::istringstream(line) >> word && word == "subject") return true;
  }
  return false;
}

namespace {

// Each file by its own ISA, unless one is asked for; an adapter has one of its own.
int replay_all(const Options& options, ResultsWriter* results) {
  std::map<std::string, Session> sessions;
  Exit worst = kAsExpected;
  for (const std::string& path : options.files) {
    Options one = options;
    const std::string isa = isa_of(read_file(path));
    if (options.isas.empty() && !isa.empty() && options.adapter.empty()) one.isa = isa;
    auto at = sessions.find(one.isa);
    if (at == sessions.end()) at = sessions.emplace(one.isa, open_session(one)).first;
    worst = std::max(worst, replay_file(at->second, path, results));
  }
  return worst;
}

}  // namespace

int replay_command(const Options& options) {
  print_provenance(options);
  ResultsWriter results(options.json);
  results.write(run_row(options));
  return write_to_end(&results, [&] { return replay_all(options, &results); });
}

}  // namespace sigsweep
