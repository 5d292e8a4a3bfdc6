#include "fuzz/malloc/heap_signals.h"

#include <csignal>
#include <iterator>

#include "runtime/stubs.h"
#include "stress/campaign/resolve.h"
#include "stress/engine/strays.h"
#include "stress/oracle/oracle.h"

namespace sigsweep::fuzz::heap {
namespace {

void set_mask(int how) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, stray_signal());
  pthread_sigmask(how, &one, nullptr);
}

void allow_stray() {
  set_mask(SIG_UNBLOCK);
}

const runtime::FuncVal allow_stray_fn = runtime::funcval(allow_stray);
const runtime::FuncVal block_stray_fn = runtime::funcval(block_stray);

}  // namespace

void block_stray() {
  set_mask(SIG_BLOCK);
}

void Signals::start(Subject& subject, runtime::M* mp, runtime::SigHandler handler) {
  protocol_ = static_cast<unsigned>(find_protocol(subject, "signalok_saved"));
  for (unsigned i = 0; i < subject.sites().size() && count_ < std::size(sites_); i++) {
    const Site& s = subject.sites()[i];
    if (s.handler && s.end_message.empty() && !s.leaves) sites_[count_++] = i;
  }
  block_stray();
  runtime::sigaltinit(mp);
  runtime::setsig(stray_signal(), handler);
  subject_ = &subject;
}

Hooks Signals::hooks() const {
  return subject_ != nullptr ? Hooks{&allow_stray_fn, &block_stray_fn} : Hooks{};
}

bool Signals::handle() {
  const unsigned site = sites_[nonce_ % count_];
  Call call{}, inner{};
  call.inner = &inner;
  for (std::uint64_t& in : call.in) in = nonce_++ * 0x9e3779b97f4a7c15U | 1;
  subject_->handle(protocol_, site, &call);
  const Site& s = subject_->sites()[site];
  return call.fn_runs == 1 && call.returns == 1 && clobbered_arguments(s, call) == 0 &&
         clobbered_results(s, call) == 0;
}

}  // namespace sigsweep::fuzz::heap
