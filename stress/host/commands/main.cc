// sigsweep: is a signal at any instruction of a stack switch safe?
//
//   stdout   the result
//   stderr   provenance (version, build, seed, command line), progress, diagnosis
//   status   0 as expected; 1 a finding, or an expected hazard not found; 2 usage or bad input;
//            3 the harness itself failed; 4 stopped early, what is written is whole; 77 skipped or
//            not built, and why
//   signals  SIGINT, SIGTERM: end soon, with status 4
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <thread>

#include "stress/base/start.h"
#include "stress/host/adapter_file.h"
#include "stress/host/commands/adapter.h"
#include "stress/host/commands/bench.h"
#include "stress/host/commands/campaign.h"
#include "stress/host/commands/compare.h"
#include "stress/host/commands/explain.h"
#include "stress/host/commands/fuzz_flags.h"
#include "stress/host/commands/history.h"
#include "stress/host/commands/manual.h"
#include "stress/host/commands/merge.h"
#include "stress/host/commands/minimize.h"
#include "stress/host/commands/mutants.h"
#include "stress/host/commands/nightly.h"
#include "stress/host/commands/prove.h"
#include "stress/host/commands/replay.h"
#include "stress/host/commands/report.h"
#include "stress/host/commands/reproduce.h"
#include "stress/host/commands/service_check.h"
#include "stress/host/commands/shrink.h"
#include "stress/host/commands/storm.h"
#include "stress/host/commands/sweep.h"
#include "stress/host/commands/triage.h"

namespace sigsweep {
namespace {

enum Flags : unsigned {
  kSelect = 1,
  kInject = 2,
  kResults = 4,
  kClaims = 8,
  kFiles = 16,
  kExtras = 32,
  kJobs = 64,
  kParts = 128,
  kReplace = 256,
  kStorm = 512,
  kIsaList = 1024,
  kTrials = 2048,
  kKnown = 4096,
  kAssume = 8192,
  kFuzz = 16384,
  kService = 32768,
  kAdapter = 65536,  // takes --adapter
  kAdapterAuthor = 131072,
  kShards = 262144,
  kTwoFiles = 524288,
  kHistory = 1048576,
  kNightly = 2097152,
  kReports = 4194304,
  kPage = 8388608,
  kStrips = 16777216,
  kPageBeside = 33554432,  // a page beside its results, in the folder of --out
  kMutants = 67108864
};

struct Subcommand {
  const char* name;
  const char* help;
  unsigned flags;
  int (*run)(const Options&);
};

constexpr Subcommand kSubcommands[] = {
    {"prove", "check the claims, each with its evidence",
     kSelect | kInject | kTrials | kResults | kReports | kAssume | kClaims | kJobs | kIsaList |
         kPageBeside,
     prove_command},
    {"sweep", "a signal at every boundary of every selected cell",
     kSelect | kInject | kTrials | kResults | kReports | kAssume | kKnown | kJobs | kParts |
         kIsaList | kAdapter | kPageBeside,
     sweep_command},
    {"adapter", "your own switch: a skeleton to start from, and what sigsweep sees of yours",
     kAdapterAuthor, adapter_command},
    {"storm",
     "many threads under signals that come when they like; --protocol takes one "
     "[that of the storm's claim]",
     kSelect | kResults | kReports | kAssume | kStorm | kAdapter | kPageBeside, storm_command},
    {"merge", "put the results of all shards of a sweep together: --json OUT FILE...",
     kResults | kReports | kShards, merge_command},
    {"compare", "did my change make it worse? OLD NEW: two results of sweep --per-boundary",
     kTwoFiles, compare_command},
    {"report",
     "results to read: one HTML file of a file, a folder, a night, a history; or the stress report",
     kPage, report_command},
    {"replay", "run schedules (*.sched) and compare with what they expect",
     kFiles | kReplace | kResults | kAdapter, replay_command},
    {"shrink", "the smallest schedule that shows the same finding or hazard",
     kFiles | kResults | kAdapter, shrink_command},
    {"explain", "the disassembly of an operation with the verdict at each instruction",
     kSelect | kInject | kResults | kAdapter | kStrips, explain_command},
    {"campaign", "a fuzzing engine on a fuzz target, for a time; what it finds is kept and named",
     kFuzz | kResults | kJobs, campaign_command},
    {"minimize", "the smallest set of a campaign's inputs that shows all that they show",
     kFuzz | kResults, minimize_command},
    {"reproduce", "what a schedule, a finding, or what an engine has found is and does, and why",
     kFuzz | kResults | kAdapter, reproduce_command},
    {"triage", "what campaigns have found, one line a cause; takes files and folders",
     kFuzz | kResults | kKnown, triage_command},
    {"list", "protocols, sites, handlers, verdicts and sources", kAdapter, list_command},
    {"bench", "what the mechanism costs; takes Google Benchmark's own flags", kExtras | kAdapter,
     bench_command},
    {"mutants",
     "what would the checks miss? Each instruction of the stubs made wrong, one at a time",
     kResults | kJobs | kMutants, mutants_command},
    {"nightly", "all that there is to do in a night, within a time; it takes care of itself",
     kNightly | kReports, nightly_command},
    {"history", "nights and runs in one file; one of them against another", kHistory,
     history_command},
    {"service-check", "would OSS-Fuzz and ClusterFuzzLite take the fuzz targets?", kService,
     service_check_command},
};

// CLI11 takes "-1" for the largest number there is, and so it does one that has no room in 64 bits.
std::string why_no_count(const std::string& text) {
  errno = 0;
  char* end = nullptr;
  std::strtoull(text.c_str(), &end, 0);
  const bool is_number = std::isdigit(static_cast<unsigned char>(text[0])) != 0 && *end == '\0';
  if (is_number && errno != ERANGE) return {};
  return fmt::format("{} is no count; allowed: 0 to {}", text,
                     std::numeric_limits<std::uint64_t>::max());
}

CLI::Option* add_count(CLI::App* app, const std::string& name, std::uint64_t* count,
                       const std::string& help) {
  return app->add_option(name, *count, help)->check(why_no_count)->capture_default_str();
}

std::vector<std::string> source_names() {
  return {std::begin(kSourceNames), std::end(kSourceNames)};
}

void add_storm_flags(CLI::App* app, Options* o) {
  app->add_option("--ms", o->ms, "threads; of the Go subject an M each")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app->add_option("--gs", o->gs,
                  "tasks: long-lived Gs; of an adapter, groups of three coroutines, at most 1024, "
                  "each of one thread for good (beside them each thread has four for its handlers)")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app->add_option("--source", o->storm_sources,
                  "itimer, timer, kill, flood, sigqueue, comma-separated, or all [timer]")
      ->delimiter(',');
  add_count(app, "--rate", &o->rate,
            "signals a second of each source, and of source timer for each thread; 0 to 100000");
  app->add_option("--mix", o->mixes,
                  "what the tasks do: alloc, sched, gc, slots, or all; of an adapter, its sites "
                  "round_trip, first_entry, last_exit, nested, transfer, or all")
      ->delimiter(',');
  app->add_flag("--nest", o->nest, "a second signal may interrupt a handler");
  app->add_flag("--hold-rate", o->hold_rate,
                "keep the timers' rate, even if more than 1 % of signals find no progress");
  app->add_option("--altstack", o->altstack, "bytes of a thread's alternate stack")
      ->check(CLI::Range(1, 16777216));
  app->add_option("--storm-runner", o->storm_runner,
                  "another build's storm program; its violations are not replayed");
  add_count(app, "--throws", &o->throws, "real throws in children meanwhile, each of them checked");
}

// Shown by the commands that take it; the others know it so as to say who does.
void add_adapter_flag(CLI::App* app, unsigned flags, Options* o) {
  app->add_option("--adapter", o->adapter,
                  "a library of your own: the shared object of its adapter (see `sigsweep "
                  "adapter`); the subject is then `adapter`")
      ->group((flags & kAdapter) != 0 ? app->get_help_ptr()->get_group() : "");
}

// What is run.
void add_selection_flags(CLI::App* app, unsigned flags, Options* o) {
  std::vector<std::string> isas(std::begin(kIsas), std::end(kIsas));
  if ((flags & kIsaList) != 0) isas.emplace_back("all");
  auto* isa = app->add_option("--isa", o->isas,
                              (flags & kIsaList) != 0 ? "instruction sets, comma-separated, or all"
                              : (flags & kReplace) != 0 ? "instruction set [that of the file]"
                                                        : "instruction set [that of this machine]");
  isa->delimiter(',')->allow_extra_args(false)->check(CLI::IsMember(isas));
  if ((flags & kIsaList) == 0) isa->expected(1);
  app->add_option("--subject", o->subject, "the code under test")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kSubjects), std::end(kSubjects))))
      ->capture_default_str();
  add_adapter_flag(app, flags, o);
  app->add_option("--runner", o->runner, "another runner program of that ISA and subject");
  add_count(app, "--seed", &o->seed, "seed of all random values");
  if ((flags & (kInject | kReplace)) != 0) {
    app->add_flag("--no-red-zone", o->no_red_zone,
                  "a signal also destroys the red zone below SP, as for an ABI that has none");
  }
  if ((flags & kSelect) != 0) {
    app->add_option("--protocol", o->protocols, "names, comma-separated, or all")->delimiter(',');
    app->add_option("--site", o->sites, "names, comma-separated, or all")->delimiter(',');
    app->add_option(
           "--handler", o->handlers,
           "names, comma-separated, or all (those that call); none and observe by name. Of an "
           "adapter, all is every one")
        ->delimiter(',');
  }
  if ((flags & kInject) != 0) {
    app->add_option("--inject", o->inject, "source of the signal")
        ->check(CLI::IsMember({"direct", "kill", "itimer", "peer", "hwbreak", "user"}))
        ->capture_default_str();
  }
  if ((flags & kTrials) != 0) {
    app->add_option("--depth", o->depth,
                    "signals in one operation [1; prove: the depth of each claim]")
        ->check(CLI::IsMember({1, 2}));
    app->add_option("--contain", o->contain,
                    "place: trials run in the runner; fork: each runs in a child process")
        ->check(CLI::IsMember({"place", "fork"}))
        ->capture_default_str();
    app->add_flag("--verbose", o->verbose, "print the most that was used of each stack");
  }
}

void add_compare_flags(CLI::App* app, Options* o) {
  app->add_option("files", o->files, "results of the old build, then of the new one")
      ->required()
      ->expected(2);
  app->add_option("--json", o->json, "results file (JSON lines): every boundary that differs");
}

void add_parts_flags(CLI::App* app, Options* o) {
  app->add_option("--shard", o->shard,
                  "i/n: only that part, or auto/n: the part that SLURM_ARRAY_TASK_ID and the "
                  "like name; `merge` puts the parts together");
  app->add_flag("--per-boundary", o->per_boundary,
                "write the verdict at each boundary, too: for `compare`, and for other programs");
  auto* random = add_count(
      app, "--random", &o->random,
      "run so many trials in random order; each must repeat its boundary's first verdict");
  for (const char* unused :
       {"--inject", "--depth", "--contain", "--json", "--out", "--known", "--assume", "--jobs",
        "--shard", "--per-boundary", "--junit", "--sarif"}) {
    random->excludes(app->get_option(unused));
  }
}

void add_report_flags(CLI::App* app, Options* o) {
  app->add_option("--junit", o->junit, "report for a CI: JUnit's XML");
  app->add_option("--sarif", o->sarif, "findings for code scanning: SARIF 2.1.0");
}

void add_page_flags(CLI::App* app, Options* o) {
  app->add_option("files", o->files, "results: files, folders, histories")->required();
  app->add_option("--html", o->html, "the page: a file that needs nothing else");
  app->add_option("--markdown", o->markdown,
                  "the stress report, of results of `sigsweep storm`; its charts lie beside it, as "
                  "FILE-NAME.svg");
}

// Where results go.
void add_output_flags(CLI::App* app, unsigned flags, Options* o) {
  if ((flags & kResults) != 0) {
    app->add_option("--json", o->json, "results file (JSON lines)");
    app->add_option("--out", o->out, "folder for results and findings");
  }
  if ((flags & kReports) != 0) add_report_flags(app, o);
}

void add_flags(CLI::App* app, unsigned flags, Options* o) {
  if ((flags & kHistory) != 0) return add_history_flags(app, o);
  if ((flags & kNightly) != 0) {
    add_nightly_flags(app, o);
    return add_report_flags(app, o);
  }
  if ((flags & (kFuzz | kService | kTwoFiles | kPage)) != 0) add_adapter_flag(app, flags, o);
  if ((flags & kService) != 0) return add_service_flags(app, &o->service);
  if ((flags & kAdapterAuthor) != 0) return add_adapter_flags(app, o);
  if ((flags & kTwoFiles) != 0) return add_compare_flags(app, o);
  if ((flags & kPage) != 0) return add_page_flags(app, o);
  if ((flags & kFuzz) == 0) add_selection_flags(app, flags, o);
  add_output_flags(app, flags, o);
  if ((flags & kAssume) != 0) {
    app->add_option("--assume", o->assume,
                    "PROTOCOL=VERDICT: expect only this verdict; it shows how a claim fails")
        ->delimiter(',');
  }
  if ((flags & kKnown) != 0) {
    app->add_option(
        "--known", o->known,
        fmt::format("file of acknowledged findings: they are reported, and do not fail [{}]",
                    KnownFindings::kDefaultFile));
  }
  if ((flags & kJobs) != 0) {
    app->add_option("--jobs", o->jobs, "runners at a time")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
  }
  if ((flags & kStorm) != 0) add_storm_flags(app, o);
  if ((flags & kStrips) != 0) {
    app->add_flag("--strip", o->strip,
                  "a column an instruction, a row a protocol or handler: at most 80 letters wide");
    app->add_option("--svg", o->svg, "the strip as a picture, too: a file of SVG");
  }
  if ((flags & (kStorm | kClaims)) != 0) {
    app->add_option("--duration", o->duration, "of the storm, as in 500ms, 10s, 2m [10s]");
  }
  if ((flags & kReplace) != 0) {
    app->add_option("--inject", o->replace_source, "source of the signals, instead of the file's")
        ->check(CLI::IsMember(source_names()));
    app->add_option("--times", o->times,
                    "run each schedule so often; every run must be as expected")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
  }
  if ((flags & kParts) != 0) add_parts_flags(app, o);
  if ((flags & kClaims) != 0)
    app->add_option("--claim", o->claims, "numbers, comma-separated")->delimiter(',');
  if ((flags & kFiles) != 0) app->add_option("files", o->files, "schedules")->required();
  if ((flags & kMutants) != 0) add_mutant_flags(app, o);
  if ((flags & kShards) != 0)
    app->add_option("files", o->files, "results of `sweep --shard i/n`, one a shard")->required();
  if ((flags & kFuzz) != 0) add_fuzz_flags(app, o);
  if ((flags & kExtras) != 0) app->allow_extras();
}

std::string quoted(int argc, char** argv) {
  std::string line = "sigsweep";
  for (int i = 1; i < argc; i++) line += " " + shell_quoted(argv[i]);
  return line;
}

// Before any process starts: is --adapter of use here, and is its file one that can be loaded?
void take_adapter(const Subcommand& command, const CLI::App& chosen, Options* options) {
  const auto given = [&](const char* flag) {
    const CLI::Option* const option = chosen.get_option_no_throw(flag);
    return option != nullptr && option->count() != 0;
  };
  const bool wanted = given("--adapter") || options->subject == kAdapterSubject;
  if (wanted && (command.flags & (kAdapter | kAdapterAuthor)) == 0) {
    std::string allowed;
    for (const Subcommand& c : kSubcommands) {
      if ((c.flags & kAdapter) != 0) allowed += (allowed.empty() ? "" : ", ") + std::string(c.name);
    }
    throw Failure(kUsage, fmt::format("{}: takes no adapter; allowed with --adapter: {}",
                                      command.name, allowed));
  }
  if (given("--adapter") && options->adapter.empty()) {
    throw Failure(kUsage, "--adapter: empty; the path of a shared object is expected");
  }
  settle_adapter(given("--subject"), options);
}

int run(int argc, char** argv) {
  Options options;
  options.command_line = quoted(argc, argv);
  CLI::App app(
      "sigsweep lands real signals at every instruction of a stack switch and says what breaks.",
      "sigsweep");
  const std::string described = fmt::format("{} ({})", version(), build_description());
  app.set_version_flag("--version", described);
  app.require_subcommand(1);
  for (const Subcommand& command : kSubcommands) {
    add_flags(app.add_subcommand(command.name, command.help), command.flags, &options);
  }
  std::string folder;
  CLI::App* const manual = app.add_subcommand("manual", "man pages and completion, below FOLDER");
  manual->group("")->add_option("folder", folder, "where they go")->required();  // the build's
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kAsExpected : kUsage;
  }
  if (manual->parsed()) {
    write_manual(app, described, folder);
    return kAsExpected;
  }
  for (const Subcommand& command : kSubcommands) {
    CLI::App* chosen = app.get_subcommand(command.name);
    if (!chosen->parsed()) continue;
    options.isa = options.isas.empty() ? machine_isa() : options.isas.front();
    take_adapter(command, *chosen, &options);
    if ((command.flags & kExtras) != 0) options.benchmark_flags = chosen->remaining();
    const int status = command.run(options);
    if ((command.flags & kPageBeside) != 0 && !options.out.empty()) {
      const std::string file = options.out + "/" + command.name + ".jsonl";
      write_page_beside({options.json.empty() ? file : options.json}, options.out);
    }
    return status;
  }
  return kUsage;
}

}  // namespace
}  // namespace sigsweep

namespace sigsweep {
namespace {

// Never throws, whatever has become of the stream.
int fail(int status, const std::string& message) {
  std::fflush(stdout);
  std::fputs(("sigsweep: " + message + "\n").c_str(), stderr);
  return status;
}

int run_and_tell(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    return fail(kHarnessFailed, "standard output cannot be written to");
  } catch (const Failure& failure) {
    // What it did when it was told to stop.
    const bool ended = status_of(failure) != failure.status;
    return fail(status_of(failure), (ended ? "stopped: " : "") + std::string(failure.what()));
  } catch (const std::exception& e) {
    return fail(kHarnessFailed, e.what());
  }
}

}  // namespace
}  // namespace sigsweep

int main(int argc, char** argv) {
  using namespace sigsweep;
  if (const std::string why = check_start(); !why.empty()) return fail(kHarnessFailed, why);
  stop_on_signals();
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // whole lines, where stderr goes to the same file
  return run_and_tell(argc, argv);
}
