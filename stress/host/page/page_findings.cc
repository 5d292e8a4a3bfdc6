#include "stress/host/page/page_findings.h"

#include <algorithm>
#include <tuple>

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& row, const char* key) {
  return row.value(key, std::string());
}

// What findings have in common that a page counts together.
PageTallyKey tally_key(const ordered_json& row) {
  return {text_of(row, "isa"),      text_of(row, "protocol"), text_of(row, "site"),
          text_of(row, "handler"),  text_of(row, "verdict"),  text_of(row, "symbol"),
          row.value("known", false)};
}

void add_to(PageTally* tally, const ordered_json& row) {
  tally->findings++;
  const std::string seen = text_of(row, "first_seen");
  if (seen.empty() || (!tally->first_seen.empty() && tally->first_seen <= seen)) return;
  tally->first_seen = seen;
  tally->first_build = text_of(row, "first_build");
}

// Handlers are many, and what they find is alike: with too many counts they share one.
std::map<PageTallyKey, PageTally> without_handlers(const std::map<PageTallyKey, PageTally>& all) {
  std::map<PageTallyKey, PageTally> shared;
  for (const auto& [key, tally] : all) {
    PageTallyKey wider = key;
    wider.handler.clear();
    PageTally& sum = shared[wider];
    const bool earlier =
        sum.first_seen.empty() || (!tally.first_seen.empty() && tally.first_seen < sum.first_seen);
    sum.findings += tally.findings;
    if (!earlier) continue;
    sum.first_seen = tally.first_seen;
    sum.first_build = tally.first_build;
  }
  return shared;
}

}  // namespace

void PageFindings::take(PageIndex file, const ordered_json& row) {
  const std::string id = row.at("id").get<std::string>();
  tally_key(row);  // throws for a field of another type
  if (!by_id_.emplace(id, all_.size()).second) return;
  all_.push_back({{file, row}, "finding"});
}

void PageFindings::take_past(PageIndex file, const ordered_json& row) {
  tally_key(row);
  past_.insert_or_assign(row.at("id").get<std::string>(), PageRow{file, row});
}

void PageFindings::give(PageModel* model) {
  for (auto& [id, past] : past_) {
    const auto at = by_id_.find(id);
    if (at == by_id_.end()) {
      all_.push_back({std::move(past), "past_finding"});
      continue;
    }
    for (const char* key : {"first_seen", "first_build", "last_seen", "count"})
      if (past.json.contains(key)) all_[at->second].row.json[key] = past.json[key];
  }
  // A finding's turn: the first of each place and kind come first, then the second of each. Those
  // that were looked into come before all others.
  std::map<PageTallyKey, unsigned> taken;
  std::vector<std::pair<unsigned, std::size_t>> turns;
  for (std::size_t i = 0; i < all_.size(); i++) {
    const ordered_json& row = all_[i].row.json;
    add_to(&model->tallies[tally_key(row)], row);
    PageTallyKey kind = tally_key(row);
    kind.site.clear();
    kind.handler.clear();
    turns.emplace_back(row.contains("why") ? 0 : ++taken[kind], i);
  }
  std::ranges::sort(turns);
  if (turns.size() > kMostFindings) {
    model->findings_left_out = turns.size() - kMostFindings;
    turns.resize(kMostFindings);
  }
  std::ranges::sort(turns, {}, &std::pair<unsigned, std::size_t>::second);
  for (const auto& [turn, i] : turns) model->kinds[all_[i].kind].push_back(std::move(all_[i].row));
  if (model->tallies.size() > kMostTallies) model->tallies = without_handlers(model->tallies);
}

}  // namespace sigsweep
