// A trial that is stepped from outside, instruction by instruction: what is seen at each.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "stress/oracle/oracle.h"

namespace sigsweep {

// The general registers are in the order in which instructions number them.
struct StepRegisters {
  static constexpr unsigned kGeneral = 16;
  std::uint64_t general[kGeneral] = {};
  std::uint64_t pc = 0, flags = 0, segment_base = 0;  // the base: of FS, on amd64
};

// The memory of the process that runs the trial.
class StepMemory {
 public:
  explicit StepMemory(pid_t process) : process_(process) {}
  // False: there is no such memory.
  bool read(std::uint64_t address, void* out, std::size_t size) const;
  std::uint64_t word(std::uint64_t address, unsigned bytes) const;  // 0 where there is none

 private:
  pid_t process_;
};

struct StepFault {
  int signal = 0;  // 0: none
  std::uint64_t address = 0;
};

// The state in front of an instruction. Of a fault: the instruction that faulted.
struct StepView {
  const StepRegisters& registers;
  const StepMemory& memory;
  const Course& seen;  // of the trial so far
  StepFault fault;
  bool over = false;  // the operation has come back: no instruction of it is left
};
// False: enough was seen, and the trial ends here.
using StepTaker = std::function<bool(const StepView&)>;

struct SteppedTrial {
  std::string problem;  // why it could not be stepped; empty: it was
  // faulted, ended: the process did; enough: the taker said so.
  enum End : std::uint8_t { came_back, faulted, ended, late, enough } end = came_back;
  Judgement judgement;  // of a trial that came back
};

}  // namespace sigsweep
