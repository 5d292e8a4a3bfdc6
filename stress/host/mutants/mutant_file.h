// A mutant as a program: a copy of the runner's file, and of its storm's, with the bytes changed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "stress/host/mutants/mutation.h"

namespace sigsweep {

// One program that mutants are made of.
class MutableProgram {
 public:
  // Throws Failure(kHarnessFailed) for one that can't be read.
  MutableProgram(const std::string& path, const std::string& isa,
                 const std::vector<std::string>& stubs);

  const ProgramCode& code() const { return code_; }
  const std::vector<Mutant>& mutants() const { return mutants_; }
  // Writes the program with the mutant's bytes. False: it does not have this mutant. Throws
  // Failure(kHarnessFailed).
  bool write(const std::string& id, const std::filesystem::path& to) const;

 private:
  ProgramCode code_;
  std::vector<Mutant> mutants_;
  std::map<std::string, std::uint64_t> file_offsets_;  // of the functions
};

}  // namespace sigsweep
