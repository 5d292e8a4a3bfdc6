// The file of a target is read; then it is started as the services start it.
#include "stress/host/commands/service_target.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "stress/host/commands/service_binary.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using Problems = std::vector<ServiceProblem>;

// The services' own numbers.
constexpr unsigned kRuns = 4;  // at start
constexpr unsigned kLeastEdges = 100;
// Of one start, with all seeds.
constexpr std::chrono::minutes kLimit{20};
const std::vector<std::string> kLibFuzzerArguments = {"-rss_limit_mb=2560", "-timeout=25"};
const std::vector<std::string> kAflArguments = {"-m", "none", "-t", "5000+"};

// All of them glibc's.
constexpr const char* kLibraries[] = {"libc.so.",       "libm.so.",      "libdl.so.", "librt.so.",
                                      "libpthread.so.", "libresolv.so.", "ld-linux"};

std::string machine_name(unsigned machine) {
  if (machine == EM_X86_64) return "x86_64";
  if (machine == EM_386) return "i386";
  return fmt::format("machine {} of elf.h", machine);
}

Problems check_calls(const ServiceConfiguration& c, const std::string& target, BinaryFacts facts) {
  const ServiceSanitizer& own = c.sanitizer_row();
  const ServiceSanitizer& other = c.other_sanitizer();
  Problems problems;
  if (const unsigned calls = facts.calls[own.symbols]; calls < c.least_calls) {
    problems.push_back(
        {fmt::format("{} is not compiled with {}: {} calls, at least {} are expected", target,
                     own.title, calls, c.least_calls),
         {}});
  }
  if (const unsigned calls = facts.calls[other.symbols]; calls > c.most_calls_to_other) {
    problems.push_back(
        {fmt::format("{} is compiled with {} too: {} calls", target, other.title, calls), {}});
  }
  return problems;
}

// Can their image load it? `facts`: as the file says; none where it can't be read.
Problems check_loading(const ServiceOut& out, const std::string& name,
                       std::optional<BinaryFacts>* facts) {
  const ServiceConfiguration& c = out.configuration;
  std::string error;
  *facts = read_binary(out.out + "/" + name,
                       {c.sanitizer_row().symbols, c.other_sanitizer().symbols}, &error);
  if (!*facts) return {{fmt::format("{} is not for {}: {}", name, c.architecture, error), {}}};
  Problems problems;
  if ((*facts)->machine != c.architecture_row().machine) {
    problems.push_back({fmt::format("{} is not for {}: it is for {}", name, c.architecture,
                                    machine_name((*facts)->machine)),
                        {}});
  }
  for (const std::string& library : (*facts)->libraries) {
    const auto begins = [&](const char* known) { return library.starts_with(known); };
    if (std::ranges::any_of(kLibraries, begins)) continue;
    problems.push_back(
        {fmt::format("{} needs {}, which their image may not have", name, library), {}});
  }
  return problems;
}

Problems check_binary(const ServiceOut& out, const std::string& target) {
  std::optional<BinaryFacts> facts;
  Problems problems = check_loading(out, target, &facts);
  if (!facts) return problems;
  for (ServiceProblem& p : check_calls(out.configuration, target, *facts)) {
    problems.push_back(std::move(p));
  }
  return problems;
}

struct Started {
  Ended end;
  std::string log;
  bool says(const std::string& text) const { return log.find(text) != log.npos; }
};

Program program(const std::vector<std::string>& words, const std::string& log) {
  return {words, {}, {}, {}, log, log};
}

// Throws Failure(kStopped) where the command is told to stop.
Ended run_to_end(const Program& program) {
  const Ended ended = run_program(program, kLimit);
  if (stop_requested) throw Failure(kStopped, "stopped");
  return ended;
}

enum Seeds { kNoSeeds, kItsSeeds, kOneInput };

// Runs a tool of this machine's on a zip. Throws Failure(kHarnessFailed) where there is no such
// tool.
Started run_tool(const ServiceOut& out, const std::vector<std::string>& arguments) {
  const std::string log = out.work + "/tool";
  const Ended ended = run_to_end(program(arguments, log));
  return {ended, read_file(log)};
}

// A new folder that is to be /tmp, with the corpus in it. Throws Failure(kHarnessFailed).
ServiceImage make_image(const ServiceOut& out, const std::string& corpus_zip, Seeds seeds) {
  ServiceImage image{out.out, out.work + "/tmp", out.sources};
  const std::string corpus = image.tmp + "/corpus";
  fs::remove_all(image.tmp);
  fs::create_directories(corpus);
  if (seeds == kOneInput && !(std::ofstream(corpus + "/input") << "input\n").flush()) {
    throw Failure(kHarnessFailed, corpus + "/input: cannot be written");
  }
  if (corpus_zip.empty()) return image;
  const Started unzip = run_tool(out, {"unzip", "-q", "-o", "-d", corpus, corpus_zip});
  if (!unzip.end.well()) {
    throw Failure(kHarnessFailed,
                  fmt::format("{}: cannot be unpacked to {}:\n{}", corpus_zip, corpus, unzip.log));
  }
  return image;
}

Started start(const ServiceOut& out, const ServiceImage& image,
              const std::vector<std::string>& arguments) {
  const std::string log = out.work + "/log";
  Program target = in_image(image, program(arguments, log));
  target.environment.merge(target_environment(out.configuration));
  try {
    const Ended ended = run_to_end(target);
    const bool late = ended.kind == Ended::late;
    return {ended,
            read_file(log) + (late ? fmt::format("\nended after {} minutes", kLimit.count()) : "")};
  } catch (const NotStarted& failure) {  // it can be had on this machine, but not in the image
    return {{Ended::exited, 127}, failure.what()};
  }
}

std::string zip_of(const ServiceOut& out, const std::string& target) {
  return fmt::format("{}/{}_seed_corpus.zip", out.out, target);
}

// By the line of their runner.
Started start_libfuzzer(const ServiceOut& out, const std::string& target,
                        const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {fmt::format("{}/{}", kImageFolder, target), "--"};
  const auto add = [&](const std::vector<std::string>& more) {
    line.insert(line.end(), more.begin(), more.end());
  };
  add(kLibFuzzerArguments);
  add(arguments);
  add(libfuzzer_options(read_file(fmt::format("{}/{}.options", out.out, target))));
  add({fmt::format("-dict={}.dict", target)});
  return start(out, make_image(out, zip_of(out, target), kItsSeeds), line);
}

// The number that libFuzzer prints when it starts; it tells nobody else. Empty: none.
std::string edges_of(const Started& started) {
  if (started.says("no interesting inputs were found. Is the code instrumented")) return "none";
  std::istringstream lines(started.log);
  for (std::string line; std::getline(lines, line);) {
    unsigned edges = 0;
    if (std::sscanf(line.c_str(), "INFO: Loaded %*u modules (%u", &edges) == 1)
      return std::to_string(edges);
  }
  return {};
}

// How many files a zip holds.
std::size_t count_seeds(const ServiceOut& out, const std::string& target) {
  const Started names = run_tool(out, {"unzip", "-Z1", zip_of(out, target)});
  return static_cast<std::size_t>(std::ranges::count(names.log, '\n'));
}

Problems run_libfuzzer(const ServiceOut& out, const std::string& target) {
  // Whatever its status is: the log is judged, and must say that all runs were done.
  const Started first =
      start_libfuzzer(out, target, {"-seed=1337", fmt::format("-runs={}", kRuns)});
  const std::string edges = edges_of(first);
  if (edges != "none" && !first.says(fmt::format("Done {} runs", kRuns))) {
    return {{target + " does not start", end_of_log(first.log)}};
  }
  if (edges == "none" || edges.empty() || std::stoul(edges) < kLeastEdges) {
    return {{fmt::format("{} has no coverage instrumentation, or little: {} edges, at least {} are "
                         "expected",
                         target, edges.empty() ? "0" : edges, kLeastEdges),
             end_of_log(first.log)}};
  }
  const Started seeds = start_libfuzzer(out, target, {"-runs=0", "/tmp/corpus"});
  if (!seeds.end.well()) {
    return {{target + " has a seed that crashes it", end_of_log(seeds.log)}};
  }
  const std::size_t count = count_seeds(out, target);
  if (!seeds.says(fmt::format("seed corpus: files: {} ", count))) {
    return {{fmt::format("{} has not run its {} seeds", target, count), {}}};
  }
  return {};
}

// The services' check reads these lines of afl-fuzz, too.
Problems judge_afl(const std::string& target, const Started& started) {
  if (!started.says("All set and ready to roll")) {
    return {{target +
                 " can't be fuzzed by afl-fuzz: no instrumentation, or it does not start, or a "
                 "seed crashes it",
             end_of_log(started.log)}};
  }
  for (const char* crash :
       {"target binary crashed", "target binary terminated", "results in a crash"}) {
    if (started.says(crash))
      return {{target + " has a seed that crashes it", end_of_log(started.log)}};
  }
  return {};
}

// Their runner's corpus always has one input of its own; their check gives it nothing else.
Problems run_afl(const ServiceOut& out, const std::string& target) {
  std::vector<std::string> line = {"afl-fuzz", "-V", "5"};
  line.insert(line.end(), kAflArguments.begin(), kAflArguments.end());
  for (const std::string& word : {std::string("-i"), std::string("/tmp/corpus"), std::string("-o"),
                                  std::string("/tmp/out"), std::string("-x"), target + ".dict",
                                  std::string("--"), fmt::format("{}/{}", kImageFolder, target)}) {
    line.push_back(word);
  }
  for (const std::string& zip : {std::string(), zip_of(out, target)}) {
    // Whatever its status is: judge_afl looks for the line that says that it was ready.
    const Started started = start(out, make_image(out, zip, kOneInput), line);
    if (Problems problems = judge_afl(target, started); !problems.empty()) return problems;
  }
  return {};
}

}  // namespace

Problems check_target(const ServiceOut& out, const std::string& target) {
  const std::string zip = target + "_seed_corpus.zip";
  Problems problems;
  for (const std::string& part : {zip, target + ".dict", target + ".options"}) {
    std::error_code error;
    const auto size = fs::file_size(fs::path(out.out) / part, error);
    if (error || size == 0) problems.push_back({part + " is not there, or empty", {}});
  }
  if (!problems.empty()) return problems;
  const Started test = run_tool(out, {"unzip", "-tqq", zip_of(out, target)});
  if (!test.end.well()) return {{zip + " cannot be unpacked", end_of_log(test.log)}};
  problems = check_binary(out, target);
  const bool afl = out.configuration.engine == std::string_view("afl");
  for (ServiceProblem& p : (afl ? run_afl : run_libfuzzer)(out, target)) {
    problems.push_back(std::move(p));
  }
  return problems;
}

Problems check_shared_object(const ServiceOut& out, const std::string& name) {
  std::optional<BinaryFacts> facts;
  return check_loading(out, name, &facts);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// ESC, [ or ( or ), digits and ; and ?, a letter; and the bytes that choose a character set.
std::string without_escapes(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); i++) {
    const bool begins = text[i] == '\033' && i + 1 < text.size() &&
                        std::string_view("[()").find(text[i + 1]) != std::string_view::npos;
    if (begins) {
      const std::size_t end = text.find_first_not_of("0123456789;?", i + 2);
      if (end == text.npos) break;
      i = end;
    } else if (text[i] != '\033' && text[i] != '\016' && text[i] != '\017') {
      plain += text[i];
    }
  }
  return plain;
}

std::string end_of_log(const std::string& text) {
  constexpr std::size_t kLines = 12, kWidth = 160;
  std::vector<std::string> lines;
  std::istringstream in(without_escapes(text));
  for (std::string line; std::getline(in, line);) lines.push_back(line.substr(0, kWidth));
  std::string end;
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); i++) {
    end += "    " + lines[i] + "\n";
  }
  return end;
}

std::vector<std::string> libfuzzer_options(const std::string& text) {
  std::vector<std::string> options;
  std::istringstream lines(text);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) inside = line.starts_with("[libfuzzer]");
    const std::size_t equals = line.find('=');
    if (!inside || equals == line.npos) continue;
    const auto trimmed = [](std::string word) {
      const auto first = word.find_first_not_of(" \t\r");
      const auto last = word.find_last_not_of(" \t\r");
      return first == word.npos ? std::string() : word.substr(first, last - first + 1);
    };
    options.push_back(
        fmt::format("-{}={}", trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1))));
  }
  return options;
}

std::string why_no_image(const std::string& sources, const std::string& work) {
  const ServiceImage image{work + "/empty", work + "/tmp", sources};
  fs::create_directories(image.out);
  fs::create_directories(image.tmp);
  const std::string log = work + "/log";
  try {
    const Ended ended = run_to_end(in_image(image, program({"true"}, log)));
    return ended.well() ? "" : "`true` fails there: " + read_file(log);
  } catch (const Failure& failure) {
    if (failure.status == kStopped) throw;
    return failure.what();
  }
}

}  // namespace sigsweep
