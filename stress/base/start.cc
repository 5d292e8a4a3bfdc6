// Standard streams and the limit of the stack.
#include "stress/base/start.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sigsweep {
namespace {

constexpr rlim_t kLeastStack = 256 << 10;  // bytes; the harness uses about a third

}  // namespace

std::string check_start() {
  bool silent = false;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    silent = silent || fd == STDOUT_FILENO;
    if (open("/dev/null", O_RDWR) != fd) return "/dev/null cannot be opened for a closed stream";
  }
  if (silent) return "standard output is closed: there is no place for the result";
  rlimit stack{};
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < kLeastStack) {
    return "the stack is limited to " + std::to_string(stack.rlim_cur >> 10) + " KiB; at least " +
           std::to_string(kLeastStack >> 10) + " are needed (ulimit -s)";
  }
  return {};
}

}  // namespace sigsweep
