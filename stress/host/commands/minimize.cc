// The engine at work in a folder of its own; what is left goes to its place when it is whole.
#include "stress/host/commands/minimize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "stress/base/sha1.h"
#include "stress/host/child_process.h"
#include "stress/host/commands/fuzz_results.h"
#include "stress/host/cover.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kLongest = std::chrono::hours(24);
constexpr std::uintmax_t kSmall = 300;  // bytes of an input that may be kept
constexpr std::size_t kAtATime = 1000;  // inputs of a command line

struct Job {
  std::vector<fs::path> folders;  // of inputs
  fs::path out, log, kept;
};

Job job_of(const Options& o) {
  const fs::path results = checkout_of(o.fuzz) / "results/fuzz";
  Job job;
  for (const std::string& folder : o.files)
    job.folders.push_back(fs::absolute(folder).lexically_normal());
  for (const char* engine : kEngines) {
    const fs::path corpus = results / (o.fuzz.target + "-" + engine) / "corpus";
    if (o.files.empty() && fs::is_directory(corpus)) job.folders.push_back(corpus);
  }
  job.out = o.out.empty() ? results / (o.fuzz.target + "-minimized-" + o.fuzz.engine)
                          : fs::absolute(o.out).lexically_normal();
  job.log = job.out.string() + ".log";
  job.kept = checkout_of(o.fuzz) / "corpus/fuzz" / o.fuzz.target;
  if (job.folders.empty()) {
    throw Failure(kUsage, fmt::format("there is no {}/{}-*/corpus: which FOLDER?", results.string(),
                                      o.fuzz.target));
  }
  for (const fs::path& folder : job.folders) {
    check_corpus(folder);
    if (fs::weakly_canonical(folder) == fs::weakly_canonical(job.out))
      throw Failure(kUsage, fmt::format("{}: both read and made anew", folder.string()));
  }
  return job;
}

// Runs a program in the work folder, with what it says in the log. Throws Failure where it fails.
void run_in(const fs::path& work, const fs::path& log, std::vector<std::string> words,
            std::map<std::string, std::string> environment, const char* what) {
  environment["TMPDIR"] = "tmp";
  const Ended ended = run_program(
      {std::move(words), std::move(environment), {"SIGSWEEP_STATS"}, work, log, log}, kLongest);
  if (ended.kind == Ended::stopped) throw Failure(kStopped, "stopped");
  if (!ended.well())
    throw Failure(kHarnessFailed, fmt::format("{} {}: see {}", what, ended.how(), log.string()));
}

// Inputs in FROM to TO, both in the work folder; which shows what goes to the file `control`.
void merge(const fs::path& work, const fs::path& log, const std::string& to,
           const std::string& from, const std::vector<std::string>& options) {
  std::vector<std::string> words{"./target", "-set_cover_merge=1", "-merge_control_file=control"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {to, from});
  fs::remove(work / "control");
  run_in(work, log, words, {}, "libFuzzer's merge");
}

void cmin(const fs::path& work, const fs::path& log) {
  fs::remove(work / "left");  // it makes that itself
  run_in(work, log,
         {"afl-cmin", "-m", "none", "-t", "60000", "-i", "all", "-o", "left", "--", "./target"},
         {{"SIGSWEEP_PREPARE_LATE", "1"},
          {"AFL_QUIET", "1"},
          {"AFL_ALLOW_TMP", "1"},
          {"AFL_SKIP_BIN_CHECK", "1"}},
         "afl-cmin");
}

// A folder in the place of what was there, once it is whole.
void put(const std::vector<std::pair<std::string, std::string>>& files, const fs::path& folder) {
  const fs::path fresh = folder.string() + ".new";
  fs::remove_all(fresh);
  need_folder(fresh);
  for (const auto& [name, content] : files) write_text(fresh / name, content);
  fs::remove_all(folder);
  fs::rename(fresh, folder);
}

bool is_plain(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

// Of the inputs in left/ those that may be kept go to fit/, their texts are in texts/.
void choose_fit(const fs::path& work, const fs::path& log) {
  std::vector<std::string> small;
  for (const fs::path& input : files_in(work / "left")) {
    const auto size = fs::file_size(input);
    // Engines run an empty one by themselves, and count none in a corpus.
    if (size > 0 && size <= kSmall) small.push_back(fs::path("left") / input.filename());
  }
  for (std::size_t at = 0; at < small.size(); at += kAtATime) {
    std::vector<std::string> words{"./target", "--texts", "texts"};
    const std::size_t end = std::min(at + kAtATime, small.size());
    words.insert(words.end(), small.begin() + static_cast<long>(at),
                 small.begin() + static_cast<long>(end));
    run_in(work, log, words, {}, "the target");
  }
  for (const std::string& input : small) {
    const std::string name = fs::path(input).filename();
    if (is_plain(content_of(work / "texts" / (name + ".sched"))))
      fs::copy_file(work / input, work / "fit" / name);
  }
}

struct Kept {
  std::size_t schedules = 0;
  Cover cover;
};

Kept keep_best(const Options& o, const fs::path& work, const Job& job) {
  fs::remove(work / "target");  // what shows what, libFuzzer says
  fs::create_symlink(target_program(o.fuzz, o.fuzz.target, kEngines[0], o.isa), work / "target");
  choose_fit(work, job.log);
  // Counters apart, a feature is an edge or a phase.
  merge(work, job.log, "again", "fit", {"-use_counters=0"});
  Kept kept;
  kept.cover = cover(read_control_file(content_of(work / "control")), o.fuzz.keep);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const std::string& path : kept.cover.paths) {
    const std::string text =
        content_of(work / "texts" / (fs::path(path).filename().string() + ".sched"));
    texts.emplace_back(sha1(text).substr(0, 12) + ".sched", text);
  }
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  kept.schedules = texts.size();
  put(texts, job.kept);
  return kept;
}

std::string needs_of(const Options& o) {
  std::string by_libfuzzer = fmt::format("fuzz {}\n", o.fuzz.target);
  if (o.fuzz.engine != "afl") return by_libfuzzer;
  return fmt::format("afl {}\n{}", o.fuzz.target, o.fuzz.keep > 0 ? by_libfuzzer : "");
}

// What is left of all/, in left/. Throws Failure where that can't be right.
std::vector<fs::path> reduced(const Options& o, const fs::path& work, const Job& job) {
  if (o.fuzz.engine == "afl") {
    cmin(work, job.log);
  } else {
    merge(work, job.log, "left", "all", {});
  }
  const std::size_t parts = remove_parts(work / "left");
  if (const std::string full = why_full(work); !full.empty()) throw Failure(kHarnessFailed, full);
  if (parts > 0)
    throw Failure(kHarnessFailed,
                  fmt::format("{} inputs were cut short: see {}", parts, job.log.string()));
  std::vector<fs::path> left = files_in(work / "left");
  if (left.empty())
    throw Failure(kHarnessFailed, fmt::format("nothing is left: see {}", job.log.string()));
  return left;
}

void check_flags(const Options& o) {
  check_target(o.fuzz.target);
  if (o.fuzz.engine == "afl" && !is_on_path("afl-cmin"))
    throw Failure(kSkipped, "skipped: AFL++ is not installed (Debian: afl++)");
}

}  // namespace

int minimize_command(const Options& o) {
  check_flags(o);
  const Job job = job_of(o);
  need_folder(job.out);
  if (o.fuzz.needs) {
    fmt::print("{}", needs_of(o));
    return kAsExpected;
  }
  const FuzzTarget target = open_target(o.fuzz, o.fuzz.target, o.fuzz.engine, o.isa);
  if (o.fuzz.keep > 0) open_target(o.fuzz, o.fuzz.target, kEngines[0], o.isa);
  print_provenance(o);
  ResultsWriter results(o.json);
  write_run(&results, o);
  const auto start = Clock::now();
  const TemporaryFolder work;
  for (const char* folder : {"all", "left", "fit", "again", "texts", "tmp"})
    need_folder(work.path() / folder);
  fs::create_symlink(target.path, work.path() / "target");
  for (const fs::path& folder : job.folders) gather(files_below(folder), work.path() / "all");
  const std::size_t given = files_in(work.path() / "all").size();
  if (given == 0) throw Failure(kUsage, fmt::format("{}: no input", fmt::join(o.files, ", ")));
  std::vector<std::pair<std::string, std::string>> left;
  for (const fs::path& file : reduced(o, work.path(), job))
    left.emplace_back(file.filename(), content_of(file));
  put(left, job.out);
  fmt::print("{}, {}: {} of {} inputs are left\n", target.name, target.engine, left.size(), given);
  Kept kept;
  if (o.fuzz.keep > 0) {
    kept = keep_best(o, work.path(), job);
    fmt::print("{}: {} schedules kept, which show {} of {} features\n", job.kept.string(),
               kept.schedules, kept.cover.features, kept.cover.all_features);
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  write_row(&results, {{"kind", "minimized"},
                       {"target", target.name},
                       {"engine", target.engine},
                       {"given", given},
                       {"left", left.size()},
                       {"folder", job.out.string()},
                       {"kept", kept.schedules},
                       {"features", kept.cover.features},
                       {"all_features", kept.cover.all_features},
                       {"seconds", took.count()}});
  results.end(kAsExpected);
  return kAsExpected;
}

}  // namespace sigsweep
