// Linux: threads, the signal mask, futexes.
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "runtime/lock.h"
#include "runtime/runtime.h"
#include "runtime/stubs.h"
#include "stress/base/mask.h"

namespace runtime {
namespace {

sigset_t initial_mask;  // of the thread that starts the first M

sigset_t all_that_may_be_blocked() {
  sigset_t mask;
  sigsweep::block_all_it_may(&mask);
  return mask;
}

// g is nil before mstart and after it.
void* mthread(void* arg) {
  M* mp = static_cast<M*>(arg);
  sigaltinit(mp);
  mstart(mp);
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  syscall(SYS_sigaltstack, &none, nullptr);
  return nullptr;
}

const FuncVal blocksignals_fn = funcval(blocksignals);
const FuncVal unblocksignals_fn = funcval(unblocksignals);

}  // namespace

int newosproc(M* mp, pthread_t* thread) {
  if (mp->mstartfn == nullptr) mp->mstartfn = &unblocksignals_fn;
  if (mp->mexitfn == nullptr) mp->mexitfn = &blocksignals_fn;
  const sigset_t blocked = all_that_may_be_blocked();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  static const bool is_first = [&] {
    initial_mask = before;
    return true;
  }();
  static_cast<void>(is_first);
  const int error = pthread_create(thread, nullptr, mthread, mp);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

void blocksignals() {
  const sigset_t blocked = all_that_may_be_blocked();
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

void unblocksignals() {
  pthread_sigmask(SIG_SETMASK, &initial_mask, nullptr);
}

void futexsleep(std::uint32_t* word, std::uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futexwake(std::uint32_t* word, std::uint32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void locksleep(Lock* l) {
  while (__atomic_exchange_n(&l->key, 2, __ATOMIC_ACQUIRE) != 0) futexsleep(&l->key, 2);
}

void lockwake(Lock* l) {
  futexwake(&l->key, 1);
}

}  // namespace runtime
