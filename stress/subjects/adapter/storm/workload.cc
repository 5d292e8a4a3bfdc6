#include "stress/subjects/adapter/storm/workload.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "stress/subjects/adapter/storm/handler.h"
#include "stress/subjects/adapter/storm/operations.h"
#include "stress/subjects/adapter/storm/stage.h"

namespace sigsweep::storm::coroutines {
namespace {

constexpr unsigned kMostGroups = 1024;
constexpr unsigned kOwnIndices = adapter::kSignal - adapter::kCo0;  // of a cast without groups

constexpr Label kLabels[] = {
    {"thread", "a thread"},    {"tasks", "groups of coroutines"}, {"call", "a round trip"},
    {"calls", "in a handler"}, {"legal", "outside the handlers"}, {"latency", "an operation"},
};

adapter::Adapter* opened = nullptr;  // tells what there is; none of its coroutines is made
Stage* stages[kMaxThreads];

// The storm's signals are blocked.
void* live(void* argument) {
  auto* stage = static_cast<Stage*>(argument);
  stage_here = stage;
  const Region alternate = stage->subject.alternate_stack();
  stack_t ss{};
  ss.ss_sp = const_cast<void*>(alternate.at);
  ss.ss_size = alternate.size;
  if (syscall(SYS_sigaltstack, &ss, nullptr) != 0) {
    stage->subject.cast().fail("the alternate signal stack cannot be set");
  }
  trap::Containment frame{};
  frame.stack = stage->subject.named_stacks()[adapter::kHost].hi;
  trap::contain_call(&frame, perform_on_stage, stage);
  return nullptr;
}

// Its share of the groups: thread i has i, i + threads, ...
Stage* make_stage(unsigned i, unsigned* next_index) {
  auto* stage = new Stage{*new adapter::Adapter(opened->library(), config.altstack, *next_index)};
  *next_index += kOwnIndices;
  stage->thread = &threads[i];
  stage->rng = threads[i].rng ^ 0x5851f42d4c957f2dU;
  for (unsigned task = i; task < config.tasks; task += config.threads) {
    auto* group = new adapter::Group;
    stage->subject.cast().add(group, *next_index);
    *next_index += adapter::Group::kSize;
    stage->groups.push_back(group);
  }
  return stage;
}

std::uint64_t sum(Counter Stage::*count) {
  std::uint64_t all = 0;
  for (unsigned i = 0; i < config.threads; i++) all += (stages[i]->*count).get();
  return all;
}

class ManyCoroutines final : public Workload {
 public:
  std::string_view protocol() const override { return "altstack"; }
  std::span<const std::string_view> mixes() const override { return storm_site_names(); }
  std::span<const Label> labels() const override { return kLabels; }
  unsigned most_tasks() const override { return kMostGroups; }
  std::size_t altstack() const override { return adapter::Adapter::kSignalSize; }
  bool does_own_handlers() const override { return true; }
  std::string problem(const Config& c) const override {
    if (c.tasks < c.threads) {
      return std::to_string(c.tasks) + " groups of coroutines are too few for " +
             std::to_string(c.threads) + " threads; each thread needs one";
    }
    // The second signal's frame would lie at the alternate stack's top again.
    const bool switches = std::ranges::any_of(c.handlers, calls_subject);
    if (c.nest && switches && !opened->protocols()[c.protocol].own_stack) {
      return "a handler that has switched away from the alternate stack must not be interrupted: "
             "the kernel would put the next signal over its frame; allowed with nesting: protocol "
             "ownstack, or handlers none and observe";
    }
    return {};
  }

  void prepare() override {
    install_handlers(opened->protocols()[config.protocol].own_stack);
    unsigned next_index = 0;
    for (unsigned i = 0; i < config.threads; i++) stages[i] = make_stage(i, &next_index);
  }
  int start_thread(unsigned i) override {
    // The thread begins with the storm's signals blocked, and with no others: a coroutine's own mask
    // must differ from its resumer's.
    allow_nesting(SIG_BLOCK);
    const int error = pthread_create(&threads[i].handle, nullptr, live, stages[i]);
    allow_nesting(SIG_UNBLOCK);
    return error;
  }
  void stop() override { stop_operations(); }

  std::vector<Count> counts() const override {
    return {{"legal", sum(&Stage::legal)},           {"calls", sum(&Stage::calls)},
            {"rejected", sum(&Stage::rejected)},     {"ran", sum(&Stage::ran)},
            {"backtraces", sum(&Stage::backtraces)}, {"made", config.tasks},
            {"finished", sum(&Stage::finished)}};
  }
  // As a phase of the exact lane begins.
  std::string state_text(std::uint32_t state) const override {
    const unsigned stack = state >> 8;
    return std::string(adapter::kWayPartNames[state & 0xff]) +
           "/sp=" + std::string(stack < adapter::kStacks ? adapter::kStackNames[stack] : "none");
  }
};

}  // namespace

std::string open_adapter(const std::string& path, int* status) {
  *status = 2;
  adapter::Library library;
  if (std::string why = adapter::load(path, &library); !why.empty()) return why;
  opened = new adapter::Adapter(std::move(library));
  opened->examine();
  if (!opened->found_code().problem.empty()) return opened->found_code().problem;
  *status = opened->steps().status;
  return opened->steps().problem;
}

Workload* workload() {
  static ManyCoroutines one;
  return &one;
}

}  // namespace sigsweep::storm::coroutines

namespace sigsweep {

Subject& subject() {
  return *storm::coroutines::opened;
}

}  // namespace sigsweep
