// Every shard's file is read as JSON lines; the first line of each tells which part of what it is.
#include "stress/host/shard.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "stress/report/results.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

struct Part {
  std::string path;
  ordered_json run;
  std::vector<ordered_json> rows;
};

Part read_part(const std::string& path) {
  Part part{path, nullptr, {}};
  std::ifstream in(path);
  if (!in) throw Failure(kUsage, fmt::format("{}: cannot be read", path));
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    number++;
    ordered_json row = ordered_json::parse(line, nullptr, false);
    if (!row.is_object() || !row.contains("kind")) {
      throw Failure(kUsage, fmt::format("{}:{}:1: no results row; a JSON object with `kind` is "
                                        "expected (results/schema.json)",
                                        path, number));
    }
    if (row["kind"] == "run" && part.run.is_null()) {
      part.run = std::move(row);
    } else {
      part.rows.push_back(std::move(row));
    }
  }
  if (part.run.is_null()) throw Failure(kUsage, fmt::format("{}:1:1: has no `run` row", path));
  return part;
}

std::string text_of(const Part& part, const char* key) {
  return part.run.value(key, std::string());
}

// What must be the same in all of them.
void check_same_run(const Part& a, const Part& b) {
  for (const char* key : {"selection", "build", "version"}) {
    if (text_of(a, key) == text_of(b, key)) continue;
    throw Failure(kUsage, fmt::format("{} and {} are not of one run: {} is \"{}\" and \"{}\"",
                                      a.path, b.path, key, text_of(a, key), text_of(b, key)));
  }
}

void check_complete(const std::vector<Part>& parts) {
  std::map<unsigned, std::string> have;
  const unsigned count = parse_shard(text_of(parts.front(), "shard")).count;
  for (const Part& part : parts) {
    check_same_run(parts.front(), part);
    const Shard shard = parse_shard(text_of(part, "shard"));
    if (shard.count != count) {
      throw Failure(kUsage, fmt::format("{}: is shard {}/{}; the others are of {}", part.path,
                                        shard.index, shard.count, count));
    }
    const auto [other, fresh] = have.emplace(shard.index, part.path);
    if (!fresh) {
      throw Failure(kUsage, fmt::format("{} and {}: both are shard {}/{}", other->second, part.path,
                                        shard.index, count));
    }
  }
  for (unsigned i = 1; i <= count; i++) {
    if (!have.contains(i)) throw Failure(kUsage, fmt::format("shard {}/{} is missing", i, count));
  }
}

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.index);
  const bool slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = std::from_chars(slash ? first.ptr + 1 : end, end, shard.count);
  if (!slash || second.ec != std::errc() || second.ptr != end || shard.index < 1 ||
      shard.index > shard.count) {
    throw Failure(kUsage,
                  fmt::format("shard \"{}\": i/n with 1 <= i <= n is expected, as in 1/2", text));
  }
  return shard;
}

int merge_command(const Options& options) {
  std::vector<Part> parts;
  for (const std::string& path : options.files) parts.push_back(read_part(path));
  check_complete(parts);
  ResultsWriter writer(options.json);
  ordered_json run = parts.front().run;
  run["shard"] = "";
  run["command"] = options.command_line;
  writer.write_line(run.dump());
  std::uint64_t cells = 0, trials = 0;
  bool expected = true;
  for (const Part& part : parts) {
    for (const ordered_json& row : part.rows) {
      writer.write_line(row.dump());
      if (row["kind"] != "cell") continue;
      cells++;
      trials += row.value("trials", std::uint64_t{0});
      expected = expected && row.value("expected", false);
    }
  }
  fmt::print("{} shards, {} cells, {} trials: {}\nresults: {}\n", parts.size(), cells, trials,
             expected ? "as expected" : "with findings", options.json);
  return expected ? kAsExpected : kFinding;
}

}  // namespace sigsweep
