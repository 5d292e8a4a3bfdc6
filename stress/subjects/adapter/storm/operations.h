// The work of a thread in an adapter's storm: the sites of the exact lane, one after the other.
#pragma once

#include <string_view>
#include <vector>

#include "stress/subjects/adapter/storm/stage.h"

namespace sigsweep::storm::coroutines {

// What a storm does: the sites that a thread can do with coroutines of its own. By index of
// subject().sites().
const std::vector<unsigned>& storm_sites();
const std::vector<std::string_view>& storm_site_names();

// Runs on the host's stack of `a_stage`, a Stage, with the storm's signals blocked: begin(), the
// groups' operations until stop_operations(), and their ends.
void perform_on_stage(void* a_stage);
// Each thread ends after the operation that it is in.
void stop_operations();

}  // namespace sigsweep::storm::coroutines
