// bench [name= rounds=]: the cost of a mechanism; without a name, the names.
#include <cstdio>

#include "stress/campaign/measure.h"
#include "stress/runner/command.h"

namespace sigsweep {

namespace {

void send_names(const Runner& runner) {
  const auto name = [](std::string_view name, bool own) {
    send(Record("benchmark").add("name", name).add("own", unsigned{own}));
  };
  for (const std::string_view own : runner.subject.benchmarks()) name(own, true);
  for (const std::string_view other : harness_benchmarks()) name(other, false);
}

}  // namespace

std::string bench(Runner& runner, const Record& command) {
  if (!command.has("name")) {
    send_names(runner);
    return {};
  }
  const Measured measured = measure(command.text("name"), command.number("rounds"), runner.traces);
  if (!measured.problem.empty()) return measured.problem;
  char text[40];
  std::snprintf(text, sizeof text, "%.3f", measured.ns);
  send(Record("time").add("ns", text));
  return {};
}

}  // namespace sigsweep
