// Finding, describing and asking fuzz targets.
#include "stress/host/fuzz_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <span>
#include <sstream>

#include "stress/base/wire.h"
#include "stress/host/child_process.h"
#include "stress/host/files.h"
#include "stress/host/options.h"

#ifndef SIGSWEEP_FUZZ_TARGETS
#error "SIGSWEEP_FUZZ_TARGETS comes from CMake: the names of the targets in fuzz/"
#endif

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

// One process is given so many at most, for a command line has an end.
constexpr std::size_t kAtATime = 500;
constexpr auto kTimeOfJudging = minutes(5), kTimeOfCanary = minutes(1);

std::string without_fault(const std::string& name) {
  return name.substr(0, name.find('-'));
}

// The records that a target has written, whole lines only.
std::vector<Record> records_of(const fs::path& file) {
  std::vector<Record> records;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && !in.eof();)
    records.push_back(Record::decode(line));
  return records;
}

Judged judged_of(const Record& record) {
  static const std::map<std::string, Judged::Kind> kinds = {
      {"ok", Judged::ok},     {"stopped", Judged::stopped}, {"failed", Judged::failed},
      {"died", Judged::died}, {"late", Judged::late},       {"refused", Judged::refused}};
  const auto kind = kinds.find(record.text("ended"));
  return {kind == kinds.end() ? Judged::unasked : kind->second, record.text("why"),
          record.text("cause"), record.text("text")};
}

// What one process says; `judged` has as many as `files`.
void judge_some(const FuzzTarget& target, std::span<const fs::path> files, const fs::path& work,
                const fs::path& log, std::span<Judged> judged) {
  const fs::path answers = work / "judged";
  Program program{{target.path, "--judge"}, {}, {"SIGSWEEP_STATS"}, {}, answers, log};
  for (const fs::path& file : files) program.words.push_back(file);
  const Ended ended = run_program(program, kTimeOfJudging);
  std::map<std::string, Judged> said;
  for (const Record& record : records_of(answers)) {
    if (record.word() == "judged") said[record.text("file")] = judged_of(record);
  }
  for (std::size_t i = 0; i < files.size(); i++) {
    const auto at = said.find(files[i]);
    const auto of_all = said.find("");  // it stops before any input
    if (at != said.end()) judged[i] = at->second;
    if (at == said.end() && of_all != said.end()) judged[i] = of_all->second;
  }
  if (ended.well() || ended.kind == Ended::stopped || !said.empty()) return;
  throw Failure(
      ended.kind == Ended::exited && ended.status == 2 ? kUsage : kHarnessFailed,
      fmt::format("{} --judge {}: see {}", target.path.string(), ended.how(), log.string()));
}

}  // namespace

std::vector<std::string> target_names() {
  std::istringstream words(SIGSWEEP_FUZZ_TARGETS);
  std::vector<std::string> names;
  for (std::string name; words >> name;) names.push_back(name);
  return names;
}

fs::path builds_folder(const FuzzOptions& options) {
  if (!options.builds.empty()) return fs::absolute(options.builds).lexically_normal();
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return self.parent_path().parent_path();
}

fs::path checkout_of(const FuzzOptions& options) {
  return builds_folder(options).parent_path();
}

bool is_target(const std::string& name) {
  return std::ranges::count(target_names(), without_fault(name)) > 0;
}

void check_target(const std::string& name) {
  if (is_target(name)) return;
  throw Failure(kUsage, fmt::format("unknown target: '{}' (allowed: {})", name,
                                    fmt::join(target_names(), " ")));
}

fs::path target_program(const FuzzOptions& options, const std::string& name,
                        const std::string& engine, const std::string& isa) {
  const fs::path preset = builds_folder(options) / (engine == "afl" ? "afl" : "fuzz");
  return isa == machine_isa() ? preset / name : preset / "isa" / isa / name;
}

FuzzTarget open_target(const FuzzOptions& options, const std::string& name,
                       const std::string& engine, const std::string& isa) {
  FuzzTarget target{name, engine, isa, target_program(options, name, engine, isa), {}};
  if (access(target.path.c_str(), X_OK) != 0) {
    std::ifstream note(builds_folder(options) / "fuzz" / ("runner-" + isa + ".missing"));
    std::string why;
    if (isa == machine_isa() || !std::getline(note, why)) why = "it is not built";
    throw Failure(kSkipped, fmt::format("skipped: {}: {}", target.path.string(), why));
  }
  const TemporaryFolder work;
  const fs::path answer = work.path() / "answer", log = work.path() / "log";
  const Ended ended =
      run_program({{target.path, "--describe"}, {}, {}, {}, answer, log}, seconds(60));
  if (ended.kind == Ended::stopped) throw Failure(kStopped, "stopped");
  const auto records = records_of(answer);
  if (!ended.well() || records.size() != 1 || records[0].word() != "target") {
    const bool usage = ended.kind == Ended::exited && ended.status == 2;  // the environment
    throw Failure(
        usage ? kUsage : kHarnessFailed,
        fmt::format("{} --describe {}: {}", target.path.string(), ended.how(), content_of(log)));
  }
  target.takes_schedules = records[0].number("takes_schedules") != 0;
  target.lands_signals = records[0].number("lands_signals") != 0;
  target.may_be_destroyed = records[0].number("may_be_destroyed") != 0;
  target.adapter = records[0].text("adapter");
  return target;
}

FuzzTarget open_any_build(const FuzzOptions& options, const std::string& name,
                          const std::string& isa) {
  std::error_code error;
  const bool by_afl = !fs::exists(target_program(options, name, kEngines[0], isa), error) &&
                      fs::exists(target_program(options, name, kEngines[1], isa), error);
  return open_target(options, name, kEngines[by_afl], isa);
}

Finder finder_by_folder(const fs::path& file) {
  const fs::path findings = file.parent_path();
  const std::string folder = findings.parent_path().filename();
  if (findings.filename() != "findings") return {};
  for (const std::string engine : kEngines) {
    const std::size_t at = folder.find("-" + engine);
    if (at == folder.npos) continue;
    const std::string isa = folder.substr(at + 1 + engine.size());
    return {folder.substr(0, at), isa.empty() ? machine_isa() : isa.substr(1)};
  }
  return {};
}

TargetCanary try_canary(const FuzzTarget& target, const fs::path& work) {
  const fs::path answers = work / "canary", log = work / "canary.log";
  // It chooses what it does wrong, whatever the campaign's inputs are to do.
  const Ended ended = run_program({{target.path, "--canary"},
                                   {},
                                   {"SIGSWEEP_STATS", "SIGSWEEP_INJECT", "SIGSWEEP_PROTOCOL",
                                    "SIGSWEEP_SHAPE", "SIGSWEEP_HUNT", "SIGSWEEP_FIRST", "ASYNC"},
                                   {},
                                   answers,
                                   log},
                                  kTimeOfCanary);
  if (ended.kind == Ended::stopped) throw Failure(kStopped, "stopped");
  TargetCanary canary;
  for (const Record& record : records_of(answers)) {
    if (record.word() == "canary") canary = {record.text("what"), "", record.number("inputs")};
    if (record.word() == "judged" && record.text("ended") == "stopped")
      canary.found = record.text("why");
  }
  if (ended.kind == Ended::died) canary.found = ended.how();
  if (!ended.well() && canary.found.empty()) {
    throw Failure(kHarnessFailed, fmt::format("{} --canary {}: see {}", target.path.string(),
                                              ended.how(), log.string()));
  }
  return canary;
}

std::vector<Judged> judge(const FuzzTarget& target, const std::vector<fs::path>& files,
                          const fs::path& work, const fs::path& log) {
  std::vector<Judged> judged(files.size());
  for (std::size_t at = 0; at < files.size() && !stop_requested; at += kAtATime) {
    const std::size_t count = std::min(kAtATime, files.size() - at);
    judge_some(target, std::span(files).subspan(at, count), work, log,
               std::span(judged).subspan(at, count));
  }
  return judged;
}

std::vector<Judged> judge_by_any_build(const FuzzOptions& options, const std::string& name,
                                       const std::string& isa, const std::vector<fs::path>& files,
                                       const fs::path& work) {
  std::vector<Judged> judged(files.size());
  for (const char* engine : kEngines) {
    std::vector<std::size_t> left;
    std::vector<fs::path> asked;
    for (std::size_t i = 0; i < files.size(); i++) {
      if (judged[i].is_finding() || judged[i].kind == Judged::failed) continue;
      left.push_back(i);
      asked.push_back(files[i]);
    }
    std::error_code error;
    if (left.empty() || !fs::exists(target_program(options, name, engine, isa), error)) continue;
    const FuzzTarget target = open_target(options, name, engine, isa);
    const auto said = judge(target, asked, work, work / "judge.log");
    for (std::size_t i = 0; i < left.size(); i++) {
      const bool less = said[i].kind == Judged::unasked || said[i].kind == Judged::refused;
      if (!less || judged[left[i]].kind == Judged::unasked) judged[left[i]] = said[i];
    }
  }
  return judged;
}

}  // namespace sigsweep
