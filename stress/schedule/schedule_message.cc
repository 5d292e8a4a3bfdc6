// Messages of one short line, whatever the input was.
#include "stress/schedule/schedule_message.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

constexpr std::size_t kMaxListed = 12;  // names in a message
constexpr std::size_t kMaxQuoted = 64;  // bytes of the input in a message

// The distance of Levenshtein, with one row of the table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text.substr(0, kMaxQuoted)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ' || is_graph(c)) {
      quoted += c;
    } else {
      quoted += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return quoted + (text.size() > kMaxQuoted ? "...\"" : "\"");
}

std::string listed(Names names, std::string_view given) {
  const std::size_t all = names.size();
  if (all > kMaxListed) {
    given = given.substr(0, kMaxQuoted);  // it may be megabytes long
    std::ranges::sort(names, {},
                      [&](auto name) { return std::pair(edit_distance(name, given), name); });
    names.resize(kMaxListed);
  }
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  if (all > kMaxListed) list += ", ... (" + std::to_string(all) + " in all)";
  return list.empty() ? "none" : list;
}

}  // namespace sigsweep
