// Each program has a process group of its own, so that a terminal's Ctrl-C reaches the command
// alone. A group can be left: AFL++ puts its fork server into a session of its own. So each also
// has a mark in its environment, which all that it starts inherits, and who has the mark is ended.
// A subreaper (prctl) finds who has left, too, but cannot tell whose they are: the command runs
// several programs at once, beside runners. So the mark is the only way.
#include "stress/host/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(50);
constexpr auto kEndsWithin = std::chrono::milliseconds(800);  // what is killed
constexpr const char* kMark = "SIGSWEEP_STARTED_BY";

// A file descriptor that is closed at the end.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string error_of(const std::string& what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

int opened(const std::string& path, const std::string& folder) {
  const std::string name = path.empty() ? "/dev/null" : path;
  const std::string whole = folder.empty() ? name : (std::filesystem::path(folder) / name).string();
  const int fd = open(whole.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0) return fd;
  throw Failure(kHarnessFailed, error_of(fmt::format("{}: cannot be written", whole)));
}

// NAME=VALUE of all that the program is to have.
std::vector<std::string> environment_of(const Program& program, const std::string& mark) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; at++) {
    const std::string entry(*at), name = entry.substr(0, entry.find('='));
    const bool gone = name == kMark || program.environment.contains(name) ||
                      std::ranges::find(program.without, name) != program.without.end();
    if (!gone) all.push_back(entry);
  }
  for (const auto& [name, value] : program.environment)
    all.push_back(fmt::format("{}={}", name, value));
  all.push_back(mark);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool has_mark(const std::filesystem::path& process, const std::string& mark) {
  std::ifstream in(process / "environ", std::ios::binary);
  for (std::string entry; std::getline(in, entry, '\0');) {
    if (entry == mark || entry.starts_with(mark + "/")) return true;
  }
  return false;
}

// All but the group's leader, which is still to be waited for. Zombies have no environment.
std::vector<pid_t> marked(const std::string& mark) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    if (has_mark(entry.path(), mark)) found.push_back(std::stoi(name));
  }
  return found;
}

// What a child writes to the command, in front of the reason, where the program does not run.
constexpr char kUnprepared = 'p', kNotStarted = 's';

// In the child, which shares nothing with the command but what it inherits: becomes the program, or
// says why not. What is thrown must not go on in the command's own code: it ends the child.
std::string become(const Program& program, const std::string& mark, int output,
                   int error) noexcept {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal_number : {SIGINT, SIGTERM, SIGPIPE}) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(error, STDERR_FILENO) < 0)
    return kUnprepared + error_of("its standard streams");
  if (!program.folder.empty() && chdir(program.folder.c_str()) != 0)
    return kUnprepared + error_of(program.folder);
  if (program.prepare) {
    if (const std::string why = program.prepare(); !why.empty()) return kUnprepared + why;
  }
  std::vector<std::string> words = program.words, environment = environment_of(program, mark);
  const std::vector<char*> arguments = pointers_to(words);
  std::vector<char*> variables = pointers_to(environment);
  environ = variables.data();  // so that the program is found by its own PATH
  execvp(arguments[0], arguments.data());
  return kNotStarted + error_of(fmt::format("{}: cannot be started", program.words[0]));
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

}  // namespace

Child::Child(const Program& program) {
  mark_ = new_mark();
  const File output(opened(program.output, program.folder));
  const bool together = !program.output.empty() && program.output == program.error;
  const File error(together ? dup(output.fd()) : opened(program.error, program.folder));
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) throw Failure(kHarnessFailed, error_of("no pipe"));
  const File from(report[0]);
  {
    const File to(report[1]);
    pid_ = fork();
    if (pid_ == 0) {
      const std::string why = become(program, mark_, output.fd(), error.fd());
      [[maybe_unused]] const ssize_t n = write(to.fd(), why.data(), why.size());
      _exit(127);
    }
  }
  if (pid_ < 0) throw Failure(kHarnessFailed, error_of("no process"));
  setpgid(pid_, pid_);  // whoever of the two comes first
  const std::string why = read_all(from.fd());
  if (why.empty()) return;
  end();
  if (why[0] == kUnprepared) throw Failure(kHarnessFailed, why.substr(1));
  throw NotStarted(why.substr(1));
}

std::optional<Ended> Child::look() {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return std::nullopt;
  }
  end();  // what it has left behind
  return Ended{info.si_code == CLD_EXITED ? Ended::exited : Ended::died, info.si_status};
}

void Child::ask_to_end() const {
  if (pid_ > 0) kill(-pid_, SIGTERM);
}

void Child::end() {
  if (pid_ < 0) return;
  kill(-pid_, SIGKILL);
  end_marked(mark_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::string new_mark() {
  static unsigned serial = 0;
  const char* own = std::getenv(kMark);
  return fmt::format("{}={}{}{}-{}", kMark, own == nullptr ? "" : own, own == nullptr ? "" : "/",
                     getpid(), ++serial);
}

// What the environment says later is not in /proc: the command itself has no mark by it.
std::string set_first_mark(const std::string& value) {
  const char* own = std::getenv(kMark);
  const std::string whole = own == nullptr ? value : std::string(own) + "/" + value;
  setenv(kMark, whole.c_str(), 1);
  return fmt::format("{}={}", kMark, whole);
}

void end_marked(const std::string& mark) {
  const auto limit = Clock::now() + kEndsWithin;
  for (auto left = marked(mark); !left.empty() && Clock::now() < limit; left = marked(mark)) {
    for (const pid_t pid : left) kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string Ended::how() const {
  switch (kind) {
    case exited:
      return fmt::format("ended with status {}", status);
    case died:
      return fmt::format("died of signal {} ({})", status, strsignal(status));
    case late:
      return "had not ended in its time";
    case stopped:
      break;
  }
  return "was stopped";
}

std::vector<Ended> run_programs(const std::vector<Program>& programs,
                                std::chrono::milliseconds limit,
                                const std::function<bool()>& goes_on) {
  const auto end = Clock::now() + limit;
  std::vector<std::unique_ptr<Child>> running;
  running.reserve(programs.size());
  for (const Program& program : programs) running.push_back(std::make_unique<Child>(program));
  std::vector<Ended> ended(programs.size(), Ended{Ended::late});
  const auto look_at_all = [&] {
    std::size_t left = 0;
    for (std::size_t i = 0; i < running.size(); i++) {
      if (running[i] == nullptr) continue;
      if (const auto how = running[i]->look()) {
        ended[i] = *how;
        running[i].reset();
      } else {
        left++;
      }
    }
    return left;
  };
  while (look_at_all() > 0) {
    const bool wanted = !goes_on || goes_on();
    if (stop_requested || !wanted || Clock::now() >= end) break;
    std::this_thread::sleep_for(kLook);
  }
  for (std::size_t i = 0; i < running.size(); i++) {
    if (running[i] != nullptr && stop_requested) ended[i] = Ended{Ended::stopped};
  }
  return ended;  // what still runs is ended
}

Ended run_program(const Program& program, std::chrono::milliseconds limit) {
  return run_programs({program}, limit).front();
}

bool is_on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access(fmt::format("{}/{}", folder, name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace sigsweep
