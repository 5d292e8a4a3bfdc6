// A runner as seen by the host: a child process that takes commands and may die of its subject.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stress/base/wire.h"
#include "stress/schedule/schedule.h"
#include "stress/verdict/verdict_set.h"

namespace sigsweep {

// Set by SIGINT and SIGTERM: everything that waits for a runner gives up.
extern std::atomic<bool> stop_requested;
void stop_on_signals();

// The state of a process, from /proc.
struct Activity {
  char state = '?';         // R runs, or would; S and D wait; T and t are stopped
  std::uint64_t ticks = 0;  // of a processor that it has had, with its children that have ended
};
Activity activity_of(pid_t pid);

// How long a runner has said nothing, in looks at it. A look counts if the runner waited, or had a
// processor. A runner that the machine gives no processor, or that somebody stopped, is not hung.
class Silence {
 public:
  void over() { looks_ = 0; }
  // Has it lasted for so many looks, with this one?
  bool lasts(const Activity& now, unsigned limit);

 private:
  unsigned looks_ = 0;
  std::uint64_t ticks_ = 0;
};

// How a command ended.
struct Outcome {
  enum Kind { done, trouble, died, stopped } kind = done;
  std::string message;      // trouble: the runner's; died: how
  bool in_trial = false;    // died: while a trial ran ...
  std::uint64_t cell = 0;   // ... of this cell of the command ...
  std::uint64_t point = 0;  // ... at this point
  bool hung = false;        // killed by its watchdog; or by the host, because it was silent
  bool gave_up = false;     // died: it ended itself with status 3, because it could not work
};

class RunnerProcess {
 public:
  // `isa`: what the program at `path` is for; where it is not the machine's, qemu runs it.
  RunnerProcess(std::string path, const std::string& isa);
  ~RunnerProcess();
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;

  // Sends a command (and what follows its line), and gives every record of the answer but the last
  // to on_record. Starts the process where none runs: after a death the next command has a new one.
  Outcome command(const Record& command, const std::function<void(const Record&)>& on_record,
                  const std::string& payload = {});

  const std::string& path() const { return path_; }

 private:
  struct SharedProgress;  // what the runner says of where it is
  bool start(std::string* why);
  bool read_line(std::string* line, Outcome* outcome);
  Outcome bury(bool hung);

  std::string path_;
  const char* emulator_;  // null: the machine runs it
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1, shared_fd_ = -1;
  SharedProgress* shared_ = nullptr;
  std::string unread_;
};

// What a runner says of a protocol of its subject, and of a site.
struct ProtocolSpec {
  std::string name;
  VerdictSet allowed;
  std::string summary;
  bool predicts;
  bool passes_slots;  // its handlers pass arguments in slots
};
struct SiteSpec {
  std::string name, in, out, written, zeroed, ends;
  std::vector<std::string> rejected_by;  // protocols whose stub refuses the operation's own call
};

// A file whose code signals land in, beside the runner's own.
struct ModuleSpec {
  std::string name, path, build;  // name: as boundaries have it; build: its build id, or a hash
};

// What it says of its subject.
struct Description {
  Catalog catalog;
  std::vector<ProtocolSpec> protocols;
  std::vector<SiteSpec> sites;
  std::vector<ModuleSpec> modules;               // of an adapter
  std::map<std::string, std::string> elsewhere;  // protocols of another ISA only: which
  // By protocol and handler, where a handler may show other verdicts than any that calls.
  std::map<std::pair<std::string, std::string>, VerdictSet> allowed;
};
Outcome describe(RunnerProcess* runner, Description* out);

// Where the runner of this ISA and subject lies: beside the command. Empty if there is none.
std::string runner_path(const std::string& isa, const std::string& subject);
// Why the build has none, as it noted beside the command; empty: it does not say.
std::string why_no_runner(const std::string& isa);
// The program that runs this ISA's runners on this machine; null: none is needed. And why such
// runners can't be run here; empty: they can.
const char* emulator_of(const std::string& isa);
std::string why_not_run(const std::string& isa);

}  // namespace sigsweep
