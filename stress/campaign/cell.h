// A cell: one protocol, site and handler, and a signal at every boundary, one after the other. At
// depth 2: two signals, at every pair of boundaries.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "stress/campaign/traces.h"

namespace sigsweep {

// Where the signals of a trial land.
enum class Form : std::uint8_t {
  single,  // one, in the operation
  nested,  // a second in the handler of the first
  two,     // a second later in the operation
};
inline constexpr std::string_view kFormNames[] = {"single", "nested", "two"};

struct CellRequest {
  unsigned protocol = 0;
  unsigned site = 0;
  unsigned handler = kNoHandler;  // of each signal, with nonces of its own
  Form form = Form::single;
  Source source = Source::direct;
  Contain contain = Contain::place;
  int signal = 0;  // 0: each in turn, all but the timer's
  std::uint64_t seed = 0;
  VerdictSet allowed;            // verdicts that are not a finding
  std::set<std::uint64_t> skip;  // points at which a runner died before
  std::uint64_t sample = 0;      // pairs that are drawn from the seed; 0: all
};

// The boundaries of one trial: of the operation; of the handler (nested) or of the operation again.
struct Point {
  unsigned first = 0;
  unsigned second = 0;
  std::uint64_t number() const { return std::uint64_t{first} << 32 | second; }
  static Point of(std::uint64_t number) {
    return {static_cast<unsigned>(number >> 32), static_cast<unsigned>(number)};
  }
};

// A trial worth reporting. Refers to the last trial that was run.
struct Example {
  Point point;
  std::uint64_t seed;
  Judgement judgement;
  bool expected;       // its verdict is allowed
  std::string reason;  // why the prediction failed; empty: it held
};

struct CellResult {
  std::uint64_t boundaries = 0, trials = 0, requested = 0, landed = 0, unreached = 0;
  std::uint64_t verdicts[kVerdicts] = {};
  std::uint64_t mismatches = 0;  // prediction against observation
  bool predicted = false;        // whether a prediction was made at all
  std::uint64_t map = 0;         // fingerprint of the verdict at each boundary
  std::uint64_t jumped = 0;      // of those that were asked of source user: without the kernel
  std::uint64_t masked = 0;      // signals that the code itself kept away from their boundary
  std::uint64_t lost = 0;        // of trials with verdict lost-signal: sent, and never handled
  std::uint64_t unjudged = 0;    // trials that are ok, but for a backtrace that nobody can judge
  std::uint64_t copies = 0;      // of the process, thrown away after a trial (Runnable::is_fragile)
  double seconds = 0;
};

class CellSweeper {
 public:
  explicit CellSweeper(Traces& traces) : traces_(traces) {}

  // Prepares for a (protocol, site): the trace, and the verdict with no signal at all. Empty, or
  // what is wrong with the harness (not with the subject).
  std::string prepare(unsigned protocol, unsigned site, std::uint64_t seed);
  // Goes back to a (protocol, site) that was prepared.
  std::string select(unsigned protocol, unsigned site);
  // Prepares for a handler that is itself interrupted.
  std::string prepare_handler(unsigned protocol, unsigned handler);

  // Has the alternate stack room for two nested handlers and a fault's? Empty, or how many bytes
  // are missing.
  std::string room_problem(const CellRequest& request) const;

  Engine& engine() const { return traces_.engine(); }
  Subject& subject() const { return traces_.subject(); }
  const Trace& trace() const { return *trace_; }
  const Trace& handler_trace() const { return *handler_trace_; }
  const Judgement& without_signal() const { return baseline_; }
  // The call that lost the register that without_signal() reports; empty if it reports none.
  const std::string& lost() const { return lost_; }

  // `starting(point)` comes before each trial (of a fragile subject: some trials before it, and then
  // Engine::show tells); `at` after each trial. `example` comes for the first
  // trial of each verdict in the cell, and, for verdicts that are not allowed, of each (verdict,
  // phase). `again`: all reports about this cell are void, because it is run once more from the
  // start.
  struct Listener {
    std::function<void(const Point&)> starting;
    std::function<void(const Example&)> example;
    std::function<void(const Point&, const Judgement&)> at;
    std::function<void()> again;
  };
  CellResult run(const CellRequest& request, const Listener& listener);

  // The plan of one trial of a cell.
  Plan plan_for(const CellRequest& request, const Point& point, std::uint64_t seed) const;
  // The boundaries of its signals: the first and, except for Form::single, the second.
  std::array<const Boundary*, 2> boundaries_of(const CellRequest& request,
                                               const Point& point) const;
  // Every point of a cell, in order, until `visit` says false.
  void each_point(Form form, const std::function<bool(const Point&)>& visit) const;
  // The same; or, if the request gives a sample, that many points, drawn from its seed.
  void points(const CellRequest& request, const std::function<bool(const Point&)>& visit) const;

 private:
  CellResult run_once(const CellRequest& request, const Listener& listener);
  std::string mismatch(const CellRequest& request, const Point& point, const Judgement& judgement,
                       const Observation& seen) const;
  std::string heads(const CellRequest& request, const Point& point) const;

  Traces& traces_;
  const Trace* trace_ = nullptr;
  const Trace* handler_trace_ = nullptr;
  Judgement baseline_;
  std::string lost_;
};

// The injection that a verdict is blamed on. Taking injections away finds the smallest set that
// shows the same verdict about the same slots; the last of that set is blamed. If none can be taken
// away, the last that landed. Runs trials.
unsigned blamed_injection(Engine& engine, const Plan& plan, const Judgement& judgement,
                          const Observation& seen);

}  // namespace sigsweep
