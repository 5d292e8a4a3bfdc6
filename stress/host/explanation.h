// Why a trial went wrong, for people and for machines: what its runner measured when it stepped the
// trial once more (stress/account/why.h).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "stress/account/account.h"
#include "stress/host/disassembly.h"
#include "stress/host/finding.h"

namespace sigsweep {

// The sentences, and the instructions that they name. Lines of a page; empty: nothing is known.
std::string why_lines(const Disassemblers& code, const Account& account);
// Registers and slots where the first signal landed, and at the trial's end.
std::string before_and_after(const Account& account);

// Adds what is measured to an account that has none. Of a trial that does not show the same once
// more it adds nothing.
void add_why(const Session& session, ReportedTrial* example);

// The fields `why` and `facts` of a row; null where there are none.
nlohmann::ordered_json why_json(const Account& account);
// REQUIRES: account.why.
nlohmann::ordered_json facts_json(const Account& account);

}  // namespace sigsweep
