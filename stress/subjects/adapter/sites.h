// The sites of an adapter: one row each. A site is a way through the library's code, from a call of
// the host to its return.
#pragma once

#include <string_view>

#include "stress/subjects/adapter/cast.h"

namespace sigsweep::adapter {

struct SiteRow {
  std::string_view name;
  // co0 before the operation; the operation wakes it with this task. Created: the operation creates
  // it, and wakes nothing.
  Coroutine::State before;
  Coroutine::Task task = Coroutine::answer;
  bool creates = false;       // the operation is create() itself
  bool migrates = false;      // another thread resumed co0 last
  std::uint32_t promise = 0;  // only where this is promised
  std::uint32_t trait = 0;    // only where it has this trait
  bool transfers = false;     // only where there is a transfer()
};

inline constexpr SiteRow kSites[] = {
    {.name = "round_trip", .before = Coroutine::suspended},
    {.name = "first_entry", .before = Coroutine::created},
    {.name = "last_exit", .before = Coroutine::suspended, .task = Coroutine::finish},
    {.name = "nested",
     .before = Coroutine::suspended,
     .task = Coroutine::nest,
     .promise = SIGSWEEP_NESTS},
    {.name = "transfer",
     .before = Coroutine::suspended,
     .task = Coroutine::transfer,
     .transfers = true},
    {.name = "create", .before = Coroutine::none, .creates = true, .trait = SIGSWEEP_SETS_SIGNALS},
    {.name = "migrate",
     .before = Coroutine::suspended,
     .migrates = true,
     .promise = SIGSWEEP_MIGRATES},
};

// Has this library that site?
bool is_there(const SiteRow& row, const Library& library);

// Brings the coroutines to where the operation begins. REQUIRES: on the host's stack.
void prepare(const SiteRow& row, Cast* cast);
// SIGNAL. The operation.
void perform(const SiteRow& row, Cast* cast, trap::Probe* probe, Call* call);
// After an operation: wakes co0 once more, if it waits, so that what it lost shows. REQUIRES: no
// signal lands.
void look_again(Cast* cast);
// The function in which the operation's code begins.
const void* entry_of(const SiteRow& row, const Library& library);

}  // namespace sigsweep::adapter
