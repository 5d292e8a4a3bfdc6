// The words that a door's routine needs to write the kernel's frame (arch/amd64/door.S).
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace sigsweep::trap {

inline constexpr unsigned kMostArrivals = 16;

struct DoorFrame {
  static constexpr std::uint32_t kNoArrival = ~0U;

  // Of who comes in, kept for a moment.
  std::uint64_t rsp, rax, rcx, flags;
  std::uint32_t index = kNoArrival;  // of the arrival; kNoArrival: it was no door
  std::uint8_t own;   // the frame lies on the stack that SP is in, as without SA_ONSTACK
  std::uint8_t wide;  // the processor has registers of more than 16 bytes
  std::uint64_t stack, stack_size;   // the alternate stack
  std::uint64_t pcs[kMostArrivals];  // the boundary of each
  // As a frame of the kernel had them, which learn() has seen.
  std::uint64_t state_bytes, state_end, features;  // of the processor's state; where its magic lies
  unsigned char head[40];                          // uc_flags, uc_link, uc_stack
  unsigned char segments[40];  // the segment registers, and what the kernel says of a fault
  std::uint64_t mask;
  std::uint64_t back;          // where the handler returns to: sigreturn, that unwinders know
  unsigned char software[48];  // SoftwareBytes
};

extern "C" {
// In assembly.
extern const void* const door_arrivals[kMostArrivals];
void door_arrive();
extern const char door_arrive_end[];
[[noreturn]] void door_leave(const ucontext_t* uc);
extern DoorFrame door_frame;
}

// Learns what a frame of the kernel holds, whoever it is for: takes a breakpoint, by a handler of its
// own. Not async-signal-safe. REQUIRES: kHasDoors; the alternate stack is registered.
void learn_frame();

}  // namespace sigsweep::trap
