// The grades, by what is known of the frames. Built without instrumentation.
#include "stress/unwind/grader.h"

namespace sigsweep::unwind {
namespace {

constexpr const char* kAtEntry = "truncated: it ends at the entry, not in the code that called";

// The register with another value than is known; null: none.
const char* wrong_register(const KnownFrame& known, const UnwoundFrame& frame) {
  if (known.kept_registers == nullptr || !frame.has_registers) return nullptr;
  for (unsigned i = 0; i < trap::kKept; i++) {
    if (frame.kept[i] != known.kept_registers[i]) return trap::kUnwoundWrongly[i];
  }
  if (frame.frame_pointer != known.frame_pointer) {
    return "wrong frame: a known one with another frame pointer";
  }
  return nullptr;
}

}  // namespace

bool Grader::end(UnwindGrade grade, const char* detail) {
  walk_.grade = grade;
  walk_.detail = detail;
  return false;
}

// Outer frames lie above inner ones. Two at one place are possible, the same twice is not.
bool Grader::goes_on(const UnwoundFrame& frame) {
  const unsigned stack = subject_.stack_of(frame.sp);
  const bool same_stack = stack != 0 && stack == subject_.stack_of(last_sp_);
  const bool stays = frame.sp == last_sp_ && frame.pc == last_pc_;
  last_pc_ = frame.pc;
  const std::uint64_t before = last_sp_;
  last_sp_ = frame.sp;
  return ++walk_.frames <= kMostFrames && !stays && !(same_stack && frame.sp < before);
}

bool Grader::pass(const UnwoundFrame& frame) {
  if (goes_on(frame)) return true;
  return end(UnwindGrade::endless, "endless: it goes round in the handler");
}

bool Grader::take(const UnwoundFrame& frame) {
  if (!goes_on(frame)) {
    return walk_.frames > kMostFrames
               ? end(UnwindGrade::endless, "endless: more than 256 frames")
               : end(UnwindGrade::endless, "endless: it does not move up in its stack");
  }
  if (!code_.contains(frame.pc)) {
    return end(UnwindGrade::wrong_frame, "wrong frame: its pc is in no code");
  }
  bool is_known = false;
  for (const KnownFrame& known : known_) {
    if (!known.has_pc(frame.pc)) continue;
    is_known = true;
    if (!known.has_sp(frame.sp)) continue;
    if (const char* wrong = wrong_register(known, frame)) {
      return end(UnwindGrade::wrong_frame, wrong);
    }
    if (known.reached > walk_.grade) walk_.grade = known.reached;
    walk_.detail = walk_.grade == UnwindGrade::resumer ? nullptr : kAtEntry;
    return true;
  }
  return !is_known || end(UnwindGrade::wrong_frame, "wrong frame: a known one with another SP");
}

}  // namespace sigsweep::unwind
