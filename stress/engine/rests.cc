// Taking, comparing and putting back a subject's state at rest.
#include "stress/engine/rests.h"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace sigsweep {

// Large, and not touched before it is needed. Zeroes are a Known that is not learnt.
Rests::Rests(Subject& subject) : subject_(subject) {
  void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    problem_ = "memory for the states at rest: " + std::string(strerror(errno));
    return;
  }
  known_ = static_cast<Known*>(memory);
}

Rests::~Rests() {
  if (known_ != nullptr) munmap(known_, bytes());
}

std::size_t Rests::bytes() const {
  return subject_.protocols().size() * subject_.sites().size() * sizeof(Known);
}

void Rests::note_fresh() {
  subject_.reset(0);
  Region regions[kMaxRegions];
  fresh_.take(regions, subject_.state_regions(regions));
}

Rests::Known& Rests::known(unsigned protocol, unsigned site) {
  return known_[protocol * subject_.sites().size() + site];
}

void Rests::begin(unsigned protocol, unsigned site) {
  const Known& of_operation = known(protocol, site);
  of_trial_ = of_operation.learnt ? &of_operation.rest : nullptr;
  compared_ = false;
}

const char* Rests::compare() {
  if (std::exchange(compared_, true)) return nullptr;
  if (learning_ != nullptr) {
    Region regions[kMaxRegions];
    learning_->take(regions, subject_.rest_regions(regions));
  }
  return of_trial_ != nullptr && of_trial_->differs() ? "the subject's state" : nullptr;
}

void Rests::put_back() {
  if (std::exchange(astray_, false)) fresh_.put_back();
}

void Rests::learn(unsigned protocol, unsigned site) {
  known(protocol, site).learnt = false;
  learnt_protocol_ = protocol;
  learnt_site_ = site;
  learning_ = std::make_unique<StateSnapshot>();
}

void Rests::end_learning() {
  known(learnt_protocol_, learnt_site_) = Known{true, *std::exchange(learning_, nullptr)};
}

}  // namespace sigsweep
