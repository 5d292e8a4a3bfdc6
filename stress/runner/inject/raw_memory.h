// Copying and comparing memory that a sanitizer may hold for poisoned (stack frames) or that a
// sanitizer's memcpy would look at: plain loops over words, in files that are built without
// instrumentation. Async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigsweep::inject {

inline void raw_copy(void* to, const void* from, std::size_t size) {
  auto* t = static_cast<volatile unsigned char*>(to);
  const auto* f = static_cast<const volatile unsigned char*>(from);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    *reinterpret_cast<volatile std::uint64_t*>(t + i) =
        *reinterpret_cast<const volatile std::uint64_t*>(f + i);
  }
  for (; i < size; i++) t[i] = f[i];
}

// The offset of the first byte-group that differs, or `size`.
inline std::size_t raw_differs(const void* a, const void* b, std::size_t size) {
  const auto* x = static_cast<const volatile unsigned char*>(a);
  const auto* y = static_cast<const volatile unsigned char*>(b);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    if (*reinterpret_cast<const volatile std::uint64_t*>(x + i) !=
        *reinterpret_cast<const volatile std::uint64_t*>(y + i)) {
      return i;
    }
  }
  for (; i < size; i++) {
    if (x[i] != y[i]) return i;
  }
  return size;
}

}  // namespace sigsweep::inject
