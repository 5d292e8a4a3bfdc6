// The steps of each site.
#include "stress/subjects/adapter/sites.h"

#include <pthread.h>

namespace sigsweep::adapter {
namespace {

// A call that nobody looks at. `inner`: the place for the call that fn makes itself.
Call own_call(std::uint64_t value, Call* inner) {
  Call call{};
  call.in[0] = value;
  call.inner = inner;
  return call;
}

void wake(Cast* cast, Coroutine::Task task) {
  trap::Probe probe{};
  Call inner{}, call = own_call(1, &inner);
  cast->resume(&(*cast)[kCo0], task, &probe, &call);
}

void* wake_elsewhere(void* cast) {
  auto* c = static_cast<Cast*>(cast);
  const auto& says = c->library().says;
  c->begin_thread();
  wake(c, Coroutine::answer);
  if (says.end != nullptr) says.end();
  return nullptr;
}

void wake_on_another_thread(Cast* cast) {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, wake_elsewhere, cast) != 0) {
    cast->fail("no thread could be started for the site migrate");
  }
  pthread_join(thread, nullptr);
}

}  // namespace

bool is_there(const SiteRow& row, const Library& library) {
  return (row.promise == 0 || library.promises(row.promise)) &&
         (row.trait == 0 || library.has(row.trait)) &&
         (!row.transfers || library.says.transfer != nullptr);
}

void prepare(const SiteRow& row, Cast* cast) {
  Coroutine& co0 = (*cast)[kCo0];
  if (row.before == Coroutine::created && co0.state != Coroutine::created) {
    cast->bring(&co0, Coroutine::none);
  }
  cast->bring(&co0, row.before);
  if (row.task == Coroutine::nest) cast->bring(&(*cast)[kCo1], Coroutine::suspended);
  if (row.task == Coroutine::transfer && (*cast)[kCo2].state != Coroutine::transferred) {
    cast->bring(&(*cast)[kCo2], Coroutine::created);
    wake(cast, Coroutine::transfer);
  }
  if (row.migrates) wake_on_another_thread(cast);
  cast->problem = nullptr;
}

void perform(const SiteRow& row, Cast* cast, trap::Probe* probe, Call* call) {
  Coroutine& co0 = (*cast)[kCo0];
  if (!row.creates) {
    cast->resume(&co0, row.task, probe, call);
    return;
  }
  cast->create(&co0);
  call->seen[0] = call->in[0];
  call->made[0] = call->got[0] = 0;
  call->fn_sp = trap::current_sp();
  call->fn_owner = 0;
  call->fn_runs++;
  call->returns++;
}

void look_again(Cast* cast) {
  if ((*cast)[kCo0].state == Coroutine::suspended) wake(cast, Coroutine::answer);
}

const void* entry_of(const SiteRow& row, const Library& library) {
  return row.creates ? reinterpret_cast<const void*>(library.says.create)
                     : reinterpret_cast<const void*>(library.says.resume);
}

}  // namespace sigsweep::adapter
