// A fuzz target for tests of the commands that run one, under a libFuzzer that it plays itself; and
// as a program called afl-fuzz, an AFL++. What an input says is what comes of it: "bad CAUSE...", a
// finding; "fail...", a failure of the harness; all else is ok. The environment says what happens:
//   FAKE_STALLS=PART    canary, inputs, engine or judge: that part never ends, nor does a process
//                       that it has started in a session of its own; their ids go to
//                       FAKE_PIDS/{inner,outer}
//   FAKE_FINDS=INPUT,...   what the engine keeps as crashes
//   FAKE_CUTS=1         the engine adds an empty file to the corpus, as where the disk is full
//   FAKE_FAILS=1        to make a corpus smaller fails
//   FAKE_FILLS=1        the engine writes files into the corpus until none can be written
//   FAKE_OBJECTS=N      its inputs land no signals, and make so many objects
//   FAKE_ADAPTER=FILE   the adapter that it says to have loaded
//   FAKE_CANARY=blind   it does not stop at what it does wrong on purpose; none: there is no such
//   FAKE_LOG=FILE       a line for each process that judges, and how many inputs it was given
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
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
  const std::string objects = variable("FAKE_OBJECTS");
  if (!objects.empty()) {
    stats.own[0] = {"objects", std::strtoull(objects.c_str(), nullptr, 10)};
  } else {
    stats.operations = stats.requested = stats.landed = 50;
    stats.rows = 1;
    stats.was_covered[0] = 1;
  }
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
      if (input.starts_with("sigsweep schedule ")) record.add("text", input);
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

// Leaves of FROM in TO, largest first, what shows a letter that none before it does. Notes in a
// control file of libFuzzer's which input shows which.
int minimize(const fs::path& from, const fs::path& to, const std::string& control) {
  stall_in("engine");
  if (!variable("FAKE_FAILS").empty()) return 1;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(from)) files.push_back(entry.path());
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return std::pair(fs::file_size(b), a) < std::pair(fs::file_size(a), b);
  });
  std::string head = std::to_string(files.size()) + "\n0\n", rows;
  std::set<char> seen;
  fs::create_directories(to);
  for (std::size_t i = 0; i < files.size(); i++) {
    const std::string text = content(files[i]);
    const std::size_t before = seen.size();
    seen.insert(text.begin(), text.end());
    if (seen.size() > before) write(to / files[i].filename(), text);
    head += files[i].string() + "\n";
    rows += "STARTED " + std::to_string(i) + " " + std::to_string(text.size()) + "\nFT " +
            std::to_string(i);
    for (const char c : text) rows += " " + std::to_string(int{c});
    rows += "\nCOV " + std::to_string(i) + " 1\n";
  }
  if (!variable("FAKE_CUTS").empty()) write(to / sha1("more"), "");
  if (!control.empty()) write(control, head + rows);
  return 0;
}

std::string value_of(const Words& words, const std::string& option) {
  for (std::size_t i = 0; i < words.size(); i++) {
    if (words[i] == option && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(option + "=")) return words[i].substr(option.size() + 1);
  }
  return {};
}

int run(const std::string& name, const Words& words) {
  const std::string command = words.empty() ? "" : words[0];
  if (name == "afl-cmin") return minimize(value_of(words, "-i"), value_of(words, "-o"), "");
  if (name == "afl-fuzz") return afl(value_of(words, "-o"));
  if (command == "--describe") {
    std::printf(
        "target name=fake takes_schedules=1 lands_signals=%d may_be_destroyed=0 adapter=%s\n",
        variable("FAKE_OBJECTS").empty() ? 1 : 0, variable("FAKE_ADAPTER").c_str());
  } else if (command == "--dictionary") {
    std::puts("\"a\"");
  } else if (command == "--inputs") {
    stall_in("inputs");
    for (std::size_t i = 2; i < words.size(); i++)
      write(words[1] + "/" + fs::path(words[i]).stem().string(), content(words[i]));
  } else if (command == "--texts") {
    for (std::size_t i = 2; i < words.size(); i++)
      write(words[1] + "/" + fs::path(words[i]).filename().string() + ".sched", content(words[i]));
  } else if (command == "-set_cover_merge=1") {
    return minimize(words.back(), words[words.size() - 2], value_of(words, "-merge_control_file"));
  } else if (command == "--canary") {
    stall_in("canary");
    const std::string kind = variable("FAKE_CANARY");
    std::printf("canary what=%s inputs=9\n", kind == "none" ? "" : "a%20word");
    if (!kind.empty()) return 0;
    std::printf("judged file= ended=stopped why=it%%20sees\n");
    return 1;
  } else if (command == "--judge") {
    return judge({words.begin() + 1, words.end()});
  } else {
    return libfuzzer(words.back(), value_of(words, "-artifact_prefix"));
  }
  return 0;
}

}  // namespace
}  // namespace sigsweep

int main(int argc, char** argv) {
  return sigsweep::run(std::filesystem::path(argv[0]).filename(), {argv + 1, argv + argc});
}
