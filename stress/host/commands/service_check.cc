// Which configurations, what became of their builds, and a line for each thing that is wrong.
#include "stress/host/commands/service_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "stress/host/commands/run_row.h"
#include "stress/host/commands/service_binary.h"
#include "stress/host/commands/service_configurations.h"
#include "stress/host/commands/service_target.h"
#include "stress/host/files.h"
#include "stress/host/results.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kProject = ".clusterfuzzlite/project.yaml";

// How far a build came: the word that scripts/oss_fuzz_check leaves in the file `step`, and what it
// means that the build went no further. {cxx}, {flags}, {packages}, {architecture}, {log}: of the
// configuration.
struct Step {
  const char* name;
  enum { kSkip, kFail, kCheck } then;
  const char* reason;
};
constexpr Step kSteps[] = {
    {.name = "compiler",
     .then = Step::kSkip,
     .reason = "{cxx} is not installed (Debian: {packages})"},
    {.name = "link",
     .then = Step::kSkip,
     .reason = "{cxx} {flags} does not link (Debian: {packages})"},
    {.name = "run",
     .then = Step::kSkip,
     .reason = "the kernel of this machine runs no {architecture} programs"},
    {.name = "build", .then = Step::kFail, .reason = "it does not build (log: {log})"},
    {.name = "built", .then = Step::kCheck, .reason = ""},
};

// What became of a configuration.
struct Checked {
  enum State { kPass, kFail, kSkip } state = kPass;
  std::string reason;  // kSkip
  std::vector<std::string> targets, left_out, wrong;
  double seconds = 0;
};

void print_now(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void say_wrong(const ServiceProblem& problem, Checked* checked) {
  print_now(fmt::format("  wrong: {}\n{}", problem.what, problem.shown));
  checked->wrong.push_back(problem.what);
}

// The names of the fuzz targets: each is a file in fuzz/. Throws Failure(kUsage).
std::set<std::string> fuzz_targets() {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("fuzz", error)) {
    const fs::path& file = entry.path();
    if (file.extension() == ".cc" && file.stem().string().ends_with("_fuzzer"))
      names.insert(file.stem());
  }
  if (names.empty()) {
    throw Failure(kUsage, fmt::format("{}: no fuzz/*_fuzzer.cc; allowed: the root of a checkout",
                                      fs::current_path().string()));
  }
  return names;
}

// What the services must know of the project.
void check_project(Checked* checked) {
  bool has_language = false, has_repository = false;
  std::ifstream in(kProject);
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view kRepository = "main_repo: https://";
    has_language |= line == "language: c++";
    const std::size_t host_ends = line.find('/', kRepository.size());
    has_repository |= line.starts_with(kRepository) && host_ends != line.npos &&
                      host_ends > kRepository.size() && host_ends + 1 < line.size();
  }
  if (!has_language) say_wrong({fmt::format("{} has no language: c++", kProject), {}}, checked);
  if (!has_repository)
    say_wrong({fmt::format("{} has no main_repo: https://...", kProject), {}}, checked);
}

// The services take for a target: each file that is executable, or an ELF file, but for a shared
// object that can't be executed. That is what a target loads.
void check_strays(const ServiceOut& out, const std::set<std::string>& targets, Checked* checked) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(out.out)) names.insert(entry.path().filename());
  for (const std::string& name : names) {
    if (name.starts_with("afl-") || targets.contains(name)) continue;  // the service's own; ours
    const std::string path = fmt::format("{}/{}", out.out, name);
    const bool executable = access(path.c_str(), X_OK) == 0;
    if (!executable && name.ends_with(".so")) {
      for (const ServiceProblem& problem : check_shared_object(out, name))
        say_wrong(problem, checked);
    } else if (executable || is_elf(path)) {
      say_wrong({name + " looks like a target and is none", {}}, checked);
    }
  }
}

// Checks what is in $OUT, and prints it.
Checked check_out(const ServiceOut& out) {
  Checked checked;
  const std::set<std::string> targets = fuzz_targets();
  check_project(&checked);
  check_strays(out, targets, &checked);
  for (const std::string& target : targets) {
    if (!fs::is_regular_file(out.out + "/" + target)) {
      checked.left_out.push_back(target);
      continue;
    }
    checked.targets.push_back(target);
    for (const ServiceProblem& problem : check_target(out, target)) say_wrong(problem, &checked);
  }
  if (checked.targets.empty()) say_wrong({"there is no target", {}}, &checked);
  if (!checked.wrong.empty()) checked.state = Checked::kFail;
  print_now(fmt::format(
      "{:<4}  {}: {} targets, {} things wrong{}\n", checked.wrong.empty() ? "pass" : "FAIL",
      out.configuration.title(), checked.targets.size(), checked.wrong.size(),
      checked.left_out.empty() ? ""
                               : fmt::format("; left out: {}", fmt::join(checked.left_out, " "))));
  return checked;
}

std::string log_of(const ServiceConfiguration& c) {
  return fmt::format("build/logs/oss-fuzz-{}.log", c.id());
}

std::string reason_of(const Step& step, const ServiceConfiguration& c) {
  const ServiceEngine& engine = c.engine_row();
  const std::string machine = c.architecture_row().flags;
  const std::string flags = fmt::format("{}{}{},{}", machine, machine.empty() ? "" : " ",
                                        "-fsanitize=fuzzer", c.sanitizer);
  return fmt::format(fmt::runtime(step.reason), fmt::arg("cxx", engine.cxx),
                     fmt::arg("flags", flags), fmt::arg("packages", engine.packages),
                     fmt::arg("architecture", c.architecture), fmt::arg("log", log_of(c)));
}

// How far the build in `folder` came. Throws Failure(kHarnessFailed).
const Step& step_of(const std::string& folder) {
  std::string word;
  std::ifstream(folder + "/step") >> word;
  const auto* const step =
      std::ranges::find(kSteps, word, [](const Step& s) { return std::string(s.name); });
  if (step == std::end(kSteps)) {
    throw Failure(kHarnessFailed,
                  fmt::format("{}/step: '{}' is no step of a build; scripts/oss_fuzz_check builds",
                              folder, word));
  }
  return *step;
}

// Of a build by scripts/oss_fuzz_check.
Checked check_build(const ServiceOut& out, const std::string& folder) {
  const Step& step = step_of(folder);
  if (step.then == Step::kCheck) return check_out(out);
  Checked checked;
  const std::string reason = reason_of(step, out.configuration);
  if (step.then == Step::kSkip) {
    checked.state = Checked::kSkip;
    checked.reason = reason;
    print_now(fmt::format("skip  {}: {}\n", out.configuration.title(), reason));
    return checked;
  }
  checked.state = Checked::kFail;
  say_wrong({reason, {}}, &checked);
  fmt::print(stderr, "{}", end_of_log(read_file(log_of(out.configuration))));
  print_now(fmt::format("FAIL  {}\n", out.configuration.title()));
  return checked;
}

ordered_json row_of(const ServiceConfiguration& c, const Checked& checked) {
  static constexpr const char* kStates[] = {"pass", "fail", "skip"};
  return {{"kind", "service"},
          {"engine", c.engine},
          {"sanitizer", c.sanitizer},
          {"architecture", c.architecture},
          {"state", kStates[checked.state]},
          {"reason", checked.reason},
          {"targets", checked.targets},
          {"left_out", checked.left_out},
          {"wrong", checked.wrong},
          {"seconds", checked.seconds}};
}

// The configurations that the flags name. Throws Failure(kUsage).
std::vector<ServiceConfiguration> asked_for(const ServiceFlags& flags) {
  const bool one = !flags.out.empty();  // what is not named is the first of its kind
  const auto name = [&](const std::string& given, const std::vector<std::string>& all) {
    return given.empty() && one ? all.front() : given;
  };
  auto chosen = service_configurations(name(flags.engine, service_engines()),
                                       name(flags.sanitizer, service_sanitizers()),
                                       name(flags.architecture, service_architectures()));
  if (chosen.empty()) {
    throw Failure(kUsage, fmt::format("'{} {} {}' is not offered ({}); allowed: {}", flags.engine,
                                      flags.sanitizer, flags.architecture, kProject,
                                      fmt::join(service_ids(), ", ")));
  }
  return chosen;
}

// Where a configuration is built.
std::string folder_of(const ServiceConfiguration& c, const ServiceFlags& flags) {
  return fs::absolute(fmt::format("{}/{}", flags.builds, c.id())).lexically_normal();
}

void print_environment(const ServiceFlags& flags) {
  for (const ServiceConfiguration& c : service_configurations("", "", "")) {
    if (c.id() != flags.environment) continue;
    for (const auto& [name, value] : build_environment(c, folder_of(c, flags)))
      fmt::print("{}={}\n", name, value);
  }
}

// Throws Failure(kHarnessFailed) where no target can be run as in the services' image.
void require_image(const std::string& work) {
  const std::string why = why_no_image(fs::current_path(), work);
  if (why.empty()) return;
  throw Failure(kHarnessFailed, "no mount namespace to run the targets in: " + why);
}

std::string summary(const std::vector<Checked>& all) {
  const auto count = [&](Checked::State state) {
    return std::ranges::count(all, state, &Checked::state);
  };
  return fmt::format("{} of {} configurations passed, {} failed, {} could not be had\n",
                     count(Checked::kPass), all.size(), count(Checked::kFail),
                     count(Checked::kSkip));
}

int status_of(const std::vector<Checked>& all) {
  const auto any = [&](Checked::State state) {
    return std::ranges::find(all, state, &Checked::state) != all.end();
  };
  return any(Checked::kFail) ? kFinding : any(Checked::kSkip) ? kSkipped : kAsExpected;
}

void write_run(const Options& options, const std::vector<ServiceConfiguration>& chosen,
               ResultsWriter* writer) {
  RunRow run = run_row(options);
  run.isas.clear();  // those of the configurations
  run.seed = 0;      // it draws nothing
  run.selection = "service-check";
  for (const ServiceConfiguration& c : chosen) {
    run.selection += " " + c.id();
    const std::string isa = c.architecture_row().isa;
    if (std::ranges::find(run.isas, isa) == run.isas.end()) run.isas.push_back(isa);
  }
  writer->write(run);
}

Checked check_one(const ServiceConfiguration& c, const ServiceFlags& flags,
                  const std::string& work) {
  const auto start = std::chrono::steady_clock::now();
  const std::string folder = folder_of(c, flags);
  const bool is_built = flags.out.empty();
  const std::string path = is_built ? folder + "/out" : flags.out;
  const ServiceOut out{c, fs::weakly_canonical(path), fs::current_path(), work};
  Checked checked = is_built ? check_build(out, folder) : check_out(out);
  checked.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return checked;
}

// Writes the row of each configuration as it comes.
int check(const ServiceFlags& flags, const std::vector<ServiceConfiguration>& chosen,
          ResultsWriter* writer) {
  const TemporaryFolder work;
  require_image(work.path());
  std::vector<Checked> all;
  for (const ServiceConfiguration& c : chosen) {
    all.push_back(check_one(c, flags, work.path()));
    writer->write_line(
        row_of(c, all.back()).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  if (flags.out.empty()) print_now(summary(all));
  return status_of(all);
}

}  // namespace

void add_service_flags(CLI::App* app, ServiceFlags* flags) {
  const auto name = [&](const char* flag, std::string* value, const char* what,
                        const std::vector<std::string>& all) {
    app->add_option(flag, *value, fmt::format("{} [any]", fmt::join(all, ", ")))
        ->check([what, all](const std::string& given) {
          if (std::ranges::find(all, given) != all.end()) return std::string();
          return fmt::format("unknown {}: '{}' (allowed: {})", what, given, fmt::join(all, ", "));
        });
  };
  name("--engine", &flags->engine, "engine", service_engines());
  name("--sanitizer", &flags->sanitizer, "sanitizer", service_sanitizers());
  name("--architecture", &flags->architecture, "architecture", service_architectures());
  app->add_option("--out", flags->out,
                  "check what is in this folder, of one configuration [libfuzzer, address, x86_64]")
      ->check([](const std::string& path) {
        return fs::is_directory(path) ? std::string() : path + ": no folder";
      });
  app->add_option("--builds", flags->builds,
                  "else: where scripts/oss_fuzz_check has built, a folder a configuration")
      ->capture_default_str();
  app->add_option("--json", flags->json, "results file (JSON lines)");
  app->add_flag("--plan", flags->plan,
                "check nothing; print the names of the configurations to build, none with --out");
  app->add_option("--environment", flags->environment,
                  "check nothing; print the variables, NAME=VALUE, of that configuration's build")
      ->check(CLI::IsMember(service_ids()));
}

int service_check_command(const Options& options) {
  const ServiceFlags& flags = options.service;
  if (!flags.environment.empty()) {
    print_environment(flags);
    return kAsExpected;
  }
  const auto chosen = asked_for(flags);
  fuzz_targets();  // is this a checkout?
  if (flags.plan) {
    require_image(TemporaryFolder().path());
    if (!flags.out.empty()) return kAsExpected;
    for (const ServiceConfiguration& c : chosen) fmt::print("{}\n", c.id());
    return kAsExpected;
  }
  ResultsWriter writer(flags.json);
  write_run(options, chosen, &writer);
  try {
    const int status = check(flags, chosen, &writer);
    writer.end(status);
    return status;
  } catch (const Failure& failure) {
    writer.end(status_of(failure));
    throw;
  }
}

}  // namespace sigsweep
