// libFuzzer's and AFL++'s command lines, and what they leave.
#include "stress/host/fuzz_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "stress/base/sha1.h"
#include "stress/host/files.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr auto kGrace = seconds(120);  // to begin and to end, beside its time

// libFuzzer: one process, or a process a job that -fork restarts.
Program libfuzzer_program(const CampaignFolder& folder, unsigned jobs, seconds time) {
  Program program;
  program.words = {"./work/target"};
  if (jobs > 1) program.words.push_back(fmt::format("-fork={}", jobs));
  for (const std::string& word :
       {std::string("-dict=work/dictionary"), fmt::format("-max_total_time={}", time.count()),
        std::string("-artifact_prefix=work/found/"), std::string("corpus")}) {
    program.words.push_back(word);
  }
  program.environment = {{"SIGSWEEP_STATS", folder.stats()}, {"TMPDIR", "work/tmp"}};
  program.folder = folder.root;
  program.output = program.error = folder.log();
  return program;
}

// AFL++: a main and its helpers over one folder. What it wants changed on the machine is left as it
// is: the core pattern (a crash may be taken for a hang, where a program takes the dumps) and the
// frequency of the processors.
Program afl_program(const CampaignFolder& folder, const FuzzTarget& target, unsigned job,
                    seconds time) {
  Program program;
  program.words = {"afl-fuzz", "-V",     std::to_string(time.count()),
                   "-t",       "20000",  "-m",
                   "none",     "-x",     "work/dictionary",
                   "-i",       "corpus", "-o",
                   "afl"};
  const std::string role = job == 0 ? "main" : fmt::format("helper{}", job);
  for (const std::string& word :
       {std::string(job == 0 ? "-M" : "-S"), role, std::string("--"), std::string("./work/target")})
    program.words.push_back(word);
  program.environment = {{"SIGSWEEP_STATS", folder.stats()},
                         {"AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1"},
                         {"AFL_SKIP_CPUFREQ", "1"},
                         {"AFL_NO_AFFINITY", "1"},
                         {"AFL_NO_UI", "1"}};
  if (target.lands_signals) {
    program.environment["AFL_CUSTOM_MUTATOR_LIBRARY"] = "./work/mutator.so";
    program.environment["AFL_CUSTOM_MUTATOR_ONLY"] = "1";
  }
  program.folder = folder.root;
  program.output = program.error = folder.root / fmt::format("afl-{}.log", job);
  return program;
}

EngineRun run_libfuzzer(const CampaignFolder& folder, const FuzzTarget& target, unsigned jobs,
                        seconds duration, const std::function<bool()>& goes_on) {
  EngineRun run;
  run.log = folder.log();
  const auto end = Clock::now() + duration;
  for (;;) {
    const auto left = std::chrono::ceil<seconds>(end - Clock::now());
    bool wanted = true;
    const auto look = [&] { return wanted = goes_on(); };
    const auto program = libfuzzer_program(folder, jobs, std::max(left, seconds(1)));
    run.ended = run_programs({program}, left + kGrace, look).front();
    if (!target.may_be_destroyed || run.ended.kind != Ended::died || !wanted) return run;
    run.destroyed++;
    run.ended = Ended{Ended::exited};
    if (Clock::now() >= end) return run;
  }
}

EngineRun run_afl(const CampaignFolder& folder, const FuzzTarget& target, unsigned jobs,
                  seconds duration, const std::function<bool()>& goes_on) {
  std::vector<Program> programs;
  for (unsigned job = 0; job < jobs; job++)
    programs.push_back(afl_program(folder, target, job, duration));
  const auto ended = run_programs(programs, duration + kGrace, goes_on);
  EngineRun run;
  const auto ill = std::ranges::find_if(ended, [](const Ended& one) { return !one.well(); });
  if (ill != ended.end()) run.ended = *ill;
  const auto job = static_cast<std::size_t>(ill == ended.end() ? 0 : ill - ended.begin());
  run.log = programs[job].output;
  return run;
}

// Moves it, or drops it where the same lies there already.
fs::path moved(const fs::path& file, const fs::path& folder) {
  fs::path to = folder / file.filename();
  std::error_code error;
  if (!fs::exists(to, error)) {
    fs::create_directories(folder);
    fs::rename(file, to);
    return to;
  }
  fs::path kept = keep(folder, file.filename(), content_of(file));
  fs::remove(file);
  return kept;
}

void collect_libfuzzer(const CampaignFolder& folder, std::set<fs::path>* found) {
  remove_parts(folder.work() / "found");
  for (const fs::path& file : files_in(folder.work() / "found")) {
    if (file.filename().string().starts_with("slow-unit-")) {
      moved(file, folder.slow());
    } else {
      found->insert(moved(file, folder.findings()));
    }
  }
}

// Under names that tell the content: those of AFL++ begin from one in every run.
void collect_afl(const CampaignFolder& folder, std::set<fs::path>* found) {
  std::error_code error;
  std::vector<fs::path> added;
  for (const auto& job : fs::directory_iterator(folder.afl(), error)) {
    for (const fs::path& file : files_in(job.path() / "queue")) {
      const std::string name = file.filename();
      if (name.starts_with("id") && name.find(",orig:") == name.npos) added.push_back(file);
    }
    for (const char* kind : {"crash", "hang"}) {
      const std::string of_kind = std::string(kind) + (*kind == 'c' ? "es" : "s");
      for (const fs::path& file : files_in(job.path() / of_kind)) {
        if (!file.filename().string().starts_with("id")) continue;
        const std::string content = content_of(file);
        found->insert(keep(folder.findings(), fmt::format("{}-{}", kind, sha1(content)), content));
        fs::remove(file);
      }
    }
  }
  gather(added, folder.corpus());
}

}  // namespace

void prepare_folder(const CampaignFolder& folder, const FuzzTarget& target) {
  for (const fs::path& needed :
       {folder.root, folder.corpus(), folder.findings(), folder.stats(), folder.work()})
    need_folder(needed);
  for (const fs::path& old : {folder.stats(), folder.work(), folder.afl()}) fs::remove_all(old);
  for (const fs::path& fresh :
       {folder.stats(), folder.work(), folder.work() / "found", folder.work() / "tmp"})
    need_folder(fresh);
  fs::create_symlink(target.path, folder.work() / "target");
  fs::create_symlink(target.path.parent_path() / "libafl_mutator.so", folder.work() / "mutator.so");
}

EngineRun run_engine(const CampaignFolder& folder, const FuzzTarget& target, unsigned jobs,
                     seconds duration, const std::function<bool()>& goes_on) {
  const auto run = target.engine == "afl" ? run_afl : run_libfuzzer;
  return run(folder, target, jobs, duration, goes_on);
}

std::vector<fs::path> collect(const CampaignFolder& folder) {
  std::set<fs::path> found;
  std::error_code error;
  if (fs::is_directory(folder.work() / "found", error)) collect_libfuzzer(folder, &found);
  if (fs::is_directory(folder.afl(), error)) collect_afl(folder, &found);
  return {found.begin(), found.end()};
}

}  // namespace sigsweep
