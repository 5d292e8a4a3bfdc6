// Writing to standard error from anywhere, signal handlers included: write(2) only, no allocation.
#pragma once

#include <unistd.h>

#include <cstdint>

namespace runtime {

// A line being put together on the stack; text that does not fit is cut off. Async-signal-safe.
class Line {
 public:
  Line& text(const char* s) {
    while (*s != '\0') put(*s++);
    return *this;
  }
  Line& hex(std::uint64_t n) {
    text("0x");
    return digits(n, 16);
  }
  Line& number(std::uint64_t n) { return digits(n, 10); }
  void flush() {
    for (unsigned done = 0; done < used_;) {
      const ssize_t n = write(STDERR_FILENO, buffer_ + done, used_ - done);
      if (n <= 0) break;  // there is nowhere to report it
      done += static_cast<unsigned>(n);
    }
    used_ = 0;
  }

 private:
  void put(char c) {
    if (used_ < sizeof buffer_) buffer_[used_++] = c;
  }
  Line& digits(std::uint64_t n, unsigned base) {
    char reversed[24];
    unsigned count = 0;
    do {
      reversed[count++] = "0123456789abcdef"[n % base];
      n /= base;
    } while (n != 0);
    while (count > 0) put(reversed[--count]);
    return *this;
  }

  char buffer_[256];
  unsigned used_ = 0;
};

}  // namespace runtime
