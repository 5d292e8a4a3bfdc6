// Every shard's file is read as JSON lines; the first line of each tells which part of what it is.
#include "stress/host/commands/shard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "stress/host/results.h"
#include "stress/host/results_reader.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

struct ShardFile {
  std::string path;
  ResultLine run, end;
  std::vector<ResultLine> rows;  // those between
  Shard shard;
  std::uint64_t cells = 0, trials = 0;
};

void take_run(ResultLine row, ShardFile* part) {
  const std::string shard = row.text("shard");
  try {
    part->shard = parse_shard(shard);
  } catch (const Failure& failure) {
    throw Failure(kUsage, row.place + ": " + failure.what());
  }
  part->run = std::move(row);
}

void take_row(ResultLine row, ShardFile* part) {
  const std::string kind = row.text("kind");
  if ((kind == "run") != part->run.json.is_null()) {
    throw Failure(kUsage, row.place + ": the first row, and no other, must be of kind \"run\"");
  }
  if (!part->end.json.is_null()) throw Failure(kUsage, row.place + ": stands behind the last row");
  if (kind == "run") return take_run(std::move(row), part);
  if (kind == "cell") {
    part->cells++;
    part->trials += row.number("trials");
  }
  (kind == "end" ? part->end : part->rows.emplace_back()) = std::move(row);
}

void check_ended(const ShardFile& part) {
  check_came_to_end(part.path, part.end);
  if (part.end.number("cells") != part.cells) {
    throw Failure(kUsage, fmt::format("{}: the sweep wrote {} cells; {} are here", part.end.place,
                                      part.end.number("cells"), part.cells));
  }
}

ShardFile read_part(const std::string& path) {
  ShardFile part;
  part.path = path;
  constexpr std::string_view kKinds[] = {"run", "cell", "finding", "boundary", "matrix", "end"};
  read_results(path, kKinds, [&](ResultLine row) { take_row(std::move(row), &part); });
  if (part.run.json.is_null()) throw Failure(kUsage, fmt::format("{}:1:1: has no `run` row", path));
  check_ended(part);
  return part;
}

// What must be the same in all of them.
void check_same_run(const ShardFile& a, const ShardFile& b) {
  for (const char* key : {"selection", "build", "version"}) {
    if (a.run.text(key) == b.run.text(key)) continue;
    throw Failure(kUsage, fmt::format("{} and {} are not of one run: {} is \"{}\" and \"{}\"",
                                      a.path, b.path, key, a.run.text(key), b.run.text(key)));
  }
}

void check_complete(const std::vector<ShardFile>& parts) {
  std::map<unsigned, std::string> have;
  const unsigned count = parts.front().shard.count;
  for (const ShardFile& part : parts) {
    check_same_run(parts.front(), part);
    const Shard shard = part.shard;
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
  std::vector<ShardFile> parts;
  for (const std::string& path : options.files) parts.push_back(read_part(path));
  check_complete(parts);
  ResultsWriter writer(options.json);
  ordered_json run = parts.front().run.json;
  run["shard"] = "";
  run["command"] = options.command_line;
  writer.write_line(run.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  std::uint64_t trials = 0;
  EndRow end;
  for (const ShardFile& part : parts) {
    for (const ResultLine& row : part.rows) writer.write_line(row.json.dump());
    trials += part.trials;
    end.cells += part.cells;
    // Its own verdict, which goes by what was acknowledged when it ran.
    end.status = std::max(end.status, static_cast<int>(part.end.number("status")));
  }
  writer.write(end);
  fmt::print("{} shards, {} cells, {} trials: {}\nresults: {}\n", parts.size(), end.cells, trials,
             end.status == kAsExpected ? "as expected" : "with findings", options.json);
  return end.status;
}

}  // namespace sigsweep
