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

// A sweep of everything has 20000 boundaries, and 10000 cells: to make an object of each would cost
// more than all the rest. So these rows are written as text.

std::string in_quotes(std::string_view text) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  return plain ? fmt::format("\"{}\"", text) : dump(text);
}

// "s0+s1" as an array.
std::string slots_json(const std::string& slots) {
  std::string json = "[";
  for (const std::string& slot : slots_from_text(slots))
    json += (json.size() == 1 ? "" : ",") + in_quotes(slot);
  return json + "]";
}

// The fields that say where a signal landed.
std::string place_fields(const BoundaryAccount& boundary, Listing* listing) {
  const std::string module =
      boundary.module.empty() ? "" : R"("module":)" + in_quotes(boundary.module) + ",";
  return module +
         fmt::format(R"("symbol":{},"offset":{},"pass":{},"phase":{},"live":{},"instruction":{})",
                     in_quotes(boundary.at.symbol), boundary.at.offset, boundary.at.nth,
                     in_quotes(boundary.phase.text()), slots_json(boundary.live),
                     in_quotes(squeezed(listing->at(boundary))));
}

std::string outcome_json(const BoundaryOutcome& outcome) {
  std::string json = R"({"verdict":)" + in_quotes(outcome.verdict);
  if (outcome.slots != "-") json += R"(,"slots":)" + slots_json(outcome.slots);
  if (outcome.verdict != verdict_name(Verdict::ok) && !outcome.detail.empty())
    json += R"(,"detail":)" + in_quotes(outcome.detail);
  if (!outcome.judged) json += R"(,"judged":false)";
  return json + (outcome.allowed ? "}" : R"(,"finding":true})");
}

// The fields that a row begins with.
std::string head_fields(const char* kind, const OperationMap& map) {
  return fmt::format(R"("kind":"{}","isa":{},"protocol":{},"site":{},"inject":{},"contain":{})",
                     kind, in_quotes(map.isa), in_quotes(map.protocol), in_quotes(map.site),
                     in_quotes(map.inject), in_quotes(map.contain));
}

// A handler's entry in a row, as text, for each of its outcomes: a sweep has few of them, and a
// million places to write them at.
std::vector<std::string> entries_of(const CellMap& cell) {
  std::vector<std::string> entries;
  for (const BoundaryOutcome& outcome : cell.outcomes)
    entries.push_back(in_quotes(cell.handler) + ":" + outcome_json(outcome));
  return entries;
}

std::vector<std::string> boundary_rows(const OperationMap& map, Listing* listing) {
  std::vector<std::vector<std::string>> entries;
  for (const CellMap& cell : map.cells) entries.push_back(entries_of(cell));
  const std::string head = head_fields("boundary", map);
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < map.boundaries.size(); i++) {
    std::string row =
        "{" + head + "," + place_fields(map.boundaries[i], listing) + R"(,"handlers":{)";
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

std::string places_json(const std::vector<BoundaryAccount>& boundaries, Listing* listing) {
  std::string json = "[";
  for (const BoundaryAccount& boundary : boundaries)
    json += (json.size() == 1 ? "{" : ",{") + place_fields(boundary, listing) + "}";
  return json + "]";
}

// One letter a verdict, the same in every file.
char letter_of(const std::string& verdict) {
  if (verdict == verdict_name(Verdict::ok)) return '.';
  const auto known = verdict_from_name(verdict);
  return known ? static_cast<char>('A' + static_cast<int>(*known)) : '?';
}

constexpr char kNotRun = ' ';

std::vector<std::string> lines_of(const CellMap& cell, std::size_t rows) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < rows; i++) {
    std::string line(cell.columns, kNotRun);
    for (std::size_t j = 0; j < cell.columns; j++) {
      if (const BoundaryOutcome* o = cell.outcome(i, j)) line[j] = letter_of(o->verdict);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string matrix_row(const OperationMap& map, const CellMap& cell, Listing* listing) {
  ordered_json legend = {{std::string(1, kNotRun), "not run"}};
  std::set<std::string> findings;
  for (const BoundaryOutcome& outcome : cell.outcomes) {
    legend[std::string(1, letter_of(outcome.verdict))] = outcome.verdict;
    if (!outcome.allowed) findings.insert(outcome.verdict);
  }
  const auto& second = map.form == "nested" ? cell.inner : map.boundaries;
  return fmt::format(
      R"({{{},"handler":{},"form":"{}","first":{},"second":{},"legend":{},"findings":{},"rows":{}}})",
      head_fields("matrix", map), in_quotes(cell.handler), map.form,
      places_json(map.boundaries, listing), places_json(second, listing), dump(legend),
      dump(findings), dump(lines_of(cell, map.boundaries.size())));
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
  if (outcome == outcomes.end()) outcome = outcomes.insert(outcome, {verdict, "-", "", true, true});
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
    cell.outcomes.push_back({record.text("verdict"), record.text("slots"), record.text("detail"),
                             true, record.number("not_judged") == 0});
  } else if (record.word() == "map") {
    cell.handler = record.text("handler");
    cell.columns = record.number("columns");
    for (const std::string& number : record.list("at")) cell.at.push_back(std::stoull(number));
  }
}

const std::string& Listing::at(const BoundaryAccount& boundary) {
  static const std::string none = "?";
  Function& known = functions_[{boundary.module, boundary.at.symbol}];
  // Code without a name is listed in pieces: around each place.
  if (!known.contains(boundary.at.offset)) {
    for (const Instruction& insn : code_.listing(place_of(boundary)))
      known.emplace(insn.offset, insn.text);
  }
  const auto found = known.find(boundary.at.offset);
  return found == known.end() ? none : found->second;
}

std::vector<std::string> rows_of(const OperationMap& map, Listing* listing) {
  if (map.form == "single") return boundary_rows(map, listing);
  std::vector<std::string> rows;
  for (const CellMap& cell : map.cells) rows.push_back(matrix_row(map, cell, listing));
  return rows;
}

}  // namespace sigsweep
