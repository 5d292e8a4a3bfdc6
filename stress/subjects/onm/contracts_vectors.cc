// No switch touches a vector register: XMM, YMM, ZMM and the opmask registers are the caller's and
// fn's. The ABI would let a stub overwrite them; code that interrupts itself at any place, and
// other languages' ABIs, do not.
#include <cpuid.h>

#include <algorithm>
#include <cstring>

#include "runtime/stubs.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::FuncVal;
using runtime::getg;

extern "C" {
// contracts_ISA.S. Calls fn(arg) with the registers that `before` holds, and writes them into
// `after`: as XSAVE does, those of `features`; as FXSAVE does where that is 0.
struct VectorCall {
  std::uintptr_t fn;
  const void* arg;
  const void* before;
  void* after;
  std::uint32_t features;
};
void contract_vectors(const VectorCall* call);
void contract_nothing();
void contract_goes_back();
extern const std::uintptr_t contract_sched;
const std::uintptr_t contract_sched = offsetof(runtime::G, sched);
}

namespace sigsweep::onm {
namespace {

// Of XCR0: SSE, AVX, opmask, the upper halves of ZMM0 to ZMM15, ZMM16 to ZMM31. Source: Intel SDM,
// volume 1, 13.1.
constexpr std::uint32_t kVectorFeatures = 1U << 1 | 1U << 2 | 1U << 5 | 1U << 6 | 1U << 7;
constexpr unsigned kFirstExtended = 2, kFeatures = 8;
constexpr std::size_t kXmm = 160, kXmmBytes = 2 * sizeof(std::uintptr_t) * 16;  // 8 of them on 386
constexpr std::size_t kHeader = 512;

struct alignas(64) Image {
  unsigned char bytes[4096] = {};
};
struct Range {
  std::size_t offset = 0, size = 0;
};

// Those that the processor has and the system keeps.
std::uint32_t vector_features() {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low & kVectorFeatures;
}

// Where an image holds the registers of one feature; empty: there are none.
Range range_of(unsigned feature) {
  if (feature + 1 == kFirstExtended) return {kXmm, kXmmBytes};
  std::uint32_t size = 0, offset = 0, c = 0, d = 0;
  if (__get_cpuid_count(0xd, feature, &size, &offset, &c, &d) == 0) return {};
  return {offset, size};
}

template <class Visit>
void each_range(std::uint32_t features, const Visit& visit) {
  for (unsigned feature = kFirstExtended - 1; feature < kFeatures; feature++) {
    if ((features >> feature & 1) == 0) continue;
    const Range range = range_of(feature);
    if (range.offset + range.size <= sizeof(Image)) visit(range);
  }
}

// The control words as they are, and in each vector register bytes that differ from their
// neighbours.
Image full_of_known_words(std::uint32_t features) {
  Image image;
  asm volatile("fxsave %0" : "=m"(image));
  each_range(features | 1U << 1, [&](const Range& range) {
    for (std::size_t i = 0; i < range.size; i++) {
      image.bytes[range.offset + i] = static_cast<unsigned char>(1 + (range.offset + i) * 7);
    }
  });
  std::memcpy(image.bytes + kHeader, &features, sizeof features);
  return image;
}

// An area that nobody writes is the same in both images: of 32-bit code, the upper half of the
// registers.
void expect_kept(void (*stub)(const FuncVal*), const FuncVal& fn) {
  static const std::uint32_t features = vector_features();
  static const Image before = full_of_known_words(features);
  static Image after;
  after = before;
  const VectorCall call{reinterpret_cast<std::uintptr_t>(stub), &fn, &before, &after, features};
  contract_vectors(&call);
  each_range(features | 1U << 1, [&](const Range& range) {
    expect(std::equal(before.bytes + range.offset, before.bytes + range.offset + range.size,
                      after.bytes + range.offset),
           "a vector register was changed");
  });
}

const FuncVal nothing = runtime::funcval(contract_nothing);
const FuncVal goes_back = runtime::funcval(contract_goes_back);

void call_each() {
  for (const auto stub : {runtime::onM, runtime::onM_legacy, runtime::onM_remember,
                          runtime::onM_signalok, runtime::systemstack}) {
    expect_kept(stub, nothing);
  }
}

void call_each_from_curg() {
  call_each();
  expect_kept(runtime::cmcall, goes_back);  // and gogo
  G* gp = getg();
  runtime::setg(gp->m->gsignal);
  for (const auto stub : {runtime::onM_signalok, runtime::systemstack}) expect_kept(stub, nothing);
  runtime::setg(gp);
}

void check_vectors(M* mp) {
  run_as_g(mp, call_each_from_curg);
  run_idle(mp, call_each);
}

const Contract kVectors[] = {{"each switch leaves the vector registers", check_vectors}};

}  // namespace

std::span<const Contract> vector_contracts() {
  return kVectors;
}

}  // namespace sigsweep::onm
