// Programs that the command starts, with all that they start in turn. None outlives the call: it
// ends by itself, at its deadline, or when the command is told to stop, and then within a second.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/options.h"

namespace sigsweep {

struct Program {
  std::vector<std::string> words;                  // the first without a slash: found by its PATH
  std::map<std::string, std::string> environment;  // beside the command's own
  std::vector<std::string> without;                // of the command's own, what is not handed on
  std::string folder;                              // where it works; empty: where the command does
  std::string output, error;  // files, made anew; empty: nothing is kept; the same: one for both
  // Runs in the child in front of the program, and says why it can't go on; empty: it can. The
  // child has no other thread, so it may allocate.
  std::function<std::string()> prepare = {};
};

// The program itself can't be had: all else was ready.
struct NotStarted : Failure {
  explicit NotStarted(const std::string& why) : Failure(kHarnessFailed, why) {}
};

struct Ended {
  enum Kind { exited, died, late, stopped } kind;
  int status = 0;  // exited: with this status; died: of this signal

  bool well() const { return kind == exited && status == 0; }
  std::string how() const;  // "ended with status 3"
};

// One program that runs. Throws as run_programs() does.
class Child {
 public:
  explicit Child(const Program& program);
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // How it has ended, once it has; then nothing of it is left.
  std::optional<Ended> look();
  // Asks its process group to end (SIGTERM).
  void ask_to_end() const;
  // Kills it, with all that has its mark.
  void end();

 private:
  int pid_ = -1;
  std::string mark_;
};

// Runs programs side by side until each has ended. `goes_on` is asked about ten times a second;
// false ends them all as at the deadline. Throws NotStarted where there is no such program, and
// Failure(kHarnessFailed) where it can't be prepared, or its files can't be written.
std::vector<Ended> run_programs(const std::vector<Program>& programs,
                                std::chrono::milliseconds limit,
                                const std::function<bool()>& goes_on = {});
Ended run_program(const Program& program, std::chrono::milliseconds limit);

// A mark that a child puts into its environment, NAME=VALUE: whatever it starts inherits it, even
// what leaves its process group. Different each time. Marks nest: if the command has one itself, its
// children's begin with that and a slash.
std::string new_mark();
// Gives the marks of all later children a first part, which no other command has. Returns the mark
// that all of them have then.
std::string set_first_mark(const std::string& value);
// Ends all processes that have the mark, or one that begins with it and a slash, within a second.
void end_marked(const std::string& mark);

// Is there such a program on the PATH?
bool is_on_path(const std::string& name);

}  // namespace sigsweep
