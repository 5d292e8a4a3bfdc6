#include "stress/host/commands/run_row.h"

#include "stress/host/commands/adapter_page.h"

namespace sigsweep {

RunRow run_row(const Options& options) {
  RunRow run;
  run.version = version();
  run.build = build_description();
  run.command = options.command_line;
  run.isas = {options.isa};
  run.seed = options.seed;
  return run;
}

RunRow run_row(const Session& session) {
  RunRow run = run_row(session.options);
  run.subject = subject_of(session);
  run.adapter = adapter_row(session);
  return run;
}

}  // namespace sigsweep
