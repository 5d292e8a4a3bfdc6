// Starting parts, watching them, adding up.
#include "stress/host/nightly/night.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "stress/host/finding.h"
#include "stress/host/nightly/night_guard.h"
#include "stress/host/nightly/night_plan.h"
#include "stress/host/nightly/part_results.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLook(20);
constexpr std::chrono::milliseconds kStopsWithin(600);

// Did the part fail the night?
bool fails(const PartRow& row) {
  return !row.ran() && row.status != "skipped";
}

// A page with at most a few lines that begin with the same word; the history has all of them.
std::string shortened(const std::string& page) {
  constexpr unsigned kMost = 8;
  std::map<std::string, unsigned> times;
  std::istringstream lines(page);
  std::string text;
  for (std::string line; std::getline(lines, line);)
    if (++times[line.substr(0, line.find("  "))] <= kMost) text += line + "\n";
  for (const auto& [word, count] : times)
    if (count > kMost)
      text += fmt::format("{:<12} and {} more: sigsweep history compare last~1 last\n", word,
                          count - kMost);
  return text;
}

// What the parts that have ended took of the whole machine.
double seconds_used(const NightRecord& record, const std::vector<PartSpec>& parts,
                    unsigned processors) {
  double used = 0;
  for (const PartSpec& part : parts) {
    if (const PartRow* row = record.part(part.name))
      used += machine_seconds(part, row->seconds, processors);
  }
  return used;
}

std::chrono::nanoseconds nanoseconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

}  // namespace

std::string part_line(const PartRow& row) {
  const char* word = row.status == "ok"        ? "pass"
                     : row.status == "finding" ? "FOUND"
                     : row.status == "skipped" ? "skip"
                                               : "FAIL";
  std::string text =
      fmt::format("{:<5}  {:<32} {:4.0f} s  {}", word, row.name, row.seconds, work_text(row.work));
  const bool special = row.status != "ok" && row.status != "finding" && row.status != "skipped" &&
                       row.status != "failed";
  const std::string reason =
      (special ? row.status + (row.reason.empty() ? "" : ": ") : "") + row.reason;
  if (!reason.empty()) text += (row.work.empty() ? "" : "; ") + reason;
  return text + "\n";
}

Night::Night(NightRecord record, const std::vector<PartSpec>& parts, NightPlace place,
             Clock::time_point begun)
    : record_(std::move(record)),
      writer_(record_.folder),
      parts_(parts),
      place_(std::move(place)),
      end_(begun +
           nanoseconds(record_.night.budget - seconds_used(record_, parts, place_.processors))) {
  place_.folder = record_.folder;
  for (const PartSpec& part : parts_)
    if (record_.part(part.name) == nullptr) waiting_.push_back(&part);
}

double Night::seconds_left() const {
  return std::chrono::duration<double>(end_ - Clock::now()).count() - kReserve;
}

double Night::share_for(const PartSpec& part) const {
  double left = seconds_left();
  for (const PartRun& run : running_)
    left -=
        machine_seconds(run.spec(), std::max(0.0, run.share() - run.seconds()), place_.processors);
  return share_of(part, waiting_, left, place_.processors);
}

unsigned Night::idle_processors() const {
  unsigned busy = 0;
  for (const PartRun& run : running_) busy += processors_of(run.spec().width, place_.processors);
  return place_.processors - std::min(busy, place_.processors);
}

void Night::finish(const PartRow& row) {
  writer_.add(line_of(row));
  record_.parts.push_back(row);
  fmt::print("{}", part_line(row));
}

void Night::start(const PartSpec* part) {
  const double share = share_for(*part), left = seconds_left();
  std::erase(waiting_, part);
  if (left < 1) {
    PartRow row;
    row.name = part->name;
    row.status = "stopped";
    row.reason = "no time was left of the budget";
    return finish(row);
  }
  const double limit = std::min(left, std::max(part->limit * share, share + part->patience));
  running_.emplace_back(*part, place_, share, limit);
}

void Night::start_what_fits(std::vector<const PartSpec*>* queue) {
  while (!queue->empty() &&
         processors_of(queue->front()->width, place_.processors) <= idle_processors()) {
    start(queue->front());
    queue->erase(queue->begin());
  }
}

void Night::look_at_running() {
  for (auto run = running_.begin(); run != running_.end();) {
    if (!run->look()) {
      ++run;
      continue;
    }
    finish(run->row());
    run = running_.erase(run);
  }
}

// They have a moment to keep what they have found.
void Night::stop_running() {
  const auto limit = Clock::now() + kStopsWithin;
  for (PartRun& run : running_) run.ask_to_end();
  while (!running_.empty() && Clock::now() < limit) {
    std::erase_if(running_, [](PartRun& run) { return run.look(); });
    std::this_thread::sleep_for(kLook);
  }
  running_.clear();
}

void Night::work_on(unsigned stage) {
  std::vector<const PartSpec*> queue;
  for (const PartSpec* part : waiting_)
    if (part->stage == stage) queue.push_back(part);
  while (!stop_requested && (!queue.empty() || !running_.empty())) {
    start_what_fits(&queue);
    look_at_running();
    if (!running_.empty()) std::this_thread::sleep_for(kLook);
  }
}

void Night::work() {
  std::set<unsigned> stages;
  for (const PartSpec* part : waiting_) stages.insert(part->stage);
  for (const unsigned stage : stages) work_on(stage);
  stop_running();
}

// A night in which no part ran has shown nothing.
int Night::status() const {
  if (stop_requested) return kStopped;
  if (std::ranges::any_of(findings_, [](const NightFinding& f) { return !f.known; }))
    return kFinding;
  if (std::ranges::any_of(record_.parts, fails) || !past_.problem.empty()) return kHarnessFailed;
  return std::ranges::any_of(record_.parts, &PartRow::ran) ? kAsExpected : kSkipped;
}

std::string Night::verdict(int status, std::size_t faults) const {
  const auto count = [&](const auto& holds) { return std::ranges::count_if(record_.parts, holds); };
  const auto did = count([](const PartRow& row) { return row.ran(); });
  const auto failed = count(fails),
             skipped = count([](auto&row) { return row.status == "skipped"; });
  std::string text = status == kStopped         ? "stopped"
                     : status == kFinding       ? "FOUND"
                     : status == kHarnessFailed ? "FAILED"
                     : status == kSkipped       ? "skipped"
                                                : "pass";
  text += fmt::format(": {} found that {} not acknowledged; {} of {} parts did their work",
                      faults == 0   ? "nothing was"
                      : faults == 1 ? "1 fault was"
                                    : fmt::format("{} faults were", faults),
                      faults > 1 ? "are" : "is", did, parts_.size());
  if (failed != 0) text += fmt::format(", {} failed", failed);
  if (skipped != 0) text += fmt::format(", {} skipped", skipped);
  if (status == kStopped)
    text += fmt::format(", {} are left; --resume goes on", parts_.size() - record_.parts.size());
  if (!past_.problem.empty()) text += "; no history: " + past_.problem;
  return text;
}

std::string Night::summary(int status) const {
  constexpr std::size_t kMostFaults = 10;
  std::vector<std::vector<NightFinding>> fresh, known;
  for (auto& fault : faults_of(findings_))
    (fault.front().known ? known : fresh).push_back(std::move(fault));
  std::string text = fmt::format("{}\n", verdict(status, fresh.size()));
  for (std::size_t i = 0; i < fresh.size() && i < kMostFaults; i++)
    text += fmt::format("{}. {}", i + 1, fault_text(fresh[i]));
  if (fresh.size() > kMostFaults)
    text += fmt::format("and {} faults more: {}/findings.txt\n", fresh.size() - kMostFaults,
                        record_.folder.string());
  for (const auto& fault : known)
    for (const NightFinding& finding : fault) text += "known: " + finding_line(finding);
  text += fmt::format("\nnight {}, {}, budget {}, {} processors\n", record_.night.id,
                      record_.night.build, budget_text(static_cast<unsigned>(record_.night.budget)),
                      place_.processors);
  for (const PartRow& row : record_.parts) text += part_line(row);
  if (!past_.text.empty()) text += "\n" + shortened(past_.text);
  return text;
}

std::vector<fs::path> Night::files_of_parts() const {
  std::vector<fs::path> files;
  for (const PartRow& row : record_.parts)
    for (const std::string& file : row.results) files.push_back(record_.folder / file);
  return files;
}

int Night::run(const std::function<PastNights(const fs::path&)>& ask_history) {
  const NightGuard guard(record_.folder);
  work();
  findings_ = findings_of(record_.folder, record_.parts);
  write_findings(record_.folder, &findings_);
  std::string all;
  for (const NightFinding& finding : findings_) all += finding_line(finding);
  if (!all.empty()) write_text(record_.folder / "findings.txt", all);
  if (!stop_requested) {
    record_.night.ended = time_now();
    record_.night.status = status();
    record_.night.machine.floor_us = floor_in(files_of_parts());
    writer_.add(line_of(record_.night));
    past_ = ask_history(record_.folder);
  }
  const int ended = status();
  const std::string page = summary(ended);
  write_text(record_.folder / "summary.txt", page);
  fmt::print("\n{}", page);
  // What has no end goes on with --resume.
  if (ended != kStopped) writer_.add(end_line(ended));
  return ended;
}

}  // namespace sigsweep
