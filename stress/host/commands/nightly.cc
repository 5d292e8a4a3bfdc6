// From flags to a night: which parts, how long, where.
#include "stress/host/commands/nightly.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>

#include "stress/host/child_process.h"
#include "stress/host/commands/report.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/files.h"
#include "stress/host/nightly/night.h"
#include "stress/host/nightly/night_findings.h"
#include "stress/host/nightly/night_plan.h"
#include "stress/host/nightly/night_report.h"
#include "stress/host/nightly/night_table.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

fs::path self() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

// Those that this process may use.
unsigned processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

std::vector<PartSpec> all_parts(const Options& o) {
  NightSubjects subjects{self().parent_path().filename(), target_names(), {}};
  for (const char* kind : {"regressions", "hazards"}) {
    for (const fs::path& file : files_in(checkout_of(o.fuzz) / "corpus" / kind))
      if (file.extension() == ".sched") subjects.schedules.push_back(file);
  }
  return night_table(subjects);
}

// The operation that a night's strips show, and its handler calls, too: of a hazard of the corpus.
// Empty: there is no corpus.
std::string shown_site(const Options& o) {
  const fs::path file = checkout_of(o.fuzz) / "corpus/hazards/argument-s0.sched";
  if (!fs::exists(file)) return {};
  return word_behind(content_of(file), "op");
}

fs::path out_of(const Options& o) {
  return o.out.empty() ? checkout_of(o.fuzz) / "results/nightly" : fs::path(o.out);
}

NightPlace place_of(const Options& o, const NightsFolder& nights, const NightRow& night) {
  const fs::path known =
      o.known.empty() ? checkout_of(o.fuzz) / KnownFindings::kDefaultFile : fs::absolute(o.known);
  return {{},
          builds_folder(o.fuzz),
          {{"sigsweep", self()},
           {"builds", builds_folder(o.fuzz)},
           {"known", fs::exists(known) ? known.string() : "/dev/null"},
           {"seed", std::to_string(night.seed)},
           {"corpus", checkout_of(o.fuzz) / "corpus"},
           {"site", shown_site(o)},
           {"nights", nights.path()},
           {"kept", nights.fuzz()}},
          processors()};
}

void check_budget(const Options& o, const std::vector<PartSpec>& parts) {
  if (o.nightly.budget.empty())
    throw Failure(kUsage, "--budget: missing; a time such as 10m or 8h is expected, or --resume");
  const unsigned least = least_budget(parts, processors());
  if (parse_budget(o.nightly.budget) >= least) return;
  throw Failure(kUsage,
                fmt::format("--budget {}: too short for {} parts on {} processors; the least is "
                            "{}{}",
                            o.nightly.budget, parts.size(), processors(), budget_text(least),
                            o.nightly.only.empty() ? "; --only names some of the parts" : ""));
}

NightRecord begin(const Options& o, const NightsFolder& nights,
                  const std::vector<PartSpec>& parts) {
  NightRow night;
  night.budget = parse_budget(o.nightly.budget);
  night.seed = o.seed;
  night.build = build_description();
  night.command = o.command_line;
  night.machine = night_machine(machine());
  std::vector<std::string> names;
  names.reserve(parts.size());
  for (const PartSpec& part : parts) names.push_back(part.name);
  return nights.begin(night, run_row(o), names);
}

// What the night was given is in its file.
NightRecord go_on(const Options& o, const NightsFolder& nights) {
  if (!o.nightly.budget.empty() || !o.nightly.only.empty())
    throw Failure(kUsage,
                  "--resume: the night has its own budget and parts; no --budget and no "
                  "--only are allowed");
  auto record = nights.unfinished();
  if (!record)
    throw Failure(kUsage,
                  fmt::format("--resume: {} has no night without an end", nights.path().string()));
  if (record->night.build != build_description())
    throw Failure(kUsage,
                  fmt::format("--resume: {} was begun by build {}, and this is {}; begin a new "
                              "night with --budget",
                              record->folder.string(), record->night.build, build_description()));
  return *record;
}

// minimize wants both engines' folders, also where one engine can't be had.
void make_corpora(const NightsFolder& nights) {
  for (const std::string& target : target_names())
    for (const char* engine : kEngines)
      need_folder(nights.fuzz() / (target + "-" + engine) / "corpus");
}

// Asks `sigsweep history` in a process of its own: what goes wrong there is its affair. Its last
// line goes to `said`.
Ended ask(std::vector<std::string> words, const fs::path& log, std::string* said) {
  constexpr std::chrono::minutes kLongest(10);
  words.insert(words.begin(), {self(), "history"});
  const Ended ended = run_program({words, {}, {}, {}, log, log}, kLongest);
  *said = content_of(log);
  return ended;
}

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  const std::string last = text.substr(text.rfind('\n') + 1);
  return last.starts_with("sigsweep: ") ? last.substr(strlen("sigsweep: ")) : last;
}

PastNights ask_history(const std::string& history, const fs::path& night) {
  std::string said;
  const fs::path log = night / "history.log";
  const Ended taken = ask({"import", night, "--history", history}, log, &said);
  if (taken.kind == Ended::exited && taken.status == kSkipped) return {last_line(said) + "\n", ""};
  if (!taken.well()) return {"", last_line(said)};
  const Ended compared = ask({"compare", "last~1", "last", "--history", history}, log, &said);
  if (compared.kind != Ended::exited) return {"", last_line(said)};
  if (compared.status == kUsage) return {"history: " + last_line(said) + "\n", ""};
  return compared.status <= kFinding ? PastNights{said, ""} : PastNights{"", last_line(said)};
}

}  // namespace

void add_nightly_flags(CLI::App* app, Options* o) {
  app->add_option("--budget", o->nightly.budget,
                  "time from now to the end, as in 10m, 8h; one that is too short is refused with "
                  "the least");
  app->add_flag("--resume", o->nightly.resume,
                "go on with the youngest night that was stopped or killed");
  app->add_option("--only", o->nightly.only, "these parts, comma-separated; fuzz: all campaigns")
      ->delimiter(',');
  app->add_option("--seed", o->seed, "seed of all parts")->capture_default_str();
  app->add_option("--out", o->out, "folder of all nights [results/nightly]");
  app->add_option("--known", o->known,
                  fmt::format("file of acknowledged findings: they are reported, and do not fail "
                              "[{}]",
                              KnownFindings::kDefaultFile));
  app->add_option("--history", o->nightly.history,
                  "file that the night goes to in the end [history.sqlite beside --out]");
  app->add_option("--builds", o->fuzz.builds,
                  "folder of the presets' builds [the one that this command lies in]");
  app->add_flag("--needs", o->fuzz.needs,
                "say what must be built for it, as lines PRESET TARGET..., and stop");
}

namespace {

int run_nightly(const Options& o, ReportBuilder* report) {
  const auto begun = Night::Clock::now();
  std::vector<PartSpec> parts = only_those(all_parts(o), o.nightly.only);
  if (!o.nightly.resume) check_budget(o, parts);
  if (o.fuzz.needs) {
    std::erase_if(
        parts, [](const PartSpec& part) { return !part.tool.empty() && !is_on_path(part.tool); });
    fmt::print("{}", needs_of(parts));
    return kAsExpected;
  }
  // A file that can't be read is told of now, not in each part.
  [[maybe_unused]] const KnownFindings known(o.known);
  const NightsFolder nights(out_of(o));
  NightRecord record = o.nightly.resume ? go_on(o, nights) : begin(o, nights, parts);
  std::erase_if(parts, [&](const PartSpec& part) {
    return std::ranges::find(record.only, part.name) == record.only.end();
  });
  print_provenance(o);
  fmt::print("night {}: {} parts, {} of them done, budget {}: {}\n", record.night.id, parts.size(),
             record.parts.size(), budget_text(static_cast<unsigned>(record.night.budget)),
             record.folder.string());
  make_corpora(nights);
  const std::string history = o.nightly.history.empty() ? nights.history().string()
                                                        : fs::absolute(o.nightly.history).string();
  const NightPlace place = place_of(o, nights, record.night);
  const fs::path folder = record.folder;
  const int status = Night(std::move(record), parts, place, begun).run([&](const fs::path& night) {
    return ask_history(history, night);
  });
  if (report != nullptr) report_night(folder, report);
  write_page_beside({folder.string(), history}, folder);
  return status;
}

}  // namespace

int nightly_command(const Options& o) {
  return with_reports(o, "nightly", [&](ReportBuilder* report) { return run_nightly(o, report); });
}

}  // namespace sigsweep
