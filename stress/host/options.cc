// From flags to a session with a runner.
#include "stress/host/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "stress/host/adapter_file.h"
#include "stress/host/source_lines.h"

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

using Elsewhere = std::map<std::string, std::string>;

// The names given, each of them known; `all` stands for `everything`. `elsewhere`: names that exist
// for another ISA only.
std::vector<std::string> select(const char* flag, const std::vector<std::string>& given,
                                const std::vector<std::string>& known,
                                const std::vector<std::string>& everything,
                                const Elsewhere& elsewhere = {}) {
  std::vector<std::string> selected;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(selected, name) == selected.end()) selected.push_back(name);
  };
  for (const std::string& name : given) {
    if (name == "all") {
      std::ranges::for_each(everything, add);
    } else if (std::ranges::find(known, name) != known.end()) {
      add(name);
    } else if (const auto at = elsewhere.find(name); at != elsewhere.end()) {
      throw Failure(kSkipped,
                    fmt::format("skipped: {} {} exists for isa {} only", flag, name, at->second));
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
  return select("--protocol", options.protocols, all, all, description.elsewhere);
}

std::vector<std::string> Session::sites() const {
  const auto all = names_of(description.catalog.sites);
  return select("--site", options.sites, all, all);
}

std::vector<std::string> Session::handlers() const {
  const auto known = names_of(description.catalog.handlers);
  auto calling = known;
  if (!description.adapter) {
    std::erase_if(calling, [](const std::string& name) { return !calls_subject(name); });
  }
  const std::string observe(kObserveName);
  const auto has = [&](const std::vector<std::string>& names) {
    return std::ranges::find(names, observe) != names.end();
  };
  if (has(options.handlers) && !has(known)) {
    throw Failure(kSkipped, fmt::format("skipped: --handler {}: no backtrace is taken on isa {}: "
                                        "its unwinder is not exact at each instruction",
                                        observe, description.catalog.isa));
  }
  if (calling.empty() && options.handlers == std::vector<std::string>{"all"}) {
    throw Failure(kUsage,
                  fmt::format("--handler all: no site of this subject may serve as a handler; "
                              "allowed: {}",
                              fmt::join(known, ", ")));
  }
  return select("--handler", options.handlers, known, calling);
}

const ProtocolSpec& Session::protocol(const std::string& name) const {
  for (const auto& p : description.protocols) {
    if (p.name == name) return p;
  }
  throw Failure(kUsage, fmt::format("no protocol {}; allowed: {}", name,
                                    fmt::join(description.catalog.protocols, ", ")));
}

Verdict Session::without_signal(const std::string& protocol, const std::string& site) const {
  const auto at = std::ranges::find(description.sites, site, &SiteSpec::name);
  if (at == description.sites.end()) return Verdict::ok;
  const bool rejected = std::ranges::find(at->rejected_by, protocol) != at->rejected_by.end();
  return rejected ? Verdict::false_reject : Verdict::ok;
}

VerdictSet Session::allowed(const std::string& protocol_name, const std::string& site,
                            const std::string& handler,
                            const std::map<std::string, Verdict>& assumed) const {
  if (!calls_subject(handler)) {
    const Verdict alone = without_signal(protocol_name, site);
    if (alone != Verdict::ok) return {alone};
  } else if (const auto at = assumed.find(protocol_name); at != assumed.end()) {
    return {at->second};
  }
  const auto special = description.allowed.find({protocol_name, handler});
  return special != description.allowed.end() ? special->second : protocol(protocol_name).allowed;
}

std::map<std::string, Verdict> Session::assumptions() const {
  std::map<std::string, Verdict> assumed;
  for (const std::string& item : options.assume) {
    const std::size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    const auto verdict = verdict_from_name(equals == item.npos ? "" : item.substr(equals + 1));
    if (!verdict) {
      throw Failure(kUsage,
                    fmt::format("--assume {}: PROTOCOL=VERDICT is expected, with one of: {}", item,
                                fmt::join(kVerdictNames, ", ")));
    }
    assumed[protocol(name).name] = *verdict;
  }
  return assumed;
}

std::string machine_isa() {
#if defined(__x86_64__)
  return "amd64";
#elif defined(__i386__)
  return "386";
#else
  return "arm";
#endif
}

namespace {

// Of a runner that does not answer. One that refuses its adapter has said why, in one line.
Failure failure_at_start(const Outcome& outcome, const Session& session) {
  if (outcome.kind == Outcome::stopped) return {kStopped, "stopped"};
  const bool told = !outcome.said.empty() && (outcome.status == kUsage || outcome.gave_up);
  if (told) return {outcome.gave_up ? kHarnessFailed : kUsage, outcome.said};
  if (outcome.kind == Outcome::died && !session.options.adapter.empty()) {
    return {kHarnessFailed, fmt::format("adapter {}: its runner ended before it answered: {}",
                                        session.options.adapter, outcome.message)};
  }
  return {kHarnessFailed, fmt::format("the runner does not answer: {}", outcome.message)};
}

}  // namespace

std::string usable_runner(const Options& options) {
  std::string path =
      options.runner.empty() ? runner_path(options.isa, options.subject) : options.runner;
  if (path.empty()) {
    const std::string why = why_no_runner(options.isa);
    throw Failure(
        kSkipped,
        fmt::format("skipped: no runner for isa {} and subject {} is built beside this command{}{}",
                    options.isa, options.subject, why.empty() ? "" : ": ", why));
  }
  if (const std::string why = why_not_run(options.isa); !why.empty()) {
    throw Failure(kSkipped, fmt::format("skipped: isa {}: {}", options.isa, why));
  }
  if (!std::filesystem::exists(path)) {
    throw Failure(kSkipped, fmt::format("skipped: the runner {} does not exist", path));
  }
  return path;
}

Session open_session(const Options& given) {
  Session session;
  const Options& options = session.options = with_adapter(given);
  session.known = std::make_shared<KnownFindings>(options.known);
  session.lines = std::make_shared<SourceLines>();
  session.runner_path = usable_runner(options);
  session.runner =
      std::make_unique<RunnerProcess>(session.runner_path, options.isa, options.adapter);
  const Outcome outcome = describe(session.runner.get(), &session.description);
  if (outcome.kind != Outcome::done) throw failure_at_start(outcome, session);
  if (options.subject == kAdapterSubject && !session.description.adapter) {
    throw Failure(kHarnessFailed,
                  fmt::format("the runner {} does not say whose adapter it has; one of subject "
                              "adapter is expected",
                              session.runner_path));
  }
  return session;
}

std::vector<Session> open_sessions(const Options& options, std::vector<std::string>* left_out) {
  const bool all = options.isas == std::vector<std::string>{"all"};
  std::vector<std::string> isas = options.isas;
  if (all) isas.assign(std::begin(kIsas), std::end(kIsas));
  if (all && !options.adapter.empty()) {  // a file is for one
    isas = {isa_of_adapter(options.adapter)};
    for (const std::string_view isa : kIsas) {
      if (isa == isas.front()) continue;
      left_out->push_back(fmt::format("{}: the adapter is built for {}", isa, isas.front()));
    }
  }
  if (isas.empty()) isas = {options.isa};
  std::vector<Session> sessions;
  for (const std::string& isa : isas) {
    Options one = options;
    one.isa = isa;
    try {
      sessions.push_back(open_session(one));
    } catch (const Failure& failure) {
      if (!all || failure.status != kSkipped) throw;
      left_out->push_back(fmt::format("{}: {}", isa, failure.what()));
      fmt::print(stderr, "sigsweep: isa {} is left out: {}\n", isa, failure.what());
    }
  }
  return sessions;
}

std::vector<std::string> names_of(const std::vector<Session>& sessions) {
  std::vector<std::string> isas;
  isas.reserve(sessions.size());
  for (const Session& session : sessions) isas.push_back(session.options.isa);
  return isas;
}

std::string subject_of(const Session& session) {
  const auto& adapter = session.description.adapter;
  return adapter ? "adapter " + adapter->name : session.options.subject;
}

void require_source(const Session& session, const std::string& inject) {
  std::string why;
  const Outcome outcome =
      session.runner->command(Record("source").add("inject", inject),
                              [&](const Record& r) { why = r.text("unavailable"); });
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  if (!why.empty()) throw Failure(kSkipped, fmt::format("skipped: --inject {}: {}", inject, why));
}

std::string version() {
  return SIGSWEEP_VERSION;
}
std::string build_description() {
  return SIGSWEEP_BUILD;
}

std::string shell_quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void print_provenance(const Options& options) {
  fmt::print(stderr, "sigsweep {}, build {}, isa {}, subject {}, seed {}\n{}\n", version(),
             build_description(),
             fmt::join(options.isas.empty() ? std::vector{options.isa} : options.isas, ","),
             options.subject, options.seed, options.command_line);
}

void print_provenance(const Session& session) {
  print_provenance(session.options);
  const auto& adapter = session.description.adapter;
  if (!adapter) return;
  fmt::print(stderr, "adapter {} {}, build {}, {}\n", adapter->name, adapter->version,
             adapter->build, session.options.adapter);
}

}  // namespace sigsweep
