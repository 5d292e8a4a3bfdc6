// fork, exec, and an end for everybody.
#include "stress/host/commands/service_child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

constexpr int kTick = 20;  // ms between looks at the child and at stop_requested

std::string error_of(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

// What a child writes to its parent, in front of the reason, when the program does not run.
constexpr char kUnprepared = 'p', kNotStarted = 's';

std::string not_prepared(const std::string& why) {
  return kUnprepared + why;
}

// In the child: why the program does not run.
std::string become(const ChildStart& start) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_DFL);  // the command ignores it, and that would be inherited
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output =
      open(start.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (nothing < 0) return not_prepared(error_of("/dev/null"));
  if (output < 0) return not_prepared(error_of(start.output));
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  for (const auto& [name, value] : start.environment) setenv(name.c_str(), value.c_str(), 1);
  if (start.prepare) {
    if (const std::string why = start.prepare(); !why.empty()) return not_prepared(why);
  }
  std::vector<char*> arguments;
  for (const std::string& a : start.arguments) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return kNotStarted + error_of(start.arguments[0]);
}

// All that comes until the other end is closed: by exec, where nothing went wrong.
std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

// This process's children, as /proc tells.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::ifstream in(entry.path() / "stat");
    std::string text;
    std::getline(in, text);
    const std::size_t name_ends = text.rfind(')');
    if (name_ends == text.npos) continue;
    std::istringstream fields(text.substr(name_ends + 1));
    std::string state;
    pid_t parent = 0;
    if (fields >> state >> parent && parent == getpid()) found.push_back(pid);
  }
  return found;
}

}  // namespace

ServiceChild::ServiceChild(const ChildStart& start)
    : deadline_(std::chrono::steady_clock::now() + start.limit) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    failed_ = {ChildEnd::unprepared, 0, error_of("no pipe")};
    return;
  }
  pid_ = fork();
  if (pid_ == 0) {
    const std::string why = become(start);
    [[maybe_unused]] const ssize_t n = write(report[1], why.data(), why.size());
    _exit(127);
  }
  if (pid_ < 0) failed_ = {ChildEnd::unprepared, 0, error_of("cannot fork")};
  close(report[1]);
  if (pid_ > 0) {
    setpgid(pid_, pid_);  // the child does so, too: one of them is the first
    if (const std::string why = read_all(report[0]); !why.empty()) {
      failed_ = {why[0] == kUnprepared ? ChildEnd::unprepared : ChildEnd::not_started, 0,
                 why.substr(1)};
    }
  }
  close(report[0]);
}

ServiceChild::~ServiceChild() {
  end_all();
}

// Its group; and then who has left the group, as afl-fuzz's fork server does. Such a process is a
// child of this one as soon as its parent is dead.
void ServiceChild::end_all() {
  if (pid_ < 0) return;
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  for (auto left = children(); !left.empty(); left = children()) {
    for (const pid_t pid : left) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
}

ChildEnd ServiceChild::wait() {
  if (!failed_.why.empty()) {
    end_all();
    if (stop_requested) throw Failure(kStopped, "stopped");
    return failed_;
  }
  for (;;) {
    siginfo_t info{};
    // It stays a zombie, so its number is nobody else's when the group is killed.
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    const bool ended = info.si_pid != 0;
    const bool late = std::chrono::steady_clock::now() >= deadline_;
    if (ended || late || stop_requested) end_all();
    if (stop_requested) throw Failure(kStopped, "stopped");
    if (ended) {
      return {
          info.si_code == CLD_EXITED ? ChildEnd::exited : ChildEnd::signalled, info.si_status, {}};
    }
    if (late) return {ChildEnd::timed_out, 0, {}};
    poll(nullptr, 0, kTick);
  }
}

ChildEnd run_child(const ChildStart& start) {
  return ServiceChild(start).wait();
}

}  // namespace sigsweep
