// The real heap, against the model and against its own rules. Each returns the first problem that
// it finds.
#pragma once

#include "fuzz/malloc/heap_model.h"
#include "fuzz/malloc/heap_problem.h"

namespace sigsweep::fuzz::heap {

// A new object lies in a span of its class, apart from every reachable object, and is zeroed.
Problem check_new(const Model& model, Word at, Word size);
// After a collection, and forget_unreachable(): the other objects are in use, with their old
// content.
Problem check_survivors(const Model& model);
// Every span is in one place, every page one span's.
Problem check_accounts();
// If nothing is reachable and everything is collected, all of the heap can be allocated again.
Problem check_empty();

}  // namespace sigsweep::fuzz::heap
