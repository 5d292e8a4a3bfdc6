// An adapter's shared object: loading it, and reading what it says of its library. Not
// async-signal-safe.
#pragma once

#include <string>
#include <vector>

#include "stress/subjects/adapter/sigsweep_adapter.h"

namespace sigsweep::adapter {

// A name of the header's lists, and its bit.
struct Flag {
  std::uint32_t bit;
  const char* name;  // as results and messages have it
};
inline constexpr Flag kPromises[] = {{SIGSWEEP_KEEPS_FPENV, "keeps_fpenv"},
                                     {SIGSWEEP_KEEPS_MASK, "keeps_mask"},
                                     {SIGSWEEP_NESTS, "nests"},
                                     {SIGSWEEP_HANDLER_SWITCHES, "handler_switches"},
                                     {SIGSWEEP_HANDLER_REFUSED, "handler_refused"},
                                     {SIGSWEEP_MIGRATES, "migrates"},
                                     {SIGSWEEP_UNWINDS_TO_CALLER, "unwinds_to_caller"},
                                     {SIGSWEEP_UNWINDS_TO_ENTRY, "unwinds_to_entry"},
                                     {SIGSWEEP_PASSES_VALUE, "passes_value"}};
inline constexpr Flag kTraits[] = {{SIGSWEEP_OWNS_STACKS, "owns_stacks"},
                                   {SIGSWEEP_COPIES_STACKS, "copies_stacks"},
                                   {SIGSWEEP_SCHEDULES, "schedules"},
                                   {SIGSWEEP_SETS_SIGNALS, "sets_signals"}};

// What an adapter says, as a value of this build: an adapter of an older ABI has a shorter struct,
// and what it lacks is 0.
struct Library {
  std::string path;
  struct sigsweep_adapter says {};

  bool promises(std::uint32_t flag) const { return (says.promises & flag) != 0; }
  bool has(std::uint32_t trait) const { return (says.traits & trait) != 0; }
};

// Loads it, with everything that it needs, and binds all names at once. Empty, or what is wrong
// with the file: one line. Runs the constructors of what it loads.
std::string load(const std::string& path, Library* out);

// The names of the bits that are set, separated by commas.
template <std::size_t N>
std::string names_of(std::uint32_t bits, const Flag (&list)[N]) {
  std::string names;
  for (const Flag& flag : list) {
    if ((bits & flag.bit) != 0) names += (names.empty() ? "" : ",") + std::string(flag.name);
  }
  return names;
}

}  // namespace sigsweep::adapter
