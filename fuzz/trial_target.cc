// Inputs to trials, trials to feedback and findings.
#include "fuzz/trial_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "fuzz/counters.h"
#include "fuzz/engine.h"
#include "fuzz/kept_ways.h"
#include "fuzz/stats.h"
#include "stress/base/modules.h"
#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/trap/sources.h"

namespace sigsweep::fuzz {
namespace {

constexpr const char* kOptions[] = {
    "-max_len=1000",  // a hundred records
};
constexpr std::string_view kByDefault[] = {"kill", "direct", "itimer"};
constexpr std::string_view kPossible[] = {"kill", "direct", "itimer", "peer"};

// The part of an input that is run.
constexpr std::string_view kShapes[] = {"any", "one", "plain", "none"};
constexpr struct {
  std::size_t operations;
  unsigned injections;
} kLimits[] = {{kMaxScheduleOperations, kMaxInjections}, {1, 1}, {1, 0}, {0, 0}};
static_assert(std::size(kLimits) == std::size(kShapes));

std::vector<std::string_view> protocol_names() {
  std::vector<std::string_view> names;
  for (const Protocol& p : subject().protocols()) names.push_back(p.name);
  return names;
}

// A schedule of any ISA, as one of the subject's. A boundary of another ISA is found if it has a
// phase, or a name that exists here too.
std::variant<Schedule, ParseError> parse_here(std::string_view text, const std::string& file) {
  Catalog catalog = catalog_of(subject());
  // No input has this handler: such a trial takes three times as long.
  std::erase_if(catalog.handlers, [](const auto& h) { return h.name == kObserveName; });
  const unsigned bits = std::exchange(catalog.word_bits, 64);
  auto parsed = parse_schedule(text, file, catalog);
  auto* schedule = std::get_if<Schedule>(&parsed);
  if (schedule == nullptr) return parsed;
  catalog.word_bits = bits;
  if (schedule->isa == subject().isa()) return parse_schedule(text, file, catalog);
  narrow(bits, schedule);
  return parsed;
}

bool is_safe(const Protocol& protocol) {
  return protocol.must_reject || protocol.allowed == kOnlyOk;
}

}  // namespace

bool TrialTarget::is_violation(const Planned& planned, Verdict verdict) const {
  if (is_canary_) return verdict != Verdict::ok;
  const Protocol& protocol = subject().protocols()[planned.plan.protocol];
  if (!is_safe(protocol) && planned.plan.injections > 1) return false;
  return !(planned.handler_calls() ? protocol.allowed : kOnlyOk).contains(verdict);
}

std::vector<std::string_view> safe_protocols() {
  std::vector<std::string_view> names;
  for (const Protocol& p : subject().protocols()) {
    if (is_safe(p)) names.push_back(p.name);
  }
  return names;
}

std::string told(const Judgement& judgement) {
  std::string text(verdict_name(judgement.verdict));
  if (judgement.slots != 0) text += " " + slot_names(subject(), judgement.slots);
  if (judgement.detail != nullptr && *judgement.detail != '\0')
    text += ": " + std::string(judgement.detail);
  return text;
}

std::span<const char* const> TrialTarget::engine_options() const {
  return kOptions;
}

// Whole records: so an inserted one leaves the records behind it unchanged. Each operation, and
// each handler. For AFL++ without the mutator; libFuzzer's mutator uses no dictionary.
std::vector<std::string> TrialTarget::dictionary() const {
  std::vector<std::string> records;
  const auto add = [&](ByteRecord::Kind kind, unsigned index) {
    const ByteRecord record = ByteRecord::make(kind, static_cast<std::uint8_t>(index));
    records.emplace_back(std::begin(record.byte), std::end(record.byte));
  };
  for (unsigned site : choice_.sites) add(ByteRecord::Kind::operation, site);
  for (unsigned i = 0; i < choice_.handlers.size(); i++) add(ByteRecord::Kind::injection, i);
  return records;
}

std::string TrialTarget::adapter_file() const {
  for (const Record& record : subject().identity()) {
    if (record.word() == "adapter") return record.text("file");
  }
  return {};
}

// Of the protocol that the subject names as bad: one operation, and its own call by a handler.
std::string TrialTarget::become_canary() {
  for (const Record& record : subject().identity()) {
    if (record.word() != "canary") continue;
    const std::vector<std::string_view> names = protocol_names();
    const auto protocol = std::ranges::find(names, record.text("protocol"));
    choice_.protocols = {static_cast<unsigned>(protocol - names.begin())};
    const auto is_its_site = [&](unsigned i) {
      return subject().sites()[i].name == record.text("site");
    };
    const auto site = std::ranges::find_if(choice_.sites, is_its_site);
    choice_.sites = {site == choice_.sites.end() ? choice_.sites.front() : *site};
    choice_.handlers = {kNoHandler, choice_.sites.front()};
    choice_.sources = {Source::direct};
    is_canary_ = true;
    return std::string(*protocol) + " at " +
           std::string(subject().sites()[choice_.sites.front()].name);
  }
  return {};
}

void TrialTarget::configure() {
  library_ = catalog_of(subject()).adapter;
  const std::vector<std::string_view> names = protocol_names();
  choice_.protocols = chosen("SIGSWEEP_PROTOCOL", names, default_protocols());
  for (unsigned i : chosen("SIGSWEEP_INJECT", kPossible, kByDefault))
    choice_.sources.push_back(*source_from_name(kPossible[i]));
  const unsigned shape = chosen("SIGSWEEP_SHAPE", kShapes, {kShapes, 1}).back();
  choice_.operations = kLimits[shape].operations;
  choice_.injections = kLimits[shape].injections;
  async_ = wants_async();
  choice_.handlers.push_back(kNoHandler);
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    const Site& site = subject().sites()[i];
    if (!site.only_handles && has_site(site)) choice_.sites.push_back(i);
    if (site.handler) choice_.handlers.push_back(i);
  }
}

void TrialTarget::start() {
  for (Source source : choice_.sources) {
    const std::string problem = trap::prepare(source);
    if (!problem.empty()) fail_harness("harness failure: " + problem);
  }
  if (async_) start_strays();  // a fork inherits no timer
}

void TrialTarget::prepare() {
  const Unsound unsound = ground_.prepare(choice_, &feedback_);
  count_recorded();
  if (!unsound.problem.empty()) {
    Planned alone;
    alone.plan.protocol = unsound.protocol;
    alone.plan.site = unsound.site;
    draw_nonces(0, 0, subject().word_bits(), alone.plan.in);
    if (unsound.harness) fail_harness("harness failure: " + unsound.problem);
    Schedule shown = schedule({&alone, 1}, 0, &unsound.judgement);
    shown.origin = std::string(name()) + ": " + unsound.problem;
    stop({finding_text(name(), unsound.problem, shown), unsound.problem, "without a signal",
          print_schedule(shown)});
  }
  judgements_.resize(kMaxScheduleOperations);
  feedback_.make_room(kMaxScheduleOperations * kMaxInjections);
  stats().rows = feedback_.rows();
  for (unsigned row = 0; row < feedback_.rows(); row++) {
    stats().nesting[row] = static_cast<std::uint8_t>(feedback_.nesting(row));
  }
}

void TrialTarget::count_recorded() {
  stats().recorded = ground_.ways()->traces()->taken();
}

// Other modules may be others, or lie elsewhere, when the program starts again.
std::optional<std::string> TrialTarget::ways_to_keep() {
  const Modules& modules = modules_of_process();
  for (const auto& [key, way] : ground_.ways()->all()) {
    for (const PhaseOfWay& phase : way) {
      const auto is_own = [&](const Spot& s) { return modules.at(s.pc) == &modules.program(); };
      if (!std::ranges::all_of(phase.spots, is_own)) return std::nullopt;
    }
  }
  return bytes_of_ways(ground_.ways()->all(), modules.program().bias);
}

void TrialTarget::start_strays() {
  std::vector<unsigned> handlers;
  std::ranges::copy_if(choice_.handlers, std::back_inserter(handlers),
                       [](unsigned handler) { return handler != kNoHandler; });
  std::string problem = trial_engine().expect_strays(std::move(handlers));
  if (problem.empty()) problem = start_async();
  if (!problem.empty()) fail_harness("harness failure: ASYNC=1: " + problem);
}

void TrialTarget::run(std::span<const std::uint8_t> input) {
  Engine& engine = trial_engine();
  Input walk(input, choice_, ground_);
  feedback_.begin();
  judged_ = 0;
  for (std::size_t n = 1; walk.next(&planned_); n++) {
    const TrialResult ran = engine.run(planned_.plan);
    const Observation& seen = ran.seen;
    const Judgement& judgement = ran.judgement;
    judgements_[judged_++] = judgement;
    note(planned_, seen, judgement.verdict);
    const std::string failure = harness_failure(planned_, seen, judgement.verdict);
    if (!failure.empty()) fail_harness(stop_at(input, n, judgement, failure));
    const std::string why = finding(planned_, seen, judgement);
    if (!why.empty()) stop(stop_at(input, n, judgement, why));
    if (judgement.verdict != Verdict::ok) break;  // a replay goes no further
  }
  engine.clear_away();  // else it would be part of the next input
  const bool ok = judged_ == 0 || judgements_[judged_ - 1].verdict == Verdict::ok;
  if (!ok) restore_counters();
}

void TrialTarget::note(const Planned& planned, const Observation& seen, Verdict verdict) {
  Stats& s = stats();
  s.operations++;
  s.requested += seen.requested;
  s.landed += seen.landed;
  s.unreached += seen.unreached();
  const StrayCount& strays = trial_engine().strays();
  s.strays = strays.seen;
  s.strays_landed = strays.landed;
  for (unsigned i = 0; i < planned.plan.injections; i++) {
    if (!seen.has_entered(i)) continue;
    feedback_.note(planned.row[i], verdict);
    s.was_covered[planned.row[i]] = 1;
  }
}

// Signals that others interrupted on their way to their handlers, and that never got there: the
// others landed within their way.
std::uint32_t TrialTarget::interrupted_for_good(const Planned& planned, const Observation& seen) {
  std::uint32_t under_way = 0;  // bit i: injection i
  for (unsigned i = 0; i < planned.plan.injections; i++) {
    if (!seen.has_entered(i)) continue;
    for (int k = planned.plan.injection[i].parent; k >= 0; k = planned.plan.injection[k].parent) {
      if (!seen.has_entered(static_cast<unsigned>(k))) under_way |= std::uint32_t{1} << k;
    }
  }
  return static_cast<std::uint32_t>(__builtin_popcount(under_way));
}

// Every sent signal must have landed. A signal may stay away only if an earlier one of the trial
// diverted the operation, or if the code under test masks one: those in its handler stay away, too.
std::string TrialTarget::harness_failure(const Planned& planned, const Observation& seen,
                                         Verdict verdict) {
  const bool ok = verdict == Verdict::ok;
  const std::uint32_t interrupted = ok ? 0 : interrupted_for_good(planned, seen);
  const bool lost = seen.landed + interrupted < seen.let_in();
  const bool stayed_away = seen.unreached() != 0 && seen.masked == 0 && (ok || seen.let_in() == 0);
  if (!lost && !stayed_away) return {};
  return "harness failure: " + std::to_string(seen.requested) + " signals asked for, " +
         std::to_string(seen.hits) + " sent, " + std::to_string(seen.landed) + " landed (" +
         std::string(verdict_name(verdict)) + ")";
}

Stop TrialTarget::stop_at(std::span<const std::uint8_t> input, std::size_t operations,
                          const Judgement& judgement, const std::string& why) const {
  std::vector<Planned> all(operations);
  Input walk(input, choice_, ground_);
  for (Planned& planned : all) walk.next(&planned);
  Schedule ran = schedule(all, walk.seed(), &judgement);
  ran.origin = std::string(name()) + ": " + why;
  const std::string when = " (exec " + std::to_string(stats().execs) + ")";
  return {finding_text(name(), why + when, ran), why,
          ran.protocol + ", " + ran.operations.back().site + ", " +
              std::string(verdict_name(judgement.verdict)),
          print_schedule(ran)};
}

Schedule TrialTarget::schedule(std::span<const Planned> operations, std::uint64_t seed,
                               const Judgement* judgement) const {
  Schedule made = schedule_of(operations, seed, judgement);
  made.adapter = library_;
  return made;
}

std::string TrialTarget::account() const {
  std::string text;
  for (const Judgement& judgement : std::span(judgements_).first(judged_))
    text += told(judgement) + "; ";
  for (const auto& [row, verdict] : feedback_.noted()) {
    text += std::to_string(row) + ":" + std::string(verdict_name(verdict)) + " ";
  }
  return text;
}

std::string TrialTarget::text_of(std::span<const std::uint8_t> input) {
  Input walk(input, choice_, ground_);
  std::vector<Planned> all;
  Planned planned;
  while (walk.next(&planned)) all.push_back(planned);
  return print_schedule(schedule(all, walk.seed(), nullptr));
}

bool TrialTarget::input_of(std::string_view text, const std::string& file,
                           std::vector<std::uint8_t>* input, std::string* why) {
  const auto parsed = parse_here(text, file);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    *why = error->to_string();
    return false;
  }
  const bool found = bytes_of(std::get<Schedule>(parsed), &ground_, input, why);
  if (!found) *why = file + ": " + *why;
  count_recorded();
  return found;
}

}  // namespace sigsweep::fuzz
