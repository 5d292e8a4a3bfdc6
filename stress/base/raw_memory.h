// Copies and compares memory without a sanitizer's checks: stack frames may be poisoned, and a
// sanitizer's memcpy would look. Plain loops, in files that are built without instrumentation.
// Async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigsweep {

// The unit of copying and comparing, kRawBlock of them a round; the compiler uses the vectors of
// the ISA. It is no struct, because the copy of a struct may be a call of memmove.
using RawVector = std::uint64_t __attribute__((vector_size(16)));
inline constexpr std::size_t kRawBlock = 4;

// A T at any alignment, in memory of any type.
template <class T>
struct __attribute__((packed, may_alias)) RawLoose {
  T value;
};

// In front of each round of a loop: else the compiler makes the loop a call of memcpy.
inline void keep_as_loop() {
  asm volatile("" ::: "memory");
}

template <class T>
T raw_load(const void* at, std::size_t offset) {
  // Of a stack frame the analyzer knows no content; a copy takes whatever is there.
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn)
  return reinterpret_cast<const RawLoose<T>*>(static_cast<const unsigned char*>(at) + offset)
      ->value;
}
template <class T>
void raw_store(void* at, std::size_t offset, T value) {
  reinterpret_cast<RawLoose<T>*>(static_cast<unsigned char*>(at) + offset)->value = value;
}

// Copies whole runs of `count` T from *i on, as many as fit.
template <class T, std::size_t count = 1>
void raw_copy_by(void* to, const void* from, std::size_t size, std::size_t* i) {
  for (; *i + count * sizeof(T) <= size; *i += count * sizeof(T)) {
    keep_as_loop();
    for (std::size_t k = 0; k < count; k++) {
      const std::size_t at = *i + k * sizeof(T);
      raw_store<T>(to, at, raw_load<T>(from, at));
    }
  }
}

inline void raw_copy(void* to, const void* from, std::size_t size) {
#if defined(__x86_64__)
  // In bytes. From this size on the processor's own loop is faster.
  constexpr std::size_t kWorthStarting = 4096;
  if (size >= kWorthStarting) {
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return;
  }
#endif
  std::size_t i = 0;
  raw_copy_by<RawVector, kRawBlock>(to, from, size, &i);
  raw_copy_by<std::uint64_t>(to, from, size, &i);
  raw_copy_by<unsigned char>(to, from, size, &i);
}

// The pattern in stack memory that is unused: never used yet, or no longer.
inline constexpr std::uint64_t kStackPaint = 0xa5a5a5a5a5a5a5a5;

// Overwrites [from, to), which may be empty.
inline void raw_paint(std::uint64_t from, std::uint64_t to) {
  auto* at = reinterpret_cast<unsigned char*>(static_cast<std::uintptr_t>(from));
  auto size = to > from ? static_cast<std::size_t>(to - from) : 0;
#if defined(__x86_64__) || defined(__i386__)
  asm volatile("rep stosb"
               : "+D"(at), "+c"(size)
               : "a"(static_cast<unsigned>(kStackPaint & 0xff))
               : "memory");
#else
  std::size_t i = 0;
  for (; i + sizeof kStackPaint <= size; i += sizeof kStackPaint) {
    keep_as_loop();
    raw_store<std::uint64_t>(at, i, kStackPaint);
  }
  for (; i < size; i++) {
    keep_as_loop();
    raw_store<unsigned char>(at, i, kStackPaint & 0xff);
  }
#endif
}

inline bool raw_differs(const void* a, const void* b, std::size_t size) {
  std::size_t i = 0;
  RawVector difference{};
  for (; i + kRawBlock * sizeof(RawVector) <= size; i += kRawBlock * sizeof(RawVector)) {
    keep_as_loop();
    for (std::size_t k = 0; k < kRawBlock; k++) {
      const std::size_t at = i + k * sizeof(RawVector);
      difference |= raw_load<RawVector>(a, at) ^ raw_load<RawVector>(b, at);
    }
  }
  std::uint64_t rest = difference[0] | difference[1];
  for (; i + sizeof(std::uint64_t) <= size; i += sizeof(std::uint64_t)) {
    keep_as_loop();
    rest |= raw_load<std::uint64_t>(a, i) ^ raw_load<std::uint64_t>(b, i);
  }
  for (; i < size; i++) {
    keep_as_loop();
    rest |=
        static_cast<std::uint64_t>(raw_load<unsigned char>(a, i) ^ raw_load<unsigned char>(b, i));
  }
  return rest != 0;
}

}  // namespace sigsweep
