// Execution breakpoints in the processor's debug registers, by perf_event_open with attr.sigtrap:
// for one thread, and with no patch in the code. The trap is the signal, as in source direct.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <string>

namespace sigsweep::trap {

// Opens the events of this thread and sees one fire. Empty, or why they can't be had: the kernel
// refuses, or (some virtual machines) accepts and the breakpoint never fires. Not
// async-signal-safe.
std::string prepare_hwbreak();
// Prepares a child without another try: events are not inherited.
void forget_hwbreak();

// The rest is async-signal-safe. REQUIRES: prepare_hwbreak() was empty; index < kHwBreaks.
inline constexpr unsigned kHwBreaks = 4;
void arm_hwbreak(unsigned index, std::uint64_t pc, std::uint32_t nth);
// The breakpoint that a SIGTRAP belongs to. Its index: this was its last pass, and it is disarmed.
// -1: it awaits another pass. kNoHwBreak: the trap belongs to none of them.
inline constexpr int kNoHwBreak = -2;
int take_hwbreak(const siginfo_t* info, const ucontext_t* uc);
void disarm_hwbreaks();
bool is_any_hwbreak_armed();

}  // namespace sigsweep::trap
