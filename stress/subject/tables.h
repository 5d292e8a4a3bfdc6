// The parts of a subject, by name: nothing here runs any of its code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "stress/base/region.h"
#include "stress/verdict/verdict_set.h"

namespace sigsweep {

inline constexpr unsigned kMaxSlots = 8;
using SlotMask = std::uint32_t;  // bit i: slot i
using Marks = std::uint32_t;     // the subject's words about a boundary; bit i: its mark i

inline constexpr unsigned kMaxWatched = 8;

// What a signal's handler does: the index of a site that it calls, or one of these, which are the
// harness's own and call nothing of the subject.
inline constexpr unsigned kNoHandler = ~0U;    // nothing
inline constexpr unsigned kObserve = ~0U - 1;  // it takes a backtrace
constexpr bool calls_subject(unsigned handler) {
  return handler < kObserve;
}

// One run of a site: its inputs, and the values seen on the way. Written by the subject, read by
// the oracle.
struct Call {
  std::uint64_t in[kMaxSlots];    // given: fresh nonces, distinct for each level
  std::uint64_t seen[kMaxSlots];  // what fn read
  std::uint64_t made[kMaxSlots];  // what fn answered
  std::uint64_t got[kMaxSlots];   // what the caller read
  std::uint64_t fn_sp;            // SP within fn
  std::uint64_t fn_owner;         // any value that identifies in whose name fn ran
  std::uint32_t fn_runs;          // how often fn was entered
  std::uint32_t returns;          // how often the caller got to its end
  Call* inner;  // a place for the call that fn makes itself; the harness's, never null
};

struct Site {
  std::string_view name;
  SlotMask in, out;    // slots that carry arguments and results
  SlotMask zeroed;     // slots that are zero after the operation, by this site's convention
  SlotMask written;    // all slots that it writes: its effect as a handler
  SlotMask left_zero;  // of those, the slots whose last write is zero
  bool handler;        // may serve as a handler
  bool only_handles;   // is no operation; such sites are the last ones
  std::string_view end_message;  // ends by a throw with this message; empty: it does not
  bool leaves;                   // ends without coming back to its caller (and without a throw)
  const Site* inner;             // the site that fn itself runs, or null
};

// Properties that a protocol promises; the oracle and the claims use these, never a protocol's
// name.
struct Protocol {
  std::string_view name;
  bool must_reject = false;       // a handler's call must be rejected
  bool slots_in_handler = false;  // the handler passes its arguments in slots
  bool keeps_slots = false;       // a handler leaves all slots as they were
  bool predicts = false;          // liveness and marks predict every verdict of a handler's call
  Marks spoiled_at = 0;           // a handler's call at a boundary with one of these is not ok
  VerdictSet allowed = {};        // the verdicts it may show when a handler calls
  std::string_view summary = {};
  // The stubs that the operation and the handler's call enter, as symbols; empty: it has none.
  std::string_view operation_enters = {}, handler_enters = {};
  // Equal numbers: the interrupted code (or the handler's) is the same, so one trace serves all.
  unsigned operation_side = 0, handler_side = 0;
  // A signal's frame goes to SP's stack (no SA_ONSTACK), not to the alternate stack.
  bool own_stack = false;
};

enum class Part : std::uint8_t { caller, stub, fn };

// An index is a place in one of these lists; they never change.
class Tables {
 public:
  virtual std::string_view isa() const = 0;
  virtual std::span<const Protocol> protocols() const = 0;
  virtual std::span<const Site> sites() const = 0;
  // Protocols of this subject that exist for another ISA only.
  struct Elsewhere {
    std::string_view protocol, isa;
  };
  virtual std::span<const Elsewhere> elsewhere() const { return {}; }
  // Does this protocol's stub refuse the operation's own, legal call?
  virtual bool rejects(unsigned /*protocol*/, unsigned /*site*/) const { return false; }
  // The verdicts that a trial with this handler may show. Where the operation's own call is
  // refused (rejects), a handler that calls nothing shows that instead.
  virtual VerdictSet allowed(unsigned protocol, unsigned handler) const {
    return calls_subject(handler) ? protocols()[protocol].allowed : kOnlyOk;
  }
  // Was anything promised of this handler? Else its verdicts are observed only.
  virtual bool promises(unsigned /*protocol*/, unsigned /*handler*/) const { return true; }
  // The throw that is a rejection; empty: none.
  virtual std::string_view reject_message() const { return {}; }

  virtual std::span<const std::string_view> slots() const { return {}; }
  virtual unsigned word_bits() const { return 8 * sizeof(void*); }
  // The part of an operation that a function belongs to.
  virtual Part part(std::string_view /*symbol*/) const { return Part::stub; }
  // Checks::describe() tells the part, too: it is the phase, up to the live slots.
  virtual bool tells_phases() const { return false; }
  // Of Checks::marks, Checks::watch and Runnable::stacks.
  virtual std::span<const std::string_view> mark_names() const { return {}; }
  virtual std::span<const std::string_view> watched() const { return {}; }
  virtual std::string_view stack_name(unsigned /*index*/) const { return "stack"; }

  // Its own words, as phases and names have them, each with its meaning in a sentence.
  struct Word {
    std::string_view word, meaning;
  };
  virtual std::span<const Word> words() const { return {}; }

 protected:
  ~Tables() = default;
};

}  // namespace sigsweep
