// A gdb script a schedule: stop where each operation starts, break at its boundary, send the
// signal.
#include "stress/host/debugger.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sigsweep {
namespace {

constexpr std::string_view kAccount = "walked ";  // how the runner's account begins

// A file that is gone with its owner.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text) {
    const int fd = mkstemp(path_.data());
    if (fd < 0) throw Failure(kHarnessFailed, "no temporary file for gdb");
    close(fd);
    std::ofstream(path_) << text;
  }
  ~ScratchFile() { unlink(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "sigsweep-XXXXXX").string();
};

std::string script_of(const Schedule& schedule) {
  std::string script =
      "set pagination off\nset confirm off\nset breakpoint pending on\n"
      "set debuginfod enabled off\nset print thread-events off\n"
      "handle SIGSEGV SIGBUS SIGILL SIGFPE SIGXCPU SIGPROF SIGALRM SIGURG SIGUSR1 SIGUSR2 "
      "nostop noprint pass\n"
      "break operation_starts\nrun\n";
  for (const Operation& op : schedule.operations) {
    for (const Injection& injection : op.injections) {
      const BoundaryName& at = injection.at;
      script += fmt::format("tbreak *((char *){}+{})\nignore $bpnum {}\ncontinue\nsignal {}\n",
                            at.symbol, at.offset, at.nth - 1, injection.signal);
    }
    if (op.injections.empty()) script += "continue\n";
  }
  return script;
}

void check(const Schedule& schedule, const std::string& path) {
  for (const Operation& op : schedule.operations) {
    if (op.injections.size() < 2) continue;
    const Place place = op.injections[1].place;
    throw Failure(kUsage, fmt::format("{}:{}:{}: by=external sends one signal in an operation",
                                      path, place.line, place.column));
  }
}

}  // namespace

Record replay_under_debugger(const Session& session, const Schedule& schedule,
                             const std::string& path) {
  check(schedule, path);
  if (std::system("command -v gdb >/dev/null 2>&1") != 0) {
    throw Failure(kSkipped, "skipped: by=external needs gdb, which is not installed");
  }
  const ScratchFile text(print_schedule(schedule)), script(script_of(schedule));
  const std::string command =
      fmt::format("gdb -q -nx -batch -x '{}' --args '{}' --walk '{}' --account 2>&1 </dev/null",
                  script.path(), session.runner_path, text.path());
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw Failure(kHarnessFailed, "gdb cannot be started");
  std::string output;
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.append(buffer, n);
  pclose(pipe);
  Record last;
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string_view line(output.data() + at, end - at);
    if (line.starts_with(kAccount)) last = Record::decode(line);
    if (last.text("verdict") != "ok" && !last.word().empty()) break;
    at = end + 1;
  }
  if (last.word().empty()) {
    throw Failure(kHarnessFailed, fmt::format("{}: gdb did not get to the end:\n{}", path, output));
  }
  return last;
}

}  // namespace sigsweep
