// Why a trial went wrong: which instruction did what to the word in question, as it was measured
// when the trial was stepped once more. Names are the subject's. Not async-signal-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stress/base/wire.h"
#include "stress/schedule/schedule.h"
#include "stress/verdict/verdict.h"

namespace sigsweep {

// What an instruction did.
#define SIGSWEEP_DEEDS(D)                                                                       \
  D(owner, "owner", "wrote the word for the code that was interrupted")                         \
  D(arrival, "arrival", "took SP to the stack that the word lies in")                           \
  D(first_writer, "first-writer", "overwrote the word first; others did it after that")         \
  D(writer, "writer", "wrote the word last, before it was found changed, or was read")          \
  D(reader, "reader", "read the word")                                                          \
  D(setter, "setter", "gave a register its value")                                              \
  D(lost, "lost", "came back from a call with another value in the register")                   \
  D(left, "left", "left a stack")                                                               \
  D(switched, "switched", "came to a stack that was not the right one")                         \
  D(faulted, "faulted", "faulted")                                                              \
  D(last, "last", "ran last in the code under test")                                            \
  D(first_of_loop, "first-of-loop", "has the lowest address of those that ran again and again") \
  D(last_of_loop, "last-of-loop", "has the highest address of those that ran again and again")

struct Deed {
  enum Role : std::uint8_t {
#define D(id, name, meaning) id,
    SIGSWEEP_DEEDS(D)
#undef D
  } role = owner;
  BoundaryName at;     // without a pass
  std::string module;  // as in BoundaryAccount, like `address`
  std::uint64_t address = 0;
  // Whose instruction it is: "operation", "handler 1", "signal" (its way in and out).
  std::string by;
  bool harness = false;     // it is no code under test: in its place runs what a signal runs
  std::uint64_t value = 0;  // that it wrote, read or set; of a switch: SP
  bool operator==(const Deed&) const = default;
};
inline constexpr std::string_view kDeedNames[] = {
#define D(id, name, meaning) name,
    SIGSWEEP_DEEDS(D)
#undef D
};

struct Why {
  std::string not_looked_at;  // why nothing was measured; empty: it was
  // The word in question: a slot's name, a name that the subject gives it, or empty.
  std::string word;
  std::uint64_t word_address = 0;  // 0: there is no word
  std::string word_stack;          // the stack that it lies in; empty: none
  std::uint64_t below_sp = 0;      // so many bytes below SP where the signal landed; 0: it is not
  std::string points_to;           // the code that the word held the address of; empty: none
  std::string register_name;       // by which the value came; empty: none
  int fault_signal = 0;            // 0: there was no fault
  std::uint64_t fault_address = 0;
  std::string from, to, home;  // stacks: a switch came from and to; home: it was to come to
  std::vector<Deed> deeds;     // in the order of time
  bool operator==(const Why&) const = default;

  const Deed* find(Deed::Role role) const;
};

struct Account;
// Two sentences for people. `why`: of that account.
std::string why_text(const Account& account, const Why& why);

// decode_why(encode(why)) == why. Throws std::runtime_error as decode() of an account does.
void encode(const Why& why, Record* record);
Why decode_why(const Record& record);

}  // namespace sigsweep
