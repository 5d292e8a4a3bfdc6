// What a backtrace from a signal handler may come to, and the frames that it must find. Plain data:
// read and written in signal context.
#pragma once

#include <cstdint>
#include <string_view>

namespace sigsweep {

// How far a backtrace came, the worst first. A crash of the unwinder is no grade: it ends the
// trial.
enum class UnwindGrade : std::uint8_t {
  endless,      // it does not end
  wrong_frame,  // a known frame with another SP or other registers, or a pc in no code
  truncated,    // it ended before the entry of the interrupted code
  entry,        // it came to the entry of the interrupted code, and ended there
  resumer,      // it went on into the code that had called or resumed the interrupted one
};
inline constexpr std::string_view kUnwindGradeNames[] = {"endless", "wrong frame", "truncated",
                                                         "entry", "resumer"};

constexpr std::string_view grade_name(UnwindGrade grade) {
  return kUnwindGradeNames[static_cast<unsigned>(grade)];
}

// A frame that somebody vouches for: a backtrace that names its code must name its SP and its
// registers, too. The pc of a frame is where the code goes on; its SP is the one that it has there.
struct KnownFrame {
  UnwindGrade reached = UnwindGrade::resumer;     // by a backtrace that finds it: entry or resumer
  std::uint64_t first_pc = 0, last_pc = 0;        // its pc, or the first and the last possible one
  std::uint64_t lowest_sp = 0, highest_sp = 0;    // likewise
  const std::uint64_t* kept_registers = nullptr;  // in the order of trap::Probe; null: unknown
  std::uint64_t frame_pointer = 0;                // known if they are

  constexpr bool has_pc(std::uint64_t pc) const { return pc >= first_pc && pc <= last_pc; }
  constexpr bool has_sp(std::uint64_t sp) const { return sp >= lowest_sp && sp <= highest_sp; }
};
inline constexpr unsigned kMaxKnownFrames = 16;

// The backtrace of one trial.
struct Backtrace {
  bool taken = false;  // else the rest means nothing
  UnwindGrade grade = UnwindGrade::resumer;
  UnwindGrade least = UnwindGrade::resumer;              // that the interrupted code must show
  UnwindGrade by_frame_pointers = UnwindGrade::resumer;  // what these alone lead to; not judged
  const char* detail = nullptr;                          // why it is no better; a static string
  bool judged = true;  // else it ended early, and nobody knows where it should have

  constexpr bool fails() const { return taken && (grade == UnwindGrade::endless || grade < least); }
};

}  // namespace sigsweep
