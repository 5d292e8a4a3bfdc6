// The shape of a phase, checked strictly.
#include "stress/schedule/phase.h"

#include <algorithm>
#include <charconv>
#include <ostream>

#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

// Digits only; the first is not zero.
std::optional<std::uint32_t> parse_nth(std::string_view digits) {
  if (digits.empty() || digits.front() == '0') return std::nullopt;
  std::uint32_t nth = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, nth);
  if (error != std::errc() || stop != end) return std::nullopt;
  return nth;
}

bool is_part(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool is_head(std::string_view head) {
  if (head.ends_with('/') || !std::ranges::all_of(head, is_graph)) return false;
  if (!is_part(cut(head, '/'))) return false;
  if (head.empty()) return false;
  while (!head.empty()) {
    std::string_view value = cut(head, '/');
    const std::string_view key = cut(value, '=');
    if (key.empty() || value.empty() || value.find_first_of("=#") != value.npos) return false;
  }
  return true;
}

}  // namespace

std::optional<Phase> Phase::parse(std::string_view text) {
  const std::size_t hash = text.rfind('#');
  if (hash == text.npos || !is_head(text.substr(0, hash))) return std::nullopt;
  const auto nth = parse_nth(text.substr(hash + 1));
  if (!nth) return std::nullopt;
  return Phase(std::string(text.substr(0, hash)), *nth);
}

std::string Phase::text() const {
  return empty() ? std::string() : head_ + "#" + std::to_string(nth_);
}

std::uint64_t Phase::hash() const {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text()) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

std::ostream& operator<<(std::ostream& out, const Phase& phase) {
  return out << phase.text();
}

}  // namespace sigsweep
