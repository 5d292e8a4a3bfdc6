// From a row of the table to a row of night.jsonl.
#include "stress/host/nightly/part_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "stress/host/files.h"
#include "stress/host/nightly/night_plan.h"
#include "stress/host/nightly/part_results.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

// Between being asked to end and being killed.
constexpr std::chrono::milliseconds kGrace(700);

void take_place(const TakesPlace& move, const WordValues& values) {
  if (move.from.empty()) return;
  const fs::path from = filled(move.from, values), to = filled(move.to, values);
  if (!fs::exists(from)) return;
  fs::remove_all(to);
  fs::create_directories(to.parent_path());
  fs::rename(from, to);
}

}  // namespace

PartRun::PartRun(const PartSpec& part, const NightPlace& place, double share, double limit)
    : part_(part),
      place_(place),
      folder_(place.folder / part.name),
      share_(share),
      limit_(limit),
      runs_(runs_for(part, share)) {
  row_.name = part.name;
  row_.limit = limit;
  try {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    if (!is_ready()) return;
    take_place(part.first, place.values);
  } catch (const fs::filesystem_error& error) {
    throw Failure(kHarnessFailed, error.what());
  }
  start_next();
}

// Else it has ended.
bool PartRun::is_ready() {
  if (!part_.tool.empty() && !is_on_path(part_.tool)) {
    finish("skipped", part_.tool + " is not installed");
  } else if (const std::string why = why_not_built(); !why.empty()) {
    finish("not-built", why);
  } else if (!part_.input.empty() && files_below(filled(part_.input, place_.values)).empty()) {
    finish("skipped", part_.idle);
  }
  return row_.status.empty();
}

std::string PartRun::why_not_built() const {
  for (const Need& need : part_.needs) {
    if (need.file == "-") continue;
    const fs::path file =
        place_.builds / need.preset / (need.file.empty() ? need.target : need.file);
    if (!fs::exists(file))
      return fmt::format("{} is not there: target {} of preset {} is to be built", file.string(),
                         need.target, need.preset);
  }
  return {};
}

void PartRun::start_next() {
  started_++;
  WordValues values = place_.values;
  values["part"] = folder_;
  values["results"] = folder_ / "results.jsonl";
  values["jobs"] = std::to_string(processors_of(part_.width, place_.processors));
  values["run"] = fmt::format("{:02}", started_);
  values["seconds"] = fmt::format("{:.0f}", std::max(1.0, share_ - part_.overhead));
  Program program;
  for (const std::string& word : level_for(part_, share_).words)
    program.words.push_back(filled(word, values));
  const std::string log = runs_ == 1 ? "log" : "log-" + values["run"];
  row_.log = fs::path(part_.name) / log;
  program.output = program.error = folder_ / log;
  try {
    child_ = std::make_unique<Child>(program);
  } catch (const NotStarted& failure) {
    finish("not-built", failure.what());
  }
}

bool PartRun::look() {
  if (!child_) return true;
  const auto now = Clock::now();
  if (const auto ended = child_->look()) {
    child_.reset();
    if (!asked_ && ended->well() && started_ < runs_) {
      start_next();
      return !child_;
    }
    finish(*ended);
  } else if (!asked_ && seconds() > limit_) {
    asked_ = true;
    asked_at_ = now;
    child_->ask_to_end();
  } else if (asked_ && now - asked_at_ > kGrace) {
    child_.reset();
    finish(Ended{Ended::late});
  }
  return !child_;
}

void PartRun::ask_to_end() {
  if (child_) child_->ask_to_end();
}

double PartRun::seconds() const {
  return row_.status.empty() ? std::chrono::duration<double>(Clock::now() - start_).count()
                             : row_.seconds;
}

void PartRun::finish(const Ended& ended) {
  if (asked_)
    return finish("hung",
                  fmt::format("it was ended at its limit of {:.0f} s: {}", limit_, last_words()));
  if (ended.kind != Ended::exited) return finish("failed", ended.how() + ": " + last_words());
  switch (ended.status) {
    case kAsExpected:
      return finish("ok", "");
    case kFinding:
      return finish("finding", last_words());
    case kSkipped:
      return finish("skipped", last_words());
    default:
      return finish("failed", ended.how() + ": " + last_words());
  }
}

void PartRun::finish(const char* status, const std::string& reason) {
  row_.seconds = seconds();
  row_.status = status;
  row_.reason = reason;
  const std::vector<fs::path> files = results_in(folder_);
  for (const fs::path& file : files) row_.results.push_back(fs::path(part_.name) / file.filename());
  row_.work = work_in(files);
  if (!row_.ran() || row_.did_work()) return;
  row_.status = "failed";
  row_.reason = "it did no work: " + last_words();
}

// What the command says last of itself; else its last line.
std::string PartRun::last_words() const {
  std::ifstream in(place_.folder / row_.log);
  std::string last, own;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    last = line;
    if (line.starts_with("sigsweep: ")) own = line.substr(strlen("sigsweep: "));
  }
  if (last.empty()) return "it said nothing";
  return own.empty() ? last : own;
}

}  // namespace sigsweep
