#include "stress/subjects/onm/claims.h"

#include "runtime/runtime.h"

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

// Words that nobody reads while these stubs run, by their offset from the register that the stores
// count from. A handler's traceback, and the call frame information, read pc, sp and g; gogo reads the
// others, later. hostsp is mexit's.
using runtime::G, runtime::Gobuf, runtime::M;
constexpr std::size_t kOfGobuf[] = {offsetof(Gobuf, ret), offsetof(Gobuf, ctxt),
                                    offsetof(Gobuf, lr)};
constexpr std::size_t kOfSched[] = {offsetof(G, sched.ret), offsetof(G, sched.ctxt),
                                    offsetof(G, sched.lr)};
constexpr std::size_t kOfM[] = {offsetof(M, hostsp)};
#if defined(__i386__)
constexpr std::size_t kOfFrame[] = {12};  // sighandler's fourth argument
#endif

constexpr struct {
  std::string_view stubs;
  std::span<const std::size_t> words;
  std::string_view registers = {};  // that fn does not read; separated by commas
} kUnread[] = {{"gogo gosave", kOfGobuf},
               {"onM_remember mcall", kOfSched},
#if defined(__arm__)
               {"onM onM_legacy systemstack", kOfSched, "r1"},  // onM_remember's copy of g
#else
               {"onM onM_legacy systemstack", kOfSched},
#endif
#if defined(__i386__)
               {"sigtramp", kOfFrame},
#endif
               {"mstart", kOfM}};

}  // namespace

std::vector<Record> identity_records() {
  std::vector<Record> records = {canary_record()};
  for (const auto& row : kUnread) {
    std::string words;
    for (const std::size_t word : row.words) {
      words += (words.empty() ? "" : ",") + std::to_string(word);
    }
    records.push_back(Record("unread")
                          .add("stubs", row.stubs)
                          .add("words", words)
                          .add("registers", row.registers));
  }
  return records;
}

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
