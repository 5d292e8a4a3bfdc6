#include "stress/runner/outcome_map.h"

#include <algorithm>

#include "stress/campaign/resolve.h"
#include "stress/runner/command.h"

namespace sigsweep {

void OutcomeMap::add(const Point& point, const Judgement& judgement) {
  if (last_ == 0 || !kinds_[last_ - 1].is(judgement)) {
    const auto known =
        std::ranges::find_if(kinds_, [&](const Kind& kind) { return kind.is(judgement); });
    last_ = static_cast<unsigned>(known - kinds_.begin()) + 1;
    if (known == kinds_.end()) {
      const char* const detail = judgement.detail;
      kinds_.push_back(
          {judgement.verdict, judgement.slots, detail == nullptr ? "" : detail, judgement.judged});
    }
  }
  at_[point.first * columns_ + point.second] = last_;
}

void OutcomeMap::clear() {
  std::ranges::fill(at_, 0);
  kinds_.clear();
  last_ = 0;
}

void OutcomeMap::send(const Subject& subject, const std::string& handler) const {
  for (const Kind& kind : kinds_) {
    Record r("outcome");
    r.add("verdict", verdict_name(kind.verdict))
        .add("slots", slot_names(subject, kind.slots))
        .add("detail", kind.detail);
    if (!kind.judged) r.add("not_judged", 1U);
    sigsweep::send(r);
  }
  std::string numbers;
  for (const unsigned number : at_) {
    if (!numbers.empty()) numbers += ',';
    numbers += std::to_string(number);
  }
  sigsweep::send(Record("map")
                     .add("handler", handler)
                     .add("columns", std::uint64_t{columns_})
                     .add("at", numbers));
}

}  // namespace sigsweep
