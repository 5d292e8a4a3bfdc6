// Recording the steps of an operation or a handler, and what each accesses. Filled in signal
// context: all but the constructor and read() is async-signal-safe.
//
// A recording is two walks over the same way, or three: one that looks, with all that is to be seen
// at each step; and one that catches accesses, with the pages of slots and cells hidden. To look,
// the pages must be visible. To do both in one walk takes four changes of a page's protection a
// step, each dearer than the step.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "stress/base/code_ranges.h"
#include "stress/engine/slot_reader.h"
#include "stress/oracle/oracle.h"
#include "stress/trace/trace.h"

namespace sigsweep {

// What a walk does with the pages of slots and cells.
enum class Hide : std::uint8_t {
  nothing,  // it looks
  all,      // every access faults
  writes,   // writes fault: for an ISA whose fault does not tell them from reads
};

// Where the way that is recorded ends.
struct WayEnd {
  bool of_handler = false;
  std::uint64_t interrupted_pc = 0;  // of a handler: where it comes back
};

class Recorder {
 public:
  Recorder(const Subject& subject, const CodeRanges& code);
  // Where memory for it could not be had. Empty: all is well.
  const std::string& problem() const { return problem_; }

  // A recording is begun: nothing of the last is left.
  void begin(WayEnd end, std::uint64_t red_zone);
  void begin_walk(Hide hide);
  // `finished`: the trial that ran came to its end. A walk is a trial.
  void end_walk(bool finished);

  // The state in front of an instruction. `over`: the operation, or the handler, has ended. Returns
  // whether to go on stepping.
  bool step(ucontext_t* uc, bool over);
  // Before code of the harness looks at slots and cells: from here to the next step they are
  // visible.
  void show() { hide_pages(false); }
  // A SIGSEGV: is it an access that is recorded? It is let through then.
  bool take_access(const siginfo_t* info, const ucontext_t* uc);

  bool finished() const;
  bool is_of_handler() const { return end_.of_handler; }
  // What was recorded, with names and phases. Empty, or what is wrong. A way that does not come to
  // its end need not be the same twice.
  std::string read(Trace* out) const;

 private:
  struct Record;

  bool take_step(ucontext_t* uc, bool over);
  void record_step(const ucontext_t* uc, std::uint64_t pc);
  bool step_over_call(const ucontext_t* uc) const;
  void note_access(unsigned index, bool write);
  void protect_pages(int protection);
  void hide_pages(bool hidden);

  const Subject& subject_;
  const CodeRanges& code_;
  SlotReader slots_;
  std::string problem_;
  Record* record_ = nullptr;  // in memory that children share
  WayEnd end_;
  std::uint64_t red_zone_ = 0;  // of what is interrupted, in bytes
  Region pages_[4] = {};        // that hold slots and cells
  unsigned page_count_ = 0;
  Hide hide_ = Hide::nothing;  // in the walk under way
  bool hidden_ = false;        // now
  std::size_t walked_ = 0;     // steps of the walk under way
  std::uint64_t last_pc_ = 0;  // of the last step
};

}  // namespace sigsweep
