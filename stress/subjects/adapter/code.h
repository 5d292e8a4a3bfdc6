// Which code signals land in: the functions that were executed on the way, but for the C library's;
// or as the adapter's list says. Not async-signal-safe.
#pragma once

#include <string>
#include <vector>

#include "stress/base/modules.h"
#include "stress/subjects/adapter/steps.h"

namespace sigsweep::adapter {

// A function, or another stretch of code with one name.
struct Function {
  const Module* module = nullptr;
  std::string symbol;
  std::uint64_t begin = 0, end = 0;  // in the process
  unsigned executed = 0;             // instructions of it that were
};

struct SweptCode {
  std::vector<Function> swept;
  struct LeftOut {
    Function function;
    std::string why;
  };
  std::vector<LeftOut> left_out;
  std::string problem;  // of the adapter's list; empty: none
  // The instruction that moves SP from stack to stack lies in code that is left out, and nobody
  // asked for that: where. Empty: it is swept.
  std::string switch_left_out;

  std::vector<Region> regions() const;
};

SweptCode choose_code(const Library& library, const StepLog& log);

}  // namespace sigsweep::adapter
