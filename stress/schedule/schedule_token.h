// What the parser takes a line apart into, and how it looks names and numbers up.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "stress/schedule/schedule.h"
#include "stress/schedule/schedule_message.h"

namespace sigsweep {

// A piece of a line, and where it starts. Empty text: the line ended there.
struct Token {
  std::string_view text;
  unsigned column;
};

// "name=value" taken apart.
struct Field {
  Token name;
  Token value;
};

template <typename Strings>
Names names_of(const Strings& strings) {
  return Names(std::begin(strings), std::end(strings));
}

inline Names names_of(const std::vector<CatalogEntry>& entries) {
  Names names;
  for (const CatalogEntry& entry : entries) names.push_back(entry.name);
  return names;
}

inline const CatalogEntry* find_entry(const std::vector<CatalogEntry>& entries,
                                      std::string_view name) {
  const auto found = std::ranges::find(entries, name, &CatalogEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

// Decimal, or hexadecimal with 0x; nullopt if it is no such number or does not fit.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace sigsweep
