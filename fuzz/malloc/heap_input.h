// An input of malloc_fuzzer: operations on the heap, as bytes and as text. Every byte string is an
// input. The text form has a line for each operation:
//
//   sigsweep allocations 1
//   op alloc to=3 size=64      # a place (0 to 11 roots, 12 to 15 on the stack), bytes
//   op link at=3 to=5 word=1   # a word of the object at a place points to that of another place
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigsweep::fuzz::heap {

// heap_input.cc has a row for each.
enum class Kind : std::uint8_t { alloc, churn, link, load, inside, drop, write, collect };

struct HeapOperation {
  Kind kind;
  std::array<unsigned, 3> value;
};

// Of an operation: kind, first value, second, third (two bytes, low first).
inline constexpr std::size_t kBytes = 5;
inline constexpr std::size_t kMostOperations = 200;  // of an input; the rest is ignored

// A rest of fewer than kBytes is ignored.
std::vector<HeapOperation> operations_of(std::span<const std::uint8_t> bytes);
std::string text_of(std::span<const std::uint8_t> bytes);
// Appends the bytes of a text. Empty, or what is wrong: "FILE:LINE: WHY".
std::string parse(std::string_view text, const std::string& file, std::vector<std::uint8_t>* bytes);
// Operations of every kind, as bytes.
std::vector<std::string> dictionary();

}  // namespace sigsweep::fuzz::heap
