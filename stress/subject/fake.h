// A subject for tests: tables that the test fills in, over no code at all.
#pragma once

#include <vector>

#include "stress/subject/subject.h"

namespace sigsweep {

class FakeSubject : public Subject {
 public:
  std::vector<Protocol> fake_protocols;
  std::vector<Site> fake_sites;
  std::vector<std::string_view> fake_slots;
  std::string_view fake_reject_message;
  const char* wrong_place = nullptr;          // what check_call says of the operation's call
  const char* wrong_handler_place = nullptr;  // ... of a handler's

  std::string_view isa() const override { return "none"; }
  std::span<const Protocol> protocols() const override { return fake_protocols; }
  std::span<const Site> sites() const override { return fake_sites; }
  std::span<const std::string_view> slots() const override { return fake_slots; }
  std::string_view reject_message() const override { return fake_reject_message; }
  const char* check_call(unsigned, const Call&, bool in_handler) const override {
    return in_handler ? wrong_handler_place : wrong_place;
  }

  std::span<const Region> code() const override { return {}; }
  unsigned stacks(std::span<Region>) const override { return 0; }
  Entry signal_entry() const override { return nullptr; }
  void install(std::span<const int>, Harness*) override {}
  Region alternate_stack() const override { return {}; }
  void reset(unsigned) override {}
  const void* entry(unsigned, unsigned) const override { return nullptr; }
  void run(unsigned, unsigned, Call*) override {}
  void handle(unsigned, unsigned, Call*) override {}
  unsigned stack_of(std::uint64_t) const override { return 0; }
  std::size_t describe(std::uint64_t, char*, std::size_t) const override { return 0; }
  unsigned live_regions(std::uint64_t, std::span<Region>) const override { return 0; }
};

}  // namespace sigsweep
