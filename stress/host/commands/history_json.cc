#include "stress/host/commands/history_json.h"

#include <nlohmann/json.hpp>

namespace sigsweep {

using nlohmann::ordered_json;

namespace {

ordered_json or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}
template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

}  // namespace

ordered_json json_of(const StoredRun& run) {
  const RunCounts& c = run.counts;
  return {{"kind", "past_run"},
          {"id", run.id},
          {"what", run.what},
          {"started", run.started},
          {"ended", or_null(run.ended)},
          {"build", run.build},
          {"command", run.command},
          {"seed", std::stoull(run.seed)},
          {"machine",
           {{"processor", run.machine.processor},
            {"features", run.machine.features},
            {"floor_us", or_null(run.machine.floor_us)}}},
          {"status", or_null(run.status)},
          {"parts", c.parts},
          {"cells", c.cells},
          {"trials", c.trials},
          {"claims", c.claims},
          {"storms", c.storms},
          {"campaigns", c.campaigns},
          {"benchmarks", c.benchmarks},
          {"mutants", c.mutants},
          {"findings", c.findings},
          {"known", c.findings - c.unknown_findings}};
}

ordered_json json_of(const StoredFinding& f) {
  return {{"kind", "past_finding"},
          {"id", f.id},
          {"isa", f.isa},
          {"protocol", f.protocol},
          {"site", f.site},
          {"handler", f.handler},
          {"phase", f.phase},
          {"verdict", f.verdict},
          {"detail", f.detail},
          {"schedule", f.schedule},
          {"first_seen", f.first_seen},
          {"first_build", f.first_build},
          {"last_seen", f.last_seen},
          {"last_build", f.last_build},
          {"count", f.count},
          {"known", f.known}};
}

ordered_json json_of(const ContrastRow& row) {
  ordered_json json = {
      {"kind", "contrast"},     {"what", kContrastNames[static_cast<unsigned>(row.what)]},
      {"subject", row.subject}, {"name", row.name},
      {"text", row.text},       {"fails", row.fails}};
  if (row.times) {
    const SlowerRow& t = *row.times;
    json["times"] = {{"isa", t.isa},       {"peers", t.peers},
                     {"before", t.before}, {"now", t.now},
                     {"chance", t.chance}, {"processes", {t.processes_before, t.processes_now}}};
  }
  return json;
}

ordered_json sums_json(const RunContrast& c) {
  ordered_json sums = ordered_json::object();
  for (unsigned i = 0; i < std::size(kContrastNames); i++)
    sums[kContrastNames[i]] = c.count(static_cast<Contrast>(i));
  return {{"kind", "contrasted"},
          {"before", c.before.id},
          {"now", c.now.id},
          {"sums", sums},
          {"judged", c.times_judged}};
}

}  // namespace sigsweep
