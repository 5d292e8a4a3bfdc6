// Instructions with all that a mutation, or a rule about one, must know of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stress/base/symtab.h"

namespace sigsweep {

// Where control goes behind an instruction.
enum class Flow { next, jump, call, returns, trap };

// The registers of an operand have the name of the whole register: rax for eax, too.
struct Memory {
  std::string segment, base, index;
  int scale = 1;
  std::int64_t displacement = 0;

  bool operator==(const Memory&) const = default;
};

struct Operand {
  enum Kind { none, register_, immediate, memory } kind = none;
  std::string reg;
  std::int64_t value = 0;  // of an immediate
  Memory at = {};
  unsigned size = 0;  // bytes
  bool read = false, written = false;

  bool operator==(const Operand&) const = default;
};

struct Decoded {
  std::uint64_t offset = 0;  // from the function's start
  std::string bytes;
  std::string text;
  std::string name;  // the mnemonic
  Flow flow = Flow::next;
  bool conditional = false;             // it may do nothing but go on
  std::optional<std::uint64_t> target;  // of a direct jump or call: a linked address
  std::set<std::string> reads, writes;  // registers; "flags" is one
  std::vector<Operand> operands;
  // x86: where the parts of its encoding lie; 0: it has none.
  unsigned modrm = 0, displacement = 0, displacement_size = 0, immediate = 0, immediate_size = 0;

  std::uint64_t end() const { return offset + bytes.size(); }
  bool writes_memory() const;
  const Operand* memory() const;  // null: it has no operand in memory
};

// One disassembler. Not copied: it owns Capstone's handle.
class Decoder {
 public:
  // `machine`: EM_X86_64 and the like. Throws Failure(kHarnessFailed) for one that is not known.
  explicit Decoder(unsigned machine);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // `start`: the linked address of the first byte. What is no instruction is one of Flow::trap.
  std::vector<Decoded> decode(std::string_view bytes, std::uint64_t start) const;
  bool is_arm() const;
  unsigned word() const;  // bytes of a register
  // What fills a gap: it does nothing.
  std::string nops(std::size_t size) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A program's functions as they lie in its file.
class ProgramCode {
 public:
  // Throws Failure(kHarnessFailed).
  explicit ProgramCode(const std::string& path);
  // No program: only what turns bytes into functions. `machine`: as of Decoder.
  explicit ProgramCode(unsigned machine);

  struct Function {
    std::string symbol;
    std::uint64_t start = 0, file_offset = 0;
    std::vector<Decoded> code;  // empty: the program has no such function
  };
  Function function(const std::string& symbol) const;
  Function made_of(const std::string& symbol, std::string_view body, std::uint64_t start) const {
    return {symbol, start, 0, decoder_->decode(body, start)};
  }
  // The function that a linked address lies in; "": none.
  std::string name_at(std::uint64_t address) const;
  // "call 0x1234" with the function's name.
  std::string named(const Decoded& instruction) const;
  const Decoder& decoder() const { return *decoder_; }
  const std::string& bytes() const { return bytes_; }

 private:
  symtab::Table table_;
  std::string bytes_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace sigsweep
