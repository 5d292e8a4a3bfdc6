// Taking, comparing and putting back a subject's state at rest.
#include "stress/engine/rests.h"

#include <utility>

namespace sigsweep {

Rests::Rests(Subject& subject)
    : subject_(subject), known_(subject.protocols().size() * subject.sites().size()) {}

void Rests::note_fresh() {
  subject_.reset(0);
  Region regions[kMaxRegions];
  fresh_.take(regions, subject_.state_regions(regions));
}

std::unique_ptr<StateSnapshot>& Rests::known(unsigned protocol, unsigned site) {
  return known_[protocol * subject_.sites().size() + site];
}

void Rests::begin(unsigned protocol, unsigned site) {
  of_trial_ = known(protocol, site).get();
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
  known(protocol, site).reset();
  learnt_protocol_ = protocol;
  learnt_site_ = site;
  learning_ = std::make_unique<StateSnapshot>();
}

void Rests::end_learning() {
  known(learnt_protocol_, learnt_site_) = std::move(learning_);
}

}  // namespace sigsweep
