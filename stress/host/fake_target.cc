// A fuzz target for tests of the commands that run one, under a libFuzzer that it plays itself; and
// as a program called afl-fuzz, an AFL++. What an input says is what comes of it: "bad CAUSE...", a
// finding; "fail...", a failure of the harness; all else is ok. The environment says what happens:
//   FAKE_STALLS=PART    inputs, engine or judge: that part never ends, nor does a process that it
//                       has started in a session of its own; their ids go to FAKE_PIDS/{inner,outer}
//   FAKE_FINDS=INPUT,...   what the engine keeps as crashes
//   FAKE_CUTS=1         the engine adds an empty file to the corpus, as where the disk is full
//   FAKE_FILLS=1        the engine writes files into the corpus until none can be written
//   FAKE_LOG=FILE       a line for each process that judges, and how many inputs it was given
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "stress/base/fuzz_counters.h"
#include "stress/base/sha1.h"
#include "stress/base/wire.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool write(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  return static_cast<bool>(out.flush());
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void stall_in(const std::string& part) {
  if (variable("FAKE_STALLS") != part) return;
  const fs::path pids = variable("FAKE_PIDS");
  const bool inner = fork() == 0;
  if (inner) setsid();
  for (const int number : {SIGINT, SIGTERM}) signal(number, SIG_IGN);
  const fs::path file = pids / (inner ? "inner" : "outer");
  write(file.string() + ".new", std::to_string(getpid()));
  fs::rename(file.string() + ".new", file);
  for (;;) pause();
}

Words finds() {
  Words inputs;
  std::istringstream list(variable("FAKE_FINDS"));
  for (std::string input; std::getline(list, input, ',');) inputs.push_back(input);
  return inputs;
}

void count() {
  static fuzz::Stats stats;
  stats.execs = 100;
  stats.operations = stats.requested = stats.landed = 50;
  stats.rows = 1;
  stats.was_covered[0] = 1;
  write(variable("SIGSWEEP_STATS") + "/" + std::to_string(getpid()),
        std::string(reinterpret_cast<const char*>(&stats), sizeof stats));
}

int judge(const Words& files) {
  std::ofstream(variable("FAKE_LOG"), std::ios::app) << files.size() << "\n";
  for (const std::string& file : files) {
    const std::string input = content(file);
    Record record("judged");
    record.add("file", file);
    if (input.starts_with("bad") || input.starts_with("fail")) {
      record.add("ended", input.starts_with("bad") ? "stopped" : "failed")
          .add("why", "it says " + input)
          .add("cause", input.substr(0, input.find('#')))
          .add("text", "text of " + input + "\n");
    } else {
      record.add("ended", "ok");
    }
    std::printf("%s\n", record.encode().c_str());
    std::fflush(stdout);
    stall_in("judge");
  }
  return 0;
}

int libfuzzer(const fs::path& corpus, const std::string& prefix) {
  count();
  write(corpus / sha1("new"), "new");
  if (!variable("FAKE_CUTS").empty()) write(corpus / sha1("more"), "");
  for (int i = 0; !variable("FAKE_FILLS").empty() && i < 100000; i++) {
    const std::string input(4096, static_cast<char>('a' + i % 26));
    if (!write(corpus / sha1(input + std::to_string(i)), input + std::to_string(i))) break;
  }
  for (const std::string& input : finds()) write(prefix + "crash-" + sha1(input), input);
  stall_in("engine");
  return finds().empty() ? 0 : 77;
}

int afl(const fs::path& out) {
  count();
  for (const char* folder : {"queue", "crashes"}) fs::create_directories(out / "main" / folder);
  write(out / "main/queue/id:000000,time:0,orig:seed", "seed");
  write(out / "main/queue/id:000001,src:000000", "new");
  int number = 0;
  for (const std::string& input : finds())
    write(out / "main/crashes" / ("id:00000" + std::to_string(number++) + ",sig:06"), input);
  stall_in("engine");
  return 0;
}

int run(const std::string& name, const Words& words) {
  const std::string command = words.empty() ? "" : words[0];
  if (name == "afl-fuzz") {
    for (std::size_t i = 0; i + 1 < words.size(); i++) {
      if (words[i] == "-o") return afl(words[i + 1]);
    }
  }
  if (command == "--describe") {
    std::puts("target name=fake takes_schedules=1 lands_signals=1 may_be_destroyed=0");
  } else if (command == "--dictionary") {
    std::puts("\"a\"");
  } else if (command == "--inputs") {
    stall_in("inputs");
    for (std::size_t i = 2; i < words.size(); i++)
      write(words[1] + "/" + fs::path(words[i]).stem().string(), content(words[i]));
  } else if (command == "--judge") {
    return judge({words.begin() + 1, words.end()});
  } else {
    std::string prefix;
    for (const std::string& word : words) {
      if (word.starts_with("-artifact_prefix=")) prefix = word.substr(word.find('=') + 1);
    }
    return libfuzzer(words.back(), prefix);
  }
  return 0;
}

}  // namespace
}  // namespace sigsweep

int main(int argc, char** argv) {
  return sigsweep::run(std::filesystem::path(argv[0]).filename(), {argv + 1, argv + argc});
}
