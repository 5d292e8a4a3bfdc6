// The entry points of every target, for any engine that calls LLVMFuzzerTestOneInput; and a
// target's own commands, without an engine:
//
//   TARGET --print FILE          the input as text, on standard output
//   TARGET --texts DIR FILE...   each input as text, as DIR/NAME.sched
//   TARGET --inputs DIR FILE...  each text as an input, as DIR/NAME (without .sched). A text that
//   is
//                                no input in this build (in another two boundaries may be one) is
//                                named and left out, as long as there are others
//   TARGET --dictionary          its dictionary, in the form that libFuzzer and AFL++ read, on
//                                standard output
//   TARGET --options             its options, in the form that OSS-Fuzz reads
//   TARGET --ways FILE           the ways that the build keeps in the program (fuzz/keep_ways.sh)
//   TARGET --random N SEED       runs N inputs of uniformly random bytes: an engine is compared
//                                with that
//   TARGET --repeat N FILE...    runs each input N times; all must show the same verdicts and
//                                feedback
//   TARGET --describe            what its inputs are, as a record (fuzz/judge.h)
//   TARGET --judge FILE...       what it says of each input, as records; status 0 whatever that is
//   TARGET --canary              does wrong on purpose, and gets random inputs until it stops: status 1.
//                                Status 0: it has not stopped, or has nothing that it could do
//                                wrong; the records tell (fuzz/judge.h)
//
// If the first argument is none of these, or is `--`, all arguments are the engine's.
//
// Exit status of these: 0; 1 a finding, or an input with varying results; 2 usage or bad input; 3
// the harness failed, or the output cannot be written.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fuzz/counters.h"
#include "fuzz/engine.h"
#include "fuzz/judge.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"
#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Overrides any other value, as fuzzing services give. SIGALRM and the interval timer are the
// harness's, and its own watchdog ends a trial.
constexpr const char* kWithSignals[] = {"-timeout=0"};

constexpr std::uintmax_t kLargestInput = 1 << 20;  // bytes; AFL++'s limit too

[[noreturn]] void end(int status, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", target().name(), message.c_str());
  _exit(status);
}

[[noreturn]] void refuse(const std::string& message) {
  end(2, message);
}

[[noreturn]] void fail_to_write(const std::string& what, int why) {
  end(3, what + ": cannot be written: " + std::strerror(why));
}

Bytes content(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) refuse(path + ": not a file");
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > kLargestInput) {
    refuse(path + ": " + std::to_string(size) + " bytes; an input has at most " +
           std::to_string(kLargestInput));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(const std::filesystem::path& path, std::string_view what) {
  std::ofstream out(path, std::ios::binary);
  out.write(what.data(), static_cast<std::streamsize>(what.size()));
  if (out.flush()) return;
  const int why = errno;
  std::error_code error;
  if (out.is_open()) std::filesystem::remove(path, error);  // else a part would pass for an input
  fail_to_write(path, why);
}

std::string_view as_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void prepare() {
  if (target().lands_signals()) take_over();
  target().prepare();
}

void start() {
  if (target().lands_signals()) resume();
  target().start();
}

void begin_by_hand() {
  run_without_engine();
  prepare();
  start();
}

int print(std::span<char*> files) {
  if (files.size() != 1) refuse("--print: one FILE");
  const Bytes input = content(files[0]);
  begin_by_hand();
  std::fputs(target().text_of(input).c_str(), stdout);
  return 0;
}

// One token a line, in quotes; bytes that are not plain ASCII as \xNN.
int print_dictionary() {
  for (const std::string& token : target().dictionary()) {
    std::string line;
    for (const char c : token) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02X", static_cast<unsigned char>(c));
      const bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
      line += plain ? std::string(1, c) : escaped;
    }
    std::printf("\"%s\"\n", line.c_str());
  }
  return 0;
}

std::span<const char* const> options_with_signals() {
  return target().lands_signals() ? std::span(kWithSignals) : std::span<const char* const>();
}

int print_options() {
  std::printf("[libfuzzer]\n");
  for (const auto options : {target().engine_options(), options_with_signals()}) {
    for (const std::string_view option : options) {
      const std::size_t equals = option.find('=');
      const std::string name(option.substr(1, equals - 1)), value(option.substr(equals + 1));
      std::printf("%s = %s\n", name.c_str(), value.c_str());
    }
  }
  return 0;
}

int write_all(std::span<char*> arguments, bool as_inputs) {
  if (arguments.size() < 2) refuse("DIR and at least one FILE");
  const std::filesystem::path folder(arguments[0]);
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(folder.string() + ": no folder that can be written: " + std::strerror(errno));
  }
  begin_by_hand();
  std::size_t left_out = 0;
  for (const std::string path : arguments.subspan(1)) {
    const Bytes from = content(path);
    std::string name = std::filesystem::path(path).filename();
    if (!as_inputs) {
      write(folder / (name + ".sched"), target().text_of(from));
      continue;
    }
    constexpr std::string_view kSuffix = ".sched";
    if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
    Bytes input;
    std::string why;
    if (!target().input_of(as_text(from), path, &input, &why)) {
      std::fprintf(stderr, "%s: left out: %s\n", target().name(), why.c_str());
      left_out++;
      continue;
    }
    write(folder / name, as_text(input));
  }
  if (left_out == arguments.size() - 1) refuse("no input is left");
  return 0;
}

int write_ways(std::span<char*> arguments) {
  if (arguments.size() != 1) refuse("--ways: one FILE");
  begin_by_hand();
  const std::optional<std::string> ways = target().ways_to_keep();
  if (!ways) refuse("--ways: it has none that can be kept");
  write(arguments[0], *ways);
  return 0;
}

int repeat(std::span<char*> arguments) {
  if (arguments.size() < 2) refuse("--repeat: N and at least one FILE");
  const long times = std::strtol(arguments[0], nullptr, 10);
  if (times < 2) refuse("--repeat: N is 2 or more");
  begin_by_hand();
  unsigned changing = 0;
  for (const std::string path : arguments.subspan(1)) {
    const Bytes input = content(path);
    target().run(input);
    const std::string first = target().account();
    for (long i = 1; i < times; i++) {
      target().run(input);
      if (target().account() == first) continue;
      std::printf("%s: first %s\nthen %s\n", path.c_str(), first.c_str(),
                  target().account().c_str());
      changing++;
      break;
    }
  }
  std::printf("%zu inputs, %ld times each: %u do not always show the same\n", arguments.size() - 1,
              times, changing);
  return changing == 0 ? 0 : 1;
}

// An input has at most as many records as a mutator makes operations. None may leave the engine's
// counters overwritten: a later input would end the process.
void run_random(long runs, std::uint64_t seed) {
  constexpr std::size_t kMostRecords = 16;
  std::mt19937_64 draw(seed);
  for (long i = 0; i < runs; i++) {
    Bytes input(1 + draw() % (kMostRecords * kRecordBytes));
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(draw());
    stats().execs++;
    target().run(input);
  }
  if (restore_counters())
    fail_harness("harness failure: an input has overwritten the counters' places");
}

int random(std::span<char*> arguments) {
  if (arguments.size() != 2) refuse("--random: N and SEED");
  const long runs = std::strtol(arguments[0], nullptr, 10);
  if (runs < 1) refuse("--random: N is 1 or more");
  begin_by_hand();
  run_random(runs, std::strtoull(arguments[1], nullptr, 10));
  return 0;
}

int canary() {
  constexpr long kInputs = 20000;  // a few tens are enough
  const std::string what = target().become_canary();
  say_canary(what, what.empty() ? 0 : kInputs);
  if (what.empty()) return 0;
  report_stops(STDOUT_FILENO, "");
  begin_by_hand();
  run_random(kInputs, 1);
  return 0;
}

// Without an engine. Static objects are not torn down: the process belongs to the trial engine.
void run_by_hand(std::span<char*> arguments) {
  if (arguments.empty()) return;
  const std::string_view command = arguments[0];
  const auto rest = arguments.subspan(1);
  int status = 0;
  if (command == "--print") {
    status = print(rest);
  } else if (command == "--dictionary" && rest.empty()) {
    status = print_dictionary();
  } else if (command == "--options" && rest.empty()) {
    status = print_options();
  } else if (command == "--texts" || command == "--inputs") {
    status = write_all(rest, command == "--inputs");
  } else if (command == "--ways") {
    status = write_ways(rest);
  } else if (command == "--random") {
    status = random(rest);
  } else if (command == "--repeat") {
    status = repeat(rest);
  } else if (command == "--describe" && rest.empty()) {
    status = describe();
  } else if (command == "--canary" && rest.empty()) {
    status = canary();
  } else if (command == "--judge" && !rest.empty()) {
    report_stops(STDOUT_FILENO, "");
    run_without_engine();
    prepare();
    status = judge(rest, start);
  } else if (command.starts_with("--")) {
    refuse(std::string(command) +
           " is unknown; allowed: --print, --texts, --inputs, --dictionary, --options, --ways, "
           "--random, --repeat, --describe, --judge, --canary");
  } else {
    return;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) fail_to_write("standard output", errno);
  _exit(status);
}

}  // namespace
}  // namespace sigsweep::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace sigsweep::fuzz;
  open_standard_streams();
  if (target().lands_signals()) block_signals();
  target().configure();
  if (!drop_separator(argc, *argv))
    run_by_hand(std::span(*argv + 1, static_cast<std::size_t>(*argc - 1)));
  if (engine_takes_options())
    add_options(argc, argv, target().engine_options(), options_with_signals());
  // Not at the first input: an engine would take this code for that input's.
  if (!target().figures().empty()) name_figures(target().figures());
  if (engine_forks()) prepare();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sigsweep::fuzz;
  static const bool ready = [] {
    if (!engine_forks()) prepare();
    start();
    return true;
  }();
  if (!ready) return 0;
  stats().execs++;
  target().run({data, size});
  return 0;
}
