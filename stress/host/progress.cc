// The progress bar, and when there is colour.
#include "stress/host/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sigsweep {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBarEvery{100};
constexpr std::chrono::seconds kLineEvery{10};

// A terminal that takes escape codes.
bool takes_codes(int fd) {
  const char* term = std::getenv("TERM");
  return isatty(fd) != 0 && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

}  // namespace

ProgressBar::ProgressBar(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(takes_codes(STDERR_FILENO)),
      started_(steady_clock::now()),
      shown_(started_) {}

ProgressBar::~ProgressBar() {
  if (terminal_) std::fputs("\r\033[K", stderr);  // which throws nothing where nobody reads
}

void ProgressBar::step(std::uint64_t done, const std::string& note) {
  const auto now = steady_clock::now();
  if (done == 0 || now - shown_ < (terminal_ ? steady_clock::duration(kBarEvery) : kLineEvery))
    return;
  shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double left = elapsed / static_cast<double>(done) * static_cast<double>(total_ - done);
  const auto text = fmt::format("{} {}/{}{}{}, about {:.0f} s left", what_, done, total_,
                                note.empty() ? "" : " ", note, left);
  if (!terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  constexpr std::uint64_t kWidth = 24;
  const auto full = static_cast<std::size_t>(kWidth * done / total_);
  fmt::print(stderr, "\r\033[K[{}{}] {}", std::string(full, '#'), std::string(kWidth - full, '.'),
             text);
  std::fflush(stderr);
}

Colours colours(int fd) {
  const char* refused = std::getenv("NO_COLOR");
  if (!takes_codes(fd) || (refused != nullptr && *refused != '\0')) return {};
  return Colours{"\033[32m", "\033[31m", "\033[2m", "\033[0m"};
}

}  // namespace sigsweep
