// Files to causes, causes to lines.
#include "stress/host/commands/triage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "stress/host/commands/fuzz_results.h"
#include "stress/host/commands/replay.h"
#include "stress/host/commands/shrink.h"
#include "stress/host/commands/triage_files.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"
#include "stress/host/fuzz_engine.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// What makes findings one fault. Of what a target alone sees there is only what it says.
struct Cause {
  std::string protocol, site, phase, verdict;
  std::string said;
  // clang-tidy 14 takes the 0 in what the compiler generates for a pointer.
  auto operator<=>(const Cause&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Group {
  std::vector<fs::path> files;
  std::set<std::string> ids, places;
  std::string id;     // of the smallest; empty: a replay does not tell
  Schedule smallest;  // of them
  std::string text;   // of it

  // Later: what replays of the smallest came to, and what was written.
  fs::path schedule, draft;
  unsigned again = 0;
  std::string gdb;
};

// By its folder, or what the origin names: "TARGET: why".
Finder finder_of(const fs::path& file, const std::string& origin) {
  Finder by_folder = finder_by_folder(file);
  if (is_target(by_folder.name)) return by_folder;
  return {origin.substr(0, origin.find(':')), machine_isa()};
}

// The rest of the line `origin` of a schedule; for what must be known before there is a parser.
std::string origin_in(const fs::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("origin ")) continue;
    const std::size_t at = line.find_first_not_of(' ', 6);
    return at == line.npos ? "" : line.substr(at);
  }
  return {};
}

// What is wrong with a file, which is named once.
std::string told(const fs::path& file, const std::string& what) {
  return what.starts_with(file.string() + ":") ? what : file.string() + ": " + what;
}

// What a triage came to.
struct Sums {
  std::size_t causes = 0, lost = 0, gone = 0;
};
ordered_json row_of(const TriageFiles& given, const Sums& sums) {
  return {{"kind", "triaged"},
          {"folders", given.folders},
          {"files", given.schedules.size() + given.others.size()},
          {"causes", sums.causes},
          {"lost", sums.lost},
          {"gone", sums.gone}};
}

class Triage {
 public:
  explicit Triage(const Options& options)
      : options_(options),
        out_(fs::absolute(options.out.empty() ? checkout_of(options.fuzz) / "results/triage"
                                              : fs::path(options.out))
                 .lexically_normal()),
        known_(options.known.empty() ? default_known(options) : options.known) {
    need_folder(out_);
    put_earlier_away();
  }

  void sort_in(const TriageFiles& given);
  void finish();  // writes, replays
  int tell(ResultsWriter* results, const TriageFiles& given) const;

 private:
  struct Question {  // for the target that found it
    Finder finder;
    fs::path file;
    std::string otherwise;  // what to say where it does not stop; empty: a replay is to tell
  };

  static std::string default_known(const Options& options) {
    const fs::path file = checkout_of(options.fuzz) / KnownFindings::kDefaultFile;
    return fs::exists(file) ? file.string() : std::string();
  }
  void put_earlier_away() const;
  void note_lost(const fs::path& file, const std::string& why, bool shows_nothing);
  // The session for a schedule's file, and for a schedule.
  const Session& session_for_file(const fs::path& file);
  const Session& session_for(const Schedule& schedule) {
    return session_for(schedule.isa, schedule.adapter.has_value());
  }
  const Session& session_for(const std::string& isa, bool adapter);
  void sort_in_schedule(const fs::path& file);
  void sort_in_by_replay(const fs::path& file, const Schedule& schedule);
  void add(const Cause& cause, const fs::path& file, const Shrunk& shrunk, const Replayed& got);
  void ask();
  void answer(const Question& question, const Judged& judged);
  void replay_judged(const Question& question, const Judged& judged);
  std::string promised(const Schedule& schedule);
  void write(const Cause& cause, Group* group);
  void replay(Group* group);
  bool is_known(const Group& group) const;
  std::string line(const Cause& cause, const Group& group) const;

  const Options& options_;
  fs::path out_;
  KnownFindings known_;
  std::map<std::pair<std::string, bool>, Session> sessions_;  // by ISA; is it the adapter's?
  std::map<Cause, Group> groups_;
  std::vector<Question> questions_;
  std::vector<std::string> lost_, failures_, gone_;
  std::vector<fs::path> unasked_;
};

// An earlier triage's, whose sources may be gone.
void Triage::put_earlier_away() const {
  for (const char* part : {"", "regressions", "hazards"}) {
    for (const fs::path& file : files_in(out_ / part)) {
      if (file.extension() != ".sched") continue;
      need_folder(out_ / "earlier" / part);
      keep(out_ / "earlier" / part, file.filename(), content_of(file));
      fs::remove(file);
    }
  }
  fs::remove(out_ / "summary.txt");
}

// What shows nothing is gone, if a folder for such files is given: there, in the folder of its
// campaign, it is not asked again.
void Triage::note_lost(const fs::path& file, const std::string& why, bool shows_nothing) {
  if (!shows_nothing || options_.fuzz.gone.empty()) {
    lost_.push_back(told(file, why));
    return;
  }
  gone_.push_back(told(file, why));
  const fs::path kind = file.parent_path().filename();
  const fs::path to =
      fs::path(options_.fuzz.gone) / file.parent_path().parent_path().filename() / kind;
  need_folder(to);
  keep(to, file.filename(), content_of(file));
  fs::remove(file);
}

const Session& Triage::session_for_file(const fs::path& file) {
  const std::string isa = isa_of_file(file);
  return session_for(isa.empty() ? machine_isa() : isa, is_for_adapter(file));
}

// An adapter's schedules are for what the target loads.
const Session& Triage::session_for(const std::string& isa, bool adapter) {
  const auto at = sessions_.find({isa, adapter});
  if (at != sessions_.end()) return at->second;
  Options one = options_;
  one.isa = isa;
  one.known.clear();
  if (adapter) {
    one.subject = kAdapterSubject;
    one.adapter = open_any_build(options_.fuzz, kAdapterTarget, isa).adapter;
  }
  return sessions_.emplace(std::pair(isa, adapter), open_session(one)).first->second;
}

// The one verdict that the protocol promises; empty: it allows several.
std::string Triage::promised(const Schedule& schedule) {
  const VerdictSet& allowed = session_for(schedule).protocol(schedule.protocol).allowed;
  const std::string text = allowed.text();
  return verdict_from_name(text) ? text : std::string();
}

void Triage::add(const Cause& cause, const fs::path& file, const Shrunk& shrunk,
                 const Replayed& got) {
  Group& group = groups_[cause];
  group.files.push_back(file);
  const std::string text = print_schedule(shrunk.schedule);
  if (group.text.empty() || text.size() < group.text.size()) {
    group.smallest = shrunk.schedule;
    group.text = text;
    group.id = shrunk.id;
  }
  if (!shrunk.id.empty()) group.ids.insert(shrunk.id);
  if (got.account.injections.empty()) return;
  const BoundaryName& at = blamed(got.account).planned.at;
  group.places.insert(fmt::format("{}+{:#x}", at.symbol, at.offset));
}

// By what a replay shows. One that kills the runner has no account, and can't be made smaller.
void Triage::sort_in_by_replay(const fs::path& file, const Schedule& schedule) {
  const Session& session = session_for(schedule);
  const Replayed first = replay_schedule(session, schedule, file);
  if (first.died) {
    const Operation& last = schedule.operations.back();
    const Cause cause{schedule.protocol, last.site,
                      last.injections.empty() ? "" : last.injections.back().phase.head(),
                      first.verdict, ""};
    Shrunk whole{schedule, "", 0};
    whole.schedule.expect = Expectation{first.verdict, ""};
    add(cause, file, whole, first);
    return;
  }
  const Shrunk shrunk = shrink_schedule(session, schedule, file);
  const Replayed got = replay_schedule(session, shrunk.schedule, file);
  const Cause cause{schedule.protocol, got.account.site, blamed(got.account).planned.phase.head(),
                    got.verdict, ""};
  add(cause, file, shrunk, got);
}

void Triage::sort_in_schedule(const fs::path& file) {
  const Schedule schedule = read_schedule(session_for_file(file), file);
  const Finder finder = finder_of(file, schedule.origin);
  const std::string verdict = schedule.expect ? schedule.expect->verdict : "";
  if (is_harness_failure(file)) {
    failures_.push_back(file.string() + ": " + schedule.origin);
  } else if (!schedule.origin.empty() && is_target(finder.name) &&
             (verdict == "ok" || verdict == promised(schedule))) {
    // Its target stopped at a verdict that is none to stop at: for what the target alone sees.
    questions_.push_back({finder, file, ""});
    return;
  }
  try {
    sort_in_by_replay(file, schedule);
  } catch (const Failure& failure) {
    if (stop_requested || is_harness_failure(file)) return;
    if (is_target(finder.name)) {
      questions_.push_back({finder, file, failure.what()});
    } else {
      note_lost(file, failure.what(), failure.status == kUsage);
    }
  }
}

void Triage::answer(const Question& question, const Judged& judged) {
  const std::string file = question.file.string();
  if (judged.is_finding()) {
    groups_[{"", "", "", "", question.finder.name + ": " + judged.why}].files.emplace_back(file);
  } else if (judged.kind == Judged::failed) {
    failures_.push_back(fmt::format("{}: {}: {}", file, question.finder.name, judged.why));
  } else if (judged.kind == Judged::unasked) {
    lost_.push_back(
        fmt::format("{}: {} could not be asked: it is not built", file, question.finder.name));
  } else if (!question.otherwise.empty()) {
    note_lost(file, question.otherwise, true);
  } else {
    replay_judged(question, judged);
  }
}

// The target does not stop at it: it may show what the target allows, and a replay tells. What an
// engine has written is replayed in the form that the target has read it as.
void Triage::replay_judged(const Question& question, const Judged& judged) {
  const fs::path& file = question.file;
  try {
    if (file.extension() == ".sched") {
      sort_in_by_replay(file, read_schedule(session_for_file(file), file));
    } else if (judged.text.starts_with("sigsweep schedule ")) {
      const fs::path read =
          write_text(out_ / "read" / (file.filename().string() + ".sched"), judged.text);
      sort_in_by_replay(file, read_schedule(session_for_file(read), read));
    } else {
      note_lost(file, question.finder.name + " does not stop at it", true);
    }
  } catch (const Failure& failure) {
    const std::string said = question.finder.name + " does not stop at it; ";
    if (!stop_requested) note_lost(file, said + failure.what(), failure.status == kUsage);
  }
}

// One process a target and build for all of its files.
void Triage::ask() {
  std::map<Finder, std::vector<Question>> by_finder;
  for (const Question& question : questions_) by_finder[question.finder].push_back(question);
  for (const auto& [finder, questions] : by_finder) {
    const TemporaryFolder work;
    std::vector<fs::path> files;
    for (const Question& question : questions) files.push_back(question.file);
    const auto judged =
        judge_by_any_build(options_.fuzz, finder.name, finder.isa, files, work.path());
    for (std::size_t i = 0; i < questions.size() && !stop_requested; i++)
      answer(questions[i], judged[i]);
  }
}

void Triage::sort_in(const TriageFiles& given) {
  for (const fs::path& file : given.schedules) {
    if (stop_requested) return;
    try {
      sort_in_schedule(file);
    } catch (const Failure& failure) {
      if (!stop_requested) note_lost(file, failure.what(), failure.status == kUsage);
    }
  }
  for (const fs::path& file : given.others) {
    const Finder finder = finder_by_folder(file);
    if (is_harness_failure(file)) {
      failures_.push_back(file.string());
    } else if (is_target(finder.name)) {
      questions_.push_back({finder, file, ""});
    } else {
      unasked_.push_back(file);
    }
  }
  ask();
}

// The smallest, and what corpus/ could keep of it: the same, expecting what is promised.
void Triage::write(const Cause& cause, Group* group) {
  const std::string name =
      (group->id.empty() ? cause.protocol + "-" + cause.site : group->id) + ".sched";
  group->schedule = write_text(out_ / name, group->text);
  const std::string promise = promised(group->smallest);
  const bool is_regression = promise == "ok" || promise == "rejected";
  Schedule draft = group->smallest;
  if (is_regression) draft.expect = Expectation{promise, ""};
  std::string text = print_schedule(draft);
  text.insert(text.find('\n') + 1,
              fmt::format("# finding {}{}\n", group->id,
                          is_regression ? ": showed " + cause.verdict : std::string()));
  group->draft = write_text(out_ / (is_regression ? "regressions" : "hazards") / name, text);
}

void Triage::replay(Group* group) {
  const Session& session = session_for(group->smallest);
  for (unsigned i = 0; i < options_.fuzz.times; i++) {
    const Replayed got = replay_schedule(session, group->smallest, group->schedule);
    if (got.verdict == group->smallest.expect->verdict) group->again++;
    if (i > 0 || got.died || got.account.injections.empty()) continue;
    const std::string lines = gdb_lines_of(session, group->schedule, group->smallest, got);
    group->gdb = lines.substr(0, lines.find('\n'));
    if (const auto at = group->gdb.find(":  "); at != lines.npos) group->gdb.erase(at + 1, 1);
  }
}

void Triage::finish() {
  for (auto& [cause, group] : groups_) {
    if (group.text.empty()) {
      group.schedule = group.files.front();
      continue;
    }
    write(cause, &group);
    try {
      if (!stop_requested) replay(&group);
    } catch (const Failure& failure) {
      if (!stop_requested)
        failures_.push_back(fmt::format("{}: {}", group.schedule.string(), failure.what()));
    }
  }
}

bool Triage::is_known(const Group& group) const {
  return !group.ids.empty() && std::ranges::all_of(group.ids, [this](const std::string& id) {
    return known_.reason(id) != nullptr;
  });
}

std::string Triage::line(const Cause& cause, const Group& group) const {
  if (group.text.empty()) {
    return fmt::format("by its target  {} files, such as {}: {}\n", group.files.size(),
                       group.schedule.string(), cause.said);
  }
  const auto& expect = *group.smallest.expect;
  std::string line = fmt::format(
      "{}  {} schedules, {} of {} replays; {}, {}, {}, {}{}{}; at {}; draft: {}",
      group.id.empty() ? std::string(16, '-') : group.id, group.files.size(), group.again,
      options_.fuzz.times, cause.protocol, cause.site, cause.phase, cause.verdict,
      expect.slot.empty() ? "" : " ", expect.slot,
      group.places.empty() ? "no known place" : fmt::format("{}", fmt::join(group.places, ", ")),
      group.draft.string());
  if (is_known(group)) line += fmt::format(" (acknowledged: {})", *known_.reason(group.id));
  return line + (group.gdb.empty() ? "" : "; " + group.gdb) + "\n";
}

int Triage::tell(ResultsWriter* results, const TriageFiles& given) const {
  std::string page = fmt::format("{} schedules, {} findings, {} that show nothing here\n",
                                 given.schedules.size(), groups_.size(), lost_.size());
  bool all_known = unasked_.empty();
  for (const auto& [cause, group] : groups_) {
    page += line(cause, group);
    all_known = all_known && is_known(group);
    std::vector<std::string> files;
    for (const fs::path& file : group.files) files.push_back(file);
    write_row(results, {{"kind", "group"},
                        {"id", group.id},
                        {"ids", group.ids},
                        {"protocol", cause.protocol},
                        {"site", cause.site},
                        {"phase", cause.phase},
                        {"verdict", cause.verdict},
                        {"places", group.places},
                        {"why", cause.said},
                        {"files", files},
                        {"schedule", group.schedule.string()},
                        {"times", group.text.empty() ? 0 : options_.fuzz.times},
                        {"again", group.again},
                        {"draft", group.draft.string()},
                        {"known", is_known(group)}});
  }
  for (const fs::path& file : unasked_)
    page +=
        fmt::format("no schedule  {}: its target, which its folder does not name, runs it again\n",
                    file.string());
  for (const std::string& one : lost_) page += "shows nothing  " + one + "\n";
  for (const std::string& one : gone_) page += "gone  " + one + "\n";
  for (const std::string& one : failures_)
    page += "harness failure, whatever its schedule shows  " + one + "\n";
  if (stop_requested) page += "stopped: what was sorted until then\n";
  write_row(results, row_of(given, {groups_.size(), lost_.size(), gone_.size()}));
  fmt::print("{}", page);
  write_text(out_ / "summary.txt", page);
  if (stop_requested) return kStopped;
  if (!lost_.empty() || !failures_.empty()) return kHarnessFailed;
  return all_known ? kAsExpected : kFinding;
}

std::string needs_of(const TriageFiles& given) {
  std::set<Finder> finders;
  for (const fs::path& file : given.schedules) finders.insert(finder_of(file, origin_in(file)));
  for (const fs::path& file : given.others) finders.insert(finder_by_folder(file));
  std::string needs;
  for (const Finder& finder : finders) {
    if (!is_target(finder.name)) continue;
    needs += finder.isa == machine_isa() ? fmt::format("fuzz {}\n", finder.name)
                                         : fmt::format("fuzz fuzzers-{}\n", finder.isa);
  }
  return needs;
}

}  // namespace

int triage_command(const Options& options) {
  const TriageFiles given = sorted_out(options.files);
  if (options.fuzz.needs) {
    fmt::print("{}", needs_of(given));
    return kAsExpected;
  }
  Triage triage(options);
  print_provenance(options);
  ResultsWriter results(options.json);
  write_run(&results, options);
  if (given.schedules.empty() && given.others.empty()) {
    fmt::print("0 schedules, nothing was found\n");
    write_row(&results, row_of(given, {}));
    results.end(kAsExpected);
    return kAsExpected;
  }
  triage.sort_in(given);
  triage.finish();
  const int status = triage.tell(&results, given);
  results.end(status);
  return status;
}

}  // namespace sigsweep
