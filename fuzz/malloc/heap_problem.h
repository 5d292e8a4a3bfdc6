// What is wrong with the heap: the first problem found.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace sigsweep::fuzz::heap {

// Plain data: making one is async-signal-safe and allocates nothing. Only text() may not be called
// for a signal.
class Problem {
 public:
  Problem() = default;  // none
  // Both must outlive it: a throw's message, as it is; or a format, whose numbers are size_t, by
  // %zu.
  constexpr Problem(const char* what) : format_(what) {}
  template <class... Numbers>
  constexpr Problem(const char* format, std::size_t number, Numbers... numbers)
      : format_(format), number_{number, std::size_t{numbers}...}, formatted_(true) {}

  explicit operator bool() const { return format_ != nullptr; }
  std::string text() const {
    if (!formatted_) return format_;
    char text[256];
    std::snprintf(text, sizeof text, format_, number_[0], number_[1], number_[2], number_[3]);
    return text;
  }

 private:
  const char* format_ = nullptr;
  std::size_t number_[4] = {};
  bool formatted_ = false;
};

}  // namespace sigsweep::fuzz::heap
