// `sigsweep shrink FILE --out DIR`: the smallest schedule that shows the same.
#pragma once

#include "stress/host/options.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

int shrink_command(const Options& options);

struct Shrunk {
  Schedule schedule;  // with what it shows as `expect`
  std::string id;     // of that
  unsigned tries = 0;
  std::string standing = {};  // a word for it: standing_of()
};
// `path` is for messages. Throws Failure: kUsage where the verdict is ok, or the runner dies of it.
Shrunk shrink_schedule(const Session& session, const Schedule& schedule, const std::string& path);

}  // namespace sigsweep
