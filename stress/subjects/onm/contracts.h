// Claim 0: each stub's contract (runtime/stubs.h), checked without a signal, store by store.
#pragma once

#include <string>
#include <string_view>

#include "runtime/runtime.h"
#include "stress/subject/subject.h"

namespace sigsweep::onm {

unsigned contract_count();
std::string contract_name(unsigned index);  // the stub, and what of it
Extras::Contract run_contract(unsigned index, runtime::M* mp);

// What is wrong with the output and exit status of a process in which `stub` threw `message`; empty:
// nothing.
// `in_handler`: the traceback must show both stacks, the handler's and the interrupted one.
std::string throw_problem(std::string_view output, int exit_status, std::string_view message,
                          std::string_view stub, bool in_handler);

}  // namespace sigsweep::onm
