#include "stress/host/claim_plan.h"

#include <algorithm>
#include <set>

namespace sigsweep {
namespace {

// Where an emulator makes each trial dear, pairs are drawn from the seed: so many, at least.
constexpr std::uint64_t kDrawnPairs = 20000;

std::uint64_t cells_of_pairs(const SweepPlan& plan) {
  std::uint64_t cells = 0;
  for (const CellGroup& group : plan.groups) {
    if (group.form != "single") cells += group.handlers.size();
  }
  return std::max<std::uint64_t>(1, cells);
}

}  // namespace

namespace {

bool is_wanted(const Options& options, const ClaimSpec& claim) {
  return options.claims.empty() || has_word(options.claims, std::to_string(claim.id));
}

}  // namespace

bool ClaimPlan::selects(const ClaimSpec& claim) const {
  return claim.speaks_of_isa(session_.options.isa) && is_wanted(session_.options, claim);
}

bool ClaimPlan::leaves_out(const ClaimSpec& claim) const {
  return claim.not_on == session_.options.isa && is_wanted(session_.options, claim);
}

std::string ClaimPlan::one_site() const {
  const auto sites = session_.sites();
  return has_word(sites, book_.site) ? book_.site : sites.front();
}

// Where signals meet, one handler stands for all that write the same slots. --depth 1 leaves the
// pairs out, but for those of one site where a second signal lands in the first one's handler: so a
// stack that has no room for both is seen.
void ClaimPlan::add_pairs(const std::string& protocol, const std::string& form,
                          SweepPlan* plan) const {
  const Options& o = session_.options;
  const bool all = o.handlers == std::vector<std::string>{"all"};
  const auto handlers = all ? distinct_handlers(session_, protocol) : session_.handlers();
  if (o.depth != 1) {
    add_cells(protocol, session_.sites(), {form}, handlers, plan);
  } else if (form == "nested") {
    add_cells(protocol, {one_site()}, {form}, handlers, plan);
  }
}

// Once more with signals that the kernel delivers, where `direct` is all that was asked for: direct
// chooses the handler's stack itself. A timer's at one site: each is waited for.
void ClaimPlan::add_delivered(const std::string& protocol, const std::vector<std::string>& handlers,
                              SweepPlan* plan) const {
  if (plan->inject != "direct") return;
  for (const std::string& site : session_.sites()) {
    plan->groups.push_back(CellGroup{protocol, site, "single", handlers, "kill"});
  }
  plan->groups.push_back(CellGroup{protocol, one_site(), "single", handlers, "itimer"});
}

SweepPlan ClaimPlan::cells() const {
  const Options& o = session_.options;
  auto handlers = session_.handlers();
  const std::string none(kNoHandlerName), observe(kObserveName);
  if (!has_word(handlers, none)) handlers.insert(handlers.begin(), none);
  std::erase(handlers, observe);
  SweepPlan plan;
  plan.inject = o.inject;
  plan.contain = o.contain;
  plan.no_red_zone = o.no_red_zone;
  plan.seed = o.seed;
  plan.assumed = assumed_;
  for (const std::string& protocol : session_.protocols()) {
    std::set<std::string> forms;
    bool unwinds = false;
    for (const ClaimSpec& claim : book_.claims) {
      if (!selects(claim) || !has_word(claim.protocols, protocol)) continue;
      if (claim.kind == ClaimKind::unwound) {
        unwinds = true;
      } else {
        forms.insert(claim.forms.begin(), claim.forms.end());
      }
    }
    // Once a boundary: such a trial takes three times as long as one without a backtrace.
    if (unwinds) add_cells(protocol, session_.sites(), {"single"}, {observe}, &plan);
    for (const std::string& form : forms) {
      if (form == "single") {
        add_cells(protocol, session_.sites(), {form}, handlers, &plan);
        add_delivered(protocol, handlers, &plan);
      } else {
        add_pairs(protocol, form, &plan);
      }
    }
  }
  if (draws_pairs()) plan.sample = (kDrawnPairs + cells_of_pairs(plan) - 1) / cells_of_pairs(plan);
  return plan;
}

}  // namespace sigsweep
