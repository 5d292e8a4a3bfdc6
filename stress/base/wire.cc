// The line form of records.
#include "stress/base/wire.h"

#include <algorithm>
#include <charconv>

namespace sigsweep {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char ch) {
  const auto c = static_cast<unsigned char>(ch);
  return c > ' ' && c != '%' && c != '=' && c != 0x7f;
}

void append_escaped(std::string* out, std::string_view text) {
  if (std::ranges::all_of(text, is_plain)) {
    *out += text;
    return;
  }
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if (is_plain(ch)) {
      *out += ch;
    } else {
      *out += '%';
      *out += kHex[c >> 4];
      *out += kHex[c & 15];
    }
  }
}

std::string unescape(std::string_view text) {
  if (text.find('%') == text.npos) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    const std::size_t high =
        text[i] == '%' && i + 2 < text.size() ? kHex.find(text[i + 1]) : kHex.npos;
    if (high == kHex.npos) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high << 4 | (kHex.find(text[i + 2]) & 15));
    i += 2;
  }
  return out;
}

}  // namespace

bool Record::has(std::string_view key) const {
  for (const auto& [k, v] : fields_) {
    if (k == key) return true;
  }
  return false;
}

const std::string& Record::text(std::string_view key) const {
  static const std::string none;
  for (const auto& [k, v] : fields_) {
    if (k == key) return v;
  }
  return none;
}

std::uint64_t Record::number(std::string_view key) const {
  const std::string& t = text(key);
  std::uint64_t value = 0;
  std::from_chars(t.data(), t.data() + t.size(), value);
  return value;
}

std::vector<std::string> Record::list(std::string_view key) const {
  std::vector<std::string> parts;
  const std::string& t = text(key);
  for (std::size_t at = 0; at < t.size();) {
    const std::size_t comma = std::min(t.find(',', at), t.size());
    parts.push_back(t.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

std::string Record::encode() const {
  std::string line = word_;
  for (const auto& [key, value] : fields_) {
    line += ' ';
    line += key;
    line += '=';
    append_escaped(&line, value);
  }
  return line;
}

Record Record::decode(std::string_view line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  Record record{std::string(line.substr(0, end))};
  record.fields_.reserve(static_cast<std::size_t>(std::ranges::count(line, ' ')));
  for (std::size_t at = end + 1; at < line.size();) {
    const std::size_t stop = std::min(line.find(' ', at), line.size());
    const std::string_view field = line.substr(at, stop - at);
    const std::size_t equals = field.find('=');
    if (equals != field.npos) {
      record.fields_.emplace_back(std::string(field.substr(0, equals)),
                                  unescape(field.substr(equals + 1)));
    }
    at = stop + 1;
  }
  return record;
}

}  // namespace sigsweep
