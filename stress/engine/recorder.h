// Recording the steps of an operation or a handler, and the accesses of each. Filled in signal
// context: all but the constructor and read() are async-signal-safe.
//
// A recording is two or three walks over the same way. One walk looks, and notes all it can see at
// each step. The other walks catch accesses, with the pages of slots and cells hidden. The looking
// walk needs these pages visible. One walk for both would change a page's protection four times a
// step, and each change costs more than the step.
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

// The end of the way that is recorded.
struct WayEnd {
  bool of_handler = false;
  std::uint64_t interrupted_pc = 0;  // of a handler: the pc to which it returns
};

class Recorder {
 public:
  Recorder(const Subject& subject, const CodeRanges& code);
  // Why it got no memory. Empty: all is well.
  const std::string& problem() const { return problem_; }

  // Are there pages to be hidden? If not, the walk that looks is the whole recording.
  bool hides_pages() const { return page_count_ != 0; }
  // Begins a recording; nothing of the last one remains.
  void begin(WayEnd end, std::uint64_t red_zone);
  void begin_walk(Hide hide);
  // `finished`: the trial that ran ended by itself. A walk is a trial.
  void end_walk(bool finished);

  // Takes the state in front of an instruction. `over`: the operation, or the handler, has ended.
  // Returns whether to go on stepping.
  bool step(ucontext_t* uc, bool over);
  // Call it before harness code looks at slots and cells: they are visible from here to the next
  // step.
  void show() { hide_pages(false); }
  // A SIGSEGV: is it an access to be recorded? If so, it is let through.
  bool take_access(const siginfo_t* info, const ucontext_t* uc);

  bool finished() const;
  bool is_of_handler() const { return end_.of_handler; }
  // The recording, with names and phases. Empty, or what is wrong. A way without an end may differ
  // from walk to walk.
  std::string read(Trace* out) const;

 private:
  struct Record;

  bool take_step(ucontext_t* uc, bool over);
  void record_step(const ucontext_t* uc, std::uint64_t pc);
  void stop_behind_syscall(std::uint64_t pc) const;
  bool step_over_call(const ucontext_t* uc) const;
  void note_access(unsigned index, bool write);
  void protect_pages(int protection);
  void hide_pages(bool hidden);

  const Subject& subject_;
  const CodeRanges& code_;
  SlotReader slots_;
  std::string problem_;
  Record* record_ = nullptr;  // in memory shared with children
  WayEnd end_;
  std::uint64_t red_zone_ = 0;  // of the interrupted code, in bytes
  Region pages_[4] = {};        // they hold slots and cells
  unsigned page_count_ = 0;
  Hide hide_ = Hide::nothing;  // in the walk under way
  bool hidden_ = false;        // now
  std::size_t walked_ = 0;     // steps of the walk under way
  std::uint64_t last_pc_ = 0;  // of the last step
};

}  // namespace sigsweep
