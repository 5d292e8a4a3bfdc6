// What the tests of the history share: nights as the nightly writes them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "stress/host/files.h"
#include "stress/host/history/compare_runs.h"
#include "stress/host/history/import.h"

namespace sigsweep {

using nlohmann::ordered_json;

inline ordered_json a_cell(const std::string& site, int trials = 10) {
  return {{"kind", "cell"},
          {"isa", "amd64"},
          {"protocol", "reject"},
          {"site", site},
          {"handler", "gc_m"},
          {"depth", 1},
          {"form", "single"},
          {"inject", "direct"},
          {"contain", "place"},
          {"boundaries", 5},
          {"trials", trials},
          {"requested", trials},
          {"landed", trials},
          {"unreached", 0},
          {"verdicts", {{"ok", 10}}},
          {"predicted_mismatches", 0},
          {"expected", true},
          {"map", "0123456789abcdef"},
          {"stacks", ordered_json::object()},
          {"seconds", 0.5}};
}

inline ordered_json a_finding(const std::string& id, bool known = false) {
  return {{"kind", "finding"},
          {"id", id},
          {"isa", "amd64"},
          {"protocol", "reject"},
          {"site", "scavenge_m"},
          {"handler", "gc_m"},
          {"phase", "caller/g=curg/sp=curg"},
          {"verdict", "crash"},
          {"detail", "it died"},
          {"schedule", "sigsweep schedule 1\n"},
          {"known", known}};
}

inline ordered_json a_claim(unsigned id, bool holds) {
  return {{"kind", "claim"},      {"id", id},
          {"isa", "amd64"},       {"statement", "all is well"},
          {"holds", holds},       {"cells", 1},
          {"pairs", 0},           {"trials", 10},
          {"landed", 10},         {"left_out", ordered_json::array()},
          {"counterexample", ""}, {"detail", holds ? "" : "it is not"},
          {"seconds", 0.1}};
}

inline const char* const kFound = "0123456789abcdef";

class History : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string lines(const std::vector<ordered_json>& rows) {
    std::string text;
    for (const ordered_json& row : rows) text += row.dump() + "\n";
    return text;
  }
  // A part that ran, and what it wrote.
  struct Part {
    PartRow row;
    std::vector<ordered_json> results;
  };
  static Part part(const std::string& name, std::vector<ordered_json> results,
                   const std::string& status = "ok", std::uint64_t trials = 10) {
    PartRow row{name, status, 1, 60, {{"trials", trials}}, "logs/" + name + ".log", {}, ""};
    return {row, std::move(results)};
  }
  // Of day `day` of a month; returns its folder.
  std::string night(const std::string& id, unsigned day, std::vector<Part> parts,
                    const std::string& processor = "Some CPU") {
    NightRow row;
    row.id = id;
    row.started =
        "2026-11-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + "T03:00:00Z";
    row.ended = row.started.substr(0, 11) + "03:10:00Z";
    row.budget = 600;
    row.seed = 7;
    row.build = "build of " + id;
    row.command = "sigsweep nightly --budget 10m";
    row.machine = {processor, {"xcr0=0x7"}, 3.5};
    row.status = 0;
    std::string text = line_of(row) + "\n";
    for (Part& part : parts) {
      if (!part.results.empty()) {
        part.row.results = {part.row.name + ".jsonl"};
        write(id + "/" + part.row.results[0], lines(part.results));
      }
      write(id + "/" + part.row.log, "it ran\n");
      text += line_of(part.row) + "\n";
    }
    write(id + "/" + kNightFile, text + R"({"kind":"end","cells":0,"status":0})"
                                        "\n");
    return folder_ + "/" + id;
  }

  std::string file() const { return folder_ + "/history.sqlite"; }
  Taken import(const std::string& path) {
    HistoryFile history(file(), HistoryFile::For::writing);
    return take(read_run(path), &history);
  }
  std::int64_t number(const std::string& sql) {
    return SQLite::Database(file()).execAndGet(sql).getInt64();
  }
  std::string integrity() {
    return SQLite::Database(file()).execAndGet("PRAGMA integrity_check").getString();
  }
  RunContrast contrasted(const std::string& a, const std::string& b) {
    RunContrast c;
    HistoryFile(file(), HistoryFile::For::reading).read([&](SQLite::Database& db) {
      c = contrast(&db, a, b);
    });
    return c;
  }
  // "what subject name" of each row.
  static std::vector<std::string> names(const RunContrast& c) {
    std::vector<std::string> all;
    for (const ContrastRow& row : c.rows) {
      all.push_back(std::string(kContrastNames[static_cast<unsigned>(row.what)]) + " " +
                    row.subject + " " + row.name);
    }
    return all;
  }

  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

// What a call is refused with: "status: message".
inline std::string refused(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return std::to_string(failure.status) + ": " + failure.what();
  }
  return "taken";
}

}  // namespace sigsweep
