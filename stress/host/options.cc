// From flags to a session with a runner.
#include "stress/host/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#ifndef SIGSWEEP_VERSION
#error "SIGSWEEP_VERSION and SIGSWEEP_BUILD come from CMake"
#endif

namespace sigsweep {
namespace {

std::vector<std::string> names_of(const std::vector<CatalogEntry>& entries) {
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (const CatalogEntry& e : entries) names.push_back(e.name);
  return names;
}

// The names given, each of them known; `all` stands for `everything`.
std::vector<std::string> select(const char* flag, const std::vector<std::string>& given,
                                const std::vector<std::string>& known,
                                const std::vector<std::string>& everything) {
  std::vector<std::string> selected;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(selected, name) == selected.end()) selected.push_back(name);
  };
  for (const std::string& name : given) {
    if (name == "all") {
      std::ranges::for_each(everything, add);
    } else if (std::ranges::find(known, name) != known.end()) {
      add(name);
    } else {
      throw Failure(kUsage, fmt::format("{} {}: no such name; allowed: all, {}", flag, name,
                                        fmt::join(known, ", ")));
    }
  }
  return selected;
}

}  // namespace

std::vector<std::string> Session::protocols() const {
  const auto& all = description.catalog.protocols;
  return select("--protocol", options.protocols, all, all);
}

std::vector<std::string> Session::sites() const {
  const auto all = names_of(description.catalog.sites);
  return select("--site", options.sites, all, all);
}

std::vector<std::string> Session::handlers() const {
  const auto known = names_of(description.catalog.handlers);
  auto calling = known;
  std::erase(calling, "none");
  return select("--handler", options.handlers, known, calling);
}

const Description::Protocol& Session::protocol(const std::string& name) const {
  for (const auto& p : description.protocols) {
    if (p.name == name) return p;
  }
  throw Failure(kUsage, fmt::format("no protocol {}; allowed: {}", name,
                                    fmt::join(description.catalog.protocols, ", ")));
}

std::map<std::string, std::string> Session::assumptions() const {
  std::map<std::string, std::string> assumed;
  for (const std::string& item : options.assume) {
    const std::size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    const std::string verdict = equals == item.npos ? "" : item.substr(equals + 1);
    const auto& verdicts = description.catalog.verdicts;
    if (std::ranges::find(verdicts, verdict) == verdicts.end()) {
      throw Failure(kUsage,
                    fmt::format("--assume {}: PROTOCOL=VERDICT is expected, with one of: {}", item,
                                fmt::join(verdicts, ", ")));
    }
    assumed[protocol(name).name] = verdict;
  }
  return assumed;
}

Session open_session(const Options& options) {
  Session session;
  session.options = options;
  session.known = std::make_shared<KnownFindings>(options.known);
  session.runner_path =
      options.runner.empty() ? runner_path(options.isa, options.subject) : options.runner;
  if (session.runner_path.empty()) {
    throw Failure(
        kSkipped,
        fmt::format("skipped: no runner for isa {} and subject {} is built beside this command",
                    options.isa, options.subject));
  }
  if (!std::filesystem::exists(session.runner_path)) {
    throw Failure(kSkipped,
                  fmt::format("skipped: the runner {} does not exist", session.runner_path));
  }
  session.runner = std::make_unique<RunnerProcess>(session.runner_path);
  const Outcome outcome = describe(session.runner.get(), &session.description);
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) {
    throw Failure(kHarnessFailed, fmt::format("the runner does not answer: {}", outcome.message));
  }
  return session;
}

void require_source(const Session& session, const std::string& inject) {
  std::string why;
  const Outcome outcome =
      session.runner->command(Record("source").add("inject", inject),
                              [&](const Record& r) { why = r.text("unavailable"); });
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  if (!why.empty()) throw Failure(kSkipped, fmt::format("skipped: --inject {}: {}", inject, why));
}

std::string version() {
  return SIGSWEEP_VERSION;
}
std::string build_description() {
  return SIGSWEEP_BUILD;
}

void print_provenance(const Options& options) {
  fmt::print(stderr, "sigsweep {}, build {}, isa {}, subject {}, seed {}\n{}\n", version(),
             build_description(), options.isa, options.subject, options.seed, options.command_line);
}

}  // namespace sigsweep
