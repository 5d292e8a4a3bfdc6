// The function symbols of an ELF file: by name, and by address. For tracebacks (the running
// program), for naming boundaries, and for disassembly (a runner's file, of any ISA). Knows nothing
// of the runtime.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symtab {

struct Symbol {
  std::string name;
  std::uint64_t start;  // as linked; add bias() for the running program
  std::uint64_t size;   // bytes
  std::uint64_t file_offset;
};

// Constants among the instructions, as arm's compilers put them there. Linked addresses.
struct Constants {
  std::uint64_t start, end;
};

class Table {
 public:
  // Reads the file's .symtab. nullopt and a message in *error if it can't be read.
  static std::optional<Table> load(const std::string& path, std::string* error);

  // The function that contains a linked address, or null. Async-signal-safe.
  const Symbol* find(std::uint64_t address) const;
  const Symbol* find_name(std::string_view name) const;
  const std::vector<Symbol>& symbols() const { return symbols_; }         // by address
  const std::vector<Constants>& constants() const { return constants_; }  // by address
  unsigned machine() const { return machine_; }                           // EM_X86_64, ...

 private:
  std::vector<Symbol> symbols_;
  std::vector<Constants> constants_;
  unsigned machine_ = 0;
};

// A linked address plus this is the address in the running program. 0 if the program is not
// position-independent.
std::uint64_t bias();

}  // namespace symtab
