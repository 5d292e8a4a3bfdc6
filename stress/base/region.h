// A piece of memory, and addresses as numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigsweep {

// Addresses are 64 bits wide throughout the harness. The cast goes by uintptr_t, because a compiler
// may extend the sign of a 32-bit pointer.
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
