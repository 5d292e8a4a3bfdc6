// `sigsweep shrink FILE --out DIR`: the smallest schedule that shows the same finding.
#pragma once

#include "stress/host/options.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

int shrink_command(const Options& options);

struct Shrunk {
  Schedule schedule;  // with what it shows as `expect`
  std::string id;     // of the finding
  unsigned tries = 0;
};
// `path` is for messages. Throws Failure: kUsage where the schedule shows no finding.
Shrunk shrink_schedule(const Session& session, const Schedule& schedule, const std::string& path);

}  // namespace sigsweep
