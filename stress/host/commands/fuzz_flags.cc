// Flags that campaign, minimize, triage and reproduce have alone, or with each other.
#include "stress/host/commands/fuzz_flags.h"

#include <CLI/CLI.hpp>

namespace sigsweep {
namespace {

void add_engine_flags(CLI::App* app, Options* o) {
  app->add_option("--engine", o->fuzz.engine, "libfuzzer or afl")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kEngines), std::end(kEngines))))
      ->required();
  app->add_option("--target", o->fuzz.target, "the fuzz target")->required();
}

void add_campaign_flags(CLI::App* app, Options* o) {
  add_engine_flags(app, o);
  app->add_option("--isa", o->isas, "instruction set; 386 is libFuzzer's alone")
      ->expected(1)
      ->check(CLI::IsMember({"amd64", "386"}));
  app->add_option("--duration", o->fuzz.seconds, "seconds that the engine runs")
      ->check(CLI::Range(1, 9999999))
      ->capture_default_str();
  app->add_option("--expect", o->fuzz.expect,
                  "new: inputs that show more; work: none need be added, the corpus is complete")
      ->check(CLI::IsMember({"new", "work"}))
      ->capture_default_str();
}

}  // namespace

void add_fuzz_flags(CLI::App* app, Options* o) {
  const std::string name = app->get_name();
  if (name == "campaign") add_campaign_flags(app, o);
  if (name == "minimize") {
    add_engine_flags(app, o);
    app->add_option(
           "--keep", o->fuzz.keep,
           "the so many that together show most become the schedules in corpus/fuzz/TARGET")
        ->check(CLI::Range(0, 99999))
        ->capture_default_str();
    app->add_option("folders", o->files,
                    "of inputs [those of both engines' campaigns, results/fuzz/TARGET-*/corpus]");
  }
  if (name == "triage") {
    app->add_option("--times", o->fuzz.times, "replays of the smallest schedule of a group")
        ->check(CLI::Range(1, 999999))
        ->capture_default_str();
    app->add_option("--gone", o->fuzz.gone,
                    "a folder: what shows nothing any more goes there, and does not fail");
    app->add_option("paths", o->files, "files or folders with what was found")->required();
  }
  if (name == "reproduce") {
    app->add_option(
           "what", o->files,
           "a schedule (*.sched), a finding's id, or what an engine has found; in front of "
           "it may stand its TARGET")
        ->expected(1, 2)
        ->required();
    app->add_option("--target", o->fuzz.target,
                    "the fuzz target [the one whose campaign has found it, as its folder says]");
    app->add_option("--times", o->times, "replays of it; says how often each verdict was seen")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    app->add_flag("--gdb", o->fuzz.gdb, "open it in gdb, stopped where the signal lands");
  }
  app->add_option("--builds", o->fuzz.builds,
                  "folder of the presets' builds [the one that this command lies in]");
  app->add_flag("--needs", o->fuzz.needs,
                "say what must be built for it, as lines PRESET TARGET..., and stop");
}

}  // namespace sigsweep
