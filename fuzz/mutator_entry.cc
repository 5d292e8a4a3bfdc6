// The mutator's entry points. libFuzzer finds them in the target; AFL++ loads them from a shared
// object. Neither may end the process; both get bytes that they do not own.
#include <cstring>

#include "fuzz/mutator.h"

namespace {

using sigsweep::fuzz::Bytes;

std::size_t put(const Bytes& bytes, std::uint8_t* out) {
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace

extern "C" {

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned seed) {
  return put(sigsweep::fuzz::mutate({data, size}, max_size, seed), data);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                      const std::uint8_t* data2, std::size_t size2,
                                      std::uint8_t* out, std::size_t max_size, unsigned seed) {
  return put(sigsweep::fuzz::cross({data1, size1}, {data2, size2}, max_size, seed), out);
}

// ---- AFL++: the bytes in *out of afl_custom_fuzz are the mutator's until the next call.

namespace {
struct AflMutator {
  std::uint64_t seed;
  std::uint64_t rounds = 0;
  Bytes out;
};
}  // namespace

void* afl_custom_init(void* /*afl*/, unsigned seed) {
  return new AflMutator{seed, 0, {}};
}

void afl_custom_deinit(void* mutator) {
  delete static_cast<AflMutator*>(mutator);
}

std::size_t afl_custom_fuzz(void* mutator, std::uint8_t* data, std::size_t size, std::uint8_t** out,
                            std::uint8_t* other, std::size_t other_size, std::size_t max_size) {
  constexpr std::uint64_t kCrossEvery = 8;
  auto* m = static_cast<AflMutator*>(mutator);
  const std::uint64_t seed = m->seed * 0x9e3779b97f4a7c15 + ++m->rounds;
  const bool crosses = other != nullptr && m->rounds % kCrossEvery == 0;
  m->out = crosses ? sigsweep::fuzz::cross({data, size}, {other, other_size}, max_size, seed)
                   : sigsweep::fuzz::mutate({data, size}, max_size, seed);
  *out = m->out.data();
  return m->out.size();
}

}  // extern "C"
