// One command of the runner, which does all of it in one process.
#include "stress/host/commands/soak.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "stress/host/progress.h"

namespace sigsweep {

int soak_command(const Session& session) {
  Record command("soak");
  command.add("protocols", fmt::format("{}", fmt::join(session.protocols(), ",")))
      .add("sites", fmt::format("{}", fmt::join(session.sites(), ",")))
      .add("handlers", fmt::format("{}", fmt::join(session.handlers(), ",")))
      .add("rounds", session.options.random)
      .add("seed", session.options.seed);
  Record result;
  ProgressBar progress("random trials", session.options.random);
  const Outcome outcome = session.runner->command(command, [&](const Record& r) {
    if (r.word() == "soaked") progress.step(r.number("rounds"));
    if (r.word() == "soak") result = r;
  });
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  fmt::print("{} boundaries; {} random trials, {} signals landed, {} changes of verdict\n",
             result.number("points"), result.number("trials"), result.number("landed"),
             result.number("changes"));
  if (result.number("landed") != result.number("trials")) {
    throw Failure(kHarnessFailed, "a signal did not land");
  }
  if (result.number("changes") != 0) fmt::print("the first: {}\n", result.text("first"));
  return result.number("changes") == 0 ? kAsExpected : kFinding;
}

}  // namespace sigsweep
