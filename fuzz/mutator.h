// The mutator: changes the structure of schedules in their byte form, for every engine. It knows
// records (stress/schedule/schedule_bytes.h) and no names, so that it can also run in AFL++'s own
// process. Its entry points, for either engine, are in mutator_entry.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sigsweep::fuzz {

using Bytes = std::vector<std::uint8_t>;

// A schedule near to `input`, of at most `max_size` bytes: a few operations, injections or
// arguments inserted, dropped, moved, duplicated or changed. One time in four it is drawn afresh,
// to reach schedules that are not a few steps from earlier inputs. The same for the same seed.
Bytes mutate(std::span<const std::uint8_t> input, std::size_t max_size, std::uint64_t seed);

// A schedule with operations of both, or with an operation that has injections of both.
Bytes cross(std::span<const std::uint8_t> one, std::span<const std::uint8_t> other,
            std::size_t max_size, std::uint64_t seed);

}  // namespace sigsweep::fuzz
