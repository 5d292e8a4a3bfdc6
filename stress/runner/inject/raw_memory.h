// Copying and comparing memory that a sanitizer may hold for poisoned (stack frames) or that a
// sanitizer's memcpy would look at: plain loops, in files that are built without instrumentation.
// Async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace sigsweep::inject {

// What is copied and compared at a time; the compiler makes of it what the ISA has.
using Vector = std::uint64_t __attribute__((vector_size(16)));
struct Block {
  Vector part[4];
};

// A T at any alignment, in memory of any type.
template <class T>
struct __attribute__((packed, may_alias)) Loose {
  T value;
};

// In front of each round of a loop: or the compiler makes a call of memcpy of it.
inline void keep_as_loop() {
  asm volatile("" ::: "memory");
}

template <class T>
T raw_load(const void* at, std::size_t offset) {
  return reinterpret_cast<const Loose<T>*>(static_cast<const unsigned char*>(at) + offset)->value;
}
template <class T>
void raw_store(void* at, std::size_t offset, T value) {
  reinterpret_cast<Loose<T>*>(static_cast<unsigned char*>(at) + offset)->value = value;
}

// As many whole T as there are from *i on.
template <class T>
void raw_copy_by(void* to, const void* from, std::size_t size, std::size_t* i) {
  for (; *i + sizeof(T) <= size; *i += sizeof(T)) {
    keep_as_loop();
    raw_store<T>(to, *i, raw_load<T>(from, *i));
  }
}

inline void raw_copy(void* to, const void* from, std::size_t size) {
#if defined(__x86_64__)
  constexpr std::size_t kWorthStarting =
      512;  // bytes: from here on the processor's own loop is faster
  if (size >= kWorthStarting) {
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return;
  }
#endif
  std::size_t i = 0;
  raw_copy_by<Block>(to, from, size, &i);
  raw_copy_by<std::uint64_t>(to, from, size, &i);
  raw_copy_by<unsigned char>(to, from, size, &i);
}

inline bool raw_differs(const void* a, const void* b, std::size_t size) {
  std::size_t i = 0;
  Vector difference{};
  for (; i + sizeof(Block) <= size; i += sizeof(Block)) {
    keep_as_loop();
    const Block x = raw_load<Block>(a, i), y = raw_load<Block>(b, i);
    for (unsigned k = 0; k < std::size(x.part); k++) difference |= x.part[k] ^ y.part[k];
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

}  // namespace sigsweep::inject
