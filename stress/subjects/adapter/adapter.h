// The generic subject: any library behind an adapter. It knows a library by the adapter's functions
// alone, and the library's code by what was executed.
#pragma once

#include <string>
#include <vector>

#include "stress/subject/subject.h"
#include "stress/subjects/adapter/code.h"
#include "stress/subjects/adapter/sites.h"

namespace sigsweep::adapter {

class Adapter final : public Subject {
 public:
  static constexpr std::size_t kSignalSize = 64 * 1024;  // bytes

  // Maps the stacks; the library is not called yet. `signal_size`: bytes of the alternate stack.
  // `first_index`: Cast.
  explicit Adapter(Library library, std::size_t signal_size = kSignalSize,
                   unsigned first_index = 0);

  // Steps through all sites in a child, and chooses the code. Once, before anything else is asked.
  void examine();
  // The same. Then, unless that went wrong, calls begin() and makes the coroutines in this process.
  void start();
  // What the steps came to. Its problem: no trial can run.
  const Stepped& steps() const { return steps_; }
  const SweptCode& found_code() const { return found_; }
  const Library& library() const { return library_; }
  const Stacks& named_stacks() const { return stacks_; }
  Cast& cast() { return cast_; }

  // Tables.
  std::string_view isa() const override;
  std::span<const Protocol> protocols() const override { return protocols_; }
  std::span<const sigsweep::Site> sites() const override { return sites_; }
  std::span<const std::string_view> mark_names() const override;
  std::string_view stack_name(unsigned index) const override;
  bool tells_phases() const override { return true; }

  VerdictSet allowed(unsigned protocol, unsigned handler) const override;
  bool promises(unsigned protocol, unsigned handler) const override;

  // Extras: `adapter`, and a `module` for each that has swept code.
  std::vector<Record> identity() const override;

  // Runnable.
  std::span<const Region> code() const override { return code_; }
  unsigned stacks(std::span<Region> out) const override;
  Entry signal_entry() const override;
  void install(std::span<const int> signals, Harness* harness) override;
  Region alternate_stack() const override { return stacks_[kSignal].region(); }
  void reset(unsigned protocol) override;
  const void* entry(unsigned protocol, unsigned site) const override;
  void run(unsigned protocol, unsigned site, Call* call) override;
  void handle(unsigned protocol, unsigned site, Call* call) override;
  // What run() does, in steps, for a thread that stands on the host's stack. `operate` is SIGNAL.
  void prepare_operation(unsigned site);
  void operate(unsigned site, Call* call);
  void look_again_after() { look_again(&cast_); }

  bool steps_through_calls() const override { return true; }
  bool way_may_differ() const override { return true; }
  bool may_mask_signals() const override { return true; }
  bool is_fragile() const override { return true; }
  bool wants_fresh_copy(unsigned handler) const override { return !promises(0, handler); }
  bool changes_mask() const override {
    return library_.promises(SIGSWEEP_KEEPS_MASK) || library_.has(SIGSWEEP_SETS_SIGNALS);
  }

  // Extras.
  std::span<const std::string_view> benchmarks() const override;
  void run_benchmark(unsigned index, std::uint64_t rounds) override;

  // Checks.
  unsigned stack_of(std::uint64_t sp) const override;
  unsigned live_regions(std::uint64_t sp, std::span<Region> out) const override;
  std::size_t describe(std::uint64_t sp, char* out, std::size_t room) const override;
  Marks marks(std::uint64_t sp, std::uint64_t red_zone) const override;
  unsigned known_frames(std::span<KnownFrame> out) const override;
  UnwindGrade least_unwind(std::uint64_t pc, std::uint64_t sp) const override;
  bool judges_unwind(std::uint64_t sp) const override;
  unsigned rest_regions(std::span<Region> out) const override;
  bool keeps_controls() const override { return library_.promises(SIGSWEEP_KEEPS_FPENV); }
  const char* check_call(unsigned site, const Call& call, bool in_handler) const override;
  const char* check_state(unsigned site, const Call& call) const override;

 private:
  struct Running;
  static void run_on_host(void* running);
  static void run_operation(void* running);
  void add_sites();
  void install_handlers(bool own_stack);
  // Whose handle that is; kHost: no coroutine's.
  unsigned whom(const void* current) const;

  Library library_;
  Stacks stacks_;
  Cast cast_;
  Stepped steps_;
  SweptCode found_;
  std::vector<Region> code_;
  std::vector<Protocol> protocols_;
  std::vector<sigsweep::Site> sites_;
  std::vector<const SiteRow*> rows_;  // by site; null: it only serves as a handler
  std::vector<int> signals_;
  bool own_stack_ = false;
  // Of the trial under way.
  struct {
    unsigned level = 0;                                    // handlers under way
    trap::Probe handlers[kHandler4 - kHandler1 + 1] = {};  // around their calls
    trap::Probe host{};                                    // around the operation's call
    bool host_away = false;                                // that call is under way
    unsigned current = kHost;  // whom current() named before the operation
  } trial_;
  // The state that an operation leaves, which a signal must not change.
  struct {
    unsigned current;     // whom current() names
    std::uint64_t depth;  // of co0's waiting frame, from its stack's end
    int error;            // errno: a library may set it
  } rest_{};
};

}  // namespace sigsweep::adapter
