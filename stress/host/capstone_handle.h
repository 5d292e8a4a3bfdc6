// Capstone for a machine, as ELF files number them: the one list of those that we read.
#pragma once

#include <capstone/capstone.h>

namespace sigsweep {

struct CapstoneMode {
  unsigned machine;  // EM_...
  cs_arch arch;
  cs_mode mode;
  unsigned word;  // bytes
};
// Null: there is none for it.
const CapstoneMode* capstone_mode(unsigned machine);

// A disassembler, once it is open. x86 in AT&T's syntax.
class CapstoneHandle {
 public:
  CapstoneHandle() = default;
  CapstoneHandle(const CapstoneHandle&) = delete;
  CapstoneHandle& operator=(const CapstoneHandle&) = delete;
  ~CapstoneHandle();
  // False: Capstone refuses. REQUIRES: it is not open.
  bool open(const CapstoneMode& mode);
  csh get() const { return handle_; }

 private:
  csh handle_ = 0;
};

}  // namespace sigsweep
