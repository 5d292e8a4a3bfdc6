// The account of a trial: its inputs, and everything that was seen of it.
//
// The runner sends it, the host reads it. For both, only this file knows its record on the wire.
// Names are the subject's. Not async-signal-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stress/account/why.h"
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
  std::string module;         // the file's base name; empty: the runner itself
  std::uint64_t address = 0;  // as linked in that file; only told with a module
  bool operator==(const BoundaryAccount&) const = default;
};

// The words of a call, as each side saw them.
struct CallAccount {
  Values seen;       // the arguments, as fn read them
  Values made;       // fn's answers
  Values got;        // the answers, as the caller read them
  bool ran = false;  // fn was entered; else nothing was seen and made
  bool operator==(const CallAccount&) const = default;
};

struct InjectionAccount {
  Injection planned;       // with all of its handler's arguments
  std::string live = "-";  // as in BoundaryAccount, like the next two
  std::string module;
  std::uint64_t address = 0;
  std::optional<CallAccount> call;  // the handler's own; none: it did not begin
  bool operator==(const InjectionAccount&) const = default;
};

// The command that sends it. Fields that only one of them knows are named after it below; the
// others do not set these fields.
enum class AccountKind : std::uint8_t { example, replayed, walked };
inline constexpr std::string_view kAccountWords[] = {"example", "replayed", "walked"};

struct Account {
  AccountKind kind = AccountKind::example;
  std::string site;
  Verdict verdict = Verdict::ok;
  std::vector<std::string> slots;  // the verdict is about these
  std::string detail;
  unsigned requested = 0, landed = 0, unreached = 0;  // signals
  Values given;                                       // to the operation's call
  CallAccount call;
  Values registers, slots_landed;  // where the first signal landed, if one did
  std::string fault;               // the fault that ended it; empty: none
  std::string backtrace;           // how far it came; empty: none was taken
  std::vector<InjectionAccount> injections;
  unsigned operation = 0;          // replayed, walked: which one of the schedule
  unsigned blame = 0;              // example, replayed: the injection that the verdict is blamed on
  std::uint64_t seed = 0;          // example
  bool expected = false;           // example: the verdict is allowed
  std::string mismatch;            // example: why the prediction failed; empty: it held
  std::vector<std::string> notes;  // replayed: what was found in another way than written
  // Replayed, if it was asked for: of a verdict that is not ok. Registers and slots at the trial's
  // end, or as the fault found them; empty: nothing is known.
  std::optional<Why> why;
  Values registers_after, slots_after;
  bool operator==(const Account&) const = default;
};

// The injection that the verdict is blamed on; an empty one if nothing was injected.
const InjectionAccount& blamed(const Account& account);

// "s0+p1"; "-" for none. And back.
std::string slots_text(const std::vector<std::string>& slots);
std::vector<std::string> slots_from_text(const std::string& text);
// "s0=0x1,p1=0x2".
std::string values_text(const Values& values);

// decode(encode(a)) == a. decode throws std::runtime_error if a record is no account; the error
// says what is wrong.
Record encode(const Account& account);
Account decode(const Record& record);

// A boundary's fields within a record; `suffix` stands behind each key.
void encode(const BoundaryAccount& boundary, const std::string& suffix, Record* record);
BoundaryAccount decode_boundary(const Record& record, const std::string& suffix = "");

}  // namespace sigsweep
