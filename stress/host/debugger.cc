// A gdb script a schedule: stop where each operation starts, break at its boundary, send the
// signal.
#include "stress/host/debugger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "stress/host/adapter_file.h"

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

constexpr int kNoProgram = 127;  // the exit status where it can't be started

// A gdb and all that it has started; none of it is left when this is gone.
class Gdb {
 public:
  explicit Gdb(std::vector<std::string> words) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(kHarnessFailed, "no pipe for gdb");
    pid_ = fork();
    if (pid_ == 0) become(std::move(words), ends[1]);
    if (pid_ > 0) setpgid(pid_, pid_);  // as it does itself: whoever is first
    close(ends[1]);
    from_ = ends[0];
    if (pid_ < 0) throw Failure(kHarnessFailed, "gdb cannot be started");
  }
  // What gdb runs is traced by it, and dies with it.
  ~Gdb() {
    if (pid_ > 0) kill(-pid_, SIGKILL);
    status();
    close(from_);
  }
  Gdb(const Gdb&) = delete;
  Gdb& operator=(const Gdb&) = delete;

  // Waits for more of its output; false at the end.
  bool read(std::string* output) const {
    constexpr int kTick = 100;  // ms between looks at stop_requested
    pollfd poll_from{from_, POLLIN, 0};
    while (!stop_requested) {
      if (poll(&poll_from, 1, kTick) <= 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(from_, buffer, sizeof buffer);
      if (n > 0) output->append(buffer, static_cast<std::size_t>(n));
      return n > 0;
    }
    throw Failure(kStopped, "stopped");
  }
  // Waits for its end; its exit status, or -1.
  int status() {
    int status = -1;
    if (pid_ > 0) waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  // A group of its own: Ctrl-C is for the host.
  [[noreturn]] static void become(std::vector<std::string> words, int output) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setenv("LC_ALL", "C", 1);  // what it says is read
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(kNoProgram);
  }
  pid_t pid_ = -1;
  int from_ = -1;
};

std::string output_of_gdb(const std::vector<std::string>& words) {
  Gdb gdb(words);
  std::string output;
  while (gdb.read(&output)) {
  }
  if (gdb.status() == kNoProgram) {
    throw Failure(kSkipped, "skipped: by=external needs gdb, which is not installed");
  }
  for (const char* refusal : {"Could not trace the inferior process", "ptrace: "}) {
    const std::size_t at = output.find(refusal);
    if (at == output.npos) continue;
    throw Failure(kSkipped, fmt::format("skipped: by=external: gdb may trace nothing here: {}",
                                        output.substr(at, output.find('\n', at) - at)));
  }
  return output;
}

// ---- the line for a person

using Injections = std::vector<Injection>;

// The number of the injection that this one is nested in, from 1; 0: none.
std::size_t parent_of(const Injections& all, std::size_t i) {
  return all[i].in.value_or(0);
}

std::size_t depth_of(const Injections& all, std::size_t i) {
  const std::size_t parent = parent_of(all, i);
  return parent == 0 ? 0 : 1 + depth_of(all, parent - 1);
}

// As they land: each, then those in its handler, then the next of its level. Up to `last`.
bool add_in_order(const Injections& all, std::size_t parent, std::size_t last,
                  std::vector<std::size_t>* order) {
  for (std::size_t i = 0; i < all.size(); i++) {
    if (parent_of(all, i) != parent) continue;
    order->push_back(i);
    if (i == last || add_in_order(all, i + 1, last, order)) return true;
  }
  return false;
}

// The commands of one gdb that stops where the last of `order` lands.
class Stops {
 public:
  Stops(const Injections& all, std::size_t last) : all_(all) {
    add_in_order(all, 0, last, &order_);
  }
  std::vector<std::string> commands(std::size_t operation) {
    add("tbreak operation_starts");
    if (operation > 0) add(fmt::format("ignore $bpnum {}", operation));
    add("run");
    await_level(0);
    add("continue");
    for (std::size_t k = 0; k + 1 < order_.size(); k++) send(k);
    return std::move(commands_);
  }

 private:
  void add(std::string command) { commands_.push_back(std::move(command)); }
  // Passes count from here.
  void await_level(std::size_t parent) {
    for (const std::size_t i : order_) {
      if (parent_of(all_, i) != parent) continue;
      const BoundaryName& at = all_[i].at;
      add(fmt::format("tbreak *((char *){}+{:#x})", at.symbol, at.offset));
      if (at.nth > 1) add(fmt::format("ignore $bpnum {}", at.nth - 1));
      if (order_.size() > 1) add(fmt::format("set $b{} = $bpnum", i + 1));
    }
  }
  // The signal of the k-th, and on to the next one. A handler's own passes count for none but those
  // in it.
  void send(std::size_t k) {
    const std::size_t now = order_[k], next = order_[k + 1];
    const std::string signal = "signal " + all_[now].signal;
    if (parent_of(all_, next) == now + 1) {
      sleep("disable", parent_of(all_, now), k);
      await_level(now + 1);
      add(signal);
      return;
    }
    sleep("disable", parent_of(all_, now), k);
    const std::size_t ends = depth_of(all_, now) + 1 - depth_of(all_, next);
    for (std::size_t i = 0; i < ends; i++) {
      add("tbreak handler_ends");
      add(i == 0 ? signal : "continue");
    }
    sleep("enable", parent_of(all_, next), k);
    add("continue");
  }
  // Those of a level that are still to come.
  void sleep(const char* verb, std::size_t parent, std::size_t k) {
    for (std::size_t later = k + 1; later < order_.size(); later++) {
      if (parent_of(all_, order_[later]) == parent)
        add(fmt::format("{} $b{}", verb, order_[later] + 1));
    }
  }

  const Injections& all_;
  std::vector<std::size_t> order_;
  std::vector<std::string> commands_;
};

}  // namespace

InGdb in_gdb(const Session& session, const Schedule& schedule, std::size_t operation,
             std::size_t injection, const std::string& path) {
  if (const char* emulator = emulator_of(session.options.isa); emulator != nullptr) {
    return {{}, fmt::format("not on this machine: {} runs it", emulator)};
  }
  const Injections& all = schedule.operations.at(operation).injections;
  InGdb gdb{{"gdb", "-q"}, all.at(injection).signal};
  for (const std::string& command : Stops(all, injection).commands(operation)) {
    gdb.words.insert(gdb.words.end(), {"-ex", command});
  }
  gdb.words.insert(gdb.words.end(), {"--args", session.runner_path});
  const std::string& adapter = session.options.adapter;
  if (!adapter.empty()) gdb.words.insert(gdb.words.end(), {"--adapter", adapter});
  gdb.words.insert(gdb.words.end(), {"--walk", path});
  return gdb;
}

std::string gdb_lines(const InGdb& in_gdb) {
  if (in_gdb.words.empty()) return fmt::format("in gdb:  {}\n", in_gdb.signal);
  std::string line = "in gdb: ";
  for (const std::string& word : in_gdb.words) line += " " + shell_quoted(word);
  return fmt::format("{}\n         there: signal {}\n", line, in_gdb.signal);
}

Account replay_under_debugger(const Session& session, const Schedule& schedule,
                              const std::string& path) {
  check(schedule, path);
  if (const char* emulator = emulator_of(session.options.isa); emulator != nullptr) {
    throw Failure(kSkipped, fmt::format("skipped: by=external: {} runs isa {} here, and gdb cannot "
                                        "start it",
                                        emulator, session.options.isa));
  }
  const ScratchFile text(print_schedule(schedule)), script(script_of(schedule));
  std::vector<std::string> words{"gdb", "-q",          "-nx",    "-batch",
                                 "-x",  script.path(), "--args", session.runner_path};
  const std::string& adapter = session.options.adapter;
  if (!adapter.empty()) words.insert(words.end(), {"--adapter", adapter});
  words.insert(words.end(), {"--walk", text.path(), "--account"});
  const std::string output = output_of_gdb(words);
  std::optional<Account> last;
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string_view line(output.data() + at, end - at);
    if (line.starts_with(kAccount)) last = decode(Record::decode(line));
    if (last && last->verdict != Verdict::ok) break;
    at = end + 1;
  }
  if (!last) {
    throw Failure(kHarnessFailed, fmt::format("{}: gdb did not get to the end:\n{}", path, output));
  }
  return *last;
}

}  // namespace sigsweep
