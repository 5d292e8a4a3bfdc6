// A plan's breakpoints, level by level.
#include "stress/engine/arming.h"

#include <algorithm>

#include "stress/trap/breakpoint.h"
#include "stress/trap/hwbreak.h"
#include "stress/trap/sources.h"

namespace sigsweep {
namespace {

void arm(const PlannedInjection& injection, unsigned index) {
  if (injection.source == Source::hwbreak) {
    trap::arm_hwbreak(index, injection.pc, injection.nth);
    trap::hwbreaks_changed();
  } else {
    trap::arm(index, injection.pc, injection.nth, injection.gate);
  }
}

}  // namespace

Means means_of(const Plan& plan) {
  const PlannedInjection *first = plan.injection, *end = first + plan.injections;
  const auto by_trap = [](const PlannedInjection& i) { return trap::is_the_trap(i.source); };
  const auto by_user = [](const PlannedInjection& i) { return i.source == Source::user; };
  return {.some_by_trap = std::any_of(first, end, by_trap),
          .all_by_trap = std::all_of(first, end, by_trap),
          .all_by_user = first != end && std::all_of(first, end, by_user)};
}

void arm_operation(const Plan& plan) {
  for (unsigned i = 0; i < plan.injections; i++) {
    const PlannedInjection& injection = plan.injection[i];
    if (!injection.is_external() && injection.parent == kNoParent) arm(injection, i);
  }
}

void arm_handler(const Plan& plan, unsigned index) {
  for (unsigned i = 0; i < plan.injections; i++) {
    const PlannedInjection& other = plan.injection[i];
    if (other.is_external() || i == index) continue;
    if (other.parent == static_cast<int>(index)) {
      arm(other, i);
    } else {
      trap::suspend(i);
    }
  }
}

void disarm_handler(const Plan& plan, unsigned index, const Course& seen) {
  int level = plan.injection[index].parent;
  for (;; level = plan.injection[level].parent) {
    for (unsigned i = 0; i < plan.injections; i++) {
      if (plan.injection[i].parent == level) trap::resume(i);
    }
    if (level == kNoParent || !seen.has_exited(static_cast<unsigned>(level))) return;
  }
}

std::uint64_t left_alone(const Plan& plan, std::uint64_t red_zone) {
  constexpr std::uint64_t kPopped = 128;
  if (red_zone != trap::kRedZone) return red_zone;  // another one is asked for
  for (unsigned i = 0; i < plan.injections; i++) {
    if (plan.injection[i].handler == kObserve) return red_zone > kPopped ? red_zone : kPopped;
  }
  return red_zone;
}

}  // namespace sigsweep
