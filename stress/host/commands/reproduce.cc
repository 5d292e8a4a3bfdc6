// One input: asked of its target, then replayed.
#include "stress/host/commands/reproduce.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "stress/host/commands/fuzz_results.h"
#include "stress/host/commands/replay.h"
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

// What the replay came to; empty: there was none. Prints both.
std::string replay(const Options& options, const FuzzTarget& target, const fs::path& schedule,
                   const Judged& judged) {
  Options one = options;
  const std::string isa = isa_of_file(schedule);
  if (!isa.empty()) one.isa = isa;
  if (!target.adapter.empty()) {
    one.subject = kAdapterSubject;
    one.adapter = target.adapter;
  }
  std::string verdict = show_schedule(open_session(one), schedule).verdict;
  if (verdict == "ok" && judged.is_finding()) {
    fmt::print("a trial alone shows nothing: what it is, the target says: {} {}\n",
               shell_quoted(target.path), shell_quoted(options.files[0]));
  }
  return verdict;
}

int status_of(const Judged& judged, const std::string& verdict) {
  if (stop_requested) return kStopped;
  const bool none = judged.kind == Judged::unasked;
  if (none || judged.kind == Judged::failed || judged.kind == Judged::late) return kHarnessFailed;
  const bool wrong = !verdict.empty() && verdict != "ok";
  return judged.is_finding() || wrong ? kFinding : kAsExpected;
}

}  // namespace

int reproduce_command(const Options& options) {
  const std::string& name = options.fuzz.target;
  const fs::path file = fs::absolute(options.files[0]).lexically_normal();
  check_target(name);
  if (!fs::is_regular_file(file) || access(file.c_str(), R_OK) != 0)
    throw Failure(kUsage, fmt::format("{}: no file that can be read", options.files[0]));
  const Finder finder = finder_by_folder(file);
  const std::string isa = finder.name == name ? finder.isa : machine_isa();
  if (options.fuzz.needs) {
    fmt::print("fuzz {}\n", isa == machine_isa() ? name : "fuzzers-" + isa);
    return kAsExpected;
  }
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
  std::string verdict;
  if (target.takes_schedules) verdict = replay(options, target, form, judged);
  write_row(&results, {{"kind", "reproduced"},
                       {"target", name},
                       {"file", file.string()},
                       {"ended", word_of(judged.kind)},
                       {"why", judged.why},
                       {"schedule", target.takes_schedules ? form.string() : ""},
                       {"verdict", verdict}});
  const int status = status_of(judged, verdict);
  results.end(status);
  return status;
}

}  // namespace sigsweep
