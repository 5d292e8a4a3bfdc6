// The table. {names} in braces are filled in when a part begins:
//   sigsweep, builds, known, seed   the command, the folder of builds, corpus/known.txt, --seed
//   corpus                          the folder of kept schedules
//   site                            the operation of corpus/hazards/argument-s0.sched
//   host                            the machine's instruction set
//   nights, kept                    the folder of all nights; in it, that of the campaigns
//   part, results                   the part's folder, and its results file there
//   seconds, jobs, run              its time for work, its processors, the number of the run
// and those of what the row is for, when the table is made: isa, preset, adapter, target, engine.
#include "stress/host/nightly/night_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "stress/host/fuzz_target.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

// What a row makes parts for.
enum class Each { nothing, preset, adapter, campaign };

struct Step {
  unsigned from;  // seconds of the part's share
  const char* more;
};

struct Row {
  const char* name;
  Each each = Each::nothing;
  unsigned stage = 0;
  Width width = Width::all;
  const char* needs = "";  // PRESET:TARGET[:FILE], separated by spaces; own: the command's preset
  const char* tool = "";
  unsigned least = 1;
  double weight = 0;
  unsigned overhead = 0;
  const char* words = "";
  Step steps[4] = {{0, ""}, {0, nullptr}, {0, nullptr}, {0, nullptr}};
  double seconds_each = 0;
  unsigned least_runs = 1, most_runs = 1;
  TakesPlace first = {};
  const char *input = "", *idle = "";
};

enum Stage : unsigned { kExact, kStorms, kCampaigns, kMinimising, kTriage, kBenchmarks };

constexpr const char* kNoCorpus = "there is no folder corpus beside that of the builds";
constexpr const char* kProve =
    "{sigsweep} prove --seed {seed} --jobs {jobs} --duration 3s --out {part} --json {results}";
constexpr const char* kSweep =
    "{sigsweep} sweep --depth 2 --seed {seed} --jobs {jobs} --known {known} --out {part} --json "
    "{results}";

constexpr const char* kMutants =
    "{sigsweep} mutants --seed {seed} --jobs {jobs} --out {part} --json {results}";

// Each least has room to spare: a night of ten minutes took 7 min 37 s on two processors that had
// little else to do. What a small share can't do in full is done for some claims, one handler, or one
// shard of so many: the same in each night, so that nights can be compared.
const Row kRows[] = {
    {.name = "replay",
     .stage = kExact,
     .needs = "own:runner-amd64 own:proof-all:-",
     .least = 5,
     .words = "{sigsweep} replay --json {results}",
     .input = "{corpus}",
     .idle = kNoCorpus},
    {.name = "boundaries",  // what the page's strips show
     .stage = kExact,
     .needs = "own:runner-amd64 own:proof-all:-",
     .least = 8,
     .words = "{sigsweep} sweep --isa all --site {site} --handler {site},none "
              "--per-boundary --seed {seed} --jobs {jobs} --known {known} --out {part} --json "
              "{results}",
     .input = "{corpus}",
     .idle = kNoCorpus},
    {.name = "pairs",  // what the page's matrices show
     .stage = kExact,
     .needs = "own:runner-{host}",
     .least = 10,
     .words = "{sigsweep} sweep --isa {host} --site {site} --handler {site} --depth 2 "
              "--per-boundary --seed {seed} --jobs {jobs} --known {known} --out {part} --json "
              "{results}",
     .input = "{corpus}",
     .idle = kNoCorpus},
    {.name = "prove-amd64",
     .stage = kExact,
     .needs = "own:runner-amd64 own:runner-amd64-storm",
     .least = 20,
     .weight = 1,
     .words = kProve,
     .steps = {{0, "--isa amd64 --depth 1"}, {90, "--isa amd64"}}},
    {.name = "prove-386",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 25,
     .weight = 1,
     .words = kProve,
     .steps = {{0, "--isa 386 --depth 1"}, {120, "--isa 386"}}},
    {.name = "prove-amd64p32",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 20,
     .weight = 1,
     .words = kProve,
     .steps = {{0, "--isa amd64p32 --depth 1"}, {90, "--isa amd64p32"}}},
    {.name = "prove-arm",  // emulated
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 30,
     .weight = 3,
     .words = kProve,
     .steps = {{0, "--isa arm --depth 1 --claim 0,3,9 --handler none"},
               {600, "--isa arm --depth 1"},
               {3600, "--isa arm"}}},
    {.name = "sweep-amd64",
     .stage = kExact,
     .needs = "own:runner-amd64",
     .least = 12,
     .weight = 2,
     .words = kSweep,
     .steps = {{0, "--isa amd64 --shard 1/64"},
               {60, "--isa amd64 --shard 1/16"},
               {600, "--isa amd64"}}},
    {.name = "sweep-386",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 15,
     .weight = 2,
     .words = kSweep,
     .steps = {{0, "--isa 386 --shard 1/64"}, {90, "--isa 386 --shard 1/16"}, {900, "--isa 386"}}},
    {.name = "sweep-amd64p32",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 12,
     .weight = 2,
     .words = kSweep,
     .steps = {{0, "--isa amd64p32 --shard 1/64"},
               {60, "--isa amd64p32 --shard 1/16"},
               {600, "--isa amd64p32"}}},
    {.name = "sweep-arm",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 20,
     .weight = 4,
     .words = kSweep,
     .steps = {{0, "--isa arm --handler none --shard 1/64"},
               {300, "--isa arm --shard 1/64"},
               {1200, "--isa arm --shard 1/16"},
               {10000, "--isa arm"}}},
    {.name = "mutants-amd64",
     .stage = kExact,
     .needs = "own:runner-amd64 own:runner-amd64-storm",
     .least = 8,
     .weight = 1,
     .words = kMutants,
     .steps = {{0, "--isa amd64 --sample 2"},
               {90, "--isa amd64 --sample 40"},
               {1200, "--isa amd64"}}},
    {.name = "mutants-386",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 8,
     .weight = 1,
     .words = kMutants,
     .steps = {{0, "--isa 386 --sample 2"}, {90, "--isa 386 --sample 40"}, {1200, "--isa 386"}}},
    {.name = "mutants-amd64p32",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 8,
     .weight = 1,
     .words = kMutants,
     .steps = {{0, "--isa amd64p32 --sample 2"},
               {90, "--isa amd64p32 --sample 40"},
               {1200, "--isa amd64p32"}}},
    {.name = "mutants-arm",
     .stage = kExact,
     .needs = "own:proof-all:-",
     .least = 10,
     .weight = 1,
     .words = kMutants,
     .steps = {{0, "--isa arm --sample 1"}, {600, "--isa arm --sample 40"}, {7200, "--isa arm"}}},
    {.name = "storm-{preset}",
     .each = Each::preset,
     .stage = kStorms,
     .needs = "{preset}:runner-{host}-storm own:runner-{host}",
     .least = 6,
     .weight = 1.5,
     .overhead = 3,
     .words = "{sigsweep} storm --duration {seconds}s --seed {seed} --storm-runner "
              "{builds}/{preset}/runner-{host}-storm --out {part} --json {results}"},
    {.name = "adapter-sweep-{adapter}",
     .each = Each::adapter,
     .stage = kStorms,
     .needs = "own:runner-{host}-adapter own:adapters:adapter-{adapter}-{host}.so",
     .least = 5,
     .weight = 0.3,
     .words =
         "{sigsweep} sweep --adapter {builds}/{own}/adapter-{adapter}-{host}.so --handler "
         "{handlers} --seed {seed} --jobs {jobs} --known {known} --out {part} --json {results}",
     .steps = {{0, ""}, {300, "--depth 2"}}},
    {.name = "adapter-storm-{adapter}",
     .each = Each::adapter,
     .stage = kStorms,
     .needs = "own:runner-{host}-adapter own:runner-{host}-adapter-storm "
              "own:adapters:adapter-{adapter}-{host}.so",
     .least = 5,
     .weight = 0.5,
     .overhead = 3,
     .words = "{sigsweep} storm --adapter {builds}/{own}/adapter-{adapter}-{host}.so --handler "
              "{handlers} --ms {threads} --duration {seconds}s --seed {seed} --out {part} --json "
              "{results}"},
    {.name = "fuzz-{target}-{engine}",
     .each = Each::campaign,
     .stage = kCampaigns,
     .width = Width::half,
     .needs = "{engine_preset}:{target}{mutator}",
     .tool = "{tool}",
     .least = 20,
     .weight = 4,
     .overhead = 14,
     .words = "{sigsweep} campaign --engine {engine} --target {target} --duration {seconds} --jobs "
              "{jobs} --expect work --builds {builds} --out {kept}/{target}-{engine} --json "
              "{results}",
     .first = {"{kept}/{target}-{engine}/minimized", "{kept}/{target}-{engine}/corpus"}},
    {.name = "minimize-{target}-{engine}",
     .each = Each::campaign,
     .stage = kMinimising,
     .width = Width::half,
     .needs = "{engine_preset}:{target}",
     .tool = "{tool}",
     .least = 15,
     .weight = 1,
     .words =
         "{sigsweep} minimize --engine {engine} --target {target} --builds {builds} --out "
         "{kept}/{target}-{engine}/minimized --json {results} {kept}/{target}-libfuzzer/corpus "
         "{kept}/{target}-afl/corpus"},
    {.name = "triage",
     .stage = kTriage,
     .least = 15,
     .weight = 2,
     .words = "{sigsweep} triage --builds {builds} --known {known} --out {part} --json {results} "
              "{kept}",
     .steps = {{0, "--times 5"}, {120, "--times 20"}},
     .input = "{kept}",
     .idle = "no campaign has left anything"},
    {.name = "earlier",
     .stage = kTriage,
     .least = 10,
     .weight = 2,
     .words = "{sigsweep} triage --builds {builds} --known {known} --gone {nights}/gone --out "
              "{part} --json {results} {nights}/earlier",
     .steps = {{0, "--times 5"}, {120, "--times 20"}},
     .input = "{nights}/earlier",
     .idle = "no earlier night has found anything"},
    {.name = "bench",
     .stage = kBenchmarks,
     .needs = "own:benchmarks:runner-{host}-peers own:runner-{host} own:runner-{host}-storm",
     .least = 40,
     .weight = 0.5,
     .words = "{sigsweep} bench --benchmark_out={part}/run-{run}.json "
              "--benchmark_out_format=json --benchmark_repetitions=30 --benchmark_min_time=0.003 "
              "--benchmark_enable_random_interleaving=true",
     .seconds_each = 5,
     .least_runs = 7,
     .most_runs = 20},
};

constexpr const char* kPresets[] = {"release", "gcc", "asan", "tsan"};

// What an adapter's library can take. glibc's swapcontext and GNU Pth have no unwind information
// where `observe` takes its backtraces, and Pth is for one thread. docs/operating.md has this, too.
struct AdapterRow {
  const char *name, *handlers, *threads;
};
constexpr AdapterRow kAdapters[] = {{"ucontext", "none,switch", "4"},
                                    {"boost_context", "all", "4"},
                                    {"boost_fiber", "all", "4"},
                                    {"pth", "none,switch", "1"}};

using Known = std::map<std::string, std::string>;

// Fills in the names that are known when the table is made; the others stay.
std::string made(std::string text, const Known& known) {
  for (const auto& [name, value] : known) {
    const std::string in_braces = "{" + name + "}";
    for (std::size_t at = 0; (at = text.find(in_braces, at)) != text.npos; at += value.size())
      text.replace(at, in_braces.size(), value);
  }
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<Need> needs_from(const std::string& text, const std::string& own) {
  std::vector<Need> needs;
  for (const std::string& word : words_of(text)) {
    const std::size_t colon = word.find(':'), second = word.find(':', colon + 1);
    Need need{word.substr(0, colon), word.substr(colon + 1, second - colon - 1), ""};
    if (second != word.npos) need.file = word.substr(second + 1);
    if (need.preset == "own") need.preset = own;
    needs.push_back(need);
  }
  return needs;
}

PartSpec part_of(const Row& row, const Known& known) {
  PartSpec part;
  part.name = made(row.name, known);
  part.stage = row.stage;
  part.width = row.width;
  part.needs = needs_from(made(row.needs, known), known.at("own"));
  part.tool = made(row.tool, known);
  part.least = row.least;
  part.weight = row.weight;
  part.overhead = row.overhead;
  for (const Step& step : row.steps) {
    if (step.more != nullptr)
      part.levels.push_back(
          {step.from, words_of(made(row.words + std::string(" ") + step.more, known))});
  }
  part.seconds_each = row.seconds_each;
  part.least_runs = row.least_runs;
  part.most_runs = row.most_runs;
  part.first = {made(row.first.from, known), made(row.first.to, known)};
  part.input = row.input;
  part.idle = row.idle;
  return part;
}

// What the row is for, one after the other: each with the names that it fills in.
std::vector<Known> all_of(Each each, const NightSubjects& subjects) {
  std::vector<Known> all;
  if (each == Each::nothing) all.emplace_back();
  if (each == Each::preset)
    for (const char* preset : kPresets) all.push_back({{"preset", preset}});
  if (each == Each::adapter)
    for (const AdapterRow& adapter : kAdapters)
      all.push_back({{"adapter", adapter.name},
                     {"handlers", adapter.handlers},
                     {"threads", adapter.threads}});
  if (each == Each::campaign)
    for (const std::string& target : subjects.targets)
      for (const std::string engine : kEngines)
        all.push_back({{"target", target},
                       {"engine", engine},
                       {"engine_preset", engine == "afl" ? "afl" : "fuzz"},
                       {"mutator", engine == "afl" ? " afl:afl_mutator:libafl_mutator.so" : ""},
                       {"tool", engine == "afl" ? "afl-fuzz" : ""}});
  for (Known& known : all) {
    known["own"] = subjects.preset;
    known["host"] = machine_isa();
  }
  return all;
}

bool is_meant(const PartSpec& part, const std::string& name) {
  return part.name == name || part.name.starts_with(name + "-");
}

}  // namespace

std::vector<PartSpec> night_table(const NightSubjects& subjects) {
  std::vector<PartSpec> parts;
  for (const Row& row : kRows)
    for (const Known& known : all_of(row.each, subjects)) parts.push_back(part_of(row, known));
  for (const std::string& schedule : subjects.schedules)
    parts.front().levels.front().words.push_back(schedule);
  return parts;
}

std::vector<PartSpec> only_those(const std::vector<PartSpec>& parts,
                                 const std::vector<std::string>& names) {
  std::vector<PartSpec> chosen;
  std::vector<std::string> known;
  for (const PartSpec& part : parts) {
    known.push_back(part.name);
    if (names.empty() ||
        std::ranges::any_of(names, [&](auto& name) { return is_meant(part, name); }))
      chosen.push_back(part);
  }
  for (const std::string& name : names) {
    if (std::ranges::any_of(parts, [&](const PartSpec& part) { return is_meant(part, name); }))
      continue;
    throw Failure(kUsage, fmt::format("--only {}: no such part; allowed: {}, or what stands in "
                                      "front of a dash",
                                      name, fmt::join(known, ", ")));
  }
  return chosen;
}

std::string needs_of(const std::vector<PartSpec>& parts) {
  std::vector<std::string> presets;
  std::map<std::string, std::set<std::string>> targets;
  for (const PartSpec& part : parts) {
    for (const Need& need : part.needs) {
      if (targets[need.preset].empty()) presets.push_back(need.preset);
      targets[need.preset].insert(need.target);
    }
  }
  std::string text;
  for (const std::string& preset : presets)
    text += fmt::format("{} {}\n", preset, fmt::join(targets[preset], " "));
  return text;
}

}  // namespace sigsweep
