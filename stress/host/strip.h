// Verdicts of an operation as a strip: a column a boundary, in the order in which the operation
// runs, and a row a protocol or handler. strip_text.h and strip_svg.h draw it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "stress/host/boundary_map.h"

namespace sigsweep {

struct StripPlace {
  std::string symbol;
  std::uint64_t offset = 0;
  std::vector<std::string> live;  // slots that are written and still to be read
  std::string apart;              // "g, sp": they say two different stacks; empty: all say the same
  bool operator==(const StripPlace&) const = default;
};

// Columns one behind the other whose phase begins with the same word, such as `stub.back`.
struct StripPart {
  std::string name;
  std::size_t begin = 0, size = 0;
};

// Handlers of one protocol with the same verdict everywhere share a row.
struct StripRow {
  std::string protocol;
  std::vector<std::string> handlers;
  std::string signs;  // one a place: verdict_sign.h
  bool finding = false;
};

// A run of equal signs in a row.
struct StripRun {
  char sign = '.';
  std::size_t begin = 0, size = 0;
};

struct Strip {
  std::string isa, site;
  std::vector<StripPlace> places;
  std::vector<StripPart> parts;
  std::vector<StripRow> rows;
};

// Of rows `boundary` (results/schema.json), as `explain` and `sweep --per-boundary` write them. The
// protocols of a site that run the same instructions share a strip. REQUIRES: rows of that kind.
std::vector<Strip> strips_of(const std::vector<nlohmann::ordered_json>& boundaries);
// Of what a runner told: by the same rows. Pairs of signals have no strip.
std::vector<Strip> strips_of(const std::vector<OperationMap>& maps, Listing* listing);

std::vector<StripRun> runs_of(const std::string& signs);

// What a row is called beside the others of its strip: the name that differs.
std::string title_of(const Strip& strip, const StripRow& row);
// What all rows have in common: "round_trip interrupted, amd64, handler switch".
std::string heading_of(const Strip& strip);
// The title of the row that shows where: "g, sp apart"; empty: nowhere.
std::string apart_of(const Strip& strip);
bool has_finding(const Strip& strip);

}  // namespace sigsweep
