// Reads results files back: line by line, with the place of each line for messages.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace sigsweep {

// A line of a results file. What is taken from it is checked as it is taken: each throws
// Failure(kUsage), with the place.
struct ResultLine {
  std::string place;  // "file:line:1", for messages
  nlohmann::ordered_json json;

  std::string text(const char* key) const;
  std::uint64_t number(const char* key) const;
  const nlohmann::ordered_json& object(const char* key) const;
};

// Gives each line to `take`. Throws Failure(kUsage) for a file that cannot be read, and for a line
// that is no row or of a kind that is not allowed.
void read_results(const std::string& path, std::span<const std::string_view> kinds,
                  const std::function<void(ResultLine)>& take);

// `end`: the last row; its json is null where there is none. Why rows are missing, of a sweep that
// was stopped, or killed; empty: all are there.
std::string why_cut(const std::string& path, const ResultLine& end);
// Throws Failure(kUsage) with that.
void check_came_to_end(const std::string& path, const ResultLine& end);

}  // namespace sigsweep
