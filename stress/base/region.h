// A piece of memory, and addresses as numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigsweep {

// Addresses are 64 bits wide throughout the harness. By way of uintptr_t: a compiler may extend the
// sign of a pointer of 32 bits.
template <class T>
inline std::uint64_t as_address(T* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}
template <class T>
inline T* as_pointer(std::uint64_t address) {
  return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

struct Region {
  const void* at;
  std::size_t size;  // bytes
};

}  // namespace sigsweep
