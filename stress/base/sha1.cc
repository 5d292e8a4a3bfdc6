// SHA-1 (FIPS 180-4), for names, not for safety.
#include "stress/base/sha1.h"

#include <array>
#include <bit>
#include <cstdint>

namespace sigsweep {
namespace {

constexpr std::size_t kBlock = 64;  // bytes

using State = std::array<std::uint32_t, 5>;

void add_block(std::string_view block, State* state) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t i = 0; i < 16; i++) {
    w[i] = 0;
    for (std::size_t k = 0; k < 4; k++)
      w[i] = w[i] << 8 | static_cast<unsigned char>(block[4 * i + k]);
  }
  for (std::size_t i = 16; i < w.size(); i++)
    w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = *state;
  for (std::size_t i = 0; i < w.size(); i++) {
    const std::uint32_t f = i < 20   ? (b & c) | (~b & d)
                            : i < 40 ? b ^ c ^ d
                            : i < 60 ? (b & c) | (b & d) | (c & d)
                                     : b ^ c ^ d;
    constexpr std::uint32_t kConstants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const std::uint32_t next = std::rotl(a, 5) + f + e + kConstants[i / 20] + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State added{a, b, c, d, e};
  for (std::size_t i = 0; i < added.size(); i++) (*state)[i] += added[i];
}

}  // namespace

std::string sha1(std::string_view content) {
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::size_t whole = content.size() / kBlock * kBlock;
  for (std::size_t at = 0; at < whole; at += kBlock) add_block(content.substr(at, kBlock), &state);
  std::string last(content.substr(whole));
  last += '\x80';
  while (last.size() % kBlock != kBlock - 8) last += '\0';
  const std::uint64_t bits = std::uint64_t{content.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) last += static_cast<char>(bits >> shift);
  for (std::size_t at = 0; at < last.size(); at += kBlock)
    add_block(std::string_view(last).substr(at, kBlock), &state);
  std::string hex;
  for (const std::uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[word >> shift & 15];
  }
  return hex;
}

}  // namespace sigsweep
