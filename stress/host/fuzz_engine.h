// A campaign's folder, and the fuzzing engine at work in it. All words that an engine is given are
// relative to that folder, for libFuzzer hands its own command lines to a shell unquoted.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stress/host/child_process.h"
#include "stress/host/fuzz_target.h"

namespace sigsweep {

// What lies where:
//   corpus/    inputs; a run begins with them and adds to them
//   findings/  what was found: an input as the engine wrote it, and its readable form beside it.
//              A run adds to them, and deletes none
//   failures/  the same of what was a failure of the harness. The folder alone tells them apart
//   unshown/   inputs of which a process died that show nothing alone
//   slow/      inputs that libFuzzer took for slow, which is not wrong
//   stats/     counters of this run's processes
//   work/      the engine's; a run makes it anew
struct CampaignFolder {
  static constexpr const char* kFailures = "failures";
  std::filesystem::path root;

  std::filesystem::path corpus() const { return root / "corpus"; }
  std::filesystem::path findings() const { return root / "findings"; }
  std::filesystem::path failures() const { return root / kFailures; }
  std::filesystem::path unshown() const { return root / "unshown"; }
  std::filesystem::path slow() const { return root / "slow"; }
  std::filesystem::path stats() const { return root / "stats"; }
  std::filesystem::path work() const { return root / "work"; }
  std::filesystem::path afl() const { return root / "afl"; }
  std::filesystem::path log() const { return root / "engine.log"; }
};

// Makes the folders, and in work/ links to the target and the mutator. Throws Failure(kUsage) where
// one can't be written.
void prepare_folder(const CampaignFolder& folder, const FuzzTarget& target);

struct EngineRun {
  Ended ended{Ended::exited};  // the first of its processes that did not end well
  unsigned destroyed = 0;      // times a hazard destroyed the process, and another went on
  std::string log;             // what to look at
};
// Runs the engine for so long. `goes_on` is asked about ten times a second.
EngineRun run_engine(const CampaignFolder& folder, const FuzzTarget& target, unsigned jobs,
                     std::chrono::seconds duration, const std::function<bool()>& goes_on);

// Takes over what an engine has left in its own folders, also that of an earlier run which was
// killed: new inputs into corpus/, what it has found into findings/. Returns the latter, each
// once.
std::vector<std::filesystem::path> collect(const CampaignFolder& folder);

}  // namespace sigsweep
