// The account of a trial: what was run, and all that was seen of it.
//
// The runner tells it, the host reads it. This is the one place that knows its record on the wire,
// for both. Names are the subject's. Not async-signal-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stress/base/wire.h"
#include "stress/schedule/schedule.h"
#include "stress/verdict/verdict.h"

namespace sigsweep {

// Values by the name of a slot, or of a register.
using Values = std::vector<Argument>;

// Where a signal lands, and the slots that are live there: "s0+p1"; "-": none.
struct BoundaryAccount {
  BoundaryName at;
  Phase phase;
  std::string live = "-";
  bool operator==(const BoundaryAccount&) const = default;
};

// How the words of a call came through.
struct CallAccount {
  Values seen;  // what fn read of the arguments
  Values made;  // what fn answered
  Values got;   // what the caller read of that
  bool operator==(const CallAccount&) const = default;
};

struct InjectionAccount {
  Injection planned;                // with all of its handler's arguments
  std::string live = "-";           // as in BoundaryAccount
  std::optional<CallAccount> call;  // the handler's own; none: it did not begin
  bool operator==(const InjectionAccount&) const = default;
};

// Which command tells it. What only one of them knows is named after it below, and is left as it is
// by the others.
enum class AccountKind : std::uint8_t { example, replayed, walked };
inline constexpr std::string_view kAccountWords[] = {"example", "replayed", "walked"};

struct Account {
  AccountKind kind = AccountKind::example;
  std::string site;
  Verdict verdict = Verdict::ok;
  std::vector<std::string> slots;  // that the verdict is about
  std::string detail;
  unsigned requested = 0, landed = 0, unreached = 0;  // signals
  Values given;                                       // to the operation's call
  CallAccount call;
  Values registers, slots_landed;  // where the first signal landed, if one did
  std::string fault;               // that ended it; empty: none
  std::vector<InjectionAccount> injections;
  unsigned operation = 0;          // replayed, walked: which one of the schedule
  unsigned blame = 0;              // example, replayed: the injection that the verdict is blamed on
  std::uint64_t seed = 0;          // example
  bool expected = false;           // example: the verdict is allowed
  std::string mismatch;            // example: why the prediction failed; empty: it did not
  std::vector<std::string> notes;  // replayed: what was found otherwise than written
  bool operator==(const Account&) const = default;
};

// The injection that the verdict is blamed on; an empty one where nothing was injected.
const InjectionAccount& blamed(const Account& account);

// "s0+p1"; "-" for none. And back.
std::string slots_text(const std::vector<std::string>& slots);
std::vector<std::string> slots_from_text(const std::string& text);
// "s0=0x1,p1=0x2".
std::string values_text(const Values& values);

// decode(encode(a)) == a. decode throws std::runtime_error, which says what is wrong, where a record
// is no account.
Record encode(const Account& account);
Account decode(const Record& record);

// A boundary's fields within a record; `suffix` stands behind each key.
void encode(const BoundaryAccount& boundary, const std::string& suffix, Record* record);
BoundaryAccount decode_boundary(const Record& record, const std::string& suffix = "");

}  // namespace sigsweep
