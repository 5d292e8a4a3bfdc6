// The runner for adapters: runner-ISA-adapter --adapter FILE [--check | what a runner takes].
//
// status   2 the adapter is wrong; 3 the library failed; each with one line on standard error. Else
//          a runner's (stress/runner/main.cc)
// --check  sends what is known of the library (check.h), even if it cannot be swept, and ends
#include "stress/runner/main.h"

#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "stress/base/start.h"
#include "stress/runner/command.h"
#include "stress/subjects/adapter/adapter.h"
#include "stress/subjects/adapter/check.h"
#include "stress/subjects/adapter/guard.h"

namespace sigsweep::adapter {
namespace {

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "adapter: %s\n", what.c_str());
  return status;
}

// Async-signal-safe: the library may hold a lock of stdio or of malloc where it dies.
void write_parts(std::initializer_list<const char*> parts) {
  iovec pieces[6];
  int count = 0;
  for (const char* part : parts) {
    pieces[count++] = {const_cast<char*>(part), std::strlen(part)};  // writev() only reads it
  }
  if (writev(STDERR_FILENO, pieces, count) < 0) _exit(3);  // nobody hears it
}

// Async-signal-safe.
[[noreturn]] void complain_of(const Death& death, const char* when) {
  if (death.signal == 0) {
    write_parts({"adapter: the process ended itself while ", when, "\n"});
  } else {
    write_parts({"adapter: it died of ", sigdescr_np(death.signal), " while ", when, "\n"});
  }
  _exit(3);
}

void loading_failed(const Death& death) {
  complain_of(death, "the file was loaded");
}

void starting_failed(const Death& death) {
  complain_of(death, "begin() and create() ran");
}

void remark(const std::string& what) {
  complain(what, 0);
}

bool has_alternate_stack() {
  stack_t alternate{};
  return sigaltstack(nullptr, &alternate) == 0 && (alternate.ss_flags & SS_DISABLE) == 0;
}
// A sanitizer sets one before main().
const bool had_alternate_stack = has_alternate_stack();

// What the library has done to the process, and what becomes of it. REQUIRES: the guard is up.
void remark_on_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  if (const auto threads = std::distance(begin(tasks), end(tasks)) - 1; threads > 0) {
    remark("the library has started " + std::to_string(threads) + " thread" +
           (threads > 1 ? "s" : "") +
           "; trials run in copies of the process, which have none of them");
  }
  if (const std::string signals = displaced(); !signals.empty()) {
    remark("the library has set a handler for " + signals + "; sigsweep's own takes its place");
  }
  if (has_alternate_stack() && !had_alternate_stack) {
    remark("the library has set an alternate signal stack; sigsweep's own takes its place");
  }
}

// Without the library's destructors: its coroutines are unfinished, and one may wait for them.
[[noreturn]] void leave(int status) {
  std::fflush(nullptr);
  _exit(status);
}

int usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s --adapter FILE [--check | --walk FILE [--account] | --progress-fd N]\n",
               program);
  return 2;
}

// The arguments without --adapter FILE.
std::vector<char*> others(int argc, char** argv) {
  std::vector<char*> left(argv, argv + argc);
  left.erase(left.begin() + 1, left.begin() + 3);
  left.push_back(nullptr);
  return left;
}

}  // namespace
}  // namespace sigsweep::adapter

int main(int argc, char** argv) {
  using namespace sigsweep::adapter;
  if (argc < 3 || std::strcmp(argv[1], "--adapter") != 0) return usage(argv[0]);
  if (const std::string why = sigsweep::check_start(); !why.empty()) return complain(why, 3);
  if (const std::string why = sigsweep::set_wire_apart(); !why.empty()) return complain(why, 3);
  Library library;
  guard(loading_failed);
  const std::string wrong = load(argv[2], &library);
  sigsweep::reopen_streams();
  if (!wrong.empty()) {
    guard(nullptr);
    return complain(wrong, 2);
  }
  guard(starting_failed);
  static Adapter subject(std::move(library));
  subject.start();
  sigsweep::reopen_streams();
  remark_on_process();
  guard(nullptr);
  std::vector<char*> left = others(argc, argv);
  if (argc == 4 && std::strcmp(argv[3], "--check") == 0) leave(send_check(subject));
  if (!subject.found_code().problem.empty()) return complain(subject.found_code().problem, 2);
  if (!subject.steps().problem.empty()) {
    return complain(subject.steps().problem, subject.steps().status);
  }
  if (const std::string& symbol = subject.found_code().switch_left_out; !symbol.empty()) {
    std::fprintf(stderr,
                 "adapter: the switch itself is not swept: %s belongs to the C library, and `code` "
                 "does not name it\n",
                 symbol.c_str());
  }
  leave(runner_main(static_cast<int>(left.size()) - 1, left.data(), subject, nullptr));
}
