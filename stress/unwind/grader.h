// From the frames of a backtrace, one after the other, to its grade. Async-signal-safe.
#pragma once

#include <cstdint>
#include <span>

#include "stress/base/code_ranges.h"
#include "stress/subject/subject.h"
#include "stress/trap/arch.h"

namespace sigsweep::unwind {

inline constexpr unsigned kMostFrames = 256;  // more than any stack here has

struct UnwoundFrame {
  std::uint64_t pc = 0, sp = 0;  // where its code goes on, and its SP there
  bool has_registers = false;    // else the rest means nothing
  std::uint64_t kept[trap::kKept] = {}, frame_pointer = 0;
};

struct Walk {
  UnwindGrade grade = UnwindGrade::truncated;
  const char* detail = nullptr;  // why it is no better: a static string
  unsigned frames = 0;
};

class Grader {
 public:
  // `code`: where a pc may be.
  Grader(const Subject& subject, const CodeRanges& code, std::span<const KnownFrame> known)
      : subject_(subject), code_(code), known_(known) {}

  // A frame, from the innermost on. False: it has seen enough.
  bool take(const UnwoundFrame& frame);
  // The same for one that stands between the walk's start and the interrupted code: it may be any.
  bool pass(const UnwoundFrame& frame);
  const Walk& walk() const { return walk_; }

 private:
  bool end(UnwindGrade grade, const char* detail);
  bool goes_on(const UnwoundFrame& frame);

  const Subject& subject_;
  const CodeRanges& code_;
  std::span<const KnownFrame> known_;
  Walk walk_{.detail = "truncated: it ends before the entry of the interrupted code"};
  std::uint64_t last_pc_ = 0, last_sp_ = 0;
};

}  // namespace sigsweep::unwind
