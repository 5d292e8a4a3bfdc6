// How a claim is held against what was tried: the one list of kinds. Their names go over the wire.
//
//   contracts  the subject's own checks, and every operation without a signal
//   allowed    every trial with a calling handler shows a verdict that its protocol allows
//   rejected   as allowed, and a real throw in a child at every boundary of one site
//   legal      handler none: every trial is ok
//   predicted  liveness and marks predict the verdict of every trial, and some are not ok
//   hazard     every site with slots is spoiled at some boundary by some handler
//   storm      in a storm every call from a handler is rejected and every legal one runs
//   refused    handler none: false-reject at every boundary of every operation whose own call the
//              protocol's stub refuses, ok everywhere else; and a calling handler as allowed
//   unwound    handler observe: every trial is ok, so each backtrace passes through those who called
//   ordered    each stub changes the words of the switch in the order of its row
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sigsweep {

#define SIGSWEEP_CLAIM_KINDS(K) \
  K(contracts)                  \
  K(allowed)                    \
  K(rejected)                   \
  K(legal)                      \
  K(predicted)                  \
  K(hazard)                     \
  K(storm)                      \
  K(refused)                    \
  K(unwound)                    \
  K(ordered)

enum class ClaimKind : std::uint8_t {
#define K(name) name,
  SIGSWEEP_CLAIM_KINDS(K)
#undef K
};
inline constexpr std::string_view kClaimKindNames[] = {
#define K(name) #name,
    SIGSWEEP_CLAIM_KINDS(K)
#undef K
};

constexpr std::string_view claim_kind_name(ClaimKind kind) {
  return kClaimKindNames[static_cast<unsigned>(kind)];
}
constexpr std::optional<ClaimKind> claim_kind_from_name(std::string_view name) {
  for (unsigned i = 0; i < std::size(kClaimKindNames); i++) {
    if (kClaimKindNames[i] == name) return static_cast<ClaimKind>(i);
  }
  return std::nullopt;
}

}  // namespace sigsweep
