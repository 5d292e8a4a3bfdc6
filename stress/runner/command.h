// A command of the runner: its input, and its answer.
#pragma once

#include <cstdint>
#include <string>

#include "stress/base/wire.h"
#include "stress/campaign/traces.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

// The page shared with the host: the trial that runs now.
struct TrialProgress {
  volatile std::uint64_t serial;    // of the trial; 0: none
  volatile std::uint64_t cell;      // its index in the command
  volatile std::uint64_t boundary;  // its index in the cell
};

// Used by every command: looked up once, in main.
struct Runner {
  Subject& subject;
  Engine& engine;
  Traces& traces;  // the only ones of the process, kept from command to command
  TrialProgress& progress;
};

// Each sends its records and returns the trouble: why the command can't be carried out. Empty:
// done.
std::string describe(Runner& runner, const Record& command);
std::string selfcheck(Runner& runner, const Record& command);
std::string contracts(Runner& runner, const Record& command);
std::string source(Runner& runner, const Record& command);
std::string sweep(Runner& runner, const Record& command);
std::string count(Runner& runner, const Record& command);
std::string throws(Runner& runner, const Record& command);
std::string soak(Runner& runner, const Record& command);
std::string order(Runner& runner, const Record& command);
std::string replay(Runner& runner, const Record& command);
std::string resolve_boundaries(Runner& runner, const Record& command);
std::string bench(Runner& runner, const Record& command);
// A record `claim`, `order` or `defect` a row, then `pair` and `stands_for_all`.
std::string claims(Runner& runner, const Record& command);

// --walk FILE [--account]: the process's exit status.
int walk(Runner& runner, const char* path, bool account);

// From here on commands and records go through descriptors of their own. A library that is loaded
// afterwards, and prints or reads, does not get between them: standard input is empty, and what is
// printed goes to standard error. Empty, or why not.
std::string set_wire_apart();
// Opens those of the standard streams again that somebody has closed since: else the next file to
// be opened would get the number. REQUIRES: set_wire_apart() was called.
void reopen_streams();

// The next line of the host's; false: there is none. And the bytes behind it, as many as come.
bool receive(std::string* line);
void receive_bytes(std::string* bytes);

// Writes a record to the host; flush() when the host must have what was sent.
void send(const Record& record);
void flush();

// Names as indices; empty, or the trouble. The name of a handler may be one of the
// harness's own.
std::string find_protocol(const Runner& runner, const std::string& name, unsigned* index);
std::string find_site(const Runner& runner, const std::string& name, unsigned* index);
std::string find_handler(const Runner& runner, const std::string& name, unsigned* index);

// "a,b,c".
std::string joined(const std::vector<std::string>& parts);

}  // namespace sigsweep
