#include "stress/host/boundary_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "stress/verdict/verdict.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// With one space where the listing has columns.
std::string squeezed(const std::string& text) {
  std::string words;
  for (const char c : text) {
    if (c != ' ' || (!words.empty() && words.back() != ' ')) words += c;
  }
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

// Where a signal landed.
ordered_json place_json(const BoundaryAccount& boundary, Listing* listing) {
  return {{"symbol", boundary.at.symbol},
          {"offset", boundary.at.offset},
          {"pass", boundary.at.nth},
          {"phase", boundary.phase.text()},
          {"live", slots_from_text(boundary.live)},
          {"instruction", squeezed(listing->at(boundary))}};
}

ordered_json outcome_json(const BoundaryOutcome& outcome) {
  ordered_json json = {{"verdict", outcome.verdict}};
  if (outcome.slots != "-") json["slots"] = slots_from_text(outcome.slots);
  if (outcome.verdict != verdict_name(Verdict::ok) && !outcome.detail.empty())
    json["detail"] = outcome.detail;
  if (!outcome.allowed) json["finding"] = true;
  return json;
}

ordered_json head_json(const char* kind, const OperationMap& map) {
  return {{"kind", kind},     {"isa", map.isa},       {"protocol", map.protocol},
          {"site", map.site}, {"inject", map.inject}, {"contain", map.contain}};
}

// A handler's entry in a row, as text, for each of its outcomes: a sweep has few of them, and a
// million places to write them at.
std::vector<std::string> entries_of(const CellMap& cell) {
  std::vector<std::string> entries;
  for (const BoundaryOutcome& outcome : cell.outcomes)
    entries.push_back(dump(cell.handler) + ":" + dump(outcome_json(outcome)));
  return entries;
}

std::vector<std::string> boundary_rows(const OperationMap& map, Listing* listing) {
  std::vector<std::vector<std::string>> entries;
  for (const CellMap& cell : map.cells) entries.push_back(entries_of(cell));
  std::string head = dump(head_json("boundary", map));
  head.back() = ',';
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < map.boundaries.size(); i++) {
    const std::string place = dump(place_json(map.boundaries[i], listing));
    std::string row = head + place.substr(1, place.size() - 2) + R"(,"handlers":{)";
    for (std::size_t c = 0; c < map.cells.size(); c++) {
      const CellMap& cell = map.cells[c];
      if (i >= cell.at.size() || cell.at[i] == 0) continue;
      if (!row.ends_with('{')) row += ',';
      row += entries[c][cell.at[i] - 1];
    }
    rows.push_back(std::move(row) + "}}");
  }
  return rows;
}

ordered_json places_json(const std::vector<BoundaryAccount>& boundaries, Listing* listing) {
  ordered_json places = ordered_json::array();
  for (const BoundaryAccount& boundary : boundaries)
    places.push_back(place_json(boundary, listing));
  return places;
}

// One letter a verdict, the same in every file.
char letter_of(const std::string& verdict) {
  if (verdict == verdict_name(Verdict::ok)) return '.';
  const auto known = verdict_from_name(verdict);
  return known ? static_cast<char>('A' + static_cast<int>(*known)) : '?';
}

constexpr char kNotRun = ' ';

std::string matrix_row(const OperationMap& map, const CellMap& cell, Listing* listing) {
  ordered_json row = head_json("matrix", map);
  row["handler"] = cell.handler;
  row["form"] = map.form;
  row["first"] = places_json(map.boundaries, listing);
  row["second"] = places_json(map.form == "nested" ? cell.inner : map.boundaries, listing);
  ordered_json legend = {{std::string(1, kNotRun), "not run"}};
  std::set<std::string> findings;
  for (const BoundaryOutcome& outcome : cell.outcomes) {
    legend[std::string(1, letter_of(outcome.verdict))] = outcome.verdict;
    if (!outcome.allowed) findings.insert(outcome.verdict);
  }
  row["legend"] = legend;
  row["findings"] = findings;
  ordered_json lines = ordered_json::array();
  for (std::size_t i = 0; i < map.boundaries.size(); i++) {
    std::string line(cell.columns, kNotRun);
    for (std::size_t j = 0; j < cell.columns; j++) {
      if (const BoundaryOutcome* outcome = cell.outcome(i, j))
        line[j] = letter_of(outcome->verdict);
    }
    lines.push_back(line);
  }
  row["rows"] = lines;
  return dump(row);
}

}  // namespace

const BoundaryOutcome* CellMap::outcome(std::size_t row, std::size_t column) const {
  const std::size_t place = row * columns + column;
  const std::size_t number = place < at.size() ? at[place] : 0;
  return number == 0 || number > outcomes.size() ? nullptr : &outcomes[number - 1];
}

void CellMap::book(std::uint64_t point, const std::string& verdict) {
  const auto same = [&](const BoundaryOutcome& o) {
    return o.verdict == verdict && o.detail.empty();
  };
  auto outcome = std::ranges::find_if(outcomes, same);
  if (outcome == outcomes.end()) outcome = outcomes.insert(outcome, {verdict, "-", "", true});
  at.at((point >> 32) * columns + (point & 0xffffffff)) =
      static_cast<std::size_t>(outcome - outcomes.begin()) + 1;
}

void MapReader::take(const Record& record) {
  if (record.word() == "baseline") {  // the answer to another command begins
    boundaries.clear();
    cell = {};
  } else if (record.word() == "boundary") {
    boundaries.push_back(decode_boundary(record));
  } else if (record.word() == "inner") {
    cell.inner.push_back(decode_boundary(record));
  } else if (record.word() == "outcome") {
    cell.outcomes.push_back(
        {record.text("verdict"), record.text("slots"), record.text("detail"), true});
  } else if (record.word() == "map") {
    cell.handler = record.text("handler");
    cell.columns = record.number("columns");
    for (const std::string& number : record.list("at")) cell.at.push_back(std::stoull(number));
  }
}

const std::string& Listing::at(const BoundaryAccount& boundary) {
  static const std::string none = "?";
  auto [function, is_new] = functions_.try_emplace(boundary.at.symbol);
  if (is_new) {
    for (const Instruction& insn : code_.function(boundary.at.symbol))
      function->second.emplace(insn.offset, insn.text);
  }
  const auto found = function->second.find(boundary.at.offset);
  return found == function->second.end() ? none : found->second;
}

std::vector<std::string> rows_of(const OperationMap& map, Listing* listing) {
  if (map.form == "single") return boundary_rows(map, listing);
  std::vector<std::string> rows;
  for (const CellMap& cell : map.cells) rows.push_back(matrix_row(map, cell, listing));
  return rows;
}

}  // namespace sigsweep
