// A stray signal's own call.
#include "stress/engine/strays.h"

#include <errno.h>
#include <signal.h>

#include <cstring>
#include <utility>

#include "stress/base/mask.h"

namespace sigsweep {

int stray_signal() {
  return SIGRTMIN + 5;
}

std::string Strays::expect(std::vector<unsigned> handlers, void (*entry)(int, siginfo_t*, void*)) {
  struct sigaction sa {};
  sa.sa_sigaction = entry;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  block_all_it_may(&sa.sa_mask);
  if (handlers.empty()) return "stray signals: no handler";
  if (sigaction(stray_signal(), &sa, nullptr) != 0) {
    return "a handler for stray signals: " + std::string(strerror(errno));
  }
  handlers_ = std::move(handlers);
  return {};
}

const char* Strays::land(Subject& subject, unsigned protocol, const SlotReader& slots) {
  const std::uint64_t number = count_.landed++;
  if (subject.protocols()[protocol].allowed != kOnlyOk) return nullptr;
  const auto turn = static_cast<std::size_t>(number % handlers_.size());
  return call(subject, protocol, handlers_[turn], slots);
}

const char* Strays::call(Subject& subject, unsigned protocol, unsigned handler,
                         const SlotReader& slots) {
  constexpr unsigned kLevel = 15;  // of its nonces: no plan uses it
  std::uint64_t before[kMaxSlots];
  slots.copy(before);
  Call call{}, inner{};
  call.inner = &inner;
  draw_nonces(count_.called++, kLevel, subject.word_bits(), call.in);
  subject.handle(protocol, handler, &call);
  const Site& site = subject.sites()[handler];
  if (call.fn_runs != 1 || call.returns != 1) return "a stray signal's fn did not run once";
  if ((clobbered_arguments(site, call) | clobbered_results(site, call)) != 0)
    return "a stray signal's values changed on the way";
  if (subject.protocols()[protocol].keeps_slots && slots.changed(before) != 0)
    return "a stray signal's handler left other slots";
  return subject.check_call(handler, call, true);
}

}  // namespace sigsweep
