// Starting, feeding, reading and burying a runner.
#include "stress/host/runner_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "stress/host/child_process.h"

namespace sigsweep {

std::atomic<bool> stop_requested{false};

namespace {

constexpr int kTick = 100;                    // ms between looks at it and at stop_requested
constexpr unsigned kSilence = 30000 / kTick;  // looks without a word: then it is taken for hung

void request_stop(int) {
  stop_requested = true;
}

}  // namespace

void stop_on_signals() {
  struct sigaction sa {};
  sa.sa_handler = request_stop;
  sigaction(SIGINT, &sa, nullptr);
  sigaction(SIGTERM, &sa, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a runner that has died is noticed when it is read from
}

Activity activity_of(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(in, text);
  const std::size_t name_ends = text.rfind(')');
  if (name_ends == text.npos) return {};
  std::istringstream fields(text.substr(name_ends + 1));
  Activity now;
  std::string unused;
  fields >> now.state;
  constexpr int kBetween = 10;  // state is the 3rd field, utime the 14th; then stime, and cutime
  for (int i = 0; i < kBetween; i++) fields >> unused;
  for (int i = 0; i < 4; i++) {
    std::uint64_t ticks = 0;
    fields >> ticks;
    now.ticks += ticks;
  }
  return now;
}

bool Silence::lasts(const Activity& now, unsigned limit) {
  const bool ran = now.ticks != std::exchange(ticks_, now.ticks);
  if (now.place != std::exchange(place_, now.place)) over();
  const bool stopped = now.state == 'T' || now.state == 't';
  const bool kept_waiting = now.state == 'R' && !ran;
  if (!stopped && !kept_waiting) looks_++;
  return looks_ >= limit;
}

struct RunnerProcess::SharedProgress {  // the layout of the runner's TrialProgress
  volatile std::uint64_t serial, cell, boundary;
};

RunnerProcess::RunnerProcess(std::string path, const std::string& isa, std::string adapter)
    : path_(std::move(path)), adapter_(std::move(adapter)), emulator_(emulator_of(isa)) {
  if (!adapter_.empty()) errors_fd_ = memfd_create("sigsweep-errors", MFD_CLOEXEC);
  shared_fd_ = memfd_create("sigsweep-progress", 0);
  if (shared_fd_ < 0 || ftruncate(shared_fd_, 4096) != 0) return;  // start() will say
  void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd_, 0);
  if (p != MAP_FAILED) shared_ = static_cast<SharedProgress*>(p);
}

RunnerProcess::~RunnerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    bury(false);
  }
  if (shared_ != nullptr) munmap(const_cast<SharedProgress*>(shared_), 4096);
  if (shared_fd_ >= 0) close(shared_fd_);
  if (errors_fd_ >= 0) close(errors_fd_);
}

void RunnerProcess::become(int commands, int answers) const {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Those are for the host, which ends its runners; a group's may come here first.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  dup2(commands, STDIN_FILENO);
  dup2(answers, STDOUT_FILENO);
  if (errors_fd_ >= 0) dup2(errors_fd_, STDERR_FILENO);
  if (!mark_.empty()) putenv(const_cast<char*>(mark_.c_str()));
  const std::string fd = std::to_string(shared_fd_);
  std::vector<const char*> words;
  if (emulator_ != nullptr) words.push_back(emulator_);
  words.push_back(path_.c_str());
  if (!adapter_.empty()) words.insert(words.end(), {"--adapter", adapter_.c_str()});
  words.insert(words.end(), {"--progress-fd", fd.c_str(), nullptr});
  char* const* const argv = const_cast<char* const*>(words.data());
  if (emulator_ == nullptr) execv(argv[0], argv);
  if (emulator_ != nullptr) execvp(argv[0], argv);
  _exit(127);
}

std::string RunnerProcess::relay_errors(bool ended) {
  if (errors_fd_ < 0) return {};
  std::string text;
  char buffer[4096];
  for (ssize_t n;
       (n = pread(errors_fd_, buffer, sizeof buffer, static_cast<off_t>(errors_read_))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
    errors_read_ += static_cast<std::uint64_t>(n);
  }
  const std::size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return {};
  const std::size_t before = text.rfind('\n', end);
  const std::size_t last = before == text.npos ? 0 : before + 1;
  fmt::print(stderr, "{}", text.substr(0, ended ? last : text.npos));
  return text.substr(last, end + 1 - last);
}

bool RunnerProcess::start(std::string* why) {
  int down[2], up[2];
  if (shared_ == nullptr || pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
    *why = fmt::format("no pipe or shared page for {}: {}", path_, std::strerror(errno));
    return false;
  }
  shared_->serial = 0;
  if (!adapter_.empty()) mark_ = new_mark();
  pid_ = fork();
  if (pid_ == 0) become(down[0], up[1]);
  close(down[0]);
  close(up[1]);
  to_ = down[1];
  from_ = up[0];
  unread_.clear();
  if (pid_ < 0) *why = fmt::format("cannot fork for {}: {}", path_, std::strerror(errno));
  return pid_ > 0;
}

// The process is gone or must go: how it died, and where it was.
Outcome RunnerProcess::bury(bool hung) {
  Outcome outcome;
  outcome.kind = Outcome::died;
  outcome.hung = hung;
  if (hung) kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  if (!mark_.empty()) end_marked(mark_);
  // Of its own watchdog, in a trial that masks all that could end it.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) outcome.hung = true;
  close(to_);
  close(from_);
  pid_ = to_ = from_ = -1;
  outcome.in_trial = shared_->serial != 0;
  outcome.cell = shared_->cell;
  outcome.point = shared_->boundary;
  outcome.said = relay_errors(true);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    outcome.message = path_ + " could not be started";
  } else if (WIFEXITED(status)) {
    outcome.message = fmt::format("{} exited with status {}", path_, WEXITSTATUS(status));
    outcome.gave_up = WEXITSTATUS(status) == 3;
  } else {
    outcome.message = fmt::format("{} died of signal {}", path_, WTERMSIG(status));
  }
  if (!outcome.said.empty()) outcome.message += "; its last word: " + outcome.said;
  return outcome;
}

bool RunnerProcess::has_ended() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

Activity RunnerProcess::activity() const {
  Activity now = activity_of(pid_);
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // so that no two steps cancel out
  now.place = (shared_->boundary * kOdd + shared_->cell) * kOdd + shared_->serial;
  return now;
}

bool RunnerProcess::read_line(std::string* line, Outcome* outcome) {
  for (Silence silence;;) {
    const std::size_t end = unread_.find('\n');
    if (end != unread_.npos) {
      line->assign(unread_, 0, end);
      unread_.erase(0, end + 1);
      return true;
    }
    if (stop_requested) {
      kill(pid_, SIGKILL);
      bury(false);
      outcome->kind = Outcome::stopped;
      return false;
    }
    pollfd poll_from{from_, POLLIN, 0};
    if (poll(&poll_from, 1, kTick) <= 0) {
      if (has_ended()) {  // and what it has started holds its standard output
        *outcome = bury(false);
        return false;
      }
      if (!silence.lasts(activity(), kSilence)) continue;
      *outcome = bury(true);
      return false;
    }
    char buffer[65536];
    const ssize_t n = read(from_, buffer, sizeof buffer);
    if (n <= 0) {
      *outcome = bury(false);
      if (stop_requested) outcome->kind = Outcome::stopped;  // whoever ended it
      return false;
    }
    silence.over();
    unread_.append(buffer, static_cast<std::size_t>(n));
  }
}

Outcome RunnerProcess::command(const Record& command,
                               const std::function<void(const Record&)>& on_record,
                               const std::string& payload) {
  Outcome outcome;
  if (pid_ < 0 && !start(&outcome.message)) {
    outcome.kind = Outcome::died;
    return outcome;
  }
  const std::string text = command.encode() + "\n" + payload;
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(to_, text.data() + done, text.size() - done);
    if (n <= 0) return bury(false);
    done += static_cast<std::size_t>(n);
  }
  for (std::string line; read_line(&line, &outcome);) {
    const Record record = Record::decode(line);
    if (record.word() == "done" || record.word() == "trouble") relay_errors(false);
    if (record.word() == "done") return outcome;
    if (record.word() == "trouble") {
      outcome.kind = Outcome::trouble;
      outcome.message = record.text("message");
      return outcome;
    }
    on_record(record);
  }
  return outcome;
}

Outcome describe(RunnerProcess* runner, Description* out) {
  *out = Description{};
  std::string unknown;  // a record that can't be understood
  const auto allowed_of = [&](const Record& r) {
    const auto allowed = VerdictSet::from_text(r.text("allowed"));
    if (!allowed) {
      unknown =
          "protocol " + r.text("name") + ": allowed=" + r.text("allowed") + ": no such verdict";
    }
    return allowed.value_or(VerdictSet{});
  };
  const auto take = [&](const Record& r) {
    Catalog& catalog = out->catalog;
    if (r.word() == "subject") {
      catalog.isa = r.text("isa");
      catalog.isas = r.list("isas");
      catalog.slots = r.list("slots");
      catalog.verdicts = r.list("verdicts");
      catalog.word_bits = static_cast<unsigned>(r.number("word_bits"));
    } else if (r.word() == "protocol") {
      catalog.protocols.push_back(r.text("name"));
      out->protocols.push_back({r.text("name"), allowed_of(r), r.text("summary"),
                                r.number("predicts") != 0, r.number("passes_slots") != 0,
                                r.text("operation_enters"), r.text("handler_enters")});
    } else if (r.word() == "word") {
      out->words.emplace_back(r.text("name"), r.text("meaning"));
    } else if (r.word() == "by_handler") {
      out->allowed[{r.text("name"), r.text("handler")}] = allowed_of(r);
      if (r.number("promised") == 0) out->only_observed.insert({r.text("name"), r.text("handler")});
    } else if (r.word() == "adapter") {
      out->adapter = AdapterSpec{{r.text("name"), r.text("version"), r.text("build")},
                                 r.list("promises"),
                                 r.list("traits")};
      catalog.adapter = *out->adapter;
    } else if (r.word() == "site") {
      catalog.sites.push_back({r.text("name"), r.list("slots")});
      out->sites.push_back({r.text("name"), r.text("in"), r.text("out"), r.text("written"),
                            r.text("zeroed"), r.text("ends"), r.list("rejected_by")});
    } else if (r.word() == "module") {
      const std::string& path = r.text("path");
      out->modules.push_back({r.has("name") ? r.text("name") : path.substr(path.rfind('/') + 1),
                              path, r.text("build")});
    } else if (r.word() == "elsewhere") {
      out->elsewhere[r.text("name")] = r.text("isa");
    } else if (r.word() == "handler") {
      catalog.handlers.push_back({r.text("name"), r.list("slots")});
    }
  };
  Outcome outcome = runner->command(Record("describe"), take);
  if (outcome.kind == Outcome::done && !unknown.empty()) {
    outcome.kind = Outcome::trouble;
    outcome.message = unknown;
  }
  return outcome;
}

std::string beside(const std::string& name) {
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& path : {folder / name, folder.parent_path() / "lib/sigsweep" / name}) {
    if (std::filesystem::exists(path, error)) return path.string();
  }
  return {};
}

std::string runner_path(const std::string& isa, const std::string& subject) {
  return beside("runner-" + isa + (subject == "onm" ? "" : "-" + subject));
}

std::string why_no_runner(const std::string& isa) {
  std::ifstream note(beside("runner-" + isa + ".missing"));
  std::string why;
  std::getline(note, why);
  return why;
}

const char* emulator_of([[maybe_unused]] const std::string& isa) {
#if defined(__arm__)
  return nullptr;
#else
  return isa == "arm" ? "qemu-arm" : nullptr;
#endif
}

std::string why_not_run(const std::string& isa) {
  const char* emulator = emulator_of(isa);
  if (emulator == nullptr) return {};
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + emulator).c_str(), X_OK) == 0) return {};
  }
  return fmt::format("there is no {} to run it (Debian: qemu-user)", emulator);
}

}  // namespace sigsweep
