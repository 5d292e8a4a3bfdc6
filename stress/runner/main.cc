// The runner: one process that runs trials for the host. It dies with its subject if it must.
//
//   stdin    one command a line (wire.h); the table below has them all. Ends at EOF
//   stdout   records, written as they come; each command is answered to its end by `done` or
//            `trouble`
//   stderr   diagnosis, for people
//   status   0 at EOF; 2 usage; 3 the process could not be taken over
//   signal   a death by a signal is the death of the trial that the shared page names
//
// runner-ISA --walk FILE [--account]: runs the schedule's operations once, for a debugger that
// stops at the boundary. The runner sends no signal and makes no patch. A signal that the debugger
// sends at the boundary is handled as planned. --account: also sends a record of each operation.
//
// runner-ISA [--progress-fd N]: N is a memory file of at least 32 bytes, shared with the host. It
// holds the serial number of the running trial (0: none), the cell's index in the command, and the
// boundary's index.
#include "stress/runner/main.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "stress/base/start.h"
#include "stress/runner/command.h"

namespace sigsweep {
namespace {

constexpr struct {
  const char* name;
  std::string (*run)(Runner&, const Record&);
} kCommands[] = {{"describe", describe},
                 {"selfcheck", selfcheck},
                 {"contracts", contracts},
                 {"order", order},
                 {"source", source},
                 {"sweep", sweep},
                 {"count", count},
                 {"soak", soak},
                 {"throws", throws},
                 {"replay", replay},
                 {"resolve", resolve_boundaries},
                 {"bench", bench},
                 {"claims", claims}};

std::string carry_out(Runner& runner, const Record& command) {
  for (const auto& each : kCommands) {
    if (command.word() == each.name) return each.run(runner, command);
  }
  return "unknown command " + command.word();
}

int serve(Runner& runner) {
  for (std::string line; receive(&line);) {
    const std::string trouble = carry_out(runner, Record::decode(line));
    send(trouble.empty() ? Record("done") : Record("trouble").add("message", trouble));
    flush();
  }
  return 0;
}

bool is_walk(int argc, char** argv) {
  return (argc == 3 || (argc == 4 && std::strcmp(argv[3], "--account") == 0)) &&
         std::strcmp(argv[1], "--walk") == 0;
}

// The page shared with the host, or a page of this process; null: wrong usage.
TrialProgress* find_progress(int argc, char** argv) {
  static TrialProgress own;
  if (argc == 1 || is_walk(argc, argv)) return &own;
  if (argc != 3 || std::strcmp(argv[1], "--progress-fd") != 0) return nullptr;
  void* p = mmap(nullptr, sizeof(TrialProgress), PROT_READ | PROT_WRITE, MAP_SHARED,
                 std::atoi(argv[2]), 0);
  return p == MAP_FAILED ? nullptr : static_cast<TrialProgress*>(p);
}

}  // namespace
}  // namespace sigsweep

int runner_main(int argc, char** argv, sigsweep::Subject& subject, void (*sabotage)(ucontext_t*)) {
  using namespace sigsweep;
  if (const std::string why = check_start(); !why.empty()) {
    std::fprintf(stderr, "runner: %s\n", why.c_str());
    return 3;
  }
  TrialProgress* const progress = find_progress(argc, argv);
  if (progress == nullptr) {
    std::fprintf(stderr,
                 "usage: %s [--walk FILE [--account] | --progress-fd N]; without --walk, commands "
                 "on standard input\n",
                 argv[0]);
    return 2;
  }
  const bool walking = is_walk(argc, argv);
  static Engine engine(subject);
  Traces traces(engine);
  Runner runner{engine.subject(), engine, traces, *progress};
  engine.sabotage(sabotage);
  const std::string problem = runner.engine.attach(&progress->serial, !walking);
  runner.engine.show(&progress->boundary);
  if (!problem.empty()) {
    std::fprintf(stderr, "runner: cannot take over the process: %s\n", problem.c_str());
    return 3;
  }
  return walking ? walk(runner, argv[2], argc == 4) : serve(runner);
}
