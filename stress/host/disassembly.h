// The instructions of a runner's functions, and of the files that it loads, by Capstone: one
// disassembler for every ISA.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stress/account/account.h"
#include "stress/host/runner_process.h"

namespace sigsweep {

struct Instruction {
  std::uint64_t offset;  // bytes from the symbol's start
  std::string text;
};

class Disassembler {
 public:
  // Reads the file's symbols and text. Throws Failure(kHarnessFailed). `of`: the names that the
  // file's code has; a runner's are its functions alone.
  enum class Names { functions, all };
  explicit Disassembler(const std::string& path, Names of = Names::functions);
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  // All instructions of a function; calls and jumps to other functions by name. Empty: no such
  // symbol.
  std::vector<Instruction> function(const std::string& symbol) const;
  // Those of the function that a linked address lies in, or, where it has no name, those around it;
  // as `offset` counts. Empty: the address is none of the file's code.
  std::vector<Instruction> function_at(std::uint64_t address, std::uint64_t offset) const;
  const std::string& build_id() const;  // with Names::all

 private:
  struct Bytes {
    std::uint64_t start, file_offset, size;  // start: as linked
  };
  std::vector<Instruction> instructions(const Bytes& of, std::uint64_t origin) const;

  struct State;
  std::unique_ptr<State> state_;
};

// A boundary's place in the code, as its account has it.
struct CodePlace {
  std::string symbol;
  std::uint64_t offset;
  std::string module;     // empty: the runner
  std::uint64_t address;  // of a module's code
};
CodePlace place_of(const InjectionAccount& injection);
CodePlace place_of(const BoundaryAccount& boundary);
// " (libx.so)"; empty for the runner's own code.
std::string in_module(const CodePlace& place);

// The runner's and those of the files it loads, each read on first use. A file that can't be read,
// or is another build by now, has no instructions.
class Disassemblers {
 public:
  // Throws as Disassembler does, for the runner alone.
  Disassemblers(const std::string& runner, std::vector<ModuleSpec> modules);

  // The function that holds the place; offsets count from the place's symbol.
  std::vector<Instruction> listing(const CodePlace& place) const;
  // Why a listing has no line for its place.
  std::string why_not(const CodePlace& place) const;

 private:
  struct File {
    std::unique_ptr<Disassembler> code;  // null: `why`
    std::string why;
  };
  const File& file(const std::string& module) const;

  Disassembler runner_;
  std::vector<ModuleSpec> modules_;
  mutable std::map<std::string, File> files_;
};

// The lines around a place in its function, the boundary marked: a signal lands in front of that
// line.
std::string around(const Disassemblers& code, const CodePlace& place, unsigned lines);

}  // namespace sigsweep
