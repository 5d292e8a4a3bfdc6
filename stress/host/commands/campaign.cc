// Seeds in, the engine's time, what it has found named: once each, by one process.
#include "stress/host/commands/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "stress/host/campaign_figures.h"
#include "stress/host/commands/fuzz_results.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"
#include "stress/host/folder_lock.h"
#include "stress/host/fuzz_engine.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using std::chrono::minutes;
using std::chrono::seconds;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What inputs came to that an engine has kept as findings.
struct Found {
  struct Group {
    fs::path file;  // of the smallest
    std::string why, cause;
    std::size_t inputs = 0;
  };
  std::vector<Group> groups;  // by cause
  std::size_t findings = 0, failures = 0, alone = 0, unasked = 0;
  std::string failure;  // one of them
};

fs::path folder_of(const Options& o) {
  const std::string name =
      o.fuzz.target + "-" + o.fuzz.engine + (o.isa == machine_isa() ? "" : "-" + o.isa);
  return fs::absolute(o.out.empty() ? checkout_of(o.fuzz) / "results/fuzz" / name : fs::path(o.out))
      .lexically_normal();
}

void check_flags(const Options& o) {
  check_target(o.fuzz.target);
  if (o.fuzz.engine == "afl" && o.isa != machine_isa())
    throw Failure(kUsage, fmt::format("--isa {}: AFL++ is not there for it", o.isa));
  if (o.fuzz.engine == "afl" && !is_on_path("afl-fuzz"))
    throw Failure(kSkipped, "skipped: AFL++ is not installed (Debian: afl++)");
}

std::string needs_of(const Options& o) {
  if (o.fuzz.engine == "afl") return fmt::format("afl {} afl_mutator\n", o.fuzz.target);
  return o.isa == machine_isa() ? fmt::format("fuzz {}\n", o.fuzz.target)
                                : fmt::format("fuzz fuzzers-{}\n", o.isa);
}

bool is_readable_form(const fs::path& file) {
  return file.extension() == ".sched" || file.extension() == ".txt";
}

// One campaign, step by step.
class Campaign {
 public:
  explicit Campaign(const Options& options)
      : options_(options),
        folder_{folder_of(options)},
        target_(open_target(options.fuzz, options.fuzz.target, options.fuzz.engine, options.isa)) {}

  const CampaignFolder& folder() const { return folder_; }
  void begin();               // folders, seeds, dictionary
  void check_canary() const;  // a target that is blind finds nothing, and proves nothing
  void run();                 // the engine
  void gather();              // what it has left
  void name();                // what was found
  // Prints the summary, writes the results, and returns the status.
  int tell(ResultsWriter* results) const;

 private:
  bool look();
  void note_point(double now);
  std::vector<fs::path> to_judge() const;
  void sort_in(const fs::path& file, const Judged& judged);
  std::string problem() const;
  std::string problem_of_the_run(const Figures& figures) const;
  ordered_json row(const Figures& figures, const std::string& why) const;

  const Options& options_;
  CampaignFolder folder_;
  FuzzTarget target_;
  Clock::time_point start_;
  double seconds_ = 0, told_ = 0;
  std::vector<CoursePoint> course_;
  std::size_t before_ = 0, added_ = 0;
  EngineRun engine_;
  std::string full_;           // why nothing could be written; empty: it could
  std::vector<fs::path> raw_;  // of what was found
  Found found_;
};

// Runs the target by hand, in one of its other modes.
void run_target(const FuzzTarget& target, std::vector<std::string> words, const fs::path& output,
                const fs::path& log, const char* what) {
  words.insert(words.begin(), target.path);
  const Ended ended = run_program({words, {}, {"SIGSWEEP_STATS"}, {}, output, log}, minutes(5));
  if (ended.kind == Ended::stopped) throw Failure(kStopped, "stopped");
  if (ended.well()) return;
  const bool refused = ended.kind == Ended::exited && ended.status == 2;
  const std::string said = content_of(log);
  throw Failure(refused ? kUsage : kHarnessFailed,
                fmt::format("{}: {} {}: {}", what, target.name, ended.how(),
                            said.empty() ? "it said nothing; is the disk full?" : said));
}

void Campaign::begin() {
  prepare_folder(folder_, target_);
  check_corpus(folder_.corpus());
  std::vector<std::string> words = {"--inputs", folder_.corpus()};
  for (const char* kind : {"seeds", "fuzz"}) {
    for (const fs::path& seed :
         files_in(checkout_of(options_.fuzz) / "corpus" / kind / target_.name))
      if (seed.extension() == ".sched") words.push_back(seed);
  }
  const fs::path log = folder_.work() / "log";
  if (words.size() > 2) run_target(target_, words, "", log, "the seeds");
  run_target(target_, {"--dictionary"}, folder_.work() / "dictionary", log, "the dictionary");
  before_ = files_in(folder_.corpus()).size();
}

void Campaign::check_canary() const {
  const TargetCanary canary = try_canary(target_, folder_.work());
  if (canary.what.empty()) {
    fmt::print("canary: none: nothing of {} is known to be bad\n", target_.name);
    return;
  }
  if (canary.found.empty()) {
    throw Failure(
        kHarnessFailed,
        fmt::format("canary: {} is known to be bad, and {} random inputs did not stop {}: "
                    "the target is blind",
                    canary.what, canary.inputs, target_.name));
  }
  fmt::print("canary: {}, known to be bad: found: {}\n", canary.what, canary.found);
}

void Campaign::note_point(double now) {
  std::string why;
  const auto figures = read_figures(folder_.stats(), &why);
  if (!figures) return;  // a file that is being made is short: it counts the next time
  course_.push_back({now, figures->execs, figures->covered()});
  if (now - told_ < 10) return;
  told_ = now;
  fmt::print(stderr, "{:.0f} s: {}\n", now, line_of(*figures, now));
}

// While the engine runs: notes the course. False where the disk is full.
bool Campaign::look() {
  const double now = seconds_since(start_);
  const double every = std::clamp(options_.fuzz.seconds / 16.0, 1.0, 10.0);
  if (now - (course_.empty() ? 0 : course_.back().seconds) >= every) note_point(now);
  if (full_.empty()) full_ = why_full(folder_.root);
  return full_.empty();
}

void Campaign::run() {
  start_ = Clock::now();
  engine_ = run_engine(folder_, target_, options_.jobs, seconds(options_.fuzz.seconds),
                       [this] { return look(); });
  seconds_ = seconds_since(start_);
  if (full_.empty()) full_ = why_full(folder_.root);  // it may have ended by that
  std::string text;
  for (const CoursePoint& point : course_)
    text += fmt::format("{:.2f} {} {}\n", point.seconds, point.execs, point.covered);
  if (!full_.empty()) return;
  write_text(folder_.root / "course", text);
  write_text(folder_.root / "plot_data", plot_data(course_));
  write_text(folder_.root / "fuzzer_stats",
             fmt::format("afl_banner        : {}, {}\n", target_.name, target_.engine));
}

void Campaign::gather() {
  const std::size_t parts = remove_parts(folder_.corpus());
  if (parts > 0 && full_.empty() && !stop_requested)
    full_ = fmt::format("{}: {} inputs were cut short, and are removed", folder_.corpus().string(),
                        parts);
  raw_ = collect(folder_);
  const std::size_t now = files_in(folder_.corpus()).size();
  added_ = now > before_ ? now - before_ : 0;
}

// This run's, and what an earlier one that was stopped has not named.
std::vector<fs::path> Campaign::to_judge() const {
  std::vector<fs::path> files = raw_;
  for (const fs::path& file : files_in(folder_.findings())) {
    const fs::path text = file.string() + target_.suffix();
    if (is_readable_form(file) || fs::exists(text) || std::ranges::count(raw_, file) > 0) continue;
    files.push_back(file);
  }
  return files;
}

void Campaign::sort_in(const fs::path& file, const Judged& judged) {
  if (judged.kind == Judged::unasked) {
    found_.unasked++;
    return;
  }
  if (judged.kind == Judged::ok || judged.kind == Judged::refused) {
    found_.alone++;
    const std::string content = content_of(file);
    need_folder(folder_.unshown());
    keep(folder_.unshown(), file.filename(), content);
    fs::remove(file);
    return;
  }
  const bool failed = judged.kind == Judged::failed;
  const fs::path folder = failed ? folder_.failures() : folder_.findings();
  if (failed) {
    need_folder(folder);
    keep(folder, file.filename(), content_of(file));
    fs::remove(file);
  }
  const fs::path text = keep(folder, file.filename().string() + target_.suffix(), judged.text);
  if (failed) {
    found_.failures++;
    found_.failure = text.string() + ": " + judged.why;
    return;
  }
  found_.findings++;
  const std::string cause = judged.cause.empty() ? judged.why : judged.cause;
  auto at = std::ranges::find(found_.groups, cause, &Found::Group::cause);
  if (at == found_.groups.end())
    at = found_.groups.insert(at, Found::Group{text, judged.why, cause});
  at->inputs++;
  if (fs::file_size(text) < fs::file_size(at->file)) at->file = text, at->why = judged.why;
}

void Campaign::name() {
  const std::vector<fs::path> files = to_judge();
  if (files.empty()) return;
  fmt::print(stderr, "naming what was found: {} inputs\n", files.size());
  std::vector<Judged> judged(files.size());
  try {
    judged = judge(target_, files, folder_.work(), folder_.work() / "judge.log");
  } catch (const Failure& failure) {  // the inputs are kept, and that is told
    found_.failures++;
    found_.failure = failure.what();
  }
  for (std::size_t i = 0; i < files.size(); i++) sort_in(files[i], judged[i]);
  std::ranges::sort(found_.groups, {}, &Found::Group::cause);
}

std::string Campaign::problem_of_the_run(const Figures& figures) const {
  const char* async = std::getenv("ASYNC");
  if (!engine_.ended.well())
    return fmt::format("the engine {}: see {}", engine_.ended.how(), engine_.log);
  if (figures.execs == 0) return "nothing ran";
  if (target_.lands_signals && figures.landed == 0) return "no signal landed";
  if (target_.lands_signals && async != nullptr && *async == '1' && figures.strays_landed == 0)
    return "ASYNC=1: none of the free-running signals landed";
  if (figures.is_idle()) return "no input did anything: " + line_of(figures, seconds_);
  if (course_of(course_).slow) return "it ran at less than a tenth of its usual rate in the end";
  if (added_ == 0 && options_.fuzz.expect == "new") return "nothing was added to the seeds";
  return {};
}

ordered_json Campaign::row(const Figures& f, const std::string& why) const {
  ordered_json phases = ordered_json::array();
  for (const Figures::Phases& one : f.phases)
    phases.push_back({{"covered", one.covered}, {"all", one.all}});
  ordered_json own = ordered_json::object();
  for (const auto& [name, count] : f.own) own[name] = count;
  ordered_json course = ordered_json::array();
  for (const CoursePoint& point : course_)
    course.push_back(
        {{"seconds", point.seconds}, {"execs", point.execs}, {"covered", point.covered}});
  return {{"kind", "campaign"},
          {"target", target_.name},
          {"engine", target_.engine},
          {"isa", target_.isa},
          {"jobs", options_.jobs},
          {"execs", f.execs},
          {"operations", f.operations},
          {"requested", f.requested},
          {"landed", f.landed},
          {"unreached", f.unreached},
          {"strays", f.strays},
          {"strays_landed", f.strays_landed},
          {"phases", phases},
          {"figures", own},
          {"course", course},
          {"added", added_},
          {"findings", found_.findings},
          {"causes", found_.groups.size()},
          {"failures", found_.failures},
          {"alone", found_.alone},
          {"unnamed", found_.unasked},
          {"destroyed", engine_.destroyed},
          {"problem", why},
          {"seconds", seconds_}};
}

int Campaign::tell(ResultsWriter* results) const {
  std::string why;
  const auto figures = read_figures(folder_.stats(), &why);
  for (const Found::Group& group : found_.groups) {
    fmt::print("finding: {}\n  {} ({}){}\n", group.file.string(), group.why, group.cause,
               group.inputs == 1 ? "" : fmt::format("; {} inputs show the same", group.inputs));
    write_row(results, {{"kind", "found"},
                        {"target", target_.name},
                        {"file", group.file.string()},
                        {"why", group.why},
                        {"cause", group.cause},
                        {"inputs", group.inputs}});
  }
  if (found_.alone > 0) {
    fmt::print("{} times a process died of what its last input does not show alone: {}\n",
               found_.alone, folder_.unshown().string());
  }
  if (engine_.destroyed > 0)
    fmt::print("{} times a hazard destroyed its process, and another went on\n", engine_.destroyed);
  if (found_.unasked > 0) {
    fmt::print("{} inputs are kept without a name: the next campaign names them: {}\n",
               found_.unasked, folder_.findings().string());
  }
  const Figures shown = figures.value_or(Figures{});
  const CampaignCourse course = course_of(course_);
  if (shown.phases[0].all > 0) fmt::print("{}\n", course.phases);
  if (!course.rates.empty()) fmt::print("{}\n", course.rates);
  fmt::print("{}, {}, {:.0f} s: {}; {} new in the corpus, {} findings\n", target_.name,
             target_.engine, seconds_, line_of(shown, seconds_), added_, found_.findings);
  std::string problem = full_;
  if (problem.empty() && !figures) problem = "no counters: " + why;
  if (problem.empty() && found_.failures > 0) problem = found_.failure;
  if (problem.empty() && found_.alone > 0 && !target_.may_be_destroyed)
    problem = "a process died of what its last input does not show alone";
  // What has found something has ended by it.
  if (problem.empty() && found_.findings == 0) problem = problem_of_the_run(shown);
  write_row(results, row(shown, stop_requested ? "stopped" : problem));
  if (stop_requested) return kStopped;
  if (!problem.empty()) fmt::print(stderr, "sigsweep: {}\n", problem);
  if (found_.findings > 0) return kFinding;
  return problem.empty() ? kAsExpected : kHarnessFailed;
}

}  // namespace

int campaign_command(const Options& options) {
  check_flags(options);
  if (options.fuzz.needs) {
    fmt::print("{}", needs_of(options));
    return kAsExpected;
  }
  const CampaignFolder folder{folder_of(options)};
  need_folder(folder.root);
  const FolderLock only_one(folder.root, "campaign");
  Campaign campaign(options);
  print_provenance(options);
  ResultsWriter results(options.json);
  write_run(&results, options);
  collect(folder);  // what an earlier run has left that was killed
  campaign.begin();
  campaign.check_canary();
  campaign.run();
  campaign.gather();
  if (!stop_requested) campaign.name();
  const int status = campaign.tell(&results);
  results.end(status);
  return status;
}

}  // namespace sigsweep
