#include "stress/host/commands/report_storm.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "stress/host/finding.h"
#include "stress/host/results_reader.h"
#include "stress/host/storm_report.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

std::vector<nlohmann::ordered_json> rows_of_files(const std::vector<std::string>& files) {
  constexpr std::string_view kKinds[] = {"run",     "storm",    "bare",     "cell",
                                         "finding", "boundary", "baseline", "skipped",
                                         "end",     "protocol", "stub",     "word"};
  std::vector<nlohmann::ordered_json> rows;
  bool storms = false;
  for (const std::string& path : files) {
    read_results(path, kKinds, [&](ResultLine line) {
      storms = storms || line.text("kind") == "storm";
      rows.push_back(std::move(line.json));
    });
  }
  if (!storms) {
    throw Failure(kUsage, fmt::format("{}: has no `storm` row: a stress report is made of those; "
                                      "`sigsweep storm --json FILE` writes them",
                                      files.front()));
  }
  return rows;
}

StormReport report_of(const Options& options, const std::string& prefix) {
  try {
    return storm_report(rows_of_files(options.files), prefix);
  } catch (const nlohmann::json::exception& error) {
    throw Failure(kUsage, fmt::format("{}: a row is not as results/schema.json says: {}",
                                      options.files.front(), error.what()));
  }
}

}  // namespace

int report_storm(const Options& options) {
  const fs::path page = options.markdown;
  const fs::path prefix = page.parent_path() / page.stem();
  const StormReport report = report_of(options, prefix.filename().string());
  write_text(page, report.markdown);
  for (const StormPicture& picture : report.pictures)
    write_text(fmt::format("{}-{}.svg", prefix.string(), picture.name), picture.svg);
  fmt::print("{}", report.markdown);
  return report.holds ? kAsExpected : kFinding;
}

}  // namespace sigsweep
