// The files whose code this process has loaded, and a name for each instruction in them. Works in
// static programs too.
//
// A name is the symbol's own where it is the only one of that name, else NAME@MODULE, else (several
// in one module) NAME@MODULE:0xADDRESS with the address as linked. Where nothing names an address
// it is MODULE, and the offset is the address as linked. The program's own functions always have
// their plain names. In each name '+' and what is not printable is '_', because SYMBOL+OFFSET is
// how schedules write a place. Names depend on the modules that are loaded when the first is asked
// for, and on nothing else.
//
// Not async-signal-safe, but for at().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stress/base/code_ranges.h"
#include "stress/base/symtab.h"

namespace sigsweep {

struct Module {
  std::string path;  // absolute; of the vDSO, which has no file: its name
  std::string name;  // the file's base name, as the dynamic linker has it; of two with the same
                     // name the second is NAME:2. Empty: the program itself
  std::uint64_t bias = 0;                     // a linked address plus this is one in the process
  std::vector<CodeRanges::Range> loaded;      // by address, in the process
  std::vector<CodeRanges::Range> executable;  // of these, what the file says is code
};

// What stands at an address of the process.
struct NamedCode {
  const Module* module;
  std::string symbol;
  std::uint64_t offset;  // from the symbol's start
  std::uint64_t linked;  // the address as linked
};

class Modules {
 public:
  Modules() { look(); }
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;

  // Adds what was loaded since; a module that was unloaded stays. Pointers stay valid.
  void look();

  // In the order in which they were loaded: the program first.
  const std::deque<Module>& all() const { return modules_; }
  const Module& program() const { return modules_.front(); }
  // The module that an address lies in; null: none that is known. Async-signal-safe.
  const Module* at(std::uint64_t pc) const;

  // nullopt: the address lies in no module. Looks again before it says so.
  std::optional<NamedCode> find(std::uint64_t pc);
  // The address in the process of a name that find() gives, or of a symbol's own name if one symbol
  // alone has it; nullopt: none.
  std::optional<std::uint64_t> address_of(const std::string& symbol);
  // The names of a module's file, read when they are first asked for. Empty if it can't be read;
  // problem() says why.
  const symtab::Table& table(const Module& module);
  const std::string& problem(const Module& module);

 private:
  struct Names {
    symtab::Table table;
    std::string problem;
  };
  // Where a symbol's own name stands: one each if the start differs.
  struct Owner {
    const Module* module;
    std::uint64_t start;
  };

  bool is_listed(const Module& module) const;
  const symtab::Table& functions();  // of the program
  Names& names(const Module& module);
  void gather(const Module& module);
  const std::vector<Owner>& owners(const std::string& name);
  std::string unique(const Module& module, const symtab::Symbol& symbol);

  std::deque<Module> modules_;
  std::optional<symtab::Table> functions_;
  std::map<const Module*, Names> names_;
  std::map<std::string, std::vector<Owner>> owners_;
  std::size_t gathered_ = 0;  // modules whose names are in owners_
};

// Those of this process, shared by all who name code in it. Not for several threads at once.
Modules& modules_of_process();

}  // namespace sigsweep
