// What the checks of the contracts share. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>

#include "runtime/runtime.h"

extern "C" {
// contracts_ISA.S: calls fn(arg) with the words of contract_kept in the callee-saved registers (on
// arm the last 16 in d8 to d15), and puts what they hold then into the same words. No scratch
// register holds a copy of arg.
void contract_keeps(std::uintptr_t fn, const void* arg);
void contract_keeps_back();  // fn's return address
extern std::uintptr_t contract_kept[24];
// Leaves M as mexit does, with other words in the callee-saved registers.
NORETURN void contract_leaves(runtime::M* mp);
#if defined(__arm__)
extern unsigned char runtime_iscgo;  // asm_arm.S
#endif
}
#if defined(__arm__)
// Where a process that uses cgo has a copy of g (proc.cc).
namespace runtime {
extern "C" {
extern constinit thread_local Ptr<G> runtime_g;
}
}  // namespace runtime
#endif

namespace sigsweep::onm {

using runtime::G;
using runtime::Gobuf;
using runtime::M;
using runtime::Word;

struct Contract {
  const char* name;
  void (*check)(M*);
};
std::span<const Contract> throw_contracts();   // each in a child of its own
std::span<const Contract> thread_contracts();  // mstart, mexit, sigtramp
std::span<const Contract> system_contracts();  // setsig, an M's thread
#if !defined( \
    __arm__)  // there the ABI demands that callees keep some: contract_keeps compares those
std::span<const Contract> vector_contracts();
#endif

extern std::string problem;  // the first thing found wrong in the check under way
extern M* the_m;

// Else `what` is the problem, if there is none yet.
void expect(bool holds, const char* what);

inline Word word(const void* p) {
  return runtime::wordof(p);
}
template <class... Args>
Word word(void (*fn)(Args...)) {
  return runtime::wordof(fn);
}

// fn(arg), which must keep the callee-saved registers.
void call_kept(std::uintptr_t fn, const void* arg, const char* what);
template <class Arg>
void call_kept(void (*fn)(Arg*), std::type_identity_t<Arg>* arg, const char* what) {
  call_kept(reinterpret_cast<std::uintptr_t>(fn), arg, what);
}

// The check of `what`, in a child of its own: what it does to signals and threads stays there.
void check_in_child(const char* what, const std::function<void()>& check);

// Runs `body` as the only G of a fresh M, until no G is left.
void run_as_g(M* mp, void (*body)());
// Runs `body` on g0 of a fresh M that has no G.
void run_idle(M* mp, void (*body)());

// SP when the function with this frame was entered. If a call pushes its return address, SP points
// at it.
#define ENTRY_SP() (word(__builtin_frame_address(0)) + static_cast<Word>(sizeof(std::uintptr_t)))

inline bool aligned(Word entry_sp) {
  return (entry_sp + runtime::kReturnBytes) % runtime::kCallAlignment == 0;
}

// The return address of the function that called the one with this frame: where *it* was called.
inline std::uintptr_t return_address_of_caller(const void* frame) {
  const auto* const own = static_cast<const std::uintptr_t*>(frame);
  return reinterpret_cast<const std::uintptr_t*>(own[runtime::kFrameNext])[runtime::kFrameReturn];
}

// Is this the address of an instruction in a stub that begins there? No stub has more bytes.
template <class... Args>
bool lies_in(std::uintptr_t pc, void (*stub)(Args...)) {
  constexpr std::uintptr_t kLongest = 256;
  const auto start = reinterpret_cast<std::uintptr_t>(stub);
  return pc > start && pc < start + kLongest;
}

// A throw's callees rely on the alignment that the stub gave the throw: a throwhook that ends the
// process with status 1 if there is none.
void refuse_misaligned(const char*);

// What the ABI gives to a callee, fn overwrites: a stub that counts on it goes wrong.
ALWAYS_INLINE void spoil_scratch() {
#if defined(__x86_64__)
  asm volatile(
      "movl $0x5a5a5a5a, %%eax\n\tmovl %%eax, %%ecx\n\tmovl %%eax, %%edx\n\t"
      "movl %%eax, %%esi\n\tmovl %%eax, %%edi\n\tmovl %%eax, %%r8d\n\t"
      "movl %%eax, %%r9d\n\tmovl %%eax, %%r10d\n\tmovl %%eax, %%r11d" ::
          : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
#elif defined(__i386__)
  asm volatile("movl $0x5a5a5a5a, %%eax\n\tmovl %%eax, %%ecx\n\tmovl %%eax, %%edx" ::
                   : "eax", "ecx", "edx");
#elif defined(__arm__)
  asm volatile("movw r0, #0x5a5a\n\tmov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r12, r0" ::
                   : "r0", "r1", "r2", "r3", "r12");
#endif
}

}  // namespace sigsweep::onm
