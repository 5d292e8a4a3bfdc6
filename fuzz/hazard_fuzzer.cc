// One operation, one signal, at the boundary that the input names: hunts a verdict.
//
// Environment (an unknown name: status 2, and the names that there are):
//   SIGSWEEP_HUNT=VERDICT,...    stops at the first trial with that verdict; without it, at the
//                                first verdict that the trial's protocol does not allow
//   SIGSWEEP_INJECT=SOURCE,...   direct, kill, itimer; all by default
//   SIGSWEEP_PROTOCOL=NAME,...   all by default
//
// The input: protocol u8 | handler u8 | site u8 | boundary u16 | source u8 | seed u64 (for nonces).
// Every byte string is one: what is missing reads as 0, numbers are taken modulo what there is.
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "fuzz/engine.h"
#include "fuzz/feedback.h"
#include "fuzz/finding.h"
#include "stress/runner/cell.h"
#include "stress/runner/resolve.h"

namespace sigsweep::fuzz {
namespace {

constexpr std::string_view kTarget = "hazard_fuzzer";
constexpr const char* kDefaults[] = {
    "-timeout=0",   // SIGALRM and the interval timer are the harness's; its watchdog ends a trial
    "-max_len=14",  // the input's length
};
constexpr std::string_view kSources[] = {"direct", "kill", "itimer"};

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  template <class T>
  T take() {
    T value = 0;
    const std::size_t n = std::min(sizeof value, rest_.size());
    if (n > 0) std::memcpy(&value, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return value;
  }
  template <class T, class Range>
  const auto& pick(const Range& range) {
    return range[take<T>() % range.size()];
  }

 private:
  std::span<const std::uint8_t> rest_;
};

// A protocol's operation, with what is known of it when nothing is injected.
struct Cell {
  CellSweeper sweeper;
  std::vector<unsigned> rows;  // of the feedback, one for each boundary
};

template <class Range>
std::vector<std::string_view> names_of(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& item : range) names.push_back(item.name);
  return names;
}

class Hazard {
 public:
  Hazard();        // reads the environment
  void prepare();  // traces every operation; after take_over()
  void run(Bytes input);

 private:
  // Why this trial is one to stop at; empty: it is not.
  std::string finding(const Plan& plan, const Observation& seen, const Judgement& judgement) const;

  std::vector<unsigned> protocols_, handlers_, hunted_;  // hunted_ is empty: what is not allowed
  std::vector<Source> sources_;
  std::map<unsigned, std::vector<Cell>> cells_;  // by protocol, then site
  Feedback feedback_;
};

Hazard::Hazard() {
  protocols_ = chosen("SIGSWEEP_PROTOCOL", names_of(subject().protocols()));
  for (unsigned i : chosen("SIGSWEEP_INJECT", kSources))
    sources_.push_back(*source_from_name(kSources[i]));
  if (std::getenv("SIGSWEEP_HUNT") != nullptr) hunted_ = chosen("SIGSWEEP_HUNT", kVerdictNames);
  handlers_.push_back(kNoHandler);
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    if (subject().sites()[i].handler) handlers_.push_back(i);
  }
}

void Hazard::prepare() {
  for (unsigned protocol : protocols_) {
    std::vector<Cell>& cells = cells_[protocol];
    cells.resize(subject().sites().size());
    for (unsigned site = 0; site < cells.size(); site++) {
      CellSweeper& sweeper = cells[site].sweeper;
      const std::string problem = sweeper.prepare(protocol, site, 0);
      if (!problem.empty()) stop("harness failure: no trace: " + problem);
      if (sweeper.without_signal().verdict != Verdict::ok)
        stop("harness failure: not ok without a signal: " +
             std::string(subject().sites()[site].name));
      for (const Boundary& b : sweeper.trace().boundaries)
        cells[site].rows.push_back(feedback_.row(protocol, b.phase));
    }
  }
}

void Hazard::run(Bytes input) {
  CellRequest request;
  request.protocol = input.pick<std::uint8_t>(protocols_);
  request.handler = input.pick<std::uint8_t>(handlers_);
  const std::vector<Cell>& cells = cells_[request.protocol];
  const Cell& cell = input.pick<std::uint8_t>(cells);
  request.site = static_cast<unsigned>(&cell - cells.data());
  const auto& boundaries = cell.sweeper.trace().boundaries;
  const Boundary& boundary = input.pick<std::uint16_t>(boundaries);
  const auto at = static_cast<unsigned>(&boundary - boundaries.data());
  request.source = input.pick<std::uint8_t>(sources_);
  request.signal = request.source == Source::itimer ? SIGALRM : SIGPROF;
  const auto seed = input.take<std::uint64_t>();

  Engine& engine = Engine::get();
  const Plan plan = cell.sweeper.plan_for(request, Point{at, 0}, seed);
  const Observation& seen = engine.run(plan);
  const Judgement judgement = engine.judge_last();
  Feedback::note(cell.rows[at], judgement.verdict);
  const std::string why = finding(plan, seen, judgement);
  if (!why.empty()) stop(finding_text(kTarget, why, schedule_of(plan, seed, boundary, judgement)));
}

std::string Hazard::finding(const Plan& plan, const Observation& seen,
                            const Judgement& judgement) const {
  const Verdict verdict = judgement.verdict;
  const std::string name(verdict_name(verdict));
  const std::string detail =
      judgement.detail == nullptr ? "" : ": " + std::string(judgement.detail);
  if (seen.landed != seen.requested)
    return "harness failure: the signal did not land (" + name + detail + ")";
  if (!hunted_.empty()) {
    const auto v = static_cast<unsigned>(verdict);
    return std::count(hunted_.begin(), hunted_.end(), v) > 0
               ? "the hunted verdict: " + name + detail
               : "";
  }
  const Protocol& protocol = subject().protocols()[plan.protocol];
  const bool calls = plan.injection[0].handler != kNoHandler;
  if (is_allowed(allowed_verdicts(protocol, calls), verdict)) return {};
  return name + " is not allowed in protocol " + std::string(protocol.name) + detail;
}

Hazard& hazard() {
  static Hazard the_hazard;
  return the_hazard;
}

}  // namespace
}  // namespace sigsweep::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  sigsweep::fuzz::prepare_process(argc, argv, sigsweep::fuzz::kDefaults);
  sigsweep::fuzz::hazard();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sigsweep::fuzz;
  static const bool ready = [] {
    take_over();
    hazard().prepare();
    return true;
  }();
  if (ready) hazard().run({data, size});
  return 0;
}
