// One mutant under test: the stages one after the other, each a child that is this command, until
// one of them sees the fault.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "stress/host/child_process.h"
#include "stress/host/mutants/mutation.h"

namespace sigsweep {

// What is run for each mutant. A stage that only records runs for a mutant that is killed already,
// too: so it is known of each claim and each verdict which mutants make it fire.
struct MutantStage {
  std::string name;
  std::vector<std::string> words;  // of the command, behind its name
  bool records = false;
  bool needs_storm = false;  // left out for a mutant that the storm's program does not have
  std::chrono::milliseconds limit{0};
};

struct StageSeconds {
  std::string stage;
  double seconds = 0;
};

struct MutantResult {
  Mutant mutant;
  std::string status;  // killed, survived, equivalent, stopped
  std::string rule;    // equivalent: by which
  std::string stage;   // killed: in which ...
  std::string by;      // ... and by what: the first thing that was seen
  bool hung = false;   // killed: a stage did not end in its time
  double seconds = 0;  // killed: until then; survived: of all stages
  std::vector<StageSeconds> stages;
  std::set<unsigned> claims;       // that do not hold
  std::set<std::string> verdicts;  // that no protocol may show
};

class MutantRun {
 public:
  // `so_far`: what earlier stages have shown; the mutant is alive. `runner`: the mutant's file.
  // `folder`: for what the stages write. Both live as long as it. REQUIRES: there are stages.
  MutantRun(MutantResult so_far, std::vector<MutantStage> stages, std::filesystem::path runner,
            std::filesystem::path folder);

  // Goes on. Has it come to its end?
  bool look();
  void stop();  // result() then says so
  const MutantResult& result() const { return result_; }

 private:
  using Clock = std::chrono::steady_clock;
  void start();
  void finish(const Ended& ended);
  void read(const std::filesystem::path& results);
  void killed_by(const std::string& what);
  std::string last_words() const;

  std::vector<MutantStage> stages_;
  std::size_t at_ = 0;
  std::filesystem::path runner_, folder_;
  std::unique_ptr<Child> child_;
  Clock::time_point started_;
  std::string seen_;  // the first thing that a stage's results show
  MutantResult result_;
};

}  // namespace sigsweep
