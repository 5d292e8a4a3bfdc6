// Every shard's file is read as JSON lines; the first line of each tells which part of what it is.
#include "stress/host/commands/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "stress/host/report.h"
#include "stress/host/results.h"
#include "stress/host/results_reader.h"
#include "stress/host/shard.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

struct ShardFile {
  std::string path;
  ResultLine run, end;
  std::vector<ResultLine> rows;  // those between
  Shard shard;
  std::uint64_t cells = 0, trials = 0;
  std::string cut;  // why rows are missing; empty: it is whole
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

void check_cells(const ShardFile& part) {
  if (part.end.number("cells") != part.cells) {
    throw Failure(kUsage, fmt::format("{}: the sweep wrote {} cells; {} are here", part.end.place,
                                      part.end.number("cells"), part.cells));
  }
}

ShardFile read_part(const std::string& path) {
  ShardFile part;
  part.path = path;
  constexpr std::string_view kKinds[] = {"run",    "cell", "finding",  "baseline", "boundary",
                                         "matrix", "end",  "protocol", "stub",     "word"};
  read_results(path, kKinds, [&](ResultLine row) { take_row(std::move(row), &part); });
  part.cut = part.run.json.is_null() ? path + ": is empty" : why_cut(path, part.end);
  if (part.cut.empty()) check_cells(part);
  return part;
}

// A shard that was killed, or stopped, must be done again, like one that has no file.
std::vector<ShardFile> without_cut(std::vector<ShardFile> files) {
  std::erase_if(files, [](const ShardFile& file) {
    if (!file.cut.empty()) fmt::print(stderr, "sigsweep: {}; nothing is taken from it\n", file.cut);
    return !file.cut.empty();
  });
  return files;
}

// What must be the same in all of them.
void check_same_run(const ShardFile& a, const ShardFile& b) {
  for (const char* key : {"selection", "build", "version"}) {
    if (a.run.text(key) == b.run.text(key)) continue;
    throw Failure(kUsage, fmt::format("{} and {} are not of one run: {} is \"{}\" and \"{}\"",
                                      a.path, b.path, key, a.run.text(key), b.run.text(key)));
  }
}

// What a shard found, without what differs from run to run.
std::vector<std::string> content(const ShardFile& part) {
  std::vector<std::string> rows;
  for (const ResultLine& row : part.rows) {
    ordered_json lasting = row.json;
    for (const char* key : {"seconds", "stacks", "copies"}) lasting.erase(key);
    rows.push_back(lasting.dump());
  }
  std::ranges::sort(rows);  // several runners write as they come
  return rows;
}

// A shard may have been done again: then one of the two is enough.
void check_same_content(const ShardFile& a, const ShardFile& b) {
  if (content(a) == content(b)) return;
  throw Failure(kUsage, fmt::format("{} and {}: both are shard {}, and they differ", a.path, b.path,
                                    a.shard.text()));
}

// How many shards the sweep has: the same in all files that tell.
unsigned count_of(const std::vector<ShardFile>& files) {
  unsigned count = 0;
  for (const ShardFile& file : files) {
    if (file.run.json.is_null()) continue;
    if (count == 0) count = file.shard.count;
    if (file.shard.count == count) continue;
    throw Failure(kUsage, fmt::format("{}: is shard {}; the others are of {}", file.path,
                                      file.shard.text(), count));
  }
  if (count == 0) throw Failure(kUsage, "the files are empty: no shard has begun");
  return count;
}

// By their numbers; a shard that is there twice once.
std::map<unsigned, ShardFile> by_number(std::vector<ShardFile> parts) {
  std::map<unsigned, ShardFile> have;
  for (ShardFile& part : parts) {
    if (!have.empty()) check_same_run(have.begin()->second, part);
    const auto other = have.find(part.shard.index);
    if (other != have.end()) {
      check_same_content(other->second, part);
    } else {
      have.emplace(part.shard.index, std::move(part));
    }
  }
  return have;
}

void check_complete(const std::map<unsigned, ShardFile>& parts, unsigned count) {
  std::vector<unsigned> missing;
  for (unsigned i = 1; i <= count; i++) {
    if (!parts.contains(i)) missing.push_back(i);
  }
  if (missing.empty()) return;
  throw Failure(kUsage, "missing shards: " + list_of_shards(missing, count));
}

// The processors that took part, each once, with the number of shards that it did.
std::map<std::string, unsigned> processors(const std::map<unsigned, ShardFile>& parts) {
  std::map<std::string, unsigned> found;
  for (const auto& [index, part] : parts) {
    const auto machine = part.run.json.find("machine");
    const bool told = machine != part.run.json.end() && machine->contains("cpu");
    found[told ? machine->at("cpu").get<std::string>() : "unknown"]++;
  }
  return found;
}

// The row of the whole run.
ordered_json whole_run(const std::map<unsigned, ShardFile>& parts, const Options& options) {
  ordered_json run = parts.begin()->second.run.json;
  run["shard"] = "";
  run["command"] = options.command_line;
  run["processors"] = processors(parts);
  return run;
}

EndRow write_all(const std::map<unsigned, ShardFile>& parts, const Options& options,
                 ReportBuilder* report) {
  ResultsWriter writer(options.json, report);
  writer.write(whole_run(parts, options));
  EndRow end;
  for (const auto& [index, part] : parts) {
    for (const ResultLine& row : part.rows) writer.write(row.json);
    end.cells += part.cells;
    // Its own verdict, which goes by what was acknowledged when it ran.
    end.status = std::max(end.status, static_cast<int>(part.end.number("status")));
  }
  writer.write(end);
  return end;
}

// The shard with the most trials, by how many times the mean of all.
double largest_over_mean(const std::map<unsigned, ShardFile>& parts, std::uint64_t trials) {
  std::uint64_t most = 0;
  for (const auto& [index, part] : parts) most = std::max(most, part.trials);
  return trials == 0 ? 0
                     : static_cast<double>(most) * static_cast<double>(parts.size()) /
                           static_cast<double>(trials);
}

int run_merge(const Options& options, ReportBuilder* report) {
  std::vector<ShardFile> files;
  for (const std::string& path : options.files) files.push_back(read_part(path));
  const unsigned count = count_of(files);
  files = without_cut(std::move(files));
  const std::size_t given = files.size();
  const std::map<unsigned, ShardFile> parts = by_number(std::move(files));
  check_complete(parts, count);
  const EndRow end = write_all(parts, options, report);
  std::uint64_t trials = 0;
  for (const auto& [index, part] : parts) trials += part.trials;
  fmt::print("{} shards, {} cells, {} trials: {}\n", parts.size(), end.cells, trials,
             end.status == kAsExpected ? "as expected" : "with findings");
  fmt::print("the largest shard has {:.2f} times the mean number of trials\n",
             largest_over_mean(parts, trials));
  if (given > parts.size()) {
    fmt::print("{} of the files are of a shard that was given already, and say the same\n",
               given - parts.size());
  }
  for (const auto& [name, shards] : processors(parts)) fmt::print("{} on {}\n", shards, name);
  fmt::print("results: {}\n", options.json);
  return end.status;
}

}  // namespace

int merge_command(const Options& options) {
  return with_reports(options, "sweep",
                      [&](ReportBuilder* report) { return run_merge(options, report); });
}

}  // namespace sigsweep
