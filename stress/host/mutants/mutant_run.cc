#include "stress/host/mutants/mutant_run.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// A line, and not a long one.
std::string first_line(const std::string& text) {
  constexpr std::size_t kLongest = 160;
  const std::string line = text.substr(0, text.find('\n'));
  return line.size() <= kLongest ? line : line.substr(0, kLongest) + "...";
}

}  // namespace

MutantRun::MutantRun(MutantResult so_far, std::vector<MutantStage> stages, fs::path runner,
                     fs::path folder)
    : stages_(std::move(stages)),
      runner_(std::move(runner)),
      folder_(std::move(folder)),
      result_(std::move(so_far)) {
  result_.status.clear();
  start();
}

void MutantRun::start() {
  fs::create_directories(folder_);
  std::error_code error;
  fs::remove(folder_ / "results", error);
  Program program;
  program.words = {fs::read_symlink("/proc/self/exe").string()};
  const MutantStage& stage = stages_[at_];
  program.words.insert(program.words.end(), stage.words.begin(), stage.words.end());
  for (const auto& [flag, value] : {std::pair{"--runner", runner_},
                                    {"--json", folder_ / "results"},
                                    {"--out", folder_ / "out"}}) {
    program.words.emplace_back(flag);
    program.words.push_back(value.string());
  }
  program.output = (folder_ / "output").string();
  program.error = (folder_ / "error").string();
  started_ = Clock::now();
  seen_.clear();
  child_ = std::make_unique<Child>(program);
}

bool MutantRun::look() {
  if (!child_) return true;
  auto ended = child_->look();
  if (!ended && Clock::now() - started_ > stages_[at_].limit) ended = Ended{Ended::late};
  if (!ended) return false;
  child_.reset();
  finish(*ended);
  return !child_;
}

void MutantRun::stop() {
  if (!child_) return;
  child_.reset();
  result_.status = "stopped";
}

// The first stage that sees the fault kills the mutant; those behind it only record.
void MutantRun::finish(const Ended& ended) {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  result_.stages.push_back({stages_[at_].name, seconds});
  read(folder_ / "results");
  const bool alive = result_.status.empty();
  if (alive) result_.seconds += seconds;
  if (ended.kind == Ended::late) {
    result_.hung = result_.hung || alive;
    killed_by(seen_.empty() ? "a hang" : seen_);
  } else if (!ended.well()) {
    killed_by(!seen_.empty() ? seen_ : last_words().empty() ? ended.how() : last_words());
  }
  while (++at_ < stages_.size()) {
    if (result_.status.empty() || stages_[at_].records) return start();
  }
  if (result_.status.empty()) result_.status = "survived";
}

void MutantRun::killed_by(const std::string& what) {
  if (!result_.status.empty()) return;
  result_.status = "killed";
  result_.stage = stages_[at_].name;
  result_.by = first_line(what);
}

// A stage that was killed has written whole lines, and perhaps a part of one.
void MutantRun::read(const fs::path& results) {
  std::ifstream in(results);
  const auto see = [&](const std::string& what) {
    if (seen_.empty()) seen_ = what;
  };
  for (std::string line; std::getline(in, line);) {
    const ordered_json row = ordered_json::parse(line, nullptr, false);
    if (!row.is_object()) continue;
    const std::string kind = row.value("kind", "");
    if (kind == "claim" && !row.value("holds", true)) {
      const unsigned id = row.value("id", 0U);
      result_.claims.insert(id);
      see(fmt::format("claim {}: {}", id, row.value("detail", "")));
    } else if (kind == "finding") {
      result_.verdicts.insert(row.value("verdict", ""));
    } else if (kind == "baseline") {
      result_.verdicts.insert(row.value("verdict", ""));
      see(fmt::format("{} {} without a signal: {}: {}", row.value("protocol", ""),
                      row.value("site", ""), row.value("verdict", ""), row.value("detail", "")));
    } else if (kind == "storm" && row.contains("verdicts")) {
      for (const auto& [verdict, count] : row["verdicts"].items()) {
        if (!row.value("expected", true)) result_.verdicts.insert(verdict);
      }
    }
  }
}

std::string MutantRun::last_words() const {
  std::ifstream in(folder_ / "error");
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("sigsweep: ")) last = line.substr(10);
  }
  return last;
}

}  // namespace sigsweep
