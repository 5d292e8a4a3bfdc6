// The file of an adapter (--adapter FILE.so), as it lies there: nothing of it runs here.
#pragma once

#include <string>

#include "stress/host/options.h"

namespace sigsweep {

// The instruction set that it is built for: one that has a runner for adapters. Throws
// Failure(kUsage), with the reason, for a file that no runner can load.
std::string isa_of_adapter(const std::string& path);

// What --adapter and --subject mean together: fills in subject, the path as the loader takes it,
// and, where --isa is not given, the file's own. `subject_given`: --subject was. Throws
// Failure(kUsage) for what can't be.
void settle_adapter(bool subject_given, Options* options);

// --subject fcontext is another name for the adapter of Boost.Context that lies beside the command.
// The same options for any other subject. Throws Failure(kSkipped) where it is not built.
Options with_adapter(const Options& options);

// For a page: "--adapter FILE" as a word of a command; empty: no adapter.
std::string adapter_flag(const Options& options);

}  // namespace sigsweep
