#include "stress/host/sweep_plan.h"

#include <algorithm>
#include <set>

namespace sigsweep {

std::string signal_for(const std::string& inject) {
  return inject == "itimer" ? "SIGALRM" : "SIGPROF";
}

std::vector<std::string> forms_of(unsigned depth) {
  return depth < 2 ? std::vector<std::string>{"single"} : std::vector<std::string>{"nested", "two"};
}

std::vector<std::string> distinct_handlers(const Session& session, const std::string& protocol) {
  std::vector<std::string> handlers;
  std::set<std::string> seen;
  for (const CatalogEntry& handler : session.description.catalog.handlers) {
    if (!calls_subject(handler.name)) continue;
    const auto& sites = session.description.sites;
    const auto site = std::ranges::find(sites, handler.name, &SiteSpec::name);
    const bool writes = session.protocol(protocol).passes_slots && site != sites.end();
    if (seen.insert(writes ? site->written : "-").second) handlers.push_back(handler.name);
  }
  return handlers;
}

void add_cells(const std::string& protocol, const std::vector<std::string>& sites,
               const std::vector<std::string>& forms, const std::vector<std::string>& handlers,
               SweepPlan* plan) {
  for (const std::string& form : forms) {
    for (const std::string& site : sites) {
      plan->groups.push_back(CellGroup{protocol, site, form, handlers, {}});
    }
  }
}

}  // namespace sigsweep
