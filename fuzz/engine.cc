// The two steps of taking over an engine's process. Nothing here runs in a signal handler.
#include "fuzz/engine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fuzz/counters.h"
#include "stress/base/wire.h"
#include "stress/engine/engine.h"

namespace sigsweep::fuzz {
namespace {

volatile std::uint64_t serial;  // of the trial that runs
pid_t taken_over;               // the process
bool has_engine = true;
int report_fd = -1;
std::string reported_file;

sigset_t harness_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (std::string_view name : kSignals) sigaddset(&set, *signal_number(name));
  return set;
}

[[noreturn]] void refuse(const char* variable, std::string_view given,
                         std::span<const std::string_view> names) {
  std::string text = std::string(variable) + ": '" + std::string(given) + "' is unknown; allowed: ";
  for (std::string_view name : names) text.append(name == names.front() ? "" : ", ").append(name);
  std::fprintf(stderr, "%s\n", text.c_str());
  _exit(2);
}

[[noreturn]] void end(const Stop& what, int status) {
  std::fprintf(stderr, "%s\n", what.said.c_str());
  if (report_fd >= 0) {
    const std::string line = Record("judged")
                                 .add("file", reported_file)
                                 .add("ended", status == 1 ? "stopped" : "failed")
                                 .add("why", what.why)
                                 .add("cause", what.cause)
                                 .add("text", what.text)
                                 .encode() +
                             "\n";
    std::size_t done = 0;
    for (ssize_t n = 1; n > 0 && done < line.size(); done += static_cast<std::size_t>(n))
      n = std::max<ssize_t>(write(report_fd, line.data() + done, line.size() - done), 0);
  }
  if (has_engine) std::abort();
  _exit(status);
}

// Does each other thread of this process sleep?
bool others_sleep() {
  const std::string own = std::to_string(syscall(SYS_gettid));
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    if (thread.path().filename() == own) continue;
    std::ifstream in(thread.path() / "stat");
    std::string stat;
    if (!std::getline(in, stat)) continue;  // it has ended
    const std::size_t name_end = stat.rfind(") ");
    if (name_end != stat.npos && stat[name_end + 2] != 'S') return false;
  }
  return true;
}

// A copy of the process has the locks that other threads held when it was made, for ever. A thread
// that has just been started, by the engine or the watchdog, holds those of a sanitizer's allocator.
// Later they only sleep and look.
void let_threads_start() {
  if (!subject().is_fragile()) return;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!others_sleep()) {
    if (std::chrono::steady_clock::now() > end) {
      std::fprintf(stderr, "another thread of this process never sleeps: a trial may hang\n");
      return;
    }
    sched_yield();
  }
}

Stop only_said(const std::string& text) {
  return {text, text.substr(0, text.find('\n')), {}, {}};
}

// libFuzzer reads no options behind it.
bool ends_options(std::string_view argument) {
  constexpr std::string_view kName = "-ignore_remaining_args=";
  return argument.starts_with(kName) && std::atoi(argument.substr(kName.size()).data()) != 0;
}

}  // namespace

Engine& trial_engine() {
  // Never torn down: a signal that comes when it likes may come while the process ends.
  static Engine* const engine = new Engine(subject());
  return *engine;
}

void open_standard_streams() {
  constexpr int kWrongWay[] = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int fd = 0; fd < 3; fd++) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", kWrongWay[fd]);  // the lowest number: this one
  }
}

bool drop_separator(int* argc, char** argv) {
  if (*argc < 2 || std::string_view(argv[1]) != "--") return false;
  std::copy(argv + 2, argv + *argc + 1, argv + 1);  // with the null at the end
  --*argc;
  return true;
}

void add_options(int* argc, char*** argv, std::span<const char* const> defaults,
                 std::span<const char* const> always) {
  static std::vector<char*> all;
  all.assign(*argv, *argv + *argc);
  const auto end = std::find_if(all.begin(), all.end(), ends_options);
  std::vector<char*> added;
  for (const char* option : defaults) {
    const std::string_view name(option, std::string_view(option).find('=') + 1);
    const auto given = [&](const char* arg) { return std::string_view(arg).starts_with(name); };
    if (std::none_of(all.begin(), end, given)) added.push_back(const_cast<char*>(option));
  }
  for (const char* option : always) added.push_back(const_cast<char*>(option));
  all.insert(end, added.begin(), added.end());
  *argc = static_cast<int>(all.size());
  all.push_back(nullptr);
  *argv = all.data();
}

void block_signals() {
  const sigset_t ours = harness_signals();
  pthread_sigmask(SIG_BLOCK, &ours, nullptr);
}

void take_over() {
  const sigset_t ours = harness_signals();
  pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);  // the engine takes this mask as the normal one
  const std::string problem = trial_engine().attach(&serial);
  if (!problem.empty()) fail_harness("harness failure: cannot take over the process: " + problem);
  restore_counters();  // the first call keeps them
  taken_over = getpid();
  let_threads_start();
}

void resume() {
  if (getpid() == taken_over) return;
  const std::string problem = trial_engine().resume();
  if (!problem.empty())
    fail_harness("harness failure: cannot take over a forked process: " + problem);
  let_threads_start();
}

bool wants_async() {
  const char* value = std::getenv("ASYNC");
  const std::string_view given = value == nullptr ? "0" : value;
  constexpr std::string_view kAllowed[] = {"0", "1"};
  if (given != "0" && given != "1") refuse("ASYNC", given, kAllowed);
  return given == "1";
}

// A POSIX timer: the interval timer is libFuzzer's, AFL++'s, or an exact injection's.
std::string start_async() {
  constexpr long kPeriod = 53'000;  // ns; shorter ones leave the program no time between two
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = stray_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer{};
  const itimerspec period{{0, kPeriod}, {0, kPeriod}};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
      timer_settime(timer, 0, &period, nullptr) != 0) {
    return "a timer: " + std::string(std::strerror(errno));
  }
  return {};
}

std::vector<unsigned> chosen(const char* variable, std::span<const std::string_view> names,
                             std::span<const std::string_view> otherwise) {
  std::vector<unsigned> indices;
  const auto add = [&](std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) refuse(variable, name, names);
    indices.push_back(static_cast<unsigned>(found - names.begin()));
  };
  const char* value = std::getenv(variable);
  if (value == nullptr) {
    for (std::string_view name : otherwise) add(name);
    return indices;
  }
  const std::string_view list(value);
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    add(list.substr(at, end - at));
    at = end + 1;
  }
  return indices;
}

std::string finding_text(std::string_view target, const std::string& why,
                         const Schedule& schedule) {
  return std::string(target) + ": " + why + "\n---- schedule ----\n" + print_schedule(schedule) +
         "---- end of schedule ----\n" + std::string(target) +
         ": to replay it, keep the lines between the marks in FILE: sigsweep replay " +
         (schedule.adapter ? "--adapter ADAPTER.so FILE" : "FILE");
}

void run_without_engine() {
  has_engine = false;
}

void stop(const Stop& what) {
  end(what, 1);
}

void stop(const std::string& said) {
  end(only_said(said), 1);
}

void fail_harness(const Stop& what) {
  end(what, 3);
}

void fail_harness(const std::string& said) {
  end(only_said(said), 3);
}

void report_stops(int fd, const std::string& file) {
  report_fd = fd;
  reported_file = file;
}

}  // namespace sigsweep::fuzz
