// Which machines there are.
#include "stress/host/capstone_handle.h"

#include <elf.h>

#include <algorithm>
#include <iterator>

namespace sigsweep {
namespace {

constexpr CapstoneMode kModes[] = {{EM_X86_64, CS_ARCH_X86, CS_MODE_64, 8},
                                   {EM_386, CS_ARCH_X86, CS_MODE_32, 4},
                                   {EM_ARM, CS_ARCH_ARM, CS_MODE_ARM, 4}};

}  // namespace

const CapstoneMode* capstone_mode(unsigned machine) {
  const auto* const found = std::ranges::find(kModes, machine, &CapstoneMode::machine);
  return found == std::end(kModes) ? nullptr : found;
}

CapstoneHandle::~CapstoneHandle() {
  if (handle_ != 0) cs_close(&handle_);
}

bool CapstoneHandle::open(const CapstoneMode& mode) {
  if (cs_open(mode.arch, mode.mode, &handle_) != CS_ERR_OK) return false;
  if (mode.arch == CS_ARCH_X86) cs_option(handle_, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
  return true;
}

}  // namespace sigsweep
