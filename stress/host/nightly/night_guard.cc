// A child that reads from a pipe until nobody can write to it any more.
#include "stress/host/nightly/night_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "stress/host/child_process.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

// In a session of its own, with no file of the night: its lock must go with it.
[[noreturn]] void watch(int alive, const std::string& mark) noexcept {
  setsid();
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) signal(signal_number, SIG_IGN);
  dup2(alive, STDIN_FILENO);
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  const long last = sysconf(_SC_OPEN_MAX);
  if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0) {
    for (int fd = STDERR_FILENO + 1; fd < last; fd++) close(fd);
  }
  char byte;
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
  end_marked(mark);
  _exit(0);
}

}  // namespace

NightGuard::NightGuard(const std::string& night) {
  end_marked(set_first_mark(night));
  const std::string own = set_first_mark(std::to_string(getpid()));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == 0) {
    guard_ = fork();
    if (guard_ == 0) watch(ends[0], own);
    close(ends[0]);
    alive_ = ends[1];
  }
  if (guard_ > 0) return;
  throw Failure(kHarnessFailed, fmt::format("no process for the guard: {}", std::strerror(errno)));
}

NightGuard::~NightGuard() {
  close(alive_);
  while (waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sigsweep
