// The claims that `sigsweep prove` checks of the Go subject: the rows of claims.def.
#pragma once

#include "stress/base/wire.h"
#include "stress/subject/claims.h"

namespace sigsweep::onm {

extern const Claims kClaims;

// A protocol that is known to be bad, and a site where a handler's call of the same site shows it. A
// harness that does not find it is blind (stress/host/canary.h).
struct Canary {
  std::string_view protocol, site, mix;  // mix: the operations of its storm that the oracle judges
};
Record canary_record();

// What the host is told of this subject: the canary, and the words whose order no reader sees.
std::vector<Record> identity_records();

}  // namespace sigsweep::onm
