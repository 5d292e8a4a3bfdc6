// Optional parts of a subject beside its sites: benchmarks, contracts, claims, and the look of a
// real throw.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stress/base/wire.h"
#include "stress/subject/claims.h"

namespace sigsweep {

class Extras {
 public:
  // ---- benchmarks of the subject's own code: by name, and `rounds` rounds of one, with stack and
  // state as that code wants them.
  virtual std::span<const std::string_view> benchmarks() const { return {}; }
  virtual void run_benchmark(unsigned /*index*/, std::uint64_t /*rounds*/) {}

  // ---- contracts: checks that need no signal. A check may end its process.
  struct Contract {
    std::string name;
    std::string problem;  // empty: it holds
  };
  virtual unsigned contract_count() const { return 0; }
  virtual std::string contract_name(unsigned /*index*/) const { return {}; }
  virtual Contract check_contract(unsigned /*index*/) { return {}; }

  // ---- words of its state, by name, for reports; empty: it has none at this address
  virtual std::string word_name(std::uint64_t /*address*/) const { return {}; }

  // ---- a subject whose code was loaded: records for `describe` that say which
  virtual std::vector<Record> identity() const { return {}; }

  // ---- claims about its code
  virtual const Claims& claims() const {
    static constexpr Claims kNone{};
    return kNone;
  }
  // Are this output and exit status right for a rejected process? Empty if so, else what is wrong.
  virtual std::string check_throw_output(std::string_view /*output*/, int /*exit_status*/) const {
    return "this subject never throws";
  }

 protected:
  ~Extras() = default;
};

}  // namespace sigsweep
