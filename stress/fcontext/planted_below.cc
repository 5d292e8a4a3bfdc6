// Where PLANT_BELOW keeps r12: at a place that the kernel's signal frame writes on every machine.
// Below the red zone lies the state that xsave stores, whose size and holes are the processor's:
// with AVX and PKRU but without AVX-512 nothing is written in 1856 bytes of it. Its first part, the
// legacy area, has XMM0 to XMM15 at bytes 160 to 416 everywhere (Intel SDM 1, 13.4.1).
#include <cpuid.h>

#include <algorithm>
#include <cstdint>

namespace {

std::int64_t xsave_bytes() noexcept {
  // The kernel leaves out what a process must ask for (AMX, from 17 on).
  constexpr unsigned kFirst = 2, kLast = 16;
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  std::int64_t bytes = 576;  // the legacy area and the header
  for (unsigned i = kFirst; i <= kLast; i++) {
    std::uint32_t size, offset, c, d;
    if ((low >> i & 1U) == 0 || __get_cpuid_count(0xd, i, &size, &offset, &c, &d) == 0) continue;
    bytes = std::max<std::int64_t>(bytes, std::int64_t{offset} + size);
  }
  return bytes;
}

}  // namespace

// Bytes from SP. The frame ends 128 below SP, with a word of 4 bytes; its state begins at a
// multiple of 64 bytes, and SP moves by 0x38 meanwhile: in each case 224 is among the XMM
// registers.
extern "C" std::int64_t planted_below;
std::int64_t planted_below = (-128 - 4 - xsave_bytes() + 224) & -8;
