#include "stress/host/commands/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "stress/host/commands/report_history.h"
#include "stress/host/commands/report_storm.h"
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

std::vector<PageRatio> read_path(const fs::path& path, PageReader* reader) {
  if (is_database(path)) {
    HistoryOnPage history = history_on_page(path);
    reader->begin_file(path.filename().string());
    for (nlohmann::ordered_json& row : history.rows) reader->take_row(std::move(row));
    return std::move(history.ratios);
  }
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

void make_page(const std::vector<std::string>& paths, const fs::path& to) {
  const PageLibrary library = page_library();
  PageReader reader;
  std::vector<PageRatio> ratios;
  for (const std::string& path : paths)
    std::ranges::move(read_path(path, &reader), std::back_inserter(ratios));
  PageModel model = reader.model();
  model.ratios = std::move(ratios);
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
    make_page(results, folder / kPageFile);
    fmt::print(stderr, "page: {}\n", (folder / kPageFile).string());
  } catch (const Failure& failure) {
    fmt::print(stderr, "sigsweep: {}\n", failure.what());
  }
}

}  // namespace sigsweep
