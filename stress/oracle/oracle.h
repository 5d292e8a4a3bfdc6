// From an observation to one verdict: the first one that applies, in the order of the list.
#pragma once

#include <cstdint>

#include "stress/subject/subject.h"
#include "stress/verdict/verdict.h"

namespace sigsweep {

inline constexpr unsigned kMaxInjections = 4;  // in one operation

// How a trial ended.
enum class End : std::uint8_t {
  finished,  // by itself
  stopped,   // the operation ended while a handler had not: the rest would prove nothing
  thrown,    // by a throw
  faulted,   // by a synchronous signal
  timed_out,
};

// The observation of a trial as a whole.
struct Course {
  End end = End::finished;
  const char* message = nullptr;  // of the throw
  int fault_signal = 0;
  std::uint64_t fault_pc = 0, fault_address = 0;
  bool thrown_in_handler = false;  // while a handler's own call was under way
  bool changed_before_throw = false;
  std::uint32_t requested = 0;
  std::uint32_t hits = 0;                 // breakpoints reached: the signal was sent
  std::uint32_t landed = 0;               // signals that arrived, at exactly the boundary
  std::uint32_t by_door = 0;              // of the hits: without the kernel (Source::user)
  std::uint32_t masked = 0;               // boundaries where the code itself keeps the signal away
  std::uint32_t waited = 0;               // sent, and pending until the trial was ended
  std::uint32_t entered = 0, exited = 0;  // bit i: the handler of injection i
  const char* misplaced = nullptr;        // what is wrong with where things ran
  const char* leaked = nullptr;           // the first state that differs afterwards
  bool smashed = false;
  // The first byte that differs: of the stacks in use, of the state before a throw, or of the state
  // at rest. 0: none.
  std::uint64_t changed_at = 0;
  bool unwinding = false;      // the unwinder was at work
  Backtrace backtrace;         // the first that fails; else the last
  SlotMask slots_left = 0;     // slots that were not zero at the end
  SlotMask slots_changed = 0;  // by a handler that must keep them

  bool has_entered(std::size_t injection) const { return (entered >> injection & 1) != 0; }
  bool has_exited(std::size_t injection) const { return (exited >> injection & 1) != 0; }
  // Signals that were sent, and that no mask kept from their boundary.
  std::uint32_t let_in() const { return hits - waited; }
  // Those that were asked for and not let in, and those whose boundary was never reached.
  std::uint32_t unreached() const { return requested - let_in() - masked; }
};

// What was seen in one trial. Plain data: filled in signal context, allocates nothing.
struct Observation : Course {
  Call op{}, op_inner{};
  Call handler[kMaxInjections] = {}, handler_inner[kMaxInjections] = {};

  // Empties it for a trial with so many injections. The rest is not looked at.
  void begin(std::uint32_t injections) {
    static_cast<Course&>(*this) = Course{};
    requested = injections;
    op = op_inner = Call{};
    for (std::uint32_t i = 0; i < injections; i++) handler[i] = handler_inner[i] = Call{};
  }
};

struct Judgement {
  Verdict verdict = Verdict::ok;
  SlotMask slots = 0;       // those that the verdict is about
  const char* detail = "";  // what was wrong, a static string or the throw's message
  bool judged = true;       // ok: else a backtrace is, of which nobody can tell if it is right
};

// handlers[i]: the site that injection i's handler calls; null: nothing.
// Not SIGNAL, but allocates nothing: it runs once a trial.
Judgement judge(const Subject& subject, const Protocol& protocol, const Site& site,
                std::span<const Site* const> handlers, const Observation& seen);

// Slots of `site` in which fn saw another value than was given / the caller got another value than
// fn made.
SlotMask clobbered_arguments(const Site& site, const Call& call);
SlotMask clobbered_results(const Site& site, const Call& call);

}  // namespace sigsweep
