// The current values of a subject's slots. Async-signal-safe except the constructor.
#pragma once

#include <cstdint>

#include "stress/subject/subject.h"

namespace sigsweep {

class SlotReader {
 public:
  explicit SlotReader(const Subject& subject)
      : is_32_bit_(subject.word_bits() == 32),
        count_(static_cast<unsigned>(subject.slots().size())) {
    for (unsigned i = 0; i < count_; i++) address_[i] = subject.slot_address(i);
  }

  unsigned count() const { return count_; }
  unsigned bytes() const { return is_32_bit_ ? 4 : 8; }  // of a slot
  const void* address(unsigned i) const { return address_[i]; }
  // 0 if there is no such slot.
  std::uint64_t operator[](unsigned i) const {
    if (i >= count_) return 0;
    if (is_32_bit_) return *static_cast<const volatile std::uint32_t*>(address_[i]);
    return *static_cast<const volatile std::uint64_t*>(address_[i]);
  }
  void copy(std::uint64_t* out) const {
    for (unsigned i = 0; i < kMaxSlots; i++) out[i] = (*this)[i];
  }
  // The slots whose values differ from `values`.
  SlotMask changed(const std::uint64_t* values) const {
    SlotMask mask = 0;
    for (unsigned i = 0; i < kMaxSlots; i++) mask |= SlotMask{(*this)[i] != values[i]} << i;
    return mask;
  }

 private:
  bool is_32_bit_;
  unsigned count_;
  const void* address_[kMaxSlots] = {};
};

}  // namespace sigsweep
