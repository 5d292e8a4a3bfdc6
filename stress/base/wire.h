// Records between host and runner: one line each, `word key=value ...`. Values may hold any bytes:
// a byte that would end a value is written %XX. Depends on the standard library only. Not
// async-signal-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigsweep {

class Record {
 public:
  Record() = default;
  explicit Record(std::string word) : word_(std::move(word)) {}

  Record& add(std::string_view key, std::string_view value) {
    fields_.emplace_back(std::string(key), std::string(value));
    return *this;
  }
  Record& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Record& add(std::string_view key, std::uint64_t value) { return add(key, std::to_string(value)); }

  const std::string& word() const { return word_; }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  bool has(std::string_view key) const;
  // The value, or empty / 0 if the key is missing or its value is no number.
  const std::string& text(std::string_view key) const;
  std::uint64_t number(std::string_view key) const;
  // A comma-separated value, split; empty for an empty value.
  std::vector<std::string> list(std::string_view key) const;

  std::string encode() const;  // without the newline
  static Record decode(std::string_view line);

 private:
  std::string word_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace sigsweep
