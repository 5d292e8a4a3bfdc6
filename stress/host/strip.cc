#include "stress/host/strip.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "stress/host/verdict_sign.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// What one protocol came to at the boundaries of one site.
struct Course {
  std::string isa, protocol, site;
  std::vector<StripPlace> places;
  std::vector<std::string> parts;            // one a place
  std::vector<std::string> handlers;         // in the order in which they come
  std::map<std::string, std::string> signs;  // by handler
  std::map<std::string, bool> findings;      // by handler
};

// Of "stub.switched/a=x/sp=y/live=s0#1": a and sp, which say what stack is in use.
std::vector<std::pair<std::string, std::string>> stacks_of(const std::string& phase) {
  std::vector<std::pair<std::string, std::string>> stacks;
  const std::size_t end = std::min(phase.rfind('#'), phase.size());
  for (std::size_t at = phase.find('/'); at < end;) {
    const std::size_t next = std::min(phase.find('/', at + 1), end);
    const std::string field = phase.substr(at + 1, next - at - 1);
    const std::size_t equals = std::min(field.find('='), field.size());
    if (field.substr(0, equals) != "live")
      stacks.emplace_back(field.substr(0, equals), field.substr(equals));
    at = next;
  }
  return stacks;
}

StripPlace place_of_row(const ordered_json& row) {
  StripPlace place{row.at("symbol"), row.at("offset"), row.at("live"), {}};
  const auto stacks = stacks_of(row.at("phase"));
  const bool apart = std::ranges::any_of(
      stacks, [&](const auto& stack) { return stack.second != stacks.front().second; });
  if (!apart) return place;
  for (const auto& [name, stack] : stacks) place.apart += (place.apart.empty() ? "" : ", ") + name;
  return place;
}

char sign_of_outcome(const ordered_json& outcome) {
  if (!outcome.value("judged", true)) return kNotJudged.sign;
  return sign_of(outcome.at("verdict").get<std::string>()).sign;
}

void take(const ordered_json& row, Course* operation) {
  const std::size_t before = operation->places.size();
  operation->places.push_back(place_of_row(row));
  const std::string phase = row.at("phase");
  operation->parts.push_back(phase.substr(0, phase.find_first_of("/#")));
  for (const auto& [handler, outcome] : row.at("handlers").items()) {
    const auto [signs, fresh] = operation->signs.try_emplace(handler);
    if (fresh) operation->handlers.push_back(handler);
    signs->second.resize(before, kNotRun.sign);
    signs->second += sign_of_outcome(outcome);
    operation->findings[handler] |= outcome.value("finding", false);
  }
}

std::vector<Course> courses_of(const std::vector<ordered_json>& boundaries) {
  std::vector<Course> operations;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> known;
  for (const ordered_json& row : boundaries) {
    const std::string isa = row.at("isa"), site = row.at("site"), protocol = row.at("protocol");
    const auto [at, fresh] = known.try_emplace({isa, site, protocol}, operations.size());
    if (fresh) operations.push_back({isa, protocol, site, {}, {}, {}, {}, {}});
    take(row, &operations[at->second]);
  }
  return operations;
}

std::vector<StripRow> rows_of_course(const Course& operation) {
  std::vector<StripRow> rows;
  for (const std::string& handler : operation.handlers) {
    std::string signs = operation.signs.at(handler);
    signs.resize(operation.places.size(), kNotRun.sign);
    const bool finding = operation.findings.at(handler);
    const auto same = std::ranges::find_if(
        rows, [&](const StripRow& row) { return row.signs == signs && row.finding == finding; });
    if (same != rows.end()) {
      same->handlers.push_back(handler);
    } else {
      rows.push_back({operation.protocol, {handler}, std::move(signs), finding});
    }
  }
  return rows;
}

std::vector<StripPart> parts_of(const std::vector<std::string>& names) {
  std::vector<StripPart> parts;
  for (std::size_t i = 0; i < names.size(); i++) {
    if (parts.empty() || parts.back().name != names[i]) parts.push_back({names[i], i, 0});
    parts.back().size++;
  }
  return parts;
}

bool same_instructions(const std::vector<StripPlace>& a, const std::vector<StripPlace>& b) {
  return std::ranges::equal(a, b, [](const StripPlace& x, const StripPlace& y) {
    return x.symbol == y.symbol && x.offset == y.offset;
  });
}

template <typename Name>
std::set<std::string> names_in(const Strip& strip, Name name) {
  std::set<std::string> names;
  for (const StripRow& row : strip.rows) names.insert(name(row));
  return names;
}

std::string protocol_of(const StripRow& row) {
  return row.protocol;
}

std::string handlers_of(const StripRow& row) {
  if (row.handlers.size() == 1) return row.handlers.front();
  if (row.handlers.size() == 2) return row.handlers[0] + ", " + row.handlers[1];
  return fmt::format("{} handlers", row.handlers.size());
}

}  // namespace

std::vector<Strip> strips_of(const std::vector<ordered_json>& boundaries) {
  std::vector<Strip> strips;
  for (const Course& operation : courses_of(boundaries)) {
    const auto shared = std::ranges::find_if(strips, [&](const Strip& strip) {
      return strip.isa == operation.isa && strip.site == operation.site &&
             same_instructions(strip.places, operation.places);
    });
    std::vector<StripRow> rows = rows_of_course(operation);
    if (shared == strips.end()) {
      strips.push_back({operation.isa, operation.site, operation.places, parts_of(operation.parts),
                        std::move(rows)});
    } else {
      shared->rows.insert(shared->rows.end(), rows.begin(), rows.end());
    }
  }
  return strips;
}

std::vector<Strip> strips_of(const std::vector<OperationMap>& maps, Listing* listing) {
  std::vector<ordered_json> boundaries;
  for (const OperationMap& map : maps) {
    for (const std::string& line : rows_of(map, listing)) {
      ordered_json row = ordered_json::parse(line);
      if (row.at("kind") == "boundary") boundaries.push_back(std::move(row));
    }
  }
  return strips_of(boundaries);
}

std::vector<StripRun> runs_of(const std::string& signs) {
  std::vector<StripRun> runs;
  for (std::size_t i = 0; i < signs.size(); i++) {
    if (runs.empty() || runs.back().sign != signs[i]) runs.push_back({signs[i], i, 0});
    runs.back().size++;
  }
  return runs;
}

std::string title_of(const Strip& strip, const StripRow& row) {
  if (names_in(strip, handlers_of).size() == 1) return row.protocol;
  if (names_in(strip, protocol_of).size() == 1) return handlers_of(row);
  return row.protocol + " " + handlers_of(row);
}

std::string heading_of(const Strip& strip) {
  std::string text = fmt::format("{} interrupted, {}", strip.site, strip.isa);
  const auto protocols = names_in(strip, protocol_of), handlers = names_in(strip, handlers_of);
  if (handlers.size() == 1 && strip.rows.front().handlers.size() <= 2)
    return text + ", handler " + *handlers.begin();
  if (handlers.size() == 1) return text + ", " + *handlers.begin();
  if (protocols.size() == 1) return text + ", protocol " + *protocols.begin();
  return text;
}

std::string apart_of(const Strip& strip) {
  for (const StripPlace& place : strip.places) {
    if (!place.apart.empty()) return place.apart + " apart";
  }
  return {};
}

bool has_finding(const Strip& strip) {
  return std::ranges::any_of(strip.rows, &StripRow::finding);
}

}  // namespace sigsweep
