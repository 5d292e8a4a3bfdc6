#include "stress/host/commands/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "stress/host/commands/report_history.h"
#include "stress/host/commands/report_storm.h"
#include "stress/host/files.h"
#include "stress/host/page/page.h"
#include "stress/host/page/read_page.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

bool is_database(const fs::path& path) {
  constexpr std::string_view kBegin = "SQLite format 3";
  std::array<char, kBegin.size()> begin{};
  std::ifstream in(path, std::ios::binary);
  in.read(begin.data(), begin.size());
  return in.gcount() == static_cast<std::streamsize>(begin.size()) &&
         std::string_view(begin.data(), begin.size()) == kBegin;
}

// A folder's own name in front, so that files of two folders differ.
std::string name_on_page(const fs::path& file, const fs::path& given) {
  if (file == given) return file.filename().string();
  return file.lexically_relative(given).string();
}

std::vector<PageRatio> read_results_path(const fs::path& path, PageReader* reader) {
  std::vector<fs::path> benchmarks;
  for (const fs::path& file : files_of_page(path)) {
    if (file.extension() == ".json") {
      benchmarks.push_back(file);
    } else {
      read_file(file, name_on_page(file, path), reader);
    }
  }
  return ratios_of_runs(benchmarks);
}

// The history tells of the night that was read already. A night's own benchmarks may stand in both:
// they count once, as the night's.
PageHistory read_history(const fs::path& path, PageReader* reader, std::vector<PageRatio>* ratios) {
  HistoryOnPage history = history_on_page(path, reader->night());
  reader->begin_file(path.filename().string());
  for (nlohmann::ordered_json& row : history.rows) reader->take_row(std::move(row));
  const auto of_night = [&](const PageRatio& ratio) { return ratio.night == history.place.night; };
  if (std::ranges::any_of(history.ratios, of_night)) ratios->clear();
  std::ranges::move(history.ratios, std::back_inserter(*ratios));
  return std::move(history.place);
}

void make_page(const std::vector<std::string>& paths, const fs::path& to) {
  const PageLibrary library = page_library();
  PageReader reader;
  std::vector<PageRatio> ratios;
  std::optional<PageHistory> history;
  for (const std::string& path : paths)
    if (!is_database(path))
      std::ranges::move(read_results_path(path, &reader), std::back_inserter(ratios));
  for (const std::string& path : paths)
    if (is_database(path)) history = read_history(path, &reader, &ratios);
  PageModel model = reader.model();
  model.ratios = std::move(ratios);
  model.history = std::move(history);
  write_page(page_html(model, library), to);
}

}  // namespace

int report_command(const Options& options) {
  if (options.html.empty() && options.markdown.empty())
    throw Failure(kUsage, "what to make is missing; allowed: --html FILE, --markdown FILE");
  const int status = options.markdown.empty() ? kAsExpected : report_storm(options);
  if (options.html.empty()) return status;
  make_page(options.files, options.html);
  fmt::print("{}\n", options.html);
  return status;
}

void write_page_beside(std::vector<std::string> results, const fs::path& folder) {
  std::error_code error;
  std::erase_if(results, [&](const std::string& path) { return !fs::exists(path, error); });
  if (results.empty()) return;  // nothing was run
  try {
    need_folder(folder);
    make_page(results, folder / kPageFile);
    fmt::print(stderr, "page: {}\n", (folder / kPageFile).string());
  } catch (const Failure& failure) {
    fmt::print(stderr, "sigsweep: {}\n", failure.what());
  }
}

}  // namespace sigsweep
