// The function symbols of an ELF file: by name, and by address. For tracebacks (the running
// program), for naming boundaries, and for disassembly (a runner's file, of any ISA). Knows nothing
// of the runtime.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symtab {

struct ElfFile;

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

// A part of a file that is loaded.
struct LoadedSection {
  std::string name;
  std::uint64_t start, size;  // as linked
  std::uint64_t file_offset;
  bool executable;
};

class Table {
 public:
  // Reads the functions of the file's .symtab. nullopt and a message in *error if it can't be read.
  static std::optional<Table> load(const std::string& path, std::string* error);
  // Every name that can be had for the code of any file, also of a stripped one. An address has the
  // first of these that covers it:
  //   1. a symbol of .symtab with a size
  //   2. one of .dynsym with a size
  //   3. a symbol without a size, outside of those: it reaches to the next symbol, or to the end of
  //      its section
  //   4. NAME@plt, a jump to a function of another file
  //   5. fde@0xSTART, the entry of .eh_frame that begins there
  // Of several names for one place the same is found always: functions before labels, global before
  // local ones. A damaged file gives what can be read of it; problem() says what is wrong.
  static std::optional<Table> load_all(const std::string& path, std::string* error);
  // The same of a file's content.
  static std::optional<Table> parse_all(std::string content, std::string* error);

  // The function that contains a linked address, or null. Async-signal-safe.
  const Symbol* find(std::uint64_t address) const;
  const Symbol* find_name(std::string_view name) const;
  const std::vector<Symbol>& symbols() const { return symbols_; }         // by address
  const std::vector<Constants>& constants() const { return constants_; }  // by address
  unsigned machine() const { return machine_; }                           // EM_X86_64, ...

  // ---- of load_all
  // The names by the other rules, each list by address.
  static constexpr unsigned kFurther = 4;
  const std::array<std::vector<Symbol>, kFurther>& further() const { return further_; }
  const std::vector<LoadedSection>& sections() const { return sections_; }  // those with a name
  // The executable section that holds an address, in a file without sections the segment; nullopt:
  // none.
  std::optional<LoadedSection> code_at(std::uint64_t address) const;
  bool is_executable(std::uint64_t address) const { return code_at(address).has_value(); }
  // The build id in hex; of a file without one, 16 hex digits of its hash.
  const std::string& build_id() const { return build_id_; }
  const std::string& problem() const { return problem_; }  // empty: the file is whole

 private:
  static Table of(const ElfFile& file);

  std::vector<Symbol> symbols_;
  std::array<std::vector<Symbol>, kFurther> further_;
  std::vector<Constants> constants_;
  std::vector<LoadedSection> sections_;
  std::vector<LoadedSection> segments_;  // without a name
  std::string build_id_, problem_;
  unsigned machine_ = 0;
};

// A linked address plus this is the address in the running program. 0 if the program is not
// position-independent.
std::uint64_t bias();

}  // namespace symtab
