// A runner as seen by the host: a child process that takes commands and may die of its subject.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  std::uint64_t place = 0;  // of a runner: changes with each trial, also with those of its copies
};
Activity activity_of(pid_t pid);

// How long a runner has said nothing, in looks at it. A look counts if the runner waited, or had a
// processor. A runner that the machine gives no processor, or that somebody stopped, is not hung; and
// one that has come to another trial is at work.
class Silence {
 public:
  void over() { looks_ = 0; }
  // Has it lasted for so many looks, with this one?
  bool lasts(const Activity& now, unsigned limit);

 private:
  unsigned looks_ = 0;
  std::uint64_t ticks_ = 0, place_ = 0;
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
  int status = -1;          // died: it exited with this; else -1
  std::string said;         // died, of an adapter: the last line that it wrote to standard error
};

class RunnerProcess {
 public:
  // `isa`: what the program at `path` is for; where it is not the machine's, qemu runs it.
  // `adapter`: the file that it is to load; empty: its subject is built in.
  RunnerProcess(std::string path, const std::string& isa, std::string adapter = {});
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
  [[noreturn]] void become(int commands, int answers) const;
  // Of an adapter, whose code may write there: passes on what came since, and returns the last
  // line of it. The last line is not passed on if the process has `ended`.
  std::string relay_errors(bool ended);
  bool has_ended() const;
  Activity activity() const;
  bool read_line(std::string* line, Outcome* outcome);
  Outcome bury(bool hung);

  std::string path_, adapter_;
  std::string mark_;      // of an adapter's process, whose library may start others
  const char* emulator_;  // null: the machine runs it
  int errors_fd_ = -1;    // its standard error, kept; -1: it has ours
  std::uint64_t errors_read_ = 0;
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
  // The stubs that either side enters, as symbols; empty: unknown.
  std::string operation_enters = {}, handler_enters = {};
};
struct SiteSpec {
  std::string name, in, out, written, zeroed, ends;
  std::vector<std::string> rejected_by;  // protocols whose stub refuses the operation's own call
};

// A file whose code signals land in, beside the runner's own.
struct ModuleSpec {
  std::string name, path, build;  // name: as boundaries have it; build: its build id, or a hash
};

// What an adapter says of itself, in the words of sigsweep_adapter.h.
struct AdapterSpec : AdapterIdentity {
  std::vector<std::string> promises, traits;
};

// What it says of its subject.
struct Description {
  Catalog catalog;
  std::optional<AdapterSpec> adapter;  // none: the subject is built in
  std::vector<ProtocolSpec> protocols;
  std::vector<SiteSpec> sites;
  std::vector<ModuleSpec> modules;                         // of an adapter
  std::map<std::string, std::string> elsewhere;            // protocols of another ISA only: which
  std::vector<std::pair<std::string, std::string>> words;  // its own, and what each means
  // By protocol and handler, where a handler may show other verdicts than any that calls.
  std::map<std::pair<std::string, std::string>, VerdictSet> allowed;
  // The same pairs of which nothing was promised: what is seen there is only observed.
  std::set<std::pair<std::string, std::string>> only_observed;
};
Outcome describe(RunnerProcess* runner, Description* out);

// A file that lies beside the command, or where an installed command has it; empty: it does not.
std::string beside(const std::string& name);
// Where the runner of this ISA and subject lies. Empty if there is none.
std::string runner_path(const std::string& isa, const std::string& subject);
// Why the build has none, as it noted beside the command; empty: it does not say.
std::string why_no_runner(const std::string& isa);
// The program that runs this ISA's runners on this machine; null: none is needed. And why such
// runners can't be run here; empty: they can.
const char* emulator_of(const std::string& isa);
std::string why_not_run(const std::string& isa);

}  // namespace sigsweep
