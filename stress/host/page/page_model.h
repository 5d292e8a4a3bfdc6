// What a page shows: results as values, packed. Rows repeat themselves a lot: 28 handlers at 100
// boundaries of 46 operations come to a few hundred different strips. So each different thing is
// held once, in a pool, and all else refers to it by its index there.
//
// NOLINT(modernize-use-nullptr): clang-tidy 14 takes the 0 in what the compiler generates for a
// pointer.
//
// The model owns all its text. It is made once (read_page.h) and then only read.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sigsweep {

// What a signal came to.
struct PageOutcome {
  std::string verdict;  // of results/schema.json
  std::string slots;    // "s0+s1": the verdict is about these; empty: none
  std::string detail;   // empty: nothing to say
  bool judged = true;   // false: a backtrace that nobody can judge
  bool finding = false;
  auto operator<=>(const PageOutcome&) const = default;  // NOLINT(modernize-use-nullptr)
};

// An instruction, in front of which a signal lands.
struct PagePlace {
  std::string module;  // empty: the runner itself
  std::string symbol;
  std::uint64_t offset = 0;  // bytes
  std::uint64_t pass = 1;    // over this instruction in one operation
  std::string phase;         // "stub/sp=co0/live=s0#1": the part stands before the slash
  std::string live;          // "s0+s1"; empty: no slot is live
  std::string instruction;
  auto operator<=>(const PagePlace&) const = default;  // NOLINT(modernize-use-nullptr)
};

using PageIndex = std::uint32_t;

// The verdicts of one handler along an operation.
struct PageStrip {
  std::string handler;
  PageIndex row = 0;  // in PageModel::rows
};

// `subject`: the library of an adapter by its name, else the code under test that is built in.
struct PageOperation {
  std::string subject, isa, protocol, site, inject, contain;
  PageIndex code =
      0;  // in PageModel::codes; operations with the same code have the same boundaries
  std::vector<PageStrip> strips;
};

// All pairs of two signals; letters as in the row `matrix`.
struct PageMatrix {
  std::string subject, isa, protocol, site, inject, contain, handler, form;
  PageIndex first = 0, second = 0;  // in PageModel::codes
  std::map<std::string, std::string> legend;
  std::vector<std::string> findings;
  std::vector<std::string> rows;
};

// Findings that are alike but for the instruction, counted.
struct PageTallyKey {
  std::string isa, protocol, site, handler, verdict, symbol;
  bool known = false;
  auto operator<=>(const PageTallyKey&) const = default;  // NOLINT(modernize-use-nullptr)
};
struct PageTally {
  std::uint64_t findings = 0;
  std::string first_seen, first_build;  // of the earliest of them; empty: no history tells
};

// The place of the night that is shown in a history.
struct PageHistory {
  std::string file;
  std::string night;  // its id; empty: the history has no night
  bool has_night = false;
  std::string before, before_started, before_build;  // the night before it; empty: there is none
  std::uint64_t later = 0;                           // nights that began after it
};

// Cells that differ in their handler alone, added up.
struct PageSum {
  std::uint64_t cells = 0, boundaries = 0;  // boundaries: of one cell, the most
  // Cells that are not as expected, and show one verdict wherever the signal lands: their number by
  // that verdict. `calls`: a call by the handler did that; else the handler calls nothing.
  struct Everywhere {
    std::uint64_t cells = 0;
    bool calls = true;
  };
  std::map<std::string, Everywhere> everywhere;
  std::uint64_t trials = 0, landed = 0, unreached = 0, unexpected = 0;
  std::uint64_t promised = 0,
                kept = 0;  // of an adapter: trials with a promise, and those of them that were ok
  std::map<std::string, std::uint64_t> verdicts;
};
struct PageSumKey {
  std::string subject, isa, protocol, site, form, inject;
  auto operator<=>(const PageSumKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

// A row that the page shows as it is.
struct PageRow {
  PageIndex file = 0;  // in PageModel::files
  nlohmann::ordered_json json;
};

struct PageFile {
  std::string path;  // below what was given
  std::uint64_t lines = 0;
  std::uint64_t broken = 0;   // lines that are no row
  std::uint64_t unknown = 0;  // rows of a kind that a page does not show
  bool half_written = false;  // its last line has no end
  std::optional<int> status;  // of its row `end`; none: it has none
};

// A benchmark's time, divided by that of its peers, in the processes of one run.
struct PageRatio {
  std::string night, started, isa, name;
  std::vector<std::string> peers;
  double least = 0, quarter = 0, median = 0, three_quarters = 0, most = 0;
  std::size_t processes = 0;
};

struct PageModel {
  std::vector<PageOutcome> outcomes;
  std::vector<PagePlace> places;
  std::vector<std::vector<PageIndex>> codes;  // of places, in the order in which they run
  // Of outcomes, one a boundary, counted from 1; 0: no signal landed there.
  std::vector<std::vector<PageIndex>> rows;
  std::vector<PageOperation> operations;
  std::vector<PageMatrix> matrices;
  std::map<PageSumKey, PageSum> sums;
  std::map<std::string, std::vector<PageRow>> kinds;  // all else, by kind
  std::map<PageTallyKey, PageTally> tallies;          // of all findings
  std::uint64_t findings_left_out = 0;                // beyond kMostFindings
  std::vector<PageFile> files;
  std::vector<PageRatio> ratios;
  std::optional<PageHistory> history;
};

// A page with more is too large to open. The results have all.
inline constexpr std::size_t kMostFindings = 2000;
// With more counts than these, handlers share one.
inline constexpr std::size_t kMostTallies = 10000;
// Different outcomes that keep their detail. A detail may be a message that the trial has spoilt.
inline constexpr std::size_t kMostDetails = 10000;

}  // namespace sigsweep
