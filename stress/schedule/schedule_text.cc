// Pieces of the text form.
#include "stress/schedule/schedule_text.h"

#include <charconv>
#include <iterator>

namespace sigsweep {
namespace {

// Where a comment starts, or the end. Double quotes shelter a '#'. A quote that is never closed
// runs to the end, because a text that only informs must not make a reproducer unreadable.
std::size_t comment_start(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '#' && !quoted && (i == 0 || is_blank(text[i - 1]))) return i;
  }
  return text.size();
}

}  // namespace

std::string hex(std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number, 16).ptr;
  return "0x" + std::string(digits, end);
}

std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

std::string_view origin_text(std::string_view rest) {
  rest = rest.substr(0, comment_start(rest));
  const std::size_t first = rest.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return rest.substr(first, rest.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace sigsweep
