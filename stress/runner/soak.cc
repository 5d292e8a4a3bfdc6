// soak protocols= sites= handlers= rounds= seed=: every boundary once, then trials in random order.
// Each trial is compared with the first verdict at its boundary.
#include "stress/campaign/soak.h"

#include "stress/runner/command.h"

namespace sigsweep {
namespace {

using Find = std::string (*)(const Runner&, const std::string&, unsigned*);

// Every name of a list as an index; empty, or the trouble.
std::string find_all(const Runner& runner, const std::vector<std::string>& names, Find find,
                     std::vector<unsigned>* indices) {
  for (const std::string& name : names) {
    unsigned index = 0;
    if (std::string trouble = find(runner, name, &index); !trouble.empty()) return trouble;
    indices->push_back(index);
  }
  return {};
}

}  // namespace

std::string soak(Runner& runner, const Record& command) {
  SoakRequest request;
  const struct {
    const char* key;
    Find find;
    std::vector<unsigned>* indices;
  } lists[] = {{"protocols", find_protocol, &request.protocols},
               {"sites", find_site, &request.sites},
               {"handlers", find_handler, &request.handlers}};
  for (const auto& [key, find, indices] : lists) {
    std::string trouble = find_all(runner, command.list(key), find, indices);
    if (!trouble.empty()) return trouble;
  }
  request.rounds = command.number("rounds");
  request.seed = command.number("seed");
  const SoakResult result = run_soak(request, runner.traces, [](std::uint64_t done) {
    send(Record("soaked").add("rounds", done));
    flush();
  });
  send(Record("soak")
           .add("points", result.points)
           .add("trials", result.trials)
           .add("landed", result.landed)
           .add("changes", result.changes)
           .add("first", result.first_change));
  return result.problem;
}

}  // namespace sigsweep
