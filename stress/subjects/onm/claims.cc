#include "stress/subjects/onm/claims.h"

namespace sigsweep::onm {
namespace {

// In designated initialisers: a field that a row leaves out is empty.
constexpr Claim kRows[] = {
#define CLAIM(...) {__VA_ARGS__},
#include "stress/subjects/onm/claims.def"
};

constexpr StubOrder kOrders[] = {
#define ORDER(...) {__VA_ARGS__},
#include "stress/subjects/onm/claims.def"
};

constexpr StubDefect kDefects[] = {
#define DEFECT(...) {__VA_ARGS__},
#include "stress/subjects/onm/claims.def"
};

constexpr Canary kCanary = {
#define CANARY(...) __VA_ARGS__
#include "stress/subjects/onm/claims.def"
};

}  // namespace

Record canary_record() {
  return Record("canary")
      .add("protocol", kCanary.protocol)
      .add("site", kCanary.site)
      .add("mix", kCanary.mix);
}

constinit const Claims kClaims = {
    .rows = kRows,
    .orders = kOrders,
    .defects = kDefects,
    .pair = {.words = "g sp", .mark = "g-and-sp-disagree", .text = "g and SP"},
    .site = "mcacheRefill_m",
    .mutated =
        "onM onM_signalok onM_legacy onM_remember mcall gogo gosave systemstack sigtramp "
        "mstart mexit",
};

}  // namespace sigsweep::onm
