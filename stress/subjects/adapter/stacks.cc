// Mapping and declaring.
#include "stress/subjects/adapter/stacks.h"

#include <sys/mman.h>
#include <unistd.h>

namespace sigsweep::adapter {

bool Stacks::map(unsigned name, std::size_t size) {
  const auto guard = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, size + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* const lowest = static_cast<char*>(memory) + guard;
  if (memory == MAP_FAILED || mprotect(lowest, size, PROT_READ | PROT_WRITE) != 0) return false;
  declare(name, lowest, size);
  return true;
}

void Stacks::declare(unsigned name, const void* lowest, std::size_t size) {
  stacks_[name] = NamedStack{as_address(lowest), as_address(lowest) + size};
}

unsigned Stacks::name_for_library(const void* lowest) {
  for (unsigned name = kLibrary; name < kStacks; name++) {
    if (!stacks_[name].exists() || stacks_[name].lo == as_address(lowest)) return name;
  }
  return kNone;
}

}  // namespace sigsweep::adapter
