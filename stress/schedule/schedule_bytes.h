// The byte form of a schedule: the fuzzing engines' input, as lossless as the text form.
//
// Bytes are records of one size. So a changed byte changes one record, and the other records stay
// the same when a record is inserted, dropped or moved. Every byte string is a schedule: the last
// record is filled up with zeros, numbers are taken modulo the count of choices, and surplus
// records are left out. So no bytes are the smallest schedule, and short inputs are short
// schedules.
//
//   byte       0         1        2 .. 9
//   first      protocol  site     seed       the schedule, and its first operation
//   operation  kind      site     -          begins another
//   argument   kind      slot     value      of the operation or injection before it
//   injection  kind      handler  source, signal, in, phase (2), nth (2), -
//   detail     kind      role     value      what only some schedules have
//
// Numbers of more than a byte have the lowest byte first. Names are numbers, by their place in the
// catalog, and a boundary is a number by its phase. So bytes belong to the subject and the build
// that wrote them; for keeping, use the text form.
// Depends on the standard library only. Not async-signal-safe, except ByteRecord.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stress/schedule/schedule.h"

namespace sigsweep {

inline constexpr std::size_t kRecordBytes = 10;

// A number between 0 and `count` - 1. REQUIRES: count > 0.
constexpr std::size_t wrapped(std::uint64_t number, std::size_t count) {
  return static_cast<std::size_t>(number < count ? number : number % count);
}

struct ByteRecord {
  enum class Kind : std::uint8_t { operation, argument, injection, detail };
  static constexpr unsigned kKinds = 4;

  std::uint8_t byte[kRecordBytes] = {};

  // ByteRecord `index` of an input, filled up with zeros.
  static ByteRecord read(std::span<const std::uint8_t> bytes, std::size_t index) {
    ByteRecord record;
    for (std::size_t i = 0, at = index * kRecordBytes; i < kRecordBytes && at < bytes.size(); i++) {
      record.byte[i] = bytes[at++];
    }
    return record;
  }
  static ByteRecord make(Kind kind, std::uint8_t index, std::uint64_t value = 0) {
    ByteRecord record;
    record.byte[0] = static_cast<std::uint8_t>(kind);
    record.byte[1] = index;
    record.set(2, 8, value);
    return record;
  }

  Kind kind() const { return static_cast<Kind>(byte[0] % kKinds); }
  std::uint8_t index() const { return byte[1]; }  // site, slot, handler or role
  std::uint64_t value() const { return get(2, 8); }
  // Of an injection.
  std::uint8_t source() const { return byte[2]; }
  std::uint8_t signal() const { return byte[3]; }
  std::uint8_t in() const { return byte[4]; }
  std::uint16_t phase() const { return static_cast<std::uint16_t>(get(5, 2)); }
  std::uint16_t nth() const { return static_cast<std::uint16_t>(get(7, 2)); }

  std::uint64_t get(unsigned at, unsigned size) const {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < size; i++) number |= std::uint64_t{byte[at + i]} << (8 * i);
    return number;
  }
  void set(unsigned at, unsigned size, std::uint64_t number) {
    for (unsigned i = 0; i < size; i++) byte[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
};

// How many records an input has: at least one.
inline std::size_t record_count(std::span<const std::uint8_t> bytes) {
  return bytes.empty() ? 1 : (bytes.size() + kRecordBytes - 1) / kRecordBytes;
}

// The boundaries that a number stands for: those of an operation, or of a handler, grouped by phase
// in the order in which the phases come.
class Grounds {
 public:
  struct Number {
    std::uint16_t phase = 0;
    std::uint16_t nth = 0;  // within the phase, from 0
  };
  struct Place {
    BoundaryName at;
    Phase phase;
    bool operator==(const Place&) const = default;
  };
  virtual ~Grounds() = default;
  // Both numbers modulo the count. nullopt if nothing is known of that operation or handler.
  virtual std::optional<Place> place(std::string_view protocol, std::string_view site,
                                     bool as_handler, Number number) const = 0;
  // The number of exactly that place, if it has one.
  virtual std::optional<Number> number(std::string_view protocol, std::string_view site,
                                       bool as_handler, const Place& place) const = 0;
};

// REQUIRES: the schedule is valid for the catalog (parse_schedule returned it). A boundary that
// `grounds` does not know is written by its name.
std::vector<std::uint8_t> to_bytes(const Schedule& schedule, const Catalog& catalog,
                                   const Grounds* grounds = nullptr);

// from_bytes(to_bytes(s)) == s, but that it is for the catalog's adapter. REQUIRES: the catalog has
// an isa, a protocol, a site and a handler.
Schedule from_bytes(std::span<const std::uint8_t> bytes, const Catalog& catalog,
                    const Grounds* grounds = nullptr);

}  // namespace sigsweep
