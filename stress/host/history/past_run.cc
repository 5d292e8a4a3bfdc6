// Files to runs.
#include "stress/host/history/past_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "stress/base/sha1.h"
#include "stress/host/files.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::size_t kIdDigits = 16;

// Of a file that is given, or that a night names: a line that is no row is refused.
std::vector<ResultLine> lines_of(const fs::path& path, const std::string& content,
                                 std::vector<std::string>* notes) {
  std::vector<ResultLine> lines;
  std::istringstream in(content);
  unsigned number = 0;
  for (std::string text; std::getline(in, text);) {
    ResultLine line{fmt::format("{}:{}:1", path.string(), ++number),
                    ordered_json::parse(text, nullptr, false)};
    if (line.json.is_discarded() && in.eof()) {  // no newline: its writer was killed
      notes->push_back(line.place + ": the last line was cut short; it is left out");
      break;
    }
    if (!line.json.is_object() || !line.json.contains("kind"))
      throw Failure(kUsage, line.place +
                                ": no row; a JSON object with `kind` is expected "
                                "(results/schema.json)");
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string kind_of(const ResultLine& line) {
  return line.text("kind");
}

const ResultLine& run_line(const fs::path& path, const std::vector<ResultLine>& lines) {
  if (!lines.empty() && kind_of(lines.front()) == "run") return lines.front();
  throw Failure(kUsage, fmt::format("{}:1:1: no run; a first row of kind \"run\" is expected "
                                    "(results/schema.json)",
                                    path.string()));
}

// The word behind `sigsweep`.
std::string command_word(const std::string& command) {
  std::istringstream words(command);
  std::string word;
  words >> word >> word;
  return word.empty() ? "run" : word;
}

void take_provenance(const ResultLine& row, PastRun* run) {
  run->what = command_word(row.text("command"));
  run->started = row.text("started");
  run->build = row.text("build");
  run->command = row.text("command");
  run->seed = std::to_string(row.number("seed"));
  run->machine = night_machine(row);
}

PastRun read_results_file(const fs::path& path, const std::string& content) {
  PastRun run;
  std::vector<ResultLine> lines = lines_of(path, content, &run.notes);
  const ResultLine& first = run_line(path, lines);
  if (const std::string shard = first.text("shard"); !shard.empty()) {
    throw Failure(kUsage,
                  fmt::format("{}: is shard {} of a sweep; `sigsweep merge` makes one file of all "
                              "shards, which can be taken",
                              path.string(), shard));
  }
  run.id = sha1(first.json.dump()).substr(0, kIdDigits);
  take_provenance(first, &run);
  if (const ResultLine& last = lines.back(); kind_of(last) == "end")
    run.status = static_cast<int>(last.number("status"));
  for (ResultLine& line : lines) run.rows.push_back({"", std::move(line)});
  return run;
}

PastRun read_benchmark_file(const fs::path& path, const ordered_json& json,
                            const std::string& content) {
  if (!is_benchmark_json(json)) {
    throw Failure(kUsage, fmt::format("{}: no JSON of `sigsweep bench`: `context` and `benchmarks` "
                                      "are expected",
                                      path.string()));
  }
  PastRun run;
  const ordered_json& context = json.at("context");
  run.id = sha1(content).substr(0, kIdDigits);
  run.what = "bench";
  run.started = context.at("date");
  run.build = context.value("build", "");
  run.command = context.value("command", "");
  run.seed = "0";
  run.machine.processor = context.value("cpu", "");
  std::istringstream features(context.value("features", ""));
  for (std::string one; std::getline(features, one, '\n');) run.machine.features.push_back(one);
  unsigned process = 0;
  run.times = benchmark_times(json, "", &process);
  return run;
}

// Of rows with one name the last counts.
void keep_last(PartRow part, std::vector<PartRow>* parts) {
  std::erase_if(*parts, [&](const PartRow& other) { return other.name == part.name; });
  parts->push_back(std::move(part));
}

void take_night(const NightRow& night, PastRun* run) {
  run->id = night.id;
  run->started = night.started;
  run->ended = night.ended;
  run->build = night.build;
  run->command = night.command;
  run->seed = std::to_string(night.seed);
  run->budget = night.budget;
  run->status = night.status;
  run->machine = night.machine;
}

class NightReader {
 public:
  explicit NightReader(fs::path folder) : folder_(std::move(folder)) {}

  PastRun read() {
    const fs::path file = folder_ / kNightFile;
    const std::string content = content_of(file);
    all_ += content;
    for (const ResultLine& line : lines_of(file, content, &run_.notes)) {
      const std::string kind = kind_of(line);
      if (kind == "night") take_night(night_of(line), &run_);
      if (kind == "part") keep_last(part_of(line), &run_.parts);
    }
    if (run_.id.empty())
      throw Failure(kUsage, fmt::format("{}: has no row of kind \"night\"", file.string()));
    run_.what = "night";
    run_.folder = fs::absolute(folder_).lexically_normal();
    for (const PartRow& part : run_.parts) {
      for (const std::string& name : part.results) take_file(part.name, folder_ / name);
    }
    run_.digest = sha1(all_);
    return std::move(run_);
  }

 private:
  void take_file(const std::string& part, const fs::path& file) {
    if (!fs::is_regular_file(file)) {
      run_.notes.push_back(
          fmt::format("{}: part {} names it, and it is not there", file.string(), part));
      return;
    }
    const std::string content = content_of(file);
    all_ += content;
    if (file.extension() == ".json") {
      for (auto& time : benchmark_times(ordered_json::parse(content), part, &process_))
        run_.times.push_back(std::move(time));
      return;
    }
    for (ResultLine& line : lines_of(file, content, &run_.notes))
      run_.rows.push_back({part, std::move(line)});
  }

  const fs::path folder_;
  PastRun run_;
  std::string all_;       // the content of its files
  unsigned process_ = 0;  // that measured benchmarks, so far
};

bool is_night(const fs::path& folder) {
  return fs::exists(folder / kNightFile);
}

// What may be a run: nights, and files of results and benchmarks outside of them.
void find_in(const fs::path& folder, std::vector<RunPlace>* places) {
  if (is_night(folder)) {
    places->push_back({folder});
    return;
  }
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  for (const fs::path& entry : entries) {
    if (fs::is_directory(fs::symlink_status(entry))) find_in(entry, places);
    if (entry.extension() == ".jsonl" || entry.extension() == ".json") places->push_back({entry});
  }
}

}  // namespace

std::vector<RunPlace> run_places(const std::vector<std::string>& paths) {
  std::vector<RunPlace> places;
  for (const std::string& path : paths) {
    const fs::path given = path;
    std::error_code error;
    if (given.filename() == kNightFile && fs::exists(given)) {
      places.push_back({given.parent_path().empty() ? "." : given.parent_path(), true});
    } else if (!fs::is_directory(given, error)) {
      if (!fs::exists(given, error))
        throw Failure(kUsage, fmt::format("{}: no file or folder that can be read", path));
      places.push_back({given, true});
    } else if (is_night(given)) {
      places.push_back({given, true});
    } else {
      try {
        find_in(given, &places);
      } catch (const fs::filesystem_error& failed) {
        throw Failure(kUsage, failed.what());
      }
    }
  }
  return places;
}

std::string night_in(const fs::path& folder) {
  PastRun run;
  if (!is_night(folder)) return {};
  try {
    const fs::path file = folder / kNightFile;
    for (const ResultLine& line : lines_of(file, content_of(file), &run.notes)) {
      if (kind_of(line) == "night") take_night(night_of(line), &run);
    }
  } catch (const Failure&) {
    return {};
  }
  return run.id;
}

PastRun read_run(const fs::path& path) {
  try {
    if (fs::is_directory(path)) return NightReader(path).read();
    const std::string content = content_of(path);
    const ordered_json whole = ordered_json::parse(content, nullptr, false);
    PastRun run = path.extension() == ".json" || is_benchmark_json(whole)
                      ? read_benchmark_file(path, whole, content)
                      : read_results_file(path, content);
    run.digest = sha1(content);
    return run;
  } catch (const nlohmann::json::exception& error) {
    throw Failure(kUsage, fmt::format("{}: {}", path.string(), error.what()));
  }
}

}  // namespace sigsweep
