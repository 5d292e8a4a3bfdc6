// The sources of a pending signal: tgkill to oneself, an expiring setitimer, another thread's
// pthread_kill. Built without instrumentation: it runs in the trap.
#include "stress/trap/sources.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "stress/trap/arch.h"
#include "stress/trap/hwbreak.h"

namespace sigsweep::trap {
namespace {

// The signal that the peer is to send; 0: it has sent. Each side sleeps on it until the other has
// changed it. So waiting takes none of a trial's processor time, however late the peer is.
std::atomic<int> asked{0};
pthread_t target;
bool peer_started = false;

// The target of source kill. Asked for in advance: two system calls would be a fifth of an
// injection.
pid_t own_process;
long own_thread;
void note_self() {
  own_process = getpid();
  own_thread = syscall(SYS_gettid);
}
const int at_fork = (note_self(), pthread_atfork(nullptr, nullptr, note_self));

// Sleeps while `asked` is `seen`. May return for any other reason, too.
void sleep_while(int seen) {
  syscall(SYS_futex, reinterpret_cast<int*>(&asked), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

// Wakes the other side: only that one can be asleep then.
void set_asked(int sig) {
  asked.store(sig, std::memory_order_release);
  syscall(SYS_futex, reinterpret_cast<int*>(&asked), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

[[noreturn]] void* peer_main(void*) {
  for (;;) {
    const int sig = asked.load(std::memory_order_acquire);
    if (sig == 0) {
      sleep_while(0);
      continue;
    }
    pthread_kill(target, sig);
    set_asked(0);
  }
}

std::string start_peer() {
  if (peer_started) return {};
  target = pthread_self();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the peer takes no signal of its own
  pthread_t peer;
  const int error = pthread_create(&peer, nullptr, peer_main, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return std::string("a thread for source peer: ") + std::strerror(error);
  peer_started = true;
  return {};
}

bool is_pending(int sig) {
  std::uint64_t pending = 0;
  syscall(SYS_rt_sigpending, &pending, sizeof pending);
  return (pending >> (sig - 1) & 1) != 0;
}

void send(Source source, int sig) {
  if (source == Source::kill) {
    syscall(SYS_tgkill, own_process, own_thread, sig);
    return;
  }
  if (source == Source::itimer) {
    // Static: a sanitizer may hold this stack for poisoned, and its setitimer looks.
    static constexpr itimerval soon{{0, 0}, {0, 1}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    while (!is_pending(sig)) {
    }
    return;
  }
  set_asked(sig);
  while (asked.load(std::memory_order_acquire) != 0) sleep_while(sig);
}

}  // namespace

std::string prepare(Source source) {
  if (at_fork != 0) return std::string("pthread_atfork: ") + std::strerror(at_fork);
  note_self();
  if (source == Source::hwbreak) return prepare_hwbreak();
  if (source == Source::user && !kHasDoors) {
    return "source user: signals land without the kernel on amd64 and amd64p32 only";
  }
  if (source == Source::external)
    return "signals of source external come from a debugger, by replay";
  return source == Source::peer ? start_peer() : std::string();
}

void after_fork() {
  peer_started = false;
  forget_hwbreak();
}

// A call here that comes too late sets errno (the peer may have answered before anybody sleeps),
// but errno belongs to the interrupted code.
void make_pending(Source source, int sig) {
  const int kept = errno;
  send(source, sig);
  errno = kept;
}

bool discard_pending(int sig) {
  if (!is_pending(sig)) return false;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, sig);
  const timespec now{};
  return sigtimedwait(&one, nullptr, &now) == sig;
}

}  // namespace sigsweep::trap
