// A night at work: its parts by stages, within its budget; then what it comes to.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "stress/host/nightly/night_findings.h"
#include "stress/host/nightly/night_folder.h"
#include "stress/host/nightly/part_run.h"

namespace sigsweep {

// What the history says of a night that has come to its end.
struct PastNights {
  std::string text;     // what is new, gone, slower, was not run, did no work
  std::string problem;  // why it could not be asked; empty: it could
};

class Night {
 public:
  using Clock = std::chrono::steady_clock;

  // `parts`: those that the record names. `place`: its folder is the record's. `begun`: the
  // budget counts from then.
  Night(NightRecord record, const std::vector<PartSpec>& parts, NightPlace place,
        Clock::time_point begun);

  // Runs the parts that have not ended yet, tells what all came to, on standard output and in
  // summary.txt, and returns the exit status. `ask_history` gets the folder of a night whose rows
  // are complete. A night that is told to stop ends its parts within a second, and stays without
  // an end. Throws Failure(kHarnessFailed) where its folder can't be written.
  int run(const std::function<PastNights(const std::filesystem::path&)>& ask_history);

 private:
  void work();
  void work_on(unsigned stage);
  void start_what_fits(std::vector<const PartSpec*>* queue);
  void start(const PartSpec* part);
  void look_at_running();
  void stop_running();
  void finish(const PartRow& row);
  double seconds_left() const;  // until the end of the budget
  double share_for(const PartSpec& part) const;
  unsigned idle_processors() const;
  std::vector<std::filesystem::path> files_of_parts() const;
  std::string verdict(int status, std::size_t faults) const;
  std::string summary(int status) const;
  int status() const;

  NightRecord record_;
  NightWriter writer_;
  const std::vector<PartSpec>& parts_;
  NightPlace place_;
  Clock::time_point end_;
  std::vector<const PartSpec*> waiting_;
  std::list<PartRun> running_;
  std::vector<NightFinding> findings_;  // once all have ended
  PastNights past_;
};

// "pass", "FOUND", "skip", "FAIL", and what a part came to, in one line.
std::string part_line(const PartRow& row);

}  // namespace sigsweep
