// The Go subject without the harness's one M: for the storm, where many Ms run operations at once.
#pragma once

#include "stress/subject/subject.h"

namespace sigsweep::onm {

// Runs the site by the protocol's operation convention on the calling G, which is back on the same
// M afterwards. `call` as for Subject::run. REQUIRES: runs_on_any_g(site); g is curg.
void call_on_this_g(unsigned protocol, unsigned site, Call* call);
bool runs_on_any_g(unsigned site);

}  // namespace sigsweep::onm
