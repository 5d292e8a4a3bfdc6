// Pieces of the text form that the parser, the printer and phases share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sigsweep {

inline constexpr std::string_view kTitle = "sigsweep schedule 1";
inline constexpr std::string_view kBlanks = " \t";

constexpr bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
constexpr bool is_graph(char c) {
  return c > 0x20 && c < 0x7f;
}

// "0x2f".
std::string hex(std::uint64_t number);

// Cuts `text` at the first `separator` and returns what is before it.
std::string_view cut(std::string_view& text, char separator);

// The text of an origin, without a comment behind it or blanks around it. Double quotes shelter a
// '#'.
std::string_view origin_text(std::string_view rest);

}  // namespace sigsweep
