// The dying thread writes its own frames, and asks each other thread for its own, one after the
// other. All in signal handlers: async-signal-safe, allocates nothing.
#include "stress/storm/last_words.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "stress/base/modules.h"
#include "stress/storm/state.h"

namespace sigsweep::storm {
namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr int kAsk = SIGTRAP;  // no handler masks it
constexpr unsigned kMostFrames = 64;
constexpr unsigned kPatience = 200;  // ms that a thread has to answer
struct NamedRegister {
  const char* name;
  int index;
};
#if defined(__x86_64__)
constexpr NamedRegister kRegisters[] = {{"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP},
                                        {"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX},
                                        {"rdx", REG_RDX}, {"rsi", REG_RSI}, {"rdi", REG_RDI}};
#else
constexpr NamedRegister kRegisters[] = {{"eip", REG_EIP}, {"esp", REG_ESP}, {"ebp", REG_EBP},
                                        {"eax", REG_EAX}, {"ebx", REG_EBX}, {"ecx", REG_ECX},
                                        {"edx", REG_EDX}, {"esi", REG_ESI}, {"edi", REG_EDI}};
#endif
constexpr unsigned kPc = 0, kFramePointer = 2;  // of these

char folder[4096];
int out = -1;
const symtab::Table* names = nullptr;  // of the program itself
volatile pid_t reporter = 0;           // the thread that writes the report
volatile pid_t asked = 0, answered = 0;

void put(const char* text) {
  if (write(out, text, std::strlen(text)) < 0) return;  // there is nobody to tell
}

// snprintf of numbers and plain strings takes no lock and no memory.
template <class... Values>
void put(const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  put(static_cast<const char*>(line));
}

void put_frame(unsigned number, std::uint64_t pc, bool returns) {
  const std::uint64_t within = pc - (returns ? 1 : 0);  // a call may be a function's last
  const Module* module = modules_of_process().at(within);
  const std::uint64_t linked = module == nullptr ? within : within - module->bias;
  const bool own = module != nullptr && module->name.empty();
  const symtab::Symbol* symbol = own && names != nullptr ? names->find(linked) : nullptr;
  const auto shown = static_cast<unsigned long long>(pc);
  if (symbol != nullptr) {
    put("  #%-2u %#llx %s+%#llx\n", number, shown, symbol->name.c_str(),
        static_cast<unsigned long long>(linked) + (returns ? 1 : 0) - symbol->start);
  } else {
    put("  #%-2u %#llx %s+%#llx\n", number, shown,
        module == nullptr ? "(no code)"
        : own             ? "(the program)"
                          : module->name.c_str(),
        static_cast<unsigned long long>(linked) + (returns ? 1 : 0));
  }
}

std::uint64_t value_of(const NamedRegister& r, const ucontext_t* uc) {
  return static_cast<std::make_unsigned_t<greg_t>>(uc->uc_mcontext.gregs[r.index]);
}

// A stack may be damaged: memory is asked for, not looked at.
bool read_words(std::uint64_t address, std::uintptr_t* words, std::size_t count) {
  iovec here{words, count * sizeof *words};
  iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), here.iov_len};
  return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == static_cast<ssize_t>(here.iov_len);
}

// By frame pointers; at a stack's end, or where one is damaged, it stops.
void put_frames(const ucontext_t* uc) {
  put_frame(0, value_of(kRegisters[kPc], uc), false);
  std::uint64_t frame = value_of(kRegisters[kFramePointer], uc);
  std::uintptr_t words[2];
  for (unsigned i = 1; i < kMostFrames && read_words(frame, words, std::size(words)); i++) {
    if (words[1] == 0) return;
    put_frame(i, words[1], true);
    if (words[0] <= frame) return;  // frames only go up
    frame = words[0];
  }
}

pid_t own_id() {
  return static_cast<pid_t>(syscall(SYS_gettid));
}

void on_ask(int, siginfo_t*, void* context) {
  if (asked != own_id()) return;
  put_frames(static_cast<const ucontext_t*>(context));
  answered = own_id();
}

void ask(unsigned thread) {
  const pid_t id = threads[thread].tid;
  put("\nthread %u (%d)\n", thread, static_cast<int>(id));
  asked = id;
  if (syscall(SYS_tgkill, getpid(), id, kAsk) != 0) return put("  it has ended\n");
  const timespec tick{0, 1'000'000};
  for (unsigned ms = 0; ms < kPatience && answered != id; ms++) nanosleep(&tick, nullptr);
  if (answered != id) put("  it does not answer\n");
}

void open_file() {
  char path[sizeof folder + 16];
  for (char* at = folder + 1; (at = std::strchr(at, '/')) != nullptr; at++) {
    *at = '\0';
    mkdir(folder, 0755);
    *at = '/';
  }
  mkdir(folder, 0755);
  std::snprintf(path, sizeof path, "%s/threads.txt", folder);
  out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) out = STDERR_FILENO;
}

void ask_all_but(pid_t self) {
  struct sigaction sa {};
  sa.sa_sigaction = on_ask;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigaction(kAsk, &sa, nullptr);
  for (unsigned i = 0; i < config.threads; i++) {
    if (threads[i].tid == 0) put("\nthread %u has not begun\n", i);
    if (threads[i].tid != self && threads[i].tid != 0) ask(i);
  }
}

int number_of(pid_t self) {
  for (unsigned i = 0; i < config.threads; i++) {
    if (threads[i].tid == self) return static_cast<int>(i);
  }
  return -1;
}

// The first that faults reports; a fault of the report itself ends the process.
void on_fault(int sig, siginfo_t* info, void* context) {
  signal(sig, SIG_DFL);
  const pid_t self = own_id();
  if (pid_t none = 0; !__atomic_compare_exchange_n(&reporter, &none, self, false, __ATOMIC_ACQ_REL,
                                                   __ATOMIC_ACQUIRE)) {
    if (none == self) return;
    for (;;) pause();
  }
  open_file();
  const auto* uc = static_cast<const ucontext_t*>(context);
  put("signal %d, address %p\n\nthread %d (%d), which died\n", sig, info->si_addr, number_of(self),
      static_cast<int>(self));
  for (const NamedRegister& r : kRegisters)
    put("  %s=%#llx\n", r.name, static_cast<unsigned long long>(value_of(r, uc)));
  put_frames(uc);
  ask_all_but(self);
  if (chdir(folder) != 0) put("no core here: the folder cannot be entered\n");
  // The instruction faults again; what was sent is sent again.
  if (info->si_code <= 0) raise(sig);
}

}  // namespace

void leave_last_words(const std::string& in_folder) {
  if (in_folder.empty() || in_folder.size() >= sizeof folder) return;
  std::memcpy(folder, in_folder.c_str(), in_folder.size() + 1);
  names = &modules_of_process().table(modules_of_process().program());
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = core.rlim_max;
    setrlimit(RLIMIT_CORE, &core);
  }
  struct sigaction sa {};
  sa.sa_sigaction = on_fault;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int sig : kFaults) {
    struct sigaction before {};
    sigaction(sig, nullptr, &before);
    if (before.sa_handler == SIG_DFL) sigaction(sig, &sa, nullptr);
  }
}

void say_where_threads_stand(const char* why) {
  if (folder[0] == '\0') return;
  open_file();
  put("%s\n", why);
  ask_all_but(own_id());
}

}  // namespace sigsweep::storm
