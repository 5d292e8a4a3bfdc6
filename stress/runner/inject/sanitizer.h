// What a sanitizer must be told: an abandoned trial leaves frames on the stacks that were never
// left, and their poisoned borders with them.
#pragma once

#include "stress/runner/subject.h"

namespace sigsweep::inject {

// Forgets the poisoning of all the subject's stacks and of the one that trials start on. Nothing
// without ASan.
void unpoison_stacks(const Subject& subject, const Region& trial_stack);

}  // namespace sigsweep::inject
