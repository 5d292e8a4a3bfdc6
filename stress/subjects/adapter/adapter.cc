// The tables, a trial, and the checks. Never instrumented: handlers and coroutines run here.
#include "stress/subjects/adapter/adapter.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "stress/base/mask.h"

extern "C" const char __start_adapter_text[] __attribute__((visibility("hidden")));
extern "C" const char __stop_adapter_text[] __attribute__((visibility("hidden")));

namespace sigsweep::adapter {
namespace {

constexpr std::size_t kHostSize = 256 * 1024;  // bytes

// Bytes below its own frame that a handler's resume() may use on its stack: at least.
constexpr std::uint64_t kHandlerFrames = 64;

enum : Marks {
  LEFT_ALTERNATE = 1,  // a handler runs, and SP is not in the stack of its frames
  CURRENT_DIFFERS = 2,
};
constexpr std::string_view kMarkNames[] = {"the handler has left the alternate stack",
                                           "current() and SP disagree"};

Harness* harness;

// Injectable: a second signal may land in it.
__attribute__((section("adapter_text"), noinline)) void signal_entry_point(int sig, siginfo_t*,
                                                                           void* context) {
  const int saved = errno;
  harness->on_signal(sig, static_cast<ucontext_t*>(context));
  errno = saved;
}

std::size_t append(std::string_view text, char* out, std::size_t room) {
  const std::size_t count = text.size() < room ? text.size() : room;
  for (std::size_t i = 0; i < count; i++) out[i] = text[i];
  return count;
}

[[noreturn]] void no_process(const char* what) {
  std::perror(what);
  std::exit(3);
}

}  // namespace

// ---- tables

Adapter::Adapter(Library library, std::size_t signal_size, unsigned first_index)
    : library_(std::move(library)), cast_(library_, &stacks_, first_index) {
  if (!stacks_.map(kHost, kHostSize) || !stacks_.map(kSignal, signal_size)) {
    no_process("adapter: cannot map a stack");
  }
  const bool switches =
      library_.promises(SIGSWEEP_HANDLER_SWITCHES) || library_.promises(SIGSWEEP_HANDLER_REFUSED);
  protocols_.push_back(
      {.name = "altstack",
       .predicts = switches,
       .spoiled_at = LEFT_ALTERNATE,
       .allowed = switches ? VerdictSet{Verdict::ok, Verdict::wrong_switch} : VerdictSet::all(),
       .summary = "the handler has a stack of its own"});
  protocols_.push_back({.name = "ownstack",
                        .predicts = switches,
                        .allowed = switches ? VerdictSet{Verdict::ok} : VerdictSet::all(),
                        .summary = "the signal's frame lies below SP's red zone, on whichever "
                                   "stack SP is in",
                        .handler_side = 1,
                        .own_stack = true});
  add_sites();
}

void Adapter::add_sites() {
  for (const SiteRow& row : kSites) {
    if (!is_there(row, library_)) continue;
    sigsweep::Site site{};
    site.name = row.name;
    sites_.push_back(site);
    rows_.push_back(&row);
  }
  sigsweep::Site handler{};
  handler.name = "switch";
  handler.handler = true;
  handler.only_handles = true;
  sites_.push_back(handler);
  rows_.push_back(nullptr);
}

void Adapter::examine() {
  steps_ = step_through(library_, &cast_, stacks_);
  if (steps_.log != nullptr) found_ = choose_code(library_, *steps_.log);
  if (!steps_.problem.empty() || !found_.problem.empty()) return;
  code_ = found_.regions();
  code_.push_back(
      {__start_adapter_text, static_cast<std::size_t>(__stop_adapter_text - __start_adapter_text)});
}

void Adapter::start() {
  examine();
  if (!steps_.problem.empty() || !found_.problem.empty()) return;
  trap::Containment frame{};
  frame.stack = stacks_[kHost].hi;
  trap::contain_call(
      &frame, [](void* cast) { static_cast<Cast*>(cast)->begin(); }, &cast_);
}

VerdictSet Adapter::allowed(unsigned protocol, unsigned handler) const {
  if (calls_subject(handler)) return protocols_[protocol].allowed;
  if (handler == kNoHandler || promises(protocol, handler)) return kOnlyOk;
  return {Verdict::ok, Verdict::broken_backtrace};
}

bool Adapter::promises(unsigned, unsigned handler) const {
  constexpr std::uint32_t kSwitches = SIGSWEEP_HANDLER_SWITCHES | SIGSWEEP_HANDLER_REFUSED;
  constexpr std::uint32_t kUnwinds = SIGSWEEP_UNWINDS_TO_CALLER | SIGSWEEP_UNWINDS_TO_ENTRY;
  if (handler == kNoHandler) return true;
  return library_.promises(handler == kObserve ? kUnwinds : kSwitches);
}

std::vector<Record> Adapter::identity() const {
  Modules& modules = modules_of_process();
  const auto resume = modules.find(as_address(reinterpret_cast<const void*>(library_.says.resume)));
  std::vector<Record> records{Record("adapter")};
  records[0]
      .add("name", library_.says.name)
      .add("version", library_.says.version)
      .add("abi", library_.says.abi)
      .add("build", resume ? modules.table(*resume->module).build_id() : "")
      .add("promises", names_of(library_.says.promises, kPromises))
      .add("traits", names_of(library_.says.traits, kTraits))
      .add("file", library_.path);
  for (const Module& module : modules.all()) {
    const auto is_of = [&](const Function& f) { return f.module == &module; };
    if (!std::ranges::any_of(found_.swept, is_of)) continue;
    records.push_back(Record("module")
                          .add("name", module.name)
                          .add("path", module.path)
                          .add("build", modules.table(module).build_id()));
  }
  return records;
}

std::string_view Adapter::isa() const {
#if defined(__x86_64__)
  return "amd64";
#else
  return "386";
#endif
}

std::span<const std::string_view> Adapter::mark_names() const {
  return kMarkNames;
}

std::string_view Adapter::stack_name(unsigned index) const {
  for (unsigned name = 0; name < kStacks; name++) {
    if (stacks_[name].exists() && index-- == 0) return kStackNames[name];
  }
  return "stack";
}

unsigned Adapter::stacks(std::span<Region> out) const {
  unsigned count = 0;
  for (unsigned name = 0; name < kStacks; name++) {
    if (stacks_[name].exists() && count < out.size()) out[count++] = stacks_[name].region();
  }
  return count;
}

// ---- a trial

struct Adapter::Running {
  Adapter* self;
  unsigned site;
  Call* call;
};

void Adapter::reset(unsigned protocol) {
  trial_.level = 0;
  trial_.host_away = false;
  cast_.scene = {};
  cast_.problem = nullptr;
  if (protocols_[protocol].own_stack != own_stack_) install_handlers(!own_stack_);
}

const void* Adapter::entry(unsigned, unsigned site) const {
  return entry_of(*rows_[site], library_);
}

void Adapter::run(unsigned, unsigned site, Call* call) {
  Running running{this, site, call};
  trap::Containment frame{};
  frame.stack = stacks_[kHost].hi;
  trap::contain_call(&frame, run_on_host, &running);
}

void Adapter::run_on_host(void* running) {
  const auto* now = static_cast<const Running*>(running);
  Adapter& self = *now->self;
  self.prepare_operation(now->site);
  harness->operation(run_operation, running);
  self.look_again_after();
}

void Adapter::prepare_operation(unsigned site) {
  prepare(*rows_[site], &cast_);
  trial_.current = whom(cast_.current());
}

void Adapter::run_operation(void* running) {
  const auto* now = static_cast<const Running*>(running);
  now->self->operate(now->site, now->call);
}

void Adapter::operate(unsigned site, Call* call) {
  const int error = errno;
  trial_.host_away = true;
  perform(*rows_[site], &cast_, &trial_.host, call);
  trial_.host_away = false;
  const trap::Probe* away = cast_[kCo0].away;
  rest_ = {whom(cast_.current()), away == nullptr ? 0 : stacks_[kCo0].hi - away->sp_before, errno};
  errno = error;
}

void Adapter::handle(unsigned, unsigned, Call* call) {
  if (trial_.level > kHandler4 - kHandler1) std::abort();
  const Cast::Scene outer = cast_.scene;
  Coroutine& own = cast_[kHandler1 + trial_.level];
  trap::Probe& probe = trial_.handlers[trial_.level++];  // not in its frame: that may be destroyed
  probe.sp_before = 0;
  cast_.scene = {WayPart::caller, kSignal};
  const void* const got = cast_.resume(&own, Coroutine::answer, &probe, call);
  cast_.scene = outer;
  trial_.level--;
  if (!library_.promises(SIGSWEEP_HANDLER_REFUSED)) return;
  if (got == SIGSWEEP_REFUSED && call->fn_runs == 0) {
    call->seen[0] = call->in[0];
    call->got[0] = call->made[0] = 0;
    call->fn_runs = 1;
    call->fn_owner = 0;
  }
}

Adapter::Entry Adapter::signal_entry() const {
  return signal_entry_point;
}

void Adapter::install(std::span<const int> signals, Harness* h) {
  harness = h;
  signals_.assign(signals.begin(), signals.end());
  stack_t ss{};
  ss.ss_sp = const_cast<void*>(stacks_[kSignal].region().at);
  ss.ss_size = stacks_[kSignal].region().size;
  if (syscall(SYS_sigaltstack, &ss, nullptr) != 0) {
    no_process("adapter: cannot set the alternate signal stack");
  }
  install_handlers(false);
}

void Adapter::install_handlers(bool own_stack) {
  own_stack_ = own_stack;
  struct sigaction sa {};
  sa.sa_sigaction = signal_entry_point;
  sa.sa_flags = SA_SIGINFO | SA_RESTART | (own_stack ? 0 : SA_ONSTACK);
  block_all_it_may(&sa.sa_mask);
  for (int sig : signals_) {
    if (sigaction(sig, &sa, nullptr) != 0) no_process("adapter: cannot install a signal handler");
  }
}

// ---- benchmarks

std::span<const std::string_view> Adapter::benchmarks() const {
  static constexpr std::string_view kNames[] = {"BM_adapter_round_trip"};
  return kNames;
}

void Adapter::run_benchmark(unsigned, std::uint64_t rounds) {
  struct Spin {
    Cast* cast;
    std::uint64_t rounds;
  } spin{&cast_, rounds};
  trap::Containment frame{};
  frame.stack = stacks_[kHost].hi;
  trap::contain_call(
      &frame,
      [](void* argument) {
        const auto* s = static_cast<const Spin*>(argument);
        s->cast->spin(s->rounds);
      },
      &spin);
}

// ---- checks

unsigned Adapter::stack_of(std::uint64_t sp) const {
  return stacks_.find(sp, cast_.scene.stack) + 1;  // kNone + 1 is 0
}

// The frames of those who wait go down to where SP was when they left.
unsigned Adapter::live_regions(std::uint64_t sp, std::span<Region> out) const {
  unsigned count = 0;
  const unsigned here = stacks_.find(sp, cast_.scene.stack);
  const auto add = [&](unsigned name, std::uint64_t from) {
    const std::uint64_t hi = stacks_[name].hi;
    if (from >= hi || count == out.size()) return;
    out[count++] = {as_pointer<const void>(from), static_cast<std::size_t>(hi - from)};
  };
  if (here != Stacks::kNone) add(here, sp);
  const auto add_waiting = [&](unsigned name, const trap::Probe* away) {
    if (name != here && away != nullptr) add(name, away->sp_before - steps_.log->depth[name]);
  };
  add_waiting(kHost, trial_.host_away ? &trial_.host : nullptr);
  // Handlers under way wait, too, on the stack that their signal came to.
  for (unsigned i = 0; i < trial_.level; i++) {
    const std::uint64_t from = trial_.handlers[i].sp_before - kHandlerFrames;
    const unsigned name = stacks_.find(from);
    if (name != here && name != Stacks::kNone) add(name, from);
  }
  if (library_.has(SIGSWEEP_COPIES_STACKS)) return count;
  // A coroutine that the next handler resumes may change.
  for (unsigned name = kCo0; name < kHandler1 + trial_.level; name++)
    add_waiting(name, cast_[name].away);
  return count;
}

unsigned Adapter::whom(const void* current) const {
  for (unsigned name = kCo0; name < kSignal; name++) {
    if (cast_[name].co == current && current != nullptr) return name;
  }
  return kHost;
}

std::size_t Adapter::describe(std::uint64_t sp, char* out, std::size_t room) const {
  std::size_t used = append(kWayPartNames[static_cast<unsigned>(cast_.scene.part)], out, room);
  used += append("/sp=", out + used, room - used);
  const unsigned stack = stacks_.find(sp, cast_.scene.stack);
  used += append(stack == Stacks::kNone ? "none" : kStackNames[stack], out + used, room - used);
  if (library_.says.current == nullptr) return used;
  used += append("/current=", out + used, room - used);
  return used + append(kStackNames[whom(cast_.current())], out + used, room - used);
}

Marks Adapter::marks(std::uint64_t sp, std::uint64_t) const {
  const unsigned stack = stacks_.find(sp, cast_.scene.stack);
  const Marks left = stack >= kHandler1 && stack <= kHandler4 ? Marks{LEFT_ALTERNATE} : Marks{};
  const bool differs =
      library_.says.current != nullptr && stack < kSignal && whom(cast_.current()) != stack;
  return left | (differs ? Marks{CURRENT_DIFFERS} : Marks{});
}

// The frames of the harness, on the host's stack and on each coroutine's.
unsigned Adapter::known_frames(std::span<KnownFrame> out) const {
  unsigned count = 0;
  const auto add = [&](UnwindGrade reached, const trap::Probe* away) {
    if (away == nullptr || count == out.size()) return;
    const std::uint64_t pc = as_address(trap::nested_probe_return);
    out[count++] = {.reached = reached,
                    .first_pc = pc,
                    .last_pc = pc,
                    .lowest_sp = away->sp_before,
                    .highest_sp = away->sp_before,
                    .kept_registers = away->kept_before,
                    .frame_pointer = away->fp_before};
  };
  add(UnwindGrade::resumer, trial_.host_away ? &trial_.host : nullptr);
  for (unsigned name = kCo0; name < kHandler1; name++) add(UnwindGrade::entry, cast_[name].away);
  return count;
}

// Before a body has begun, and when it has returned, there is nothing to come to.
UnwindGrade Adapter::least_unwind(std::uint64_t, std::uint64_t sp) const {
  const unsigned name = stacks_.find(sp, cast_.scene.stack);
  if (name == kHost) return UnwindGrade::resumer;
  if (name >= kSignal) return UnwindGrade::truncated;  // Stacks::kNone, too
  if (library_.promises(SIGSWEEP_UNWINDS_TO_CALLER)) return UnwindGrade::resumer;
  return cast_[name].away == nullptr ? UnwindGrade::truncated : UnwindGrade::entry;
}

// The library has declared that stack as its own: whose frames lie there is not known.
bool Adapter::judges_unwind(std::uint64_t sp) const {
  const unsigned name = stacks_.find(sp, cast_.scene.stack);
  return name == Stacks::kNone || name < kLibrary;
}

unsigned Adapter::rest_regions(std::span<Region> out) const {
  out[0] = {&rest_, sizeof rest_};
  return 1;
}

const char* Adapter::check_call(unsigned site, const Call& call, bool in_handler) const {
  if (call.fn_owner != 0) {
    const auto* owner = as_pointer<const Coroutine>(call.fn_owner);
    if (!stacks_[owner->name].contains(call.fn_sp)) return "the coroutine ran on a wrong stack";
  }
  if (call.seen[0] != call.in[0]) return "the coroutine got another value than was passed";
  if (call.got[0] != call.made[0]) return "resume() returned another value than was answered";
  const bool calls = !in_handler && (rows_[site]->task == Coroutine::nest ||
                                     rows_[site]->task == Coroutine::transfer);
  if (!calls) return nullptr;
  if (call.inner->fn_runs != 1 || call.inner->returns != 1) {
    return "the other coroutine did not run and come back exactly once";
  }
  return check_call(site, *call.inner, true);
}

const char* Adapter::check_state(unsigned, const Call&) const {
  if (cast_.problem != nullptr) return cast_.problem;
  return rest_.current == trial_.current ? nullptr
                                         : "current(), compared with before the operation";
}

}  // namespace sigsweep::adapter
