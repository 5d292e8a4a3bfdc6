// Lines of results into what a page shows.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "stress/host/page/page_findings.h"
#include "stress/host/page/page_model.h"

namespace sigsweep {

// A pool: each different value once.
template <class T>
class PagePool {
 public:
  explicit PagePool(std::vector<T>* values) : values_(values) {}
  PageIndex add(T value) {
    const auto [at, fresh] =
        index_.try_emplace(std::move(value), static_cast<PageIndex>(values_->size()));
    if (fresh) values_->push_back(at->first);
    return at->second;
  }

 private:
  std::vector<T>* values_;
  std::map<T, PageIndex> index_;
};

// Takes line by line, and then gives the model. Never throws for what a line holds: kinds that it
// does not know are passed over, and lines that are no row are counted.
class PageReader {
 public:
  void begin_file(const std::string& path);
  // REQUIRES: a file was begun. `line` is without its newline.
  void take(std::string_view line);
  // The file's last line had no newline, so it was cut short.
  void half_written() { model_.files.back().half_written = true; }
  // A row that stands in no file, such as one that a history tells.
  void take_row(nlohmann::ordered_json row);
  // The id of the night that was read last; empty: none was.
  std::string night() const;
  PageModel model();

 private:
  using Json = nlohmann::ordered_json;
  struct Operation {
    std::vector<PageIndex> places;
    std::map<std::string, std::vector<PageIndex>> handlers;  // outcomes; 0: none
  };
  void take_run(const Json& row);
  bool take_kind(const std::string& kind, const Json& row);
  void take_boundary(const Json& row);
  void take_matrix(const Json& row);
  void take_cell(const Json& row);
  void take_end(const Json& row);
  bool take_hunt(const Json& row);
  void keep(const std::string& kind, const Json& row);
  PageIndex file() const { return static_cast<PageIndex>(model_.files.size() - 1); }
  void close_operations();

  PageModel model_;
  PagePool<PageOutcome> outcomes_{&model_.outcomes};
  PagePool<PagePlace> places_{&model_.places};
  PagePool<std::vector<PageIndex>> codes_{&model_.codes};
  PagePool<std::vector<PageIndex>> rows_{&model_.rows};
  std::map<std::vector<std::string>, Operation> open_;  // of this file
  std::string subject_;                                 // of the rows that follow
  PageFindings findings_;
};

// A file of JSON lines. Throws Failure(kUsage) where it cannot be read.
void read_file(const std::filesystem::path& path, const std::string& name, PageReader* reader);

// The files that a page of `path` is made of: itself, or those below a folder that may hold results
// (*.jsonl, *.json). Throws Failure(kUsage) for a path that is not there, and for a folder without
// such a file.
std::vector<std::filesystem::path> files_of_page(const std::filesystem::path& path);

}  // namespace sigsweep
