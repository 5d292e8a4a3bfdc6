#include <fmt/format.h>

#include "stress/host/commands/report_history.h"
#include "stress/host/options.h"

namespace sigsweep {

HistoryOnPage history_on_page(const std::filesystem::path& path, const std::string&) {
  throw Failure(kSkipped, fmt::format("{}: this build has no history: libsqlitecpp-dev was missing",
                                      path.string()));
}

std::vector<PageRatio> ratios_of_runs(const std::vector<std::filesystem::path>&) {
  return {};
}

}  // namespace sigsweep
