// The heap, against a model of its expected content. An input is a sequence of allocations, writes,
// links between objects and collections by a G on one M (malloc/heap_input.h). Whatever the
// sequence:
//
//   - an object lies in a span of its class, is zeroed, and overlaps no reachable object;
//   - an object survives a collection unchanged if a root, the G's stack or a reachable object
//   points
//     at it, or into it;
//   - every span is in one place: an M's cache, one mcentral's list, or a large object's own;
//   - if nothing is reachable, the heap is empty again, all of it.
//
// With ASYNC=1, signals from a timer of the thread's own land in all of it at any time
// (malloc/heap_signals.h).
#include <algorithm>

#include "fuzz/engine.h"
#include "fuzz/malloc/heap_audit.h"
#include "fuzz/malloc/heap_input.h"
#include "fuzz/malloc/heap_machine.h"
#include "fuzz/malloc/heap_performer.h"
#include "fuzz/malloc/heap_signals.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"
#include "runtime/stubs.h"

namespace sigsweep::fuzz {
namespace {

enum Own { kObjects, kContents, kCollections };
constexpr const char* kFigures[] = {"objects", "contents written", "collections"};

class Malloc final : public Target {
 public:
  const char* name() const override { return "malloc_fuzzer"; }
  std::span<const char* const> engine_options() const override;
  std::span<const char* const> figures() const override { return kFigures; }
  std::vector<std::string> dictionary() const override { return heap::dictionary(); }
  void configure() override { async_ = wants_async(); }
  std::string become_canary() override {
    performer_.spoil();
    return "an object's first word, one bit of it changed";
  }
  void prepare() override;
  void start() override;
  void run(std::span<const std::uint8_t> input) override;
  std::string account() const override;
  std::string text_of(std::span<const std::uint8_t> input) override { return heap::text_of(input); }
  bool input_of(std::string_view text, const std::string& file, std::vector<std::uint8_t>* input,
                std::string* why) override {
    *why = heap::parse(text, file, input);
    return why->empty();
  }

  // Run by a G.
  void perform_all();
  // Async-signal-safe, allocates nothing, and does not come back.
  void on_throw(const char* message);
  // Async-signal-safe, allocates nothing.
  void on_stray();

 private:
  void count(runtime::Word collections_before) const;
  // Only the first is kept.
  void note(const heap::Problem& problem) {
    if (!problem_) problem_ = problem;
  }

  bool async_ = false;
  heap::Performer performer_;
  heap::Machine machine_;
  heap::Signals signals_;
  std::span<const heap::HeapOperation> under_way_;
  heap::Problem problem_;
};

// The runtime's callbacks get no argument: they find the target here.
constinit Malloc the_target;

const runtime::FuncVal perform_fn = runtime::funcval([] { the_target.perform_all(); });
const runtime::FuncVal collect_fn = runtime::funcval([] { runtime::gc(true); });

void throwhook(const char* message) {
  the_target.on_throw(message);
}

void stray_handler(int, void*, void*, runtime::G*) {
  the_target.on_stray();
}

std::span<const char* const> Malloc::engine_options() const {
  static const std::string option =
      "-max_len=" + std::to_string(heap::kBytes * heap::kMostOperations);
  static const char* const options[] = {option.c_str()};
  return options;
}

void Malloc::prepare() {
  machine_.start(throwhook);
  const std::span<heap::Word> roots = performer_.roots();
  runtime::addroot(roots.data(), roots.size_bytes());
}

void Malloc::start() {
  if (!async_) return;
  signals_.start(subject(), machine_.m(), stray_handler);
  const std::string why = start_async();
  if (!why.empty()) fail_harness("harness failure: signals that come when they like: " + why);
}

void Malloc::perform_all() {
  volatile heap::Word on_stack[heap::kPlaces - heap::kRoots] = {};
  performer_.begin(on_stack);
  for (const heap::HeapOperation& op : under_way_) {
    if (problem_) break;
    note(performer_.perform(op));
    stats().operations++;
  }
  if (!problem_) note(performer_.check());
  performer_.end();
}

void Malloc::on_throw(const char* message) {
  heap::block_stray();
  machine_.unwind(message);
}

void Malloc::on_stray() {
  const bool right = signals_.handle();
  stats().strays++;
  stats().strays_landed++;
  if (!right) note("a handler's call went wrong");
}

void Malloc::count(runtime::Word collections_before) const {
  stats().own[kObjects].count += performer_.objects();
  stats().own[kContents].count += performer_.contents();
  stats().own[kCollections].count += runtime::numgc() - collections_before;
}

void Malloc::run(std::span<const std::uint8_t> input) {
  const runtime::Word collections_before = runtime::numgc();
  const auto operations = heap::operations_of(
      input.first(std::min(input.size(), heap::kBytes * heap::kMostOperations)));
  under_way_ = operations;
  performer_.clear();
  note(machine_.run(&perform_fn, signals_.hooks()));
  if (!problem_) note(heap::check_accounts());
  if (!problem_) note(machine_.run(&collect_fn, signals_.hooks()));
  if (!problem_) note(heap::check_accounts());
  if (!problem_) note(heap::check_empty());
  count(collections_before);
  if (!problem_) return;
  const std::string why = problem_.text(), text = text_of(input);
  const std::string when = " (exec " + std::to_string(stats().execs) + ")";
  stop({std::string(name()) + ": " + why + when + "\n---- schedule ----\n" + text +
            "---- end of schedule ----",
        why, why, text});
}

std::string Malloc::account() const {
  return std::to_string(performer_.objects()) + " objects, " +
         std::to_string(performer_.contents()) + " contents";
}

}  // namespace

Target& target() {
  return the_target;
}

}  // namespace sigsweep::fuzz
