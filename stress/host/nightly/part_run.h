// One part at work: its commands one after the other, each in a process group of its own, within a
// limit.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "stress/host/child_process.h"
#include "stress/host/night_rows.h"
#include "stress/host/nightly/part_spec.h"

namespace sigsweep {

// What the parts of a night have in common.
struct NightPlace {
  std::filesystem::path folder;  // the night's
  std::filesystem::path builds;  // of the presets
  WordValues values;             // for the words of commands
  unsigned processors = 1;
};

class PartRun {
 public:
  // Puts what a killed night has left of the part out of the way, and starts its first command. A
  // part that can't run has ended when this comes back. Throws Failure(kHarnessFailed) where the
  // night's folder can't be written.
  PartRun(const PartSpec& part, const NightPlace& place, double share, double limit);

  // Has it ended? Goes on with the next command, and ends what is over its limit.
  bool look();
  // Asks it to end; end() ends it, with all that it has started.
  void ask_to_end();
  void end() { child_.reset(); }

  const PartSpec& spec() const { return part_; }
  double share() const { return share_; }
  double seconds() const;  // that it has taken so far, or took
  // REQUIRES: it has ended.
  const PartRow& row() const { return row_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool is_ready();
  std::string why_not_built() const;
  void start_next();
  void finish(const char* status, const std::string& reason);
  void finish(const Ended& ended);
  std::string last_words() const;

  const PartSpec& part_;
  const NightPlace& place_;
  std::filesystem::path folder_;
  double share_, limit_;
  unsigned runs_ = 1, started_ = 0;
  bool asked_ = false;  // to end, at its limit
  Clock::time_point start_ = Clock::now(), asked_at_;
  std::unique_ptr<Child> child_;
  PartRow row_;
};

}  // namespace sigsweep
