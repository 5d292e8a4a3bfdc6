// Man pages and shell completion, made from the flags that the command takes. Nothing of them is
// written by hand.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace sigsweep {

// By their path below `share`: man/man1/sigsweep.1 and one page a command, and the completion of
// bash, zsh and fish. Flags and commands that --help does not show are left out. `version`: what
// --version prints, its first word the version.
std::map<std::string, std::string> manual_of(const CLI::App& app, const std::string& version);

// Writes them below a folder. Throws Failure(kHarnessFailed).
void write_manual(const CLI::App& app, const std::string& version, const std::string& folder);

}  // namespace sigsweep
