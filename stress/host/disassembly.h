// The instructions of a runner's functions, by Capstone: one disassembler for every ISA.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sigsweep {

struct Instruction {
  std::uint64_t offset;  // bytes from the symbol's start
  std::string text;
};

class Disassembler {
 public:
  // Reads the file's symbols and text. Throws Failure(kHarnessFailed).
  explicit Disassembler(const std::string& path);
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  // All instructions of a function; calls and jumps to other functions by name. Empty: no such
  // symbol.
  std::vector<Instruction> function(const std::string& symbol) const;

 private:
  struct State;
  State* state_;
};

// The lines around `offset` of a function, the boundary marked: a signal lands in front of that
// line.
std::string around(const Disassembler& code, const std::string& symbol, std::uint64_t offset,
                   unsigned lines);

}  // namespace sigsweep
