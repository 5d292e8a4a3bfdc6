// One input, asked of its target and replayed; or a schedule, replayed.
#include "stress/host/commands/reproduce.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "stress/host/commands/fuzz_results.h"
#include "stress/host/commands/replay.h"
#include "stress/host/explanation.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

bool is_readable_form(const fs::path& file) {
  return file.extension() == ".sched" || file.extension() == ".txt";
}

// Bytes that a terminal might obey, as `cat -v` shows them.
std::string shown(const std::string& text) {
  std::string visible;
  for (const char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      visible += "M-";
      byte &= 0x7f;
    }
    if (byte == 0x7f) {
      visible += "^?";
    } else if (byte < ' ' && c != '\n' && c != '\t') {
      visible += {'^', static_cast<char>(byte + '@')};
    } else {
      visible += static_cast<char>(byte);
    }
  }
  return visible;
}

const char* word_of(Judged::Kind kind) {
  switch (kind) {
    case Judged::ok:
      return "ok";
    case Judged::stopped:
      return "stopped";
    case Judged::failed:
      return "failed";
    case Judged::died:
      return "died";
    case Judged::late:
      return "late";
    case Judged::refused:
    case Judged::unasked:
      break;
  }
  return "unasked";
}

// The file with its schedule or text: the input's own; as a campaign has left it; or written here.
fs::path readable_form_of(const fs::path& file, const FuzzTarget& target, const Judged& judged) {
  if (is_readable_form(file)) return file;
  fs::path beside = file.string() + target.suffix();
  if (fs::exists(beside)) return beside;
  const fs::path written =
      fs::path("results/reproduced") / (file.filename().string() + target.suffix());
  return write_text(written, judged.text);
}

void print_judgement(const std::string& name, const Judged& judged) {
  switch (judged.kind) {
    case Judged::ok:
      fmt::print("{}: does not stop at it\n", name);
      break;
    case Judged::refused:
      fmt::print("{}: not asked: no input of it here: {}\n", name, judged.why);
      break;
    case Judged::unasked:
      fmt::print("{}: has not answered\n", name);
      break;
    default:
      fmt::print("{} stops at it:\n{}: {}\n", name, name, shown(judged.why));
  }
}

// A session of the schedule's own instruction set, for the target's adapter where it has one.
Session session_for(const Options& options, const std::string& adapter, const fs::path& schedule) {
  Options one = options;
  if (!adapter.empty()) {
    one.subject = kAdapterSubject;
    one.adapter = adapter;
  }
  const std::string isa = isa_of_file(schedule);
  // An adapter has an ISA of its own.
  if (!isa.empty() && one.adapter.empty()) one.isa = isa;
  return open_session(one);
}

// ---- what X is

// Of a finding's id, which night, sweep or triage has written: its schedule, the newest below
// results/.
fs::path schedule_of_finding(const std::string& id) {
  const fs::path results = "results";
  fs::path newest;
  for (const fs::path& each : files_below(results)) {
    if (each.filename() != id + ".sched") continue;
    if (newest.empty() || fs::last_write_time(each) > fs::last_write_time(newest)) newest = each;
  }
  if (!newest.empty()) return newest;
  throw Failure(kUsage,
                fmt::format("{}: no schedule {}.sched lies below {}; allowed: a finding's id whose "
                            "schedule is there, or a file",
                            id, id, fs::absolute(results).string()));
}

bool is_id(const std::string& text) {
  constexpr std::size_t kDigits = 16;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// What is asked for: a file, and the target whose input it is; no target: the schedule alone.
struct Asked {
  std::string target, isa;
  fs::path file;
};

Asked asked_for(const Options& options) {
  Asked asked;
  const bool old_form = options.files.size() > 1;
  const std::string& what = options.files.back();
  asked.target = old_form ? options.files.front() : options.fuzz.target;
  if (old_form && !options.fuzz.target.empty())
    throw Failure(kUsage, "--target with TARGET in front of the file; allowed: one of them");
  if (!asked.target.empty()) check_target(asked.target);
  std::error_code error;
  const bool names_a_finding = is_id(what) && !fs::exists(what, error);
  asked.file =
      fs::absolute(names_a_finding ? schedule_of_finding(what) : fs::path(what)).lexically_normal();
  if (!fs::is_regular_file(asked.file, error) || access(asked.file.c_str(), R_OK) != 0)
    throw Failure(kUsage, fmt::format("{}: no file that can be read, and no finding's id", what));
  const Finder finder = finder_by_folder(asked.file);
  if (asked.target.empty() && asked.file.extension() == ".sched") return asked;
  if (asked.target.empty()) asked.target = finder.name;
  if (asked.target.empty()) {
    throw Failure(
        kUsage, fmt::format("{}: its folder is no campaign's (TARGET-ENGINE/findings), so it does "
                            "not say which target found it; --target NAME does",
                            what));
  }
  check_target(asked.target);
  asked.isa = finder.name == asked.target ? finder.isa : machine_isa();
  return asked;
}

// ---- the replay

// From here on this process is gdb.
[[noreturn]] void become_gdb(const InGdb& gdb) {
  if (gdb.words.empty()) {
    const std::string why = gdb.signal.empty() ? "no signal lands" : gdb.signal;
    throw Failure(kSkipped, fmt::format("skipped: --gdb: {}", why));
  }
  std::vector<char*> argv;
  for (const std::string& word : gdb.words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::fflush(nullptr);
  execvp(argv[0], argv.data());
  throw Failure(kSkipped, "skipped: --gdb: gdb is not installed");
}

// The fields of a row that tell of the replay.
nlohmann::ordered_json row_of(const ShownReplay& shown) {
  nlohmann::ordered_json row{{"verdict", shown.first.verdict}};
  const Account& account = shown.first.account;
  if (!account.why) return row;
  row["reason"] = why_text(account, *account.why);
  row["facts"] = facts_json(account);
  return row;
}

int reproduce_schedule(const Options& options, const Asked& asked) {
  print_provenance(options);
  ResultsWriter results(options.json);
  write_run(&results, options);
  const ShownReplay shown =
      show_schedule(session_for(options, "", asked.file), asked.file, options.times);
  nlohmann::ordered_json row{
      {"kind", "reproduced"}, {"target", ""}, {"file", asked.file.string()},
      {"ended", "unasked"},   {"why", ""},    {"schedule", asked.file.string()}};
  row.update(row_of(shown));
  write_row(&results, row);
  const int status = shown.first.verdict == "ok" ? kAsExpected : kFinding;
  results.end(status);
  if (options.fuzz.gdb) become_gdb(shown.gdb);
  return status;
}

int status_of(const Judged& judged, const std::string& verdict) {
  if (stop_requested) return kStopped;
  const bool none = judged.kind == Judged::unasked;
  if (none || judged.kind == Judged::failed || judged.kind == Judged::late) return kHarnessFailed;
  const bool wrong = !verdict.empty() && verdict != "ok";
  return judged.is_finding() || wrong ? kFinding : kAsExpected;
}

int reproduce_input(const Options& options, const Asked& asked) {
  const auto& [name, isa, file] = asked;
  const FuzzTarget target = open_any_build(options.fuzz, name, isa);
  print_provenance(options);
  ResultsWriter results(options.json);
  write_run(&results, options);
  const TemporaryFolder work;
  const Judged judged = judge_by_any_build(options.fuzz, name, isa, {file}, work.path()).front();
  if (stop_requested) throw Failure(kStopped, "stopped");
  if (judged.kind == Judged::refused && !(target.takes_schedules && is_readable_form(file)))
    throw Failure(kUsage, fmt::format("no input of {}: {}", name, judged.why));
  const fs::path form = readable_form_of(file, target, judged);
  const std::string text = content_of(form);
  fmt::print("{}{}", shown(text), text.ends_with('\n') ? "" : "\n");
  print_judgement(name, judged);
  ShownReplay replayed;
  if (target.takes_schedules)
    replayed = show_schedule(session_for(options, target.adapter, form), form, options.times);
  const std::string& verdict = replayed.first.verdict;
  if (verdict == "ok" && judged.is_finding()) {
    fmt::print("a trial alone shows nothing: what it is, the target says: {} {}\n",
               shell_quoted(target.path), shell_quoted(options.files.back()));
  }
  nlohmann::ordered_json row{
      {"kind", "reproduced"},  {"target", name},
      {"file", file.string()}, {"ended", word_of(judged.kind)},
      {"why", judged.why},     {"schedule", target.takes_schedules ? form.string() : ""}};
  row.update(row_of(replayed));
  write_row(&results, row);
  const int status = status_of(judged, verdict);
  results.end(status);
  if (options.fuzz.gdb) become_gdb(replayed.gdb);
  return status;
}

}  // namespace

int reproduce_command(const Options& options) {
  const Asked asked = asked_for(options);
  if (options.fuzz.needs) {
    if (asked.target.empty()) return kAsExpected;  // the command and its runners are enough
    const bool own = asked.isa == machine_isa();
    fmt::print("fuzz {}\n", own ? asked.target : "fuzzers-" + asked.isa);
    return kAsExpected;
  }
  return asked.target.empty() ? reproduce_schedule(options, asked)
                              : reproduce_input(options, asked);
}

}  // namespace sigsweep
