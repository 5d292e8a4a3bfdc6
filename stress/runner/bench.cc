// bench name= rounds=: what a mechanism costs.
#include <cstdio>

#include "stress/campaign/measure.h"
#include "stress/runner/command.h"

namespace sigsweep {

std::string bench(Runner& runner, const Record& command) {
  const Measured measured = measure(command.text("name"), command.number("rounds"), runner.traces);
  if (!measured.problem.empty()) return measured.problem;
  char text[40];
  std::snprintf(text, sizeof text, "%.3f", measured.ns);
  send(Record("time").add("ns", text));
  return {};
}

}  // namespace sigsweep
