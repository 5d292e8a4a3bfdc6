// The findings of a page: all of them counted, and a sample of them whole.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/host/page/page_model.h"

namespace sigsweep {

class PageFindings {
 public:
  // One that several parts of a night found is one: the first row with an id counts. Throws a JSON
  // exception for a row that is not as results/schema.json says.
  void take(PageIndex file, const nlohmann::ordered_json& row);
  // What a history tells of a finding: since when. One that no row tells of is a finding itself.
  void take_past(PageIndex file, const nlohmann::ordered_json& row);
  // Rows `finding` and `past_finding`, the counts of all, and how many rows were left out.
  void give(PageModel* model);

 private:
  struct Seen {
    PageRow row;
    std::string kind;
  };
  std::vector<Seen> all_;
  std::map<std::string, std::size_t> by_id_;  // in all_
  std::map<std::string, PageRow> past_;       // by id
};

}  // namespace sigsweep
