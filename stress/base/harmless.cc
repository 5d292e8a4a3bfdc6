// A mapping that allows nothing.
#include "stress/base/harmless.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace sigsweep {

std::string keep_hole_empty() {
  static bool is_kept = false;
  if (is_kept) return {};
  void* const wanted = reinterpret_cast<void*>(static_cast<std::uintptr_t>(kHoleBegin));
  void* const got = mmap(wanted, kHoleSize, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == wanted) {
    is_kept = true;
    return {};
  }
  const int error = errno;
  if (got != MAP_FAILED) munmap(got, kHoleSize);  // an old kernel took the address for a wish
  return "the addresses from 0x50000000 to 0x60000000 must be free, but something is mapped there" +
         std::string(got == MAP_FAILED ? std::string(": ") + std::strerror(error) : "");
}

}  // namespace sigsweep
