// A schedule: everything that decides a trial, as a value, with its text form (*.sched).
//
// The text form is a contract with people and other programs: docs/formats.md. The names that
// it may use (ISAs, protocols, sites, slots, verdicts) belong to the subject and come in as a
// Catalog, so that this file knows no subject. Depends on the standard library only: host,
// runner and fuzz targets all link it. Nothing here is async-signal-safe: schedules are read before
// a trial starts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stress/schedule/phase.h"

namespace sigsweep {

// How the signal of an injection is made to land (docs/design.md, "How a signal lands").
enum class Source : std::uint8_t { direct, kill, itimer, peer, hwbreak, external, user };
inline constexpr std::string_view kSourceNames[] = {"direct",  "kill",     "itimer", "peer",
                                                    "hwbreak", "external", "user"};
std::string_view source_name(Source source);
std::optional<Source> source_from_name(std::string_view name);

// The handlers that are the harness's own, and call nothing of the subject: one does nothing, one
// takes a backtrace.
inline constexpr std::string_view kNoHandlerName = "none", kObserveName = "observe";
constexpr bool calls_subject(std::string_view handler) {
  return handler != kNoHandlerName && handler != kObserveName;
}

// One operation or handler that a schedule may name, with the slots whose arguments it may give.
struct CatalogEntry {
  std::string name;
  std::vector<std::string> slots;  // in-slots, in the subject's order: "s0", "p1"
};

// The one list of instruction sets, as schedules, flags and results name them.
inline constexpr std::string_view kIsas[] = {"386", "amd64", "amd64p32", "arm"};

// Of an adapter's library: what a schedule for it names. Where its file lies is no part of it.
struct AdapterIdentity {
  std::string name, version;  // one word each: is_adapter_word()
  std::string build;          // of the file: hex digits
  bool operator==(const AdapterIdentity&) const = default;
};
// Letters, digits, '-', '_', '.' and '+'; at least one.
bool is_adapter_word(std::string_view text);

// The names that are allowed. Filled from a subject (in process) or from a runner's description.
struct Catalog {
  std::string isa;                         // of the runner that gave it
  std::vector<std::string> isas;           // all that a schedule may name
  std::vector<std::string> protocols;      //
  std::vector<std::string> verdicts;       //
  std::vector<std::string> slots;          // every slot of the subject: each may stand in `expect`
  std::vector<CatalogEntry> sites;         //
  std::vector<CatalogEntry> handlers;      // `none` among them
  unsigned word_bits = 64;                 // largest argument: 2^word_bits - 1
  std::optional<AdapterIdentity> adapter;  // none: a subject that is built in
};

struct Argument {
  std::string slot;
  std::uint64_t value;
  bool operator==(const Argument&) const = default;
};

// A point between two instructions: linked symbol + offset, and which pass over it.
struct BoundaryName {
  std::string symbol;
  std::uint64_t offset = 0;  // bytes
  std::uint32_t nth = 1;     // 1 = the first pass within the operation
  bool operator==(const BoundaryName&) const = default;
};

// Where in a text something stood, for messages. It is no part of the value: any two are equal.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
  bool operator==(const Place&) const { return true; }
};

struct Injection {
  std::string signal;  // "SIGPROF"; one of kSignals
  BoundaryName at;
  Phase phase;
  Source by = Source::direct;
  std::string handler;
  std::vector<Argument> args;  // the given ones; the others are nonces drawn from the seed
  // The injection (counted from 1) of the same operation that this one nests in.
  std::optional<std::uint32_t> in;
  Place place;  // of the boundary's name
  bool operator==(const Injection&) const = default;
};

struct Operation {
  std::string site;
  std::vector<Argument> args;
  std::vector<Injection> injections;
  bool operator==(const Operation&) const = default;
};

struct Expectation {
  std::string verdict;
  std::string slot;  // empty: any
  bool operator==(const Expectation&) const = default;
};

struct Schedule {
  std::string isa;
  std::optional<AdapterIdentity> adapter;  // whose library it is for; none: it does not say
  std::string protocol;
  std::uint64_t seed = 0;
  std::vector<Operation> operations;
  std::optional<Expectation> expect;
  std::string origin;  // informational: the rest of its line, verbatim
  bool operator==(const Schedule&) const = default;
};

inline constexpr std::size_t kMaxScheduleOperations = 64;
inline constexpr std::size_t kMaxScheduleInjections = 64;  // of one operation

// Signals that a schedule may name. SIGALRM only, and always, with by=itimer.
inline constexpr std::string_view kSignals[] = {"SIGPROF", "SIGURG", "SIGALRM", "SIGUSR1",
                                                "SIGUSR2"};
std::optional<int> signal_number(std::string_view name);
std::string_view signal_name(int number);  // REQUIRES: one of kSignals
// In place of a signal's name: the trials of a cell take all signals but SIGALRM in turn.
inline constexpr std::string_view kEachSignal = "each";

// What is wrong with a text, where, and what is allowed instead. Lines and columns count from 1,
// columns in bytes.
struct ParseError {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
  std::string to_string() const;  // "file:line:column: message"
};

// Reads the text form. Strict: every deviation is an error, and the first one is reported. Only
// messages use `file`. Never throws on any input, binary included.
std::variant<Schedule, ParseError> parse_schedule(std::string_view text, std::string_view file,
                                                  const Catalog& catalog);

// Fits a schedule, parsed with the word_bits of a wider ISA, to words of so many bits. A value
// keeps its low bits, which tell level and slot.
void narrow(unsigned word_bits, Schedule* schedule);

// The text form of a schedule; parse_schedule(print_schedule(s)) == s.
std::string print_schedule(const Schedule& schedule);

// The words of the text form that are in no catalog: "sigsweep schedule 1", "inject", "handler=",
// "SIGPROF". For a fuzzing engine's dictionary.
std::vector<std::string> schedule_words();

}  // namespace sigsweep
