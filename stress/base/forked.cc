// fork, pipes, and waiting.
#include "stress/base/forked.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace sigsweep {
namespace {

// All bytes until the last writer is gone.
std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

void note_end(pid_t child, Forked* result) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) {
    result->output = "no child";
    return;
  }
  if (WIFEXITED(status)) result->exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result->signal = WTERMSIG(status);
}

// The child dies when its parent ends, in whatever way the parent ends.
void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCameBack);  // the parent has ended already
}

timer_t make_killer() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer;
  if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) != 0) _exit(3);
  return timer;
}

void set_killer(timer_t timer, unsigned ms) {
  itimerspec once{};
  once.it_value.tv_sec = ms / 1000;
  once.it_value.tv_nsec = static_cast<long>(ms % 1000) * 1000000L;
  if (timer_settime(timer, 0, &once, nullptr) != 0) _exit(3);
}

}  // namespace

Forked run_in_child(const std::function<void()>& work) {
  Forked result;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    result.output = "no pipe";
    return result;
  }
  std::fflush(nullptr);  // a child that calls exit() would write the buffers once more
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {
    die_with(parent);
    dup2(ends[1], STDERR_FILENO);
    work();
    _exit(kCameBack);
  }
  close(ends[1]);
  if (child > 0) result.output = read_all(ends[0]);
  close(ends[0]);
  note_end(child, &result);
  return result;
}

// ---- Worker

void Worker::serve(int requests, int answers) const {
  const timer_t killer = cpu_limit_ != 0 ? make_killer() : timer_t{};
  for (char byte = 0; read(requests, &byte, 1) == 1;) {
    if (cpu_limit_ != 0) set_killer(killer, cpu_limit_);
    work_();
    if (cpu_limit_ != 0) set_killer(killer, 0);
    if (write(answers, &byte, 1) != 1) break;
  }
  _exit(kCameBack);  // dismissed, or the parent is gone
}

bool Worker::hire() {
  int down[2], up[2], errors[2];
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
    return false;
  }
  hirer_ = getpid();
  std::fflush(nullptr);  // a child that calls exit() would write the buffers once more
  child_ = fork();
  if (child_ == 0) {
    die_with(hirer_);
    close(down[1]);
    close(up[0]);
    if (kept_) dup2(errors[1], STDERR_FILENO);
    close(errors[1]);
    serve(down[0], up[1]);
  }
  close(down[0]);
  close(up[1]);
  close(errors[1]);
  requests_ = down[1];
  answers_ = up[0];
  errors_ = errors[0];
  return child_ > 0;
}

namespace {

// Of the thread that works; others may look at the clock. Is it asleep, and how much processor time
// has it had?
struct Look {
  bool asleep = false;
  unsigned long ticks = 0;
};

Look look_at(pid_t pid) {
  Look look;
  const std::string id = std::to_string(pid);
  std::ifstream in("/proc/" + id + "/task/" + id + "/stat");
  std::string text;
  std::getline(in, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos) return look;
  char state = '?';
  unsigned long user = 0, system = 0;
  constexpr const char* kFields = " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
  if (std::sscanf(text.c_str() + name_end + 1, kFields, &state, &user, &system) != 3) return look;
  look.asleep = state == 'S' || state == 'D';
  look.ticks = user + system;
  return look;
}

}  // namespace

// A round takes far less than a tick. One that has slept through two of them waits for what will
// not come. A child that the machine gives no processor does not sleep, and is left alone.
bool Worker::answers_or_blocks() {
  constexpr int kTick = 500;  // ms
  Look before;
  for (;;) {
    pollfd answer = {answers_, POLLIN, 0};
    const int ready = poll(&answer, 1, kTick);
    if (ready > 0) return true;
    if (ready < 0) continue;  // a signal
    const Look now = look_at(child_);
    if (now.asleep && before.asleep && now.ticks == before.ticks) return false;
    before = now;
  }
}

// If the kernel refuses, a round only takes longer.
void Worker::bring_here() {
  const int here = sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE || here == processor_) return;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(here, &only);
  sched_setaffinity(child_, sizeof only, &only);
  processor_ = here;
}

Forked Worker::once() {
  Forked result;
  if (child_ < 0 && !hire()) {
    result.output = "no child";
    return result;
  }
  if (shares_processor_) bring_here();
  char byte = 0;
  const bool asked = write(requests_, &byte, 1) == 1;
  const bool blocked = asked && !answers_or_blocks();
  if (blocked) kill(child_, SIGKILL);
  if (asked && !blocked && read(answers_, &byte, 1) == 1) {
    result.exit_status = kCameBack;
    return result;
  }
  result = bury();
  result.blocked = blocked;
  return result;
}

Forked Worker::bury() {
  Forked result;
  close(requests_);
  result.output = read_all(errors_);
  close(answers_);
  close(errors_);
  note_end(child_, &result);
  child_ = processor_ = -1;
  return result;
}

// Kills the child, which waits for a request. It may never see the end of the pipe if another child
// has the pipe open, too.
void Worker::dismiss() {
  if (child_ <= 0) return;
  if (hirer_ == getpid()) {
    kill(child_, SIGKILL);
    bury();
  } else {  // a copy of the Worker, in a child of the hirer
    for (int fd : {requests_, answers_, errors_}) close(fd);
    child_ = -1;
  }
}

}  // namespace sigsweep
