#include "stress/host/page/read_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

// Kinds of rows that a page shows as they are.
constexpr std::string_view kKept[] = {
    "run",        "claim",     "skipped",  "baseline", "finding", "storm",    "bare",
    "campaign",   "found",     "group",    "night",    "part",    "past_run", "past_finding",
    "contrasted", "contrast",  "compared", "change",   "problem", "promise",  "reproduced",
    "hunt",       "minimized", "replayed", "protocol", "stub",    "word"};

// Handlers of results/schema.json that call nothing of the code under test.
constexpr std::string_view kCallNothing[] = {"none", "observe"};

// A field of another type than the schema's throws, so the line counts as broken.
std::string text_of(const ordered_json& row, const char* key) {
  return row.at(key).get<std::string>();
}
std::string text_or_empty(const ordered_json& row, const char* key) {
  return row.value(key, std::string());
}

std::string joined_slots(const ordered_json& row, const char* key) {
  std::string text;
  const auto slots = row.find(key);
  if (slots == row.end()) return text;
  for (const ordered_json& slot : *slots)
    text += (text.empty() ? "" : "+") + slot.get<std::string>();
  return text;
}

PagePlace place_of(const ordered_json& row) {
  return {text_or_empty(row, "module"),
          text_of(row, "symbol"),
          row.at("offset").get<std::uint64_t>(),
          row.value("pass", std::uint64_t{1}),
          text_of(row, "phase"),
          joined_slots(row, "live"),
          text_or_empty(row, "instruction")};
}

// `whole`: with the detail.
PageOutcome outcome_of(const ordered_json& row, bool whole) {
  return {text_of(row, "verdict"), joined_slots(row, "slots"),
          whole ? text_or_empty(row, "detail") : std::string(), row.value("judged", true),
          row.value("finding", false)};
}

bool may_hold_results(const fs::path& path) {
  return path.extension() == ".jsonl" || path.extension() == ".json";
}

}  // namespace

void PageReader::begin_file(const std::string& path) {
  close_operations();
  subject_.clear();
  model_.files.push_back({path, 0, 0, 0, false, std::nullopt});
}

void PageReader::take(std::string_view line) {
  PageFile& file = model_.files.back();
  file.lines++;
  try {
    const ordered_json row = ordered_json::parse(line);
    if (take_hunt(row)) return;
    // A row without a kind is none of sigsweep's, such as the first one of scripts/hunt.
    if (!row.is_object() || !take_kind(row.value("kind", std::string()), row)) file.unknown++;
  } catch (const ordered_json::exception&) {
    file.broken++;
  }
}

void PageReader::take_row(ordered_json row) {
  if (model_.files.empty()) begin_file("");
  take_kind(text_of(row, "kind"), row);
}

bool PageReader::take_kind(const std::string& kind, const Json& row) {
  if (kind == "run") take_run(row);
  if (kind == "boundary") {
    take_boundary(row);
  } else if (kind == "matrix") {
    take_matrix(row);
  } else if (kind == "cell") {
    take_cell(row);
  } else if (kind == "end") {
    take_end(row);
  } else if (std::ranges::count(kKept, kind) != 0) {
    keep(kind, row);
  } else {
    return false;
  }
  return true;
}

void PageReader::take_run(const Json& row) {
  close_operations();
  const auto adapter = row.find("adapter");
  subject_ = adapter != row.end() ? text_of(*adapter, "name") : text_or_empty(row, "subject");
}

void PageReader::take_boundary(const Json& row) {
  std::vector<std::string> key{subject_};
  for (const char* name : {"isa", "protocol", "site", "inject", "contain"})
    key.push_back(text_of(row, name));
  const PagePlace place = place_of(row);
  std::map<std::string, PageIndex> outcomes;
  for (const auto& [handler, outcome] : row.at("handlers").items())
    outcomes[handler] =
        outcomes_.add(outcome_of(outcome, model_.outcomes.size() < kMostDetails)) + 1;
  Operation& operation = open_[std::move(key)];
  for (const auto& [handler, outcome] : outcomes) {
    std::vector<PageIndex>& verdicts = operation.handlers[handler];
    verdicts.resize(operation.places.size());
    verdicts.push_back(outcome);
  }
  operation.places.push_back(places_.add(place));
}

void PageReader::close_operations() {
  for (auto& [key, operation] : open_) {
    PageOperation closed{
        key[0], key[1], key[2], key[3], key[4], key[5], codes_.add(operation.places), {}};
    for (auto& [handler, verdicts] : operation.handlers) {
      verdicts.resize(operation.places.size());
      closed.strips.push_back({handler, rows_.add(std::move(verdicts))});
    }
    model_.operations.push_back(std::move(closed));
  }
  open_.clear();
}

void PageReader::take_matrix(const Json& row) {
  const auto code = [&](const char* key) {
    std::vector<PageIndex> places;
    for (const Json& place : row.at(key)) places.push_back(places_.add(place_of(place)));
    return codes_.add(std::move(places));
  };
  PageMatrix matrix{subject_,
                    text_of(row, "isa"),
                    text_of(row, "protocol"),
                    text_of(row, "site"),
                    text_of(row, "inject"),
                    text_of(row, "contain"),
                    text_of(row, "handler"),
                    text_of(row, "form"),
                    code("first"),
                    code("second"),
                    row.at("legend").get<std::map<std::string, std::string>>(),
                    row.at("findings").get<std::vector<std::string>>(),
                    row.at("rows").get<std::vector<std::string>>()};
  model_.matrices.push_back(std::move(matrix));
}

void PageReader::take_cell(const Json& row) {
  PageSumKey key{subject_,
                 text_of(row, "isa"),
                 text_of(row, "protocol"),
                 text_of(row, "site"),
                 text_of(row, "form"),
                 text_of(row, "inject")};
  const auto verdicts = row.at("verdicts").get<std::map<std::string, std::uint64_t>>();
  const auto count = [&](const char* name) { return row.at(name).get<std::uint64_t>(); };
  PageSum& sum = model_.sums[std::move(key)];
  sum.cells++;
  sum.boundaries = std::max(sum.boundaries, count("boundaries"));
  sum.trials += count("trials");
  sum.landed += count("landed");
  sum.unreached += count("unreached");
  if (!row.at("expected").get<bool>()) {
    sum.unexpected++;
    if (verdicts.size() == 1 && verdicts.begin()->second > 1) {
      PageSum::Everywhere& everywhere = sum.everywhere[verdicts.begin()->first];
      everywhere.cells++;
      if (std::ranges::count(kCallNothing, text_of(row, "handler")) != 0) everywhere.calls = false;
    }
  }
  for (const auto& [verdict, trials] : verdicts) sum.verdicts[verdict] += trials;
  if (!row.value("promised", false)) return;
  sum.promised += count("trials");
  if (const auto ok = verdicts.find("ok"); ok != verdicts.end()) sum.kept += ok->second;
}

void PageReader::take_end(const Json& row) {
  model_.files.back().status = row.at("status").get<int>();
}

// The rows of scripts/hunt have no kind.
bool PageReader::take_hunt(const Json& row) {
  if (!row.is_object() || row.contains("kind") || !row.contains("found") || !row.contains("engine"))
    return false;
  Json kept = row;
  kept["kind"] = "hunt";
  keep("hunt", kept);
  return true;
}

void PageReader::keep(const std::string& kind, const Json& row) {
  if (kind == "finding") return findings_.take(file(), row);
  if (kind == "past_finding") return findings_.take_past(file(), row);
  model_.kinds[kind].push_back({file(), row});
}

std::string PageReader::night() const {
  const auto nights = model_.kinds.find("night");
  return nights == model_.kinds.end() ? "" : text_or_empty(nights->second.back().json, "id");
}

PageModel PageReader::model() {
  close_operations();
  findings_.give(&model_);
  return std::move(model_);
}

void read_file(const fs::path& path, const std::string& name, PageReader* reader) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Failure(kUsage, fmt::format("{}: cannot be read", path.string()));
  reader->begin_file(name);
  for (std::string line; std::getline(in, line);) {
    if (in.eof()) reader->half_written();
    reader->take(line);
  }
  if (in.bad()) throw Failure(kUsage, fmt::format("{}: cannot be read", path.string()));
}

std::vector<fs::path> files_of_page(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw Failure(kUsage, fmt::format("{}: there is no such file or folder", path.string()));
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error) && may_hold_results(entry.path()))
      files.push_back(entry.path());
  }
  if (error) throw Failure(kUsage, fmt::format("{}: {}", path.string(), error.message()));
  if (files.empty()) {
    throw Failure(kUsage, fmt::format("{}: holds no results; files *.jsonl or *.json are expected",
                                      path.string()));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace sigsweep
