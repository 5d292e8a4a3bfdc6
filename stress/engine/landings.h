// Where the signals of one trial landed, and the state at each landing. Async-signal-safe.
#pragma once

#include <ucontext.h>

#include <cstdint>

#include "stress/engine/plan.h"
#include "stress/engine/slot_reader.h"
#include "stress/engine/snapshot.h"

namespace sigsweep {

// The state when a signal landed, to be compared with what its handler leaves. The stacks, with the
// red zone, are as they were before the signal's entry: that may write there, too.
struct Landing {
  std::uint64_t sp = 0;           // of the interrupted code
  const void* running = nullptr;  // whose code that is
  StackSnapshot live;
  StateSnapshot state;
  std::uint64_t slots[kMaxSlots] = {};
};

// Where the first signal of a trial landed, and the slots then. For reports.
struct FirstLanding {
  ucontext_t context{};
  std::uint64_t slots[kMaxSlots] = {};
};

class Landings {
 public:
  // `first`: the place for the first landing; children may share it.
  explicit Landings(FirstLanding* first) : first_(first) {}

  void begin() { arriving_count_ = reached_ = 0; }

  // The boundary of this injection was reached, and its signal will come.
  void reached(unsigned index) {
    reached_ |= std::uint32_t{1} << index;
    arriving_[arriving_count_++] = index;
  }
  bool has_reached(unsigned index) const { return (reached_ >> index & 1) != 0; }

  // Injections whose signal was sent and whose handler has not begun its work. The last comes
  // first: it interrupts the way of the others.
  bool is_any_arriving() const { return arriving_count_ > 0; }
  unsigned next_arriving() const { return arriving_[arriving_count_ - 1]; }
  unsigned take_arriving() { return arriving_[--arriving_count_]; }

  Landing& operator[](unsigned index) { return landing_[index]; }
  const Landing& operator[](unsigned index) const { return landing_[index]; }
  FirstLanding& first() { return *first_; }

 private:
  Landing landing_[kMaxInjections];
  FirstLanding* first_;
  unsigned arriving_[kMaxInjections] = {};
  unsigned arriving_count_ = 0;
  std::uint32_t reached_ = 0;  // bit i: the boundary of injection i
};

// The parts of the stacks that are in use where injection `index` landed. REQUIRES: Landing::sp of
// it and of those that it nests in. If it interrupts a handler, this includes the stack that the
// handler's signal interrupted, which the subject may no longer tell.
unsigned live_where_landed(const Subject& subject, const Plan& plan, const Landings& landings,
                           unsigned index, std::uint64_t red_zone, std::span<Region> out);

}  // namespace sigsweep
