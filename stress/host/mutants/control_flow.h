// Which instructions of a function can run, and which registers are read later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "stress/host/mutants/decoded.h"

namespace sigsweep {

// Can the function that begins at this address return? "No" is certain: no path through its code
// comes to a return, or leaves by a jump for code that may return. A path that runs off the end of
// compiled code has come through a call that the compiler knew not to return.
bool may_return(const ProgramCode& program, std::uint64_t address);

// The paths through one function.
class ControlFlow {
 public:
  // `unread`: registers that the functions which it calls do not read.
  ControlFlow(const ProgramCode& program, const ProgramCode::Function& function,
              std::set<std::string> unread = {});

  // Can control come to the instruction at this offset?
  bool is_reached(std::uint64_t offset) const { return reached_.contains(offset); }
  // Is the register read, on some path, before it is overwritten, by what runs behind the
  // instruction at this offset? What code elsewhere may read counts as read: at a return, what the
  // ABI gives to the caller; at a call, what it gives to the callee.
  bool is_read_behind(std::uint64_t offset, const std::string& reg) const;

 private:
  struct Next {
    std::vector<std::uint64_t> offsets;
    bool leaves = false;  // also for code elsewhere
  };
  const Decoded* at(std::uint64_t offset) const;
  Next next_of(const Decoded& instruction) const;
  bool calls_what_returns(const Decoded& instruction) const;
  bool elsewhere_reads(const Decoded& instruction, const std::string& reg) const;

  const ProgramCode& program_;
  const ProgramCode::Function& function_;
  std::set<std::string> unread_;
  std::set<std::uint64_t> reached_;
};

}  // namespace sigsweep
