// What a program's file says of how it was built.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sigsweep {

struct BinaryFacts {
  unsigned machine = 0;                // of the ELF header: EM_X86_64, ...
  std::vector<std::string> libraries;  // that it needs at run time
  // Direct calls of functions, by the beginning of their names as the caller spelled it below.
  std::map<std::string, unsigned> calls;
};

// Does the file begin as an ELF file does?
bool is_elf(const std::string& path);

// Reads headers, dynamic section, symbols and code. Calls are counted of functions whose demangled
// names begin with one of `prefixes`. A call by way of the PLT is not counted: the services link
// the sanitizers' runtimes statically. nullopt, and a message in *error, where it can't be read.
std::optional<BinaryFacts> read_binary(const std::string& path,
                                       const std::vector<std::string>& prefixes,
                                       std::string* error);

}  // namespace sigsweep
