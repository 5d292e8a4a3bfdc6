// Names as a page shows them. Results and schedules have the linked names.
#pragma once

#include <string>

namespace sigsweep {

// The text with each name of C++ in it, such as "_ZN3fib6resumeEv", as it is in the source:
// "fib::resume()". Long arguments are left out: "f<...>(...)".
std::string demangled(const std::string& text);

// Code without a symbol: its name is made of an address. Is this symbol, in that file, such a name?
bool is_made_up(const std::string& symbol, const std::string& module);
inline constexpr const char* kMadeUpNames =
    "fde@ADDRESS and FILE+ADDRESS are code without a symbol: fde is a function's call frame "
    "information, and an address is as linked\n";

}  // namespace sigsweep
