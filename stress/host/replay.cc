// Reading a schedule strictly, running it, and saying what was seen.
#include "stress/host/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "stress/host/disassembly.h"
#include "stress/host/sweep.h"
#include "stress/report/progress.h"

namespace sigsweep {
namespace {

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

Schedule parse(const std::string& text, const std::string& path, const Catalog& catalog) {
  auto parsed = parse_schedule(text, path, catalog);
  if (const auto* error = std::get_if<ParseError>(&parsed))
    throw Failure(kUsage, error->to_string());
  Schedule schedule = std::get<Schedule>(std::move(parsed));
  for (const Operation& op : schedule.operations) {
    if (op.injections.size() > 1) {
      const Place place = op.injections[1].place;
      throw Failure(
          kUsage,
          fmt::format("{}:{}:{}: more than one injection in an operation is not run yet; one is "
                      "allowed",
                      path, place.line, place.column));
    }
    for (const Injection& injection : op.injections) {
      if (injection.by != Source::hwbreak && injection.by != Source::external) continue;
      throw Failure(
          kUsage,
          fmt::format("{}:{}:{}: by={} is not built yet; allowed: direct, kill, itimer, peer", path,
                      injection.place.line, injection.place.column, source_name(injection.by)));
    }
  }
  return schedule;
}

struct Replayed {
  Record record;
  std::string verdict, slots;
};

bool matches(const std::optional<Expectation>& expected, const Replayed& got) {
  if (!expected) return got.verdict == "ok";
  if (expected->verdict != got.verdict) return false;
  return expected->slot.empty() ||
         ("+" + got.slots + "+").find("+" + expected->slot + "+") != std::string::npos;
}

// A runner that dies of the schedule is its verdict, if it was in the trial.
Replayed run(const Session& session, const std::string& text, const std::string& path) {
  Replayed got;
  Record refused;
  Record command("replay");
  command.add("bytes", std::uint64_t{text.size()});
  const Outcome outcome = session.runner->command(
      command,
      [&](const Record& r) {
        if (r.word() == "refused") refused = r;
        if (r.word() == "replayed") got.record = r;
      },
      text);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (!refused.word().empty()) {
    throw Failure(kUsage, fmt::format("{}:{}:{}: {}", path, refused.number("line"),
                                      refused.number("column"), refused.text("message")));
  }
  if (outcome.kind == Outcome::died && outcome.in_trial) {
    got.verdict = outcome.hung ? "hang" : "crash";
    got.slots = "-";
    return got;
  }
  if (outcome.kind != Outcome::done || got.record.word().empty()) {
    throw Failure(kHarnessFailed, fmt::format("{}: {}", path, outcome.message));
  }
  got.verdict = got.record.text("verdict");
  got.slots = got.record.text("slots");
  return got;
}

void print(const Session& session, const std::string& path, const Schedule& schedule,
           const Replayed& got) {
  const Record& r = got.record;
  for (const auto& [key, value] : r.fields()) {
    if (key == "note") fmt::print(stderr, "{}: {}\n", path, value);
  }
  fmt::print("{}: {}{} {}\n", path, got.verdict, got.slots == "-" ? "" : " " + got.slots,
             r.text("detail"));
  if (r.has("symbol")) {
    fmt::print("  {} at {}+{:#x}, {}\n{}", schedule.protocol, r.text("symbol"), r.number("offset"),
               r.text("phase"),
               around(Disassembler(session.runner_path), r.text("symbol"), r.number("offset"), 3));
    fmt::print("  given {}  seen {}  made {}  got {}\n", r.text("given"), r.text("seen"),
               r.text("made"), r.text("got"));
  }
  if (r.has("fault")) fmt::print("  {}\n", r.text("fault"));
}

Exit replay_file(const Session& session, const std::string& path) {
  const std::string text = read_file(path);
  const Schedule schedule = parse(text, path, session.description.catalog);
  if (schedule.isa != session.options.isa) {
    throw Failure(kSkipped, fmt::format("{}: for isa {}; this run is for {}", path, schedule.isa,
                                        session.options.isa));
  }
  unsigned as_expected = 0;
  for (unsigned i = 0; i < session.options.times; i++) {
    const Replayed got = run(session, text, path);
    if (got.record.number("landed") != got.record.number("requested") && got.verdict == "ok") {
      throw Failure(kHarnessFailed, fmt::format("{}: the injection did not land", path));
    }
    const bool matched = matches(schedule.expect, got);
    if (matched) as_expected++;
    if (i == 0 || !matched) print(session, path, schedule, got);
    if (!matched) break;
  }
  const std::string expected =
      schedule.expect ? schedule.expect->verdict + " " + schedule.expect->slot : "ok";
  if (session.options.times > 1) {
    fmt::print("  {} of {} times as expected ({})\n", as_expected, session.options.times, expected);
  } else if (as_expected == 0) {
    fmt::print("  expected {}\n", expected);
  }
  return as_expected == session.options.times ? kAsExpected : kFinding;
}

}  // namespace

int replay_command(const Options& options) {
  const Session session = open_session(options);
  print_provenance(options);
  Exit worst = kAsExpected;
  for (const std::string& path : options.files) worst = std::max(worst, replay_file(session, path));
  return worst;
}

}  // namespace sigsweep
