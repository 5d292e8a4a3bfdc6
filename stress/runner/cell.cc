// The sweep over one cell: the hot loop of the whole.
#include "stress/runner/cell.h"

#include <chrono>
#include <utility>

#include "stress/runner/resolve.h"

namespace sigsweep {
namespace {

// Order-dependent, and the same on every ISA and build that has the same phases and verdicts.
std::uint64_t fold(std::uint64_t map, std::string_view text) {
  for (const char c : text) map = (map ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return map;
}

std::string_view head_of(const std::string& phase) {
  return std::string_view(phase).substr(0, phase.rfind('#'));
}

// Which examples of a cell have been given already.
class Novelty {
 public:
  bool is_new(const Example& e, std::string_view head) {
    const unsigned v = static_cast<unsigned>(e.judgement.verdict);
    if (!e.reason.empty()) return !std::exchange(mismatch_told_, true);
    if (e.expected) return !std::exchange(verdict_told_[v], true);
    return told_.emplace(v, std::string(head)).second;
  }

 private:
  bool mismatch_told_ = false;
  bool verdict_told_[kVerdicts] = {};
  std::set<std::pair<unsigned, std::string>> told_;
};

}  // namespace

bool is_allowed(std::string_view allowed, Verdict verdict) {
  const std::string_view name = verdict_name(verdict);
  if (allowed.starts_with('!')) return allowed.substr(1) != name;
  for (std::size_t at = 0; at < allowed.size();) {
    const std::size_t end = std::min(allowed.find(' ', at), allowed.size());
    if (allowed.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

std::string_view allowed_verdicts(const Protocol& protocol, bool handler_calls) {
  return handler_calls ? protocol.allowed : "ok";
}

std::string CellSweeper::prepare(unsigned protocol, unsigned site, std::uint64_t seed) {
  baseline_ = Engine::get().baseline(protocol, site, seed);
  return Engine::get().trace(protocol, site, seed, &trace_);
}

Plan CellSweeper::plan_for(const CellRequest& request, unsigned boundary,
                           std::uint64_t seed) const {
  Plan plan;
  plan.protocol = request.protocol;
  plan.site = request.site;
  plan.injections = 1;
  const unsigned bits = subject().word_bits();
  draw_nonces(seed, 0, bits, plan.in);
  PlannedInjection& injection = plan.injection[0];
  injection.pc = trace_.boundaries[boundary].pc;
  injection.nth = trace_.boundaries[boundary].nth;
  injection.signal = request.signal;
  injection.source = request.source;
  injection.handler = request.handler;
  draw_nonces(seed, kHandlerLevel, bits, injection.in);
  return plan;
}

// What liveness says must be seen at this boundary, against what was seen. Empty: they agree.
std::string CellSweeper::mismatch(const CellRequest& request, unsigned boundary,
                                  const Judgement& judgement, const Observation& seen) const {
  const auto sites = subject().sites();
  const Protocol& protocol = subject().protocols()[request.protocol];
  const Site& site = sites[request.site];
  const bool writes =
      request.handler != kNoHandler && protocol.slots_in_handler && !protocol.keeps_slots;
  const SlotMask written = writes ? sites[request.handler].written : 0;
  const SlotMask left_zero = writes ? sites[request.handler].left_zero : 0;
  const Prediction expected = predict(trace_, boundary, site, written, left_zero);
  const Verdict verdict = expected.arguments != 0 ? Verdict::arg_clobbered
                          : expected.results != 0 ? Verdict::result_clobbered
                          : expected.left != 0    ? Verdict::slot_leak
                                                  : Verdict::ok;
  Prediction got{clobbered_arguments(site, seen.op), clobbered_results(site, seen.op),
                 seen.slots_left & site.zeroed};
  if (verdict == judgement.verdict && got == expected) return {};
  const auto show = [](const Prediction& p) {
    return "arguments " + slot_names(subject(), p.arguments) + " results " +
           slot_names(subject(), p.results) + " left " + slot_names(subject(), p.left);
  };
  return "predicted " + std::string(verdict_name(verdict)) + " (" + show(expected) +
         "), observed " + std::string(verdict_name(judgement.verdict)) + " (" + show(got) + ")";
}

CellResult CellSweeper::run(const CellRequest& request, const Listener& listener) {
  Engine& engine = Engine::get();
  CellResult result;
  result.boundaries = trace_.boundaries.size();
  result.predicted =
      request.handler == kNoHandler || subject().protocols()[request.protocol].predicts;
  result.map = 0xcbf29ce484222325;
  Novelty novelty;
  const auto start = std::chrono::steady_clock::now();
  for (unsigned b = 0; b < result.boundaries && result.trials < request.limit; b++) {
    if (request.skip.contains(b)) continue;
    listener.starting(b);
    const std::uint64_t seed = request.seed + b;
    const Observation& seen = engine.run(plan_for(request, b, seed));
    const Judgement judgement = engine.judge_last();
    result.trials++;
    result.requested += seen.requested;
    result.landed += seen.landed;
    result.verdicts[static_cast<unsigned>(judgement.verdict)]++;
    result.map =
        fold(fold(result.map, trace_.boundaries[b].phase), verdict_name(judgement.verdict));
    Example example{b, seed, judgement, is_allowed(request.allowed, judgement.verdict), {}};
    if (result.predicted) example.reason = mismatch(request, b, judgement, seen);
    if (!example.reason.empty()) result.mismatches++;
    const bool plain =
        example.expected && judgement.verdict == Verdict::ok && example.reason.empty();
    if (!plain && novelty.is_new(example, head_of(trace_.boundaries[b].phase)))
      listener.example(example);
    if (listener.at) listener.at(b, judgement);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace sigsweep
