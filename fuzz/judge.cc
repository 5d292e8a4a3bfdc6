// One process that has prepared, and a fork of it for each input.
#include "fuzz/judge.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "fuzz/engine.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"
#include "stress/base/wire.h"

namespace sigsweep::fuzz {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLongest = std::chrono::seconds(60);  // of an input

void print(const Record& record) {
  std::printf("%s\n", record.encode().c_str());
  std::fflush(stdout);
}

// Everything up to the end; false: not within the time.
bool read_all(int fd, std::string* text) {
  const auto end = Clock::now() + kLongest;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd from{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&from, 1, static_cast<int>(left.count())) == 0) return false;
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    text->append(buffer, static_cast<std::size_t>(n));
  }
}

// In a child: does not come back.
[[noreturn]] void run_here(const std::vector<std::uint8_t>& input, const std::string& path,
                           void (*start)(), int report) {
  report_stops(report, path);
  start();
  stats().execs = 1;
  target().run(input);
  const std::string line =
      Record("judged").add("file", path).add("ended", "ok").add("text", "").encode() + "\n";
  if (write(report, line.data(), line.size()) < 0) _exit(3);
  _exit(0);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return "the process died of signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  }
  return "the process ended with status " + std::to_string(WEXITSTATUS(status)) +
         ", as after a sanitizer's report";
}

// Of what the child has not said itself.
Record of_a_death(const std::string& path, const std::string& text, bool late, int status) {
  const std::string why = late ? "the process had not ended after a minute" : how_it_ended(status);
  std::string whole = text;
  if (target().takes_schedules()) {
    whole += std::string("expect    ") + (late ? "hang" : "crash") + "\norigin    " +
             target().name() + ": " + why + "\n";
  }
  return Record("judged")
      .add("file", path)
      .add("ended", late ? "late" : "died")
      .add("why", why)
      .add("cause", why)
      .add("text", whole);
}

// The child's record, with the whole input's text where it gives none.
Record completed(const Record& said, const std::string& text) {
  Record whole(said.word());
  for (const auto& [key, value] : said.fields())
    whole.add(key, key == "text" && value.empty() ? text : value);
  return whole;
}

Record judged(const std::string& path, const std::vector<std::uint8_t>& input, void (*start)()) {
  const std::string text = target().text_of(input);
  int report[2];
  if (pipe(report) != 0)
    fail_harness("harness failure: no pipe: " + std::string(std::strerror(errno)));
  const pid_t child = fork();
  if (child < 0) fail_harness("harness failure: no fork: " + std::string(std::strerror(errno)));
  if (child == 0) run_here(input, path, start, report[1]);
  close(report[1]);
  std::string said;
  const bool late = !read_all(report[0], &said);
  close(report[0]);
  if (late) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (said.empty()) return of_a_death(path, text, late, status);
  return completed(Record::decode(said.substr(0, said.find('\n'))), text);
}

bool is_text(const std::string& path) {
  return path.ends_with(".sched") || path.ends_with(".txt");
}

}  // namespace

int describe() {
  print(Record("target")
            .add("name", target().name())
            .add("takes_schedules", unsigned{target().takes_schedules()})
            .add("lands_signals", unsigned{target().lands_signals()})
            .add("may_be_destroyed", unsigned{target().may_be_destroyed()})
            .add("adapter", target().adapter_file()));
  return 0;
}

void say_canary(const std::string& what, long inputs) {
  print(Record("canary").add("what", what).add("inputs", static_cast<std::uint64_t>(inputs)));
}

int judge(std::span<char*> files, void (*start)()) {
  for (const std::string path : files) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
    std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    std::string why = in.is_open() ? "" : path + ": cannot be read";
    if (why.empty() && is_text(path)) {
      const std::string text(bytes.begin(), bytes.end());
      input.clear();
      if (target().input_of(text, path, &input, &why)) why.clear();
    }
    if (!why.empty()) {
      print(Record("judged").add("file", path).add("ended", "refused").add("why", why));
    } else {
      print(judged(path, input, start));
    }
  }
  return 0;
}

}  // namespace sigsweep::fuzz
