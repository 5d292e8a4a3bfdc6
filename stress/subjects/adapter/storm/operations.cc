// Never instrumented: it runs on stacks that a sanitizer does not know.
#include "stress/subjects/adapter/storm/operations.h"

#include <signal.h>

#include <algorithm>
#include <atomic>

#include "stress/storm/workload.h"

namespace sigsweep::storm::coroutines {
namespace {

using adapter::Cast;
using adapter::Coroutine;

constexpr unsigned kTurn = 16;  // operations of a group before the next one has its turn

std::atomic<bool> stopping;

// In an operation the handlers do their work. In between, coroutines are made and ended: a handler
// must not meet those half-made.
struct Operating {
  explicit Operating(Stage* stage) : stage_(stage) { set(true); }
  ~Operating() { set(false); }
  void set(bool on) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    stage_->operating = on;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

 private:
  Stage* stage_;
};

Verdict judge(const Stage& stage, unsigned site, const Call& call) {
  if (call.fn_runs != 1 || call.returns != 1 ||
      stage.subject.check_call(site, call, false) != nullptr) {
    return Verdict::wrong_switch;
  }
  return stage.subject.check_state(site, call) != nullptr ? Verdict::state_leak : Verdict::ok;
}

// Notes what went wrong, of the operation itself or in its handlers; the first in the order of
// verdicts.
void settle(Stage* stage, unsigned site, Verdict own) {
  Violation violation{};
  violation.verdict = std::min(own, stage->found);
  stage->found = Verdict::ok;
  if (violation.verdict == Verdict::ok) return;
  violation.hit = stage->hit;
  violation.signals = stage->op_signals;
  violation.site = site;
  violation.replayable = stage->other_signals == 0;  // else it may be theirs
  note_violation(stage->thread, violation);
}

// Creating may use a signal of the library's own, or move the alternate stack. Signals wait then.
void prepare(Stage* stage, unsigned site) {
  const bool apart = stage->subject.library().has(SIGSWEEP_SETS_SIGNALS);
  if (apart) allow_nesting(SIG_BLOCK);
  stage->subject.prepare_operation(site);
  if (apart) allow_nesting(SIG_UNBLOCK);
}

void operate(Stage* stage, unsigned site) {
  prepare(stage, site);
  settle(stage, site, Verdict::ok);  // what signals found since the last operation
  Call call{}, inner{};
  call.inner = &inner;
  call.in[0] = static_cast<std::uintptr_t>(random_word(&stage->rng)) | 1;
  stage->op_signals = stage->other_signals = 0;
  {
    const Operating operating(stage);
    const std::uint64_t began = ticks();
    stage->subject.operate(site, &call);
    stage->thread->latency.add(ticks() - began);
  }
  stage->subject.look_again_after();
  stage->legal.add(call.returns);
  settle(stage, site, judge(*stage, site, call));
}

void take_a_turn(Stage* stage) {
  for (unsigned i = 0; i < kTurn && !stopping; i++) {
    const auto mix = static_cast<unsigned>(random_word(&stage->rng) % storm_sites().size());
    if (!config.has_mix(mix)) continue;
    operate(stage, storm_sites()[mix]);
    stage->thread->operations[mix].add();
  }
}

// A partner that waits for a transfer can't be ended from here: nobody resumes it.
void end_group(Stage* stage, adapter::Group* group) {
  Cast& cast = stage->subject.cast();
  cast.play(group);
  for (const unsigned name : {adapter::kCo0, adapter::kCo1, adapter::kCo2}) {
    Coroutine& co = cast[name];
    if (co.state == Coroutine::created) cast.bring(&co, Coroutine::suspended);
    if (co.state == Coroutine::suspended) cast.bring(&co, Coroutine::none);
  }
  stage->finished.add();
}

}  // namespace

const std::vector<unsigned>& storm_sites() {
  static const std::vector<unsigned> sites = [] {
    std::vector<unsigned> found;
    for (unsigned i = 0; i < subject().sites().size(); i++) {
      const auto row =
          std::ranges::find(adapter::kSites, subject().sites()[i].name, &adapter::SiteRow::name);
      if (row == std::end(adapter::kSites) || row->creates || row->migrates) continue;
      found.push_back(i);
    }
    return found;
  }();
  return sites;
}

const std::vector<std::string_view>& storm_site_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> found;
    for (const unsigned site : storm_sites()) found.push_back(subject().sites()[site].name);
    return found;
  }();
  return names;
}

void perform_on_stage(void* a_stage) {
  auto* stage = static_cast<Stage*>(a_stage);
  const auto& says = stage->subject.library().says;
  // With their masks as they are now: no handler's own coroutine is interrupted by a signal that the
  // handler masks.
  stage->subject.cast().begin_thread();
  stage->subject.cast().make_those_of_handlers();
  thread_starts(stage->thread);
  allow_nesting(SIG_UNBLOCK);
  for (std::size_t turn = 0; !stopping; turn++) {
    stage->subject.cast().play(stage->groups[turn % stage->groups.size()]);
    take_a_turn(stage);
  }
  allow_nesting(SIG_BLOCK);
  settle(stage, storm_sites().front(), Verdict::ok);
  for (adapter::Group* group : stage->groups) end_group(stage, group);
  thread_leaves(stage->thread);
  if (says.end != nullptr) says.end();
}

void stop_operations() {
  stopping = true;
}

}  // namespace sigsweep::storm::coroutines
