// The sweep over one cell: the hot loop of the program.
#include "stress/campaign/cell.h"

#include <bit>
#include <chrono>
#include <random>
#include <utility>

#include "stress/campaign/resolve.h"

namespace sigsweep {
namespace {

// The number of a verdict in a map. It stays the same when a verdict is added in front of ok.
constexpr unsigned kOkInMaps = 14;
unsigned number_in_maps(Verdict verdict) {
  const auto number = static_cast<unsigned>(verdict);
  if (verdict == Verdict::ok) return kOkInMaps;
  return number < kOkInMaps ? number : number + 1;
}

// Depends on the order. Equal on every ISA and build that has the same phases and verdicts.
std::uint64_t fold(std::uint64_t map, std::uint64_t phase_hash, unsigned verdict) {
  return ((map ^ phase_hash) * 0x100000001b3 ^ verdict) * 0x100000001b3;
}

std::string mark_names(const Tables& subject, Marks marks) {
  std::string names;
  for (unsigned i = 0; i < subject.mark_names().size(); i++) {
    if ((marks >> i & 1) == 0) continue;
    names += (names.empty() ? "" : " ") + std::string(subject.mark_names()[i]);
  }
  return names;
}

// Each hang costs the watchdog's patience. A cell with so many hangs is not swept further. If hangs
// are allowed, the limit is the one that ends the whole sweep (stress/host/commands/sweep.cc).
constexpr unsigned kMostHangs = 4, kMostAllowedHangs = 100;

// Remembers which examples of a cell have been given already.
class Novelty {
 public:
  // `heads` is called only if it matters: it takes long.
  template <class Heads>
  bool is_new(const Example& e, const Heads& heads) {
    const unsigned v = static_cast<unsigned>(e.judgement.verdict);
    if (!e.reason.empty()) return !std::exchange(mismatch_told_, true);
    if (e.expected) return !std::exchange(verdict_told_[v], true);
    return told_.emplace(v, heads()).second;
  }

 private:
  bool mismatch_told_ = false;
  bool verdict_told_[kVerdicts] = {};
  std::set<std::pair<unsigned, std::string>> told_;
};

// Each signal has its own handler, and each handler may be installed wrongly.
int signal_in_turn(unsigned turn) {
  constexpr std::string_view kTimers = "SIGALRM";
  std::vector<std::string_view> names;
  std::ranges::copy_if(kSignals, std::back_inserter(names),
                       [&](std::string_view name) { return name != kTimers; });
  return *signal_number(names[turn % names.size()]);
}

}  // namespace

// ---- a cell

std::string CellSweeper::prepare(unsigned protocol, unsigned site, std::uint64_t seed) {
  baseline_ = engine().baseline(protocol, site, seed);
  std::string problem = traces_.of_operation(protocol, site, &trace_);
  const int which = preserved_index(baseline_.detail);
  lost_ = which < 0 ? std::string() : lost_by(*trace_, static_cast<unsigned>(which));
  return problem;
}

std::string CellSweeper::select(unsigned protocol, unsigned site) {
  return traces_.of_operation(protocol, site, &trace_);
}

std::string CellSweeper::prepare_handler(unsigned protocol, unsigned handler) {
  return traces_.of_handler(protocol, handler, &handler_trace_);
}

std::string CellSweeper::room_problem(const CellRequest& request) const {
  if (subject().protocols()[request.protocol].own_stack) return {};
  const std::size_t has = subject().alternate_stack().size;
  CellRequest alone = request;
  alone.form = Form::single;
  const std::size_t one = engine().signal_stack_used(plan_for(alone, Point{}, request.seed));
  const std::size_t needs = 2 * (one == 0 ? has : one) + least_frame();
  if (one != 0 && needs <= has) return {};
  return "the alternate stack has " + std::to_string(has) +
         " bytes; two handlers and a fault's need " + (one == 0 ? "more than " : "") +
         std::to_string(needs) + " on this machine";
}

void CellSweeper::each_point(Form form, const std::function<bool(const Point&)>& visit) const {
  const auto count = static_cast<unsigned>(trace_->boundaries.size());
  for (unsigned i = 0; i < count; i++) {
    const unsigned from = form == Form::two ? i + 1 : 0;
    const unsigned to = form == Form::single ? 1
                        : form == Form::two
                            ? count
                            : static_cast<unsigned>(handler_trace_->boundaries.size());
    for (unsigned j = from; j < to; j++) {
      if (!visit(Point{i, j})) return;
    }
  }
}

void CellSweeper::points(const CellRequest& request,
                         const std::function<bool(const Point&)>& visit) const {
  std::vector<Point> all;
  if (request.sample != 0) {
    each_point(request.form, [&](const Point& point) {
      all.push_back(point);
      return true;
    });
  }
  if (all.size() <= request.sample) {
    each_point(request.form, visit);
    return;
  }
  // Each cell draws its own points.
  std::seed_seq seeds{static_cast<std::uint32_t>(request.seed),
                      static_cast<std::uint32_t>(request.seed >> 32),
                      request.protocol,
                      request.site,
                      request.handler,
                      static_cast<std::uint32_t>(request.form)};
  std::mt19937 random(seeds);
  for (std::uint64_t i = 0; i < request.sample; i++) {
    const std::uint64_t left = all.size() - i;
    const auto here = static_cast<std::size_t>(i);
    std::swap(all[here], all[here + random() % static_cast<std::size_t>(left)]);
    if (!visit(all[here])) return;
  }
}

std::array<const Boundary*, 2> CellSweeper::boundaries_of(const CellRequest& request,
                                                          const Point& point) const {
  const Trace& other = request.form == Form::nested ? *handler_trace_ : *trace_;
  return {&trace_->boundaries[point.first],
          request.form == Form::single ? nullptr : &other.boundaries[point.second]};
}

Plan CellSweeper::plan_for(const CellRequest& request, const Point& point,
                           std::uint64_t seed) const {
  Plan plan;
  plan.protocol = request.protocol;
  plan.site = request.site;
  plan.injections = request.form == Form::single ? 1 : 2;
  const auto at = boundaries_of(request, point);
  const unsigned bits = subject().word_bits();
  draw_nonces(seed, 0, bits, plan.in);
  for (unsigned i = 0; i < plan.injections; i++) {
    PlannedInjection& injection = plan.injection[i];
    injection.land_at(*at[i]);
    injection.parent = request.form == Form::nested ? static_cast<int>(i) - 1 : -1;
    injection.signal = request.signal != 0 ? request.signal : signal_in_turn(point.first + i);
    injection.source = request.source;
    injection.handler = request.handler;
    draw_nonces(seed, kHandlerLevel + i, bits, injection.in);
  }
  return plan;
}

// Compares the forecast of marks and liveness at this point with the observation. Empty: they
// agree.
std::string CellSweeper::mismatch(const CellRequest& request, const Point& point,
                                  const Judgement& judgement, const Observation& seen) const {
  const auto sites = subject().sites();
  const Protocol& protocol = subject().protocols()[request.protocol];
  Marks marks = 0;
  for (const Boundary* at : boundaries_of(request, point)) marks |= at != nullptr ? at->marks : 0;
  if (calls_subject(request.handler) && (marks & protocol.spoiled_at) != 0) {
    if (judgement.verdict != Verdict::ok) return {};
    return "predicted not ok (" + mark_names(subject(), marks & protocol.spoiled_at) +
           "), observed ok";
  }
  const Site& site = sites[request.site];
  const Site* const handler = calls_subject(request.handler) ? &sites[request.handler] : nullptr;
  const auto [expected, verdict] = foretell(*trace_, point.first, protocol, site, handler);
  Prediction got{clobbered_arguments(site, seen.op), clobbered_results(site, seen.op),
                 seen.slots_left & site.zeroed};
  if (verdict == judgement.verdict && got == expected) return {};
  const auto show = [this](const Prediction& p) -> std::string {
    if (subject().slots().empty()) return "";
    return " (arguments " + slot_names(subject(), p.arguments) + " results " +
           slot_names(subject(), p.results) + " left " + slot_names(subject(), p.left) + ")";
  };
  return "predicted " + std::string(verdict_name(verdict)) + show(expected) + ", observed " +
         std::string(verdict_name(judgement.verdict)) + show(got);
}

// A point's phase in words, without the #n: examples of a cell differ by it.
std::string CellSweeper::heads(const CellRequest& request, const Point& point) const {
  std::string heads;
  for (const Boundary* at : boundaries_of(request, point)) {
    if (at != nullptr) heads += at->phase.head();
  }
  return heads;
}

CellResult CellSweeper::run(const CellRequest& request, const Listener& listener) {
  Engine& engine = traces_.engine();
  engine.lazy(request.contain == Contain::place);
  engine.restore_thread();
  CellResult result = run_once(request, listener);
  engine.lazy(false);
  if (engine.restore_thread()) return result;
  // A trial left the mask or the alternate stack changed. Only a look after each trial shows which.
  listener.again();
  return run_once(request, listener);
}

CellResult CellSweeper::run_once(const CellRequest& request, const Listener& listener) {
  Engine& engine = traces_.engine();
  const Protocol& protocol = subject().protocols()[request.protocol];
  const bool slots_tell =
      request.form == Form::single || protocol.keeps_slots || !protocol.slots_in_handler;
  CellResult result;
  result.boundaries = trace_->boundaries.size();
  const bool calls = calls_subject(request.handler);
  result.predicted = (calls ? protocol.predicts && slots_tell : request.handler == kNoHandler) &&
                     !subject().rejects(request.protocol, request.site);
  result.map = 0xcbf29ce484222325;
  Novelty novelty;
  const unsigned most_hangs =
      request.allowed.contains(Verdict::hang) ? kMostAllowedHangs : kMostHangs;
  unsigned hung = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto book = [&](std::uint64_t number, const TrialResult& ran) {
    const Point point = Point::of(number);
    const std::uint64_t seed = request.seed + result.trials;
    const Observation& seen = ran.seen;
    const Judgement judgement = ran.judgement;
    const bool ok = judgement.verdict == Verdict::ok;
    result.trials++;
    result.requested += seen.requested;
    result.landed += seen.landed;
    // A signal may stay away only if an earlier one of the trial diverted the operation.
    const bool diverted = (!ok && seen.let_in() > 0) || subject().way_may_differ();
    if (diverted) result.unreached += seen.unreached();
    result.jumped += seen.by_door;
    result.masked += seen.masked;
    if (judgement.verdict == Verdict::lost_signal) result.lost += seen.let_in() - seen.landed;
    result.unjudged += judgement.judged ? 0 : 1;
    result.verdicts[static_cast<unsigned>(judgement.verdict)]++;
    hung += judgement.verdict == Verdict::hang ? 1 : 0;
    result.map = fold(result.map, trace_->boundaries[point.first].phase_hash,
                      number_in_maps(judgement.verdict));
    Example example{point, seed, judgement, request.allowed.contains(judgement.verdict), {}};
    if (result.predicted) example.reason = mismatch(request, point, judgement, seen);
    if (!example.reason.empty()) result.mismatches++;
    const bool plain = example.expected && ok && example.reason.empty();
    if (!plain && novelty.is_new(example, [&] { return heads(request, point); })) {
      listener.example(example);
    }
    if (listener.at) listener.at(point, judgement);
    return hung < most_hangs;
  };
  TrialRow row(engine, request.contain, book);
  std::uint64_t seed = request.seed;
  points(request, [&](const Point& point) {
    if (!request.skip.empty() && request.skip.contains(point.number())) return true;
    listener.starting(point);
    return row.run(plan_for(request, point, seed++), point.number());
  });
  row.finish();
  result.copies = row.copies();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

// ---- blame

namespace {

// The plan with only the injections whose bits are set. REQUIRES: the set contains the parent of
// each of its injections.
Plan with_only(const Plan& plan, unsigned kept) {
  Plan less = plan;
  less.injections = 0;
  int number[kMaxInjections] = {};  // new numbers by old ones
  for (unsigned i = 0; i < plan.injections; i++) {
    if ((kept >> i & 1U) == 0) continue;
    number[i] = static_cast<int>(less.injections);
    PlannedInjection& copy = less.injection[less.injections++];
    copy = plan.injection[i];
    if (copy.parent >= 0) copy.parent = number[copy.parent];
  }
  return less;
}

bool keeps_parents(const Plan& plan, unsigned kept) {
  for (unsigned i = 0; i < plan.injections; i++) {
    const int parent = plan.injection[i].parent;
    if ((kept >> i & 1U) != 0 && parent >= 0 && (kept >> parent & 1U) == 0) return false;
  }
  return true;
}

// The smallest set of injections, as bits, that shows this judgement. Of several equally small
// sets, the one whose last injection comes first. All of them, if no smaller set does.
unsigned smallest_set(Engine& engine, const Plan& plan, const Judgement& judgement) {
  const unsigned all = (1U << plan.injections) - 1;
  for (int size = 1; size < static_cast<int>(plan.injections); size++) {
    for (unsigned kept = 1; kept < all; kept++) {
      if (std::popcount(kept) != size || !keeps_parents(plan, kept)) continue;
      const Judgement now = engine.run(with_only(plan, kept)).judgement;
      if (now.verdict == judgement.verdict && now.slots == judgement.slots) return kept;
    }
  }
  return all;
}

}  // namespace

unsigned blamed_injection(Engine& engine, const Plan& plan, const Judgement& judgement,
                          const Observation& seen) {
  const unsigned entered = seen.entered;  // each run overwrites it
  if (plan.injections < 2) return 0;
  const unsigned kept = smallest_set(engine, plan, judgement);
  const unsigned all = (1U << plan.injections) - 1;
  unsigned last = 0;
  for (unsigned i = 0; i < plan.injections; i++) {
    if (((kept == all ? entered : kept) >> i & 1U) != 0) last = i;
  }
  return last;
}

}  // namespace sigsweep
