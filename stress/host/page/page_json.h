// The data that a page holds, as JSON: the model with its pools, and the verdicts of a strip as a
// string of letters. stress/host/page/data.js reads it.
#pragma once

#include <string>

#include "stress/host/page/page_model.h"

namespace sigsweep {

// The letter that stands for the outcome with this index in a row of a strip. No letter needs to be
// escaped in JSON or in HTML. REQUIRES: index <= kMostLetters.
inline constexpr PageIndex kMostLetters = 50000;
std::string row_letter(PageIndex index);

nlohmann::ordered_json page_json(const PageModel& model);

// JSON as text that can stand in a <script> element: nothing in it ends that element, and nothing is
// a line end to a JavaScript of before 2019.
std::string script_safe(const nlohmann::ordered_json& json);

}  // namespace sigsweep
