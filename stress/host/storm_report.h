// The stress report: what storms came to, as a page of Markdown with charts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sigsweep {

struct StormPicture {
  std::string name;  // the report links to PREFIX-NAME.svg
  std::string svg;
};

struct StormReport {
  std::string markdown;
  std::vector<StormPicture> pictures;
  bool holds = true;  // every storm is as promised, and every figure that must hold does
};

// Of rows of results (results/schema.json): `run`, `storm`, `bare`, `cell`; others are passed over.
// `prefix`: what the names of the pictures begin with. REQUIRES: at least one `storm`.
StormReport storm_report(const std::vector<nlohmann::ordered_json>& rows,
                         const std::string& prefix);

}  // namespace sigsweep
