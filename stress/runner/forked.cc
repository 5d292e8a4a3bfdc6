// fork, a pipe, and waiting.
#include "stress/runner/forked.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sigsweep {

Forked run_in_child(const std::function<void()>& work) {
  Forked result;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    result.output = "no pipe";
    return result;
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    work();
    _exit(kCameBack);
  }
  close(ends[1]);
  char buffer[4096];
  ssize_t n = 0;
  while (child > 0 && (n = read(ends[0], buffer, sizeof buffer)) > 0) {
    result.output.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    result.output = "no child";
    return result;
  }
  if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace sigsweep
