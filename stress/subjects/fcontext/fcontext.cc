// The second subject: Boost.Context's jump_fcontext between two contexts. It has no Go and no
// slots: a nonce goes over with one jump, an answer comes back with the next.
//
// The operation's caller has a stack of its own. So do its other context and the other context of
// each handler. SP is in one of them at every boundary. A handler makes its round trip with a
// context of its own.
#include "stress/subjects/fcontext/fcontext.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "stress/base/mask.h"

extern "C" const char __start_switch_text[] __attribute__((visibility("hidden")));
extern "C" const char __stop_switch_text[] __attribute__((visibility("hidden")));

namespace sigsweep::fcontext {
namespace {

using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr Marks LEFT_ALTERNATE = 1;  // a handler runs, and SP is not in the stack of its frames
constexpr std::string_view kMarkNames[] = {"the handler has left the alternate stack"};

constexpr Protocol kProtocols[] = {
#define PROTOCOL(protocol, ...) {.name = #protocol, __VA_ARGS__},
#include "stress/subjects/fcontext/protocols.def"
};

// A row of sites.def.
struct Row {
  std::string_view name;
  void (*call)(void* frame);
  void (*other)();
  bool waits_before = false;  // the other context, when the operation begins
  bool waits_after = false;   // and when it has ended
};

constexpr Row kRows[] = {
#define SITE(site, ...) {.name = #site, .call = site##_call, .other = site##_other, __VA_ARGS__},
#include "stress/subjects/fcontext/sites.def"
};

constexpr unsigned kLevels = 4;  // the operation, and handlers within handlers
// In bytes. A handler may run on any stack, and ASan's frames are large.
constexpr std::size_t kStackSize = 64 * 1024;
// Bytes that a jump leaves at the top of the stack from which it jumps.
constexpr std::size_t kWaiting = 64;

// The stacks, by index: the caller's; the other context's, by level; the alternate one.
enum : unsigned { kCaller, kOthers, kSignal = kOthers + kLevels, kStacks };
constexpr std::string_view kStackNames[kStacks] = {"caller",   "other",    "handler1",
                                                   "handler2", "handler3", "signal"};

struct Stack {
  std::uint64_t lo, hi;
  // SP at hi is an empty stack; a guard page keeps two stacks apart.
  bool contains(std::uint64_t sp) const { return sp > lo && sp <= hi; }
  Region region() const {
    return {reinterpret_cast<const void*>(lo), static_cast<std::size_t>(hi - lo)};
  }
};

Stack make_stack() {
  const auto guard = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* p = mmap(nullptr, kStackSize + 2 * guard, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* base = static_cast<char*>(p);
  if (p == MAP_FAILED || mprotect(base, guard, PROT_NONE) != 0 ||
      mprotect(base + guard + kStackSize, guard, PROT_NONE) != 0) {
    std::perror("fcontext: cannot map a stack");
    std::exit(3);
  }
  const auto lo = reinterpret_cast<std::uint64_t>(base + guard);
  return {lo, lo + kStackSize};
}

Harness* harness;

// Injectable: a second signal may land in it.
__attribute__((section("switch_text"), noinline)) void signal_entry_point(int sig, siginfo_t*,
                                                                          void* context) {
  const int saved = errno;
  harness->on_signal(sig, static_cast<ucontext_t*>(context));
  errno = saved;
}

// The values of the other context's registers while it waits. Each level has its own, and no
// handler starts with them.
constexpr std::uint64_t kMxcsr = 0x5f80, kX87 = 0x0e7f;
std::uint64_t preserved_value(unsigned level, unsigned i) {
  return i == 6 ? kMxcsr : i == 7 ? kX87 : 0x0101010101010101 * (16 * (level + 1) + i);
}

const char* registers_problem(const JumpFrame& frame, const Row& row) {
  for (unsigned i = 0; i < kPreserved; i++) {
    const std::uint64_t held = frame.preserved[i];
    if ((row.waits_before && frame.woken[i] != held) ||
        (row.waits_after && frame.woken_last[i] != held)) {
      return "the other context woke with other registers";
    }
  }
  return nullptr;
}

struct Launch {
  void (*call)(void*);
  JumpFrame* frame;
};

void run_operation(void* launch) {
  const auto* l = static_cast<const Launch*>(launch);
  harness->operation(l->call, l->frame);
}

}  // namespace

class Fcontext final : public Subject {
 public:
  Fcontext() {
    for (Stack& stack : stacks_) stack = make_stack();
    for (const Row& row : kRows) {
      Site site{};
      site.name = row.name;
      site.handler = true;
      sites_.push_back(site);
    }
  }

  std::string_view isa() const override { return "amd64"; }
  std::span<const Protocol> protocols() const override { return kProtocols; }
  // Boost.Context has no call frame information and promises none.
  VerdictSet allowed(unsigned protocol, unsigned handler) const override {
    return handler == kObserve ? VerdictSet{Verdict::ok, Verdict::broken_backtrace}
                               : Tables::allowed(protocol, handler);
  }
  std::span<const Site> sites() const override { return sites_; }
  unsigned word_bits() const override { return 64; }
  std::span<const Region> code() const override { return code_; }
  Part part(std::string_view symbol) const override {
    if (symbol.ends_with("_call")) return Part::caller;
    return symbol.ends_with("_other") ? Part::fn : Part::stub;
  }

  void reset(unsigned protocol) override;
  const void* entry(unsigned, unsigned site) const override {
    return reinterpret_cast<const void*>(kRows[site].call);
  }
  void run(unsigned protocol, unsigned site, Call* call) override;
  void handle(unsigned protocol, unsigned site, Call* call) override;
  Entry signal_entry() const override { return signal_entry_point; }
  void install(std::span<const int> signals, Harness* h) override;
  Region alternate_stack() const override { return stacks_[kSignal].region(); }

  std::size_t describe(std::uint64_t sp, char* out, std::size_t room) const override;
  Marks marks(std::uint64_t sp, std::uint64_t) const override {
    const unsigned stack = stack_of(sp);
    return stack > kOthers + 1 && stack <= kSignal ? LEFT_ALTERNATE : 0;
  }
  std::span<const std::string_view> mark_names() const override { return kMarkNames; }
  unsigned stack_of(std::uint64_t sp) const override;
  unsigned live_regions(std::uint64_t sp, std::span<Region> out) const override;
  unsigned rest_regions(std::span<Region> out) const override;
  const char* check_call(unsigned site, const Call& call, bool in_handler) const override;
  const char* check_state(unsigned site, const Call& call) const override;
  unsigned stacks(std::span<Region> out) const override;
  std::string_view stack_name(unsigned index) const override { return kStackNames[index]; }

 private:
  void prepare(unsigned level, const Row& row, Call* call);
  void finish(unsigned level, const Row& row);
  void install_handlers(bool own_stack);
  std::uint64_t in_use(const Stack& stack) const;

  Stack stacks_[kStacks]{};
  std::vector<Site> sites_;
  const Region code_[1] = {
      {__start_switch_text, static_cast<std::size_t>(__stop_switch_text - __start_switch_text)}};
  JumpFrame frames_[kLevels]{};
  unsigned level_ = 0;  // frames under way
  std::vector<int> signals_;
  bool own_stack_ = false;
};

// ---- a trial

void Fcontext::reset(unsigned protocol) {
  for (unsigned i = 0; i < kLevels; i++) {
    const Stack& stack = stacks_[kOthers + i];
    frames_[i] = JumpFrame{};
    frames_[i].stack_hi = stack.hi;
    frames_[i].stack_size = kStackSize;
    for (unsigned r = 0; r < kPreserved; r++) frames_[i].preserved[r] = preserved_value(i, r);
  }
  level_ = 0;
  if (kProtocols[protocol].own_stack != own_stack_)
    install_handlers(kProtocols[protocol].own_stack);
}

// All steps up to the operation: the other context waits, if the site wants one.
void Fcontext::prepare(unsigned level, const Row& row, Call* call) {
  JumpFrame& frame = frames_[level];
  frame.call = call;
  auto* top = reinterpret_cast<char*>(frame.stack_hi - 16);
  *reinterpret_cast<JumpFrame**>(top) = &frame;
  if (!row.waits_before) return;
  const auto other = reinterpret_cast<void (*)(transfer_t)>(row.other);
  frame.other = make_fcontext(top, frame.stack_size, other);
  kept_call(wake_other, &frame, 0);
}

// Asks the other context once more for the values in its registers.
void Fcontext::finish(unsigned level, const Row& row) {
  if (row.waits_after) kept_call(wake_other, &frames_[level], 0);
}

void Fcontext::run(unsigned, unsigned site, Call* call) {
  const Row& row = kRows[site];
  const unsigned level = level_++;
  prepare(level, row, call);
  Launch launch{row.call, &frames_[level]};
  kept_call(run_operation, &launch, stacks_[kCaller].hi);
  finish(level, row);
  level_--;
}

void Fcontext::handle(unsigned, unsigned site, Call* call) {
  if (level_ == kLevels) std::abort();
  const Row& row = kRows[site];
  const unsigned level = level_++;
  prepare(level, row, call);
  kept_call(row.call, &frames_[level], 0);
  finish(level, row);
  frames_[level].other = nullptr;
  frames_[level].caller_sp = 0;
  level_--;
}

void Fcontext::install(std::span<const int> signals, Harness* h) {
  harness = h;
  signals_.assign(signals.begin(), signals.end());
  stack_t ss{};
  ss.ss_sp = reinterpret_cast<void*>(stacks_[kSignal].lo);
  ss.ss_size = kStackSize;
  // The raw call: sanitizers install an alternate stack of their own, and this one replaces it.
  if (syscall(SYS_sigaltstack, &ss, nullptr) != 0) {
    std::perror("fcontext: cannot set the alternate signal stack");
    std::exit(3);
  }
  install_handlers(false);
}

void Fcontext::install_handlers(bool own_stack) {
  own_stack_ = own_stack;
  struct sigaction sa {};
  sa.sa_sigaction = signal_entry_point;
  sa.sa_flags = SA_SIGINFO | SA_RESTART | (own_stack ? 0 : SA_ONSTACK);
  block_all_it_may(&sa.sa_mask);
  for (int sig : signals_) {
    if (sigaction(sig, &sa, nullptr) == 0) continue;
    std::perror("fcontext: cannot install a signal handler");
    std::exit(3);
  }
}

// ---- checks

unsigned Fcontext::stack_of(std::uint64_t sp) const {
  for (unsigned i = 0; i < kStacks; i++) {
    if (stacks_[i].contains(sp)) return i + 1;
  }
  return 0;
}

std::size_t Fcontext::describe(std::uint64_t sp, char* out, std::size_t room) const {
  const unsigned stack = stack_of(sp);
  std::size_t used = 0;
  for (std::string_view part :
       {std::string_view("sp="), stack == 0 ? "nowhere" : kStackNames[stack - 1]}) {
    for (char c : part) {
      if (used < room) out[used++] = c;
    }
  }
  return used;
}

// The lowest address that waiting contexts still need; the stack's end if there are none.
std::uint64_t Fcontext::in_use(const Stack& stack) const {
  std::uint64_t lowest = stack.hi;
  for (unsigned i = 0; i < level_; i++) {
    for (std::uint64_t sp :
         {reinterpret_cast<std::uint64_t>(frames_[i].other), frames_[i].caller_sp - kWaiting}) {
      if (stack.contains(sp) && sp < lowest) lowest = sp;
    }
  }
  return lowest;
}

unsigned Fcontext::live_regions(std::uint64_t sp, std::span<Region> out) const {
  unsigned count = 0;
  for (const Stack& stack : stacks_) {
    const std::uint64_t from = stack.contains(sp) ? sp : in_use(stack);
    if (from == stack.hi || count == out.size()) continue;
    out[count++] = {reinterpret_cast<const void*>(from), static_cast<std::size_t>(stack.hi - from)};
  }
  return count;
}

// The state at rest: where the operation's other context waits in the end.
unsigned Fcontext::rest_regions(std::span<Region> out) const {
  out[0] = {&frames_[0].other, sizeof frames_[0].other};
  return 1;
}

const char* Fcontext::check_call(unsigned site, const Call& call, bool in_handler) const {
  const auto* frame = reinterpret_cast<const JumpFrame*>(call.fn_owner);
  const Stack home{frame->stack_hi - frame->stack_size, frame->stack_hi};
  if (!home.contains(call.fn_sp)) return "the other context ran on a wrong stack";
  if (call.seen[0] != call.in[0]) return "the other context saw another value than was passed";
  if (call.got[0] != call.made[0]) return "the caller got another value than was answered";
  return in_handler ? registers_problem(*frame, kRows[site]) : nullptr;
}

const char* Fcontext::check_state(unsigned site, const Call& call) const {
  const auto* frame = reinterpret_cast<const JumpFrame*>(call.fn_owner);
  return registers_problem(*frame, kRows[site]);
}

unsigned Fcontext::stacks(std::span<Region> out) const {
  unsigned count = 0;
  for (const Stack& stack : stacks_) {
    if (count < out.size()) out[count++] = stack.region();
  }
  return count;
}

}  // namespace sigsweep::fcontext

namespace sigsweep {
Subject& subject() {
  static fcontext::Fcontext the_subject;
  return the_subject;
}
}  // namespace sigsweep
