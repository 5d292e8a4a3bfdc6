// The Go subject: the runtime's stubs under the call sites of callsites.def and the protocols of
// protocols.def, behind the harness's interface. conventions.h and sites.h have its tables.
#include <array>
#include <cstring>
#include <vector>

#include "runtime/slots.h"
#include "runtime/stubs.h"
#include "stress/subject/subject.h"
#include "stress/subjects/onm/benchmarks.h"
#include "stress/subjects/onm/callsites.h"
#include "stress/subjects/onm/claims.h"
#include "stress/subjects/onm/contracts.h"
#include "stress/subjects/onm/conventions.h"
#include "stress/subjects/onm/many_ms.h"
#include "stress/subjects/onm/outermost.h"
#include "stress/subjects/onm/protocols.h"
#include "stress/subjects/onm/sites.h"
#include "stress/subjects/onm/words.h"

extern "C" const char __start_switch_text[] __attribute__((visibility("hidden")));
extern "C" const char __stop_switch_text[] __attribute__((visibility("hidden")));

namespace sigsweep::onm {
namespace {

using runtime::FuncVal;
using runtime::G;
using runtime::Gobuf;
using runtime::M;
using runtime::Ptr;

Harness* harness;

// The work of the operation's G. Written before the M is entered.
struct Launch {
  void (*caller)(void*);
  Frame* frame;
};
Launch launch;

G* operation_g;  // the G that the operation started on; null: none, or it is switched away already

// First makes stale what a switch saves, which is legal while sched.sp is 0: so each store shows.
void run_operation() {
  G* gp = runtime::getg();
  operation_g = gp == gp->m->curg ? gp : nullptr;
  if (operation_g != nullptr) {
    gp->sched.pc = 0;
    gp->sched.g = nullptr;
  }
  harness->operation(launch.caller, launch.frame);
}
const FuncVal run_operation_fn = runtime::funcval(run_operation);

// On g0 with a curg: the operation runs within an onM of it.
void run_operation_on_g0() {
  runtime::onM(&run_operation_fn);
}
const FuncVal run_operation_on_g0_fn = runtime::funcval(run_operation_on_g0);

void signal_handler(int sig, void*, void* ctx, G*) {
  harness->on_signal(sig, static_cast<ucontext_t*>(ctx));
}

void throw_hook(const char* message) {
  if (harness != nullptr) harness->on_throw(message);
}

}  // namespace

Passing operation_passing(unsigned protocol) {
  return kConventions[protocol].operation.passing;
}

class OnM final : public Subject {
 public:
  OnM() {
    m_ = runtime::allocm(64 * 1024);
    traced_[0] = TracedWord{&m_->gsignal->sched.sp, GSIGNAL_SAVED};
    runtime::tracebackinit();
    runtime::throwhook = throw_hook;
    make_gs();
  }

  std::string_view isa() const override { return SIGSWEEP_ISA; }
  std::vector<Record> identity() const override { return identity_records(); }
  std::span<const Word> words() const override { return kWords; }
  unsigned contract_count() const override { return onm::contract_count(); }
  std::string contract_name(unsigned index) const override { return onm::contract_name(index); }
  std::string word_name(std::uint64_t at) const override { return name_of_word(m_, at); }
  std::span<const Protocol> protocols() const override { return kProtocols; }
  std::span<const Elsewhere> elsewhere() const override {
    if (isa() == kArmOnly[0].isa) return {};
    return kArmOnly;
  }
  bool rejects(unsigned protocol, unsigned site) const override {
#if defined(__arm__)
    const Started& started = kStarted[site];
    return kConventions[protocol].operation.enter == onM_arm_seed && started.where == Where::CURG &&
           kRows[started.row].enter == Enter::ONM;
#else
    return Tables::rejects(protocol, site);  // no stub of this ISA does
#endif
  }
  std::span<const Site> sites() const override {
    return sites_;
  }
  std::span<const std::string_view> slots() const override {
    return kSlotNames;
  }
  unsigned word_bits() const override {
    return 8 * sizeof(runtime::Word);
  }
  std::string_view reject_message() const override {
    return "onM called from signal goroutine";
  }
  std::span<const Region> code() const override {
    return code_;
  }
  Part part(std::string_view symbol) const override {
    for (std::string_view stub : kStubs) {
      if (symbol == stub) return Part::stub;
    }
    const bool calls = symbol.find("_call") != symbol.npos || symbol.find("handle") != symbol.npos;
    return calls ? Part::caller : Part::fn;
  }
  std::span<const TracedWord> traced_words() const override {
    return traced_;
  }
  unsigned traced_pages(std::span<Region> out) const override {
    out[0] = Region{m_, runtime::mpages()};
    out[1] = Region{m_->gsignal, runtime::gpages()};
    return 2;
  }
  const void* slot_address(unsigned slot) const override {
    return runtime::slotcell(m_, slot);
  }

  void reset(unsigned protocol) override;
  const void* entry(unsigned protocol, unsigned site) const override;
  void run(unsigned protocol, unsigned site, Call* call) override;
  void handle(unsigned protocol, unsigned site, Call* call) override;
  static void call(unsigned protocol, unsigned site, Call* call);
  Entry signal_entry() const override {
    return runtime::sigtramp;
  }
  void install(std::span<const int> signals, Harness* h) override;
  Region alternate_stack() const override {
    return stack_region(m_->gsignal);
  }

#if defined(PLANT_FRAGILE)  // for tests: all of its state is put back, so it is not
  bool is_fragile() const override {
    return true;
  }
  bool wants_fresh_copy(unsigned handler) const override {
    return sites()[handler].name == "scavenge_m";
  }
#endif

  std::size_t describe(std::uint64_t sp, char* out, std::size_t room) const override;
  Marks marks(std::uint64_t sp, std::uint64_t red_zone) const override;
  std::span<const std::string_view> mark_names() const override {
    return kMarkNames;
  }
  bool watch(std::uint64_t sp, bool in_handler, std::uint64_t* values) const override;
  std::span<const std::string_view> watched() const override {
    return kWatched;
  }
  unsigned stack_of(std::uint64_t sp) const override;
  const void* running() const override {
    return runtime::getg();
  }
  const void* interrupted() const override {
    return static_cast<const G*>(m_->gsignal->siginterrupted);
  }
  unsigned known_frames(std::span<KnownFrame> out) const override {
    return outermost_frames(m_, out);
  }
  UnwindGrade least_unwind(std::uint64_t pc, std::uint64_t sp) const override;
  unsigned live_regions(std::uint64_t sp, std::span<Region> out) const override;
  void scrub(std::uint64_t sp) override;
  unsigned state_regions(std::span<Region> out) const override;
  unsigned rest_regions(std::span<Region> out) const override;
  const char* check_call(unsigned site, const Call& call, bool in_handler) const override;
  unsigned stacks(std::span<Region> out) const override;
  std::string_view stack_name(unsigned index) const override {
    constexpr std::string_view kNames[] = {"g0", "gsignal", "g1", "g2"};  // make_gs makes two
    return index < std::size(kNames) ? kNames[index] : "g";
  }

  std::span<const std::string_view> benchmarks() const override {
    return benchmark_names();
  }
  void run_benchmark(unsigned index, std::uint64_t rounds) override {
    onm::run_benchmark(index, rounds, m_);
  }

  const Claims& claims() const override {
    return kClaims;
  }
  Contract check_contract(unsigned index) override {
    return run_contract(index, m_);
  }
  std::string check_throw_output(std::string_view output, int exit_status) const override {
    return throw_problem(output, exit_status, reject_message(), "onM", true);
  }

 private:
  void make_gs();
  static Region stack_region(const G* gp) {
    return Region{runtime::pointerto<const void>(gp->stack.lo),
                  static_cast<std::size_t>(gp->stack.hi - gp->stack.lo)};
  }
  // SP at hi is an empty stack; a guard page keeps two stacks apart.
  static bool contains(const G* gp, std::uint64_t sp) {
    return sp > gp->stack.lo && sp <= gp->stack.hi;
  }
  const char* name_of(const G* gp) const;
  const G* owner_of(std::uint64_t sp) const;
  unsigned common_regions(std::span<Region> out, std::size_t m_size) const;
  using EnterStub = void (*)(const FuncVal*);
  static void make_frame(Frame* frame, Frame* inner, int row, Call* call, EnterStub inner_enter);

  M* m_ = nullptr;
  unsigned protocol_ = 0;
  const std::vector<Site> sites_ = make_sites();
  const Region code_[1] = {
      {__start_switch_text, static_cast<std::size_t>(__stop_switch_text - __start_switch_text)}};
  TracedWord traced_[1] = {};
  Frame op_frame_{}, op_inner_{};  // the operation's, and its fn's own call's
};

// No operation needs more than two Gs. They are made at start, so that a trial allocates nothing.
void OnM::make_gs() {
  runtime::newproc(&run_operation_fn);
  runtime::newproc(&run_operation_fn);
  runtime::mreset(m_);
}

void OnM::reset(unsigned protocol) {
  protocol_ = protocol;
  runtime::mreset(m_);
  reset_frames();
  operation_g = nullptr;
}

const void* OnM::entry(unsigned protocol, unsigned site) const {
  const Code& code = kCode[kStarted[site].row];
  const bool closure = kConventions[protocol].operation.passing == CLOSURE;
  return reinterpret_cast<const void*>(closure ? code.closure_caller : code.caller);
}

// Fills the frame of one run of a row, and of the row that its fn runs.
__attribute__((noinline)) void OnM::make_frame(Frame* frame, Frame* inner, int row, Call* call,
                                               EnterStub inner_enter) {
  frame->call = call;
  frame->inner = nullptr;
  if (kRows[row].inner < 0) return;
  // Nonces of its own, of the same level.
  for (unsigned i = 0; i < kMaxSlots; i++) {
    call->inner->in[i] = static_cast<runtime::Word>(call->in[i] ^ 0x5a5a00);
  }
  inner->call = call->inner;
  inner->enter = inner_enter;
  inner->inner = nullptr;
  frame->inner = inner;
}

void OnM::run(unsigned protocol, unsigned site, Call* call) {
  const Convention& convention = kConventions[protocol];
  const Started& started = kStarted[site];
  op_frame_.enter = convention.operation.enter;
  make_frame(&op_frame_, &op_inner_, started.row, call, convention.operation.enter);
  launch.frame = &op_frame_;
  const Code& code = kCode[started.row];
  launch.caller = convention.operation.passing == CLOSURE ? code.closure_caller : code.caller;
  switch (started.where) {
    case Where::CURG:
      runtime::newproc(&run_operation_fn);
      prepare_helper_g(started.row);
      break;
    case Where::G0:
      runtime::newproc(&run_operation_on_g0_fn);
      break;
    case Where::IDLE:
      m_->mstartfn = &run_operation_fn;
      break;
  }
  runtime::mstart(m_);
}

void OnM::call(unsigned protocol, unsigned site, Call* call) {
  const Convention& convention = kConventions[protocol];
  const int row = kStarted[site].row;
  Frame frame, inner;
  frame.enter = convention.operation.enter;
  make_frame(&frame, &inner, row, call, convention.operation.enter);
  const Code& code = kCode[row];
  (convention.operation.passing == CLOSURE ? code.closure_caller : code.caller)(&frame);
}

// Runs on gsignal, in the handler.
SWITCH_TEXT void OnM::handle(unsigned protocol, unsigned site, Call* call) {
  const Convention& convention = kConventions[protocol];
  const Code& code = kCode[kStarted[site].row];
  Frame frame, inner;  // on this handler's own stack: another may interrupt it
  frame.enter = convention.handler.enter;
  // fn makes its own call from its stack: on g0 like any other code there.
  const bool on_g0 = convention.handler_home == &M::g0;
  make_frame(&frame, &inner, kStarted[site].row, call,
             on_g0 ? convention.operation.enter : convention.handler.enter);
  if (convention.handler.passing == CLOSURE) {
    code.closure_caller(&frame);
    return;
  }
  if (convention.handler.passing == SLOTS) {
    code.caller(&frame);
    return;
  }
  M* const mp = runtime::getg()->m;
  runtime::SavedSlots saved;
  runtime::saveslots(mp, &saved);
  code.caller(&frame);
  runtime::restoreslots(mp, &saved);
}

void OnM::install(std::span<const int> signals, Harness* h) {
  harness = h;
  runtime::sigaltinit(m_);
  for (int sig : signals) runtime::setsig(sig, signal_handler);
}

// ---- checks

const char* OnM::name_of(const G* gp) const {
  if (gp == nullptr) return "nil";
  if (gp == m_->g0) return "g0";
  if (gp == m_->gsignal) return "gsignal";
  return gp == m_->curg ? "curg" : "g";
}

const G* OnM::owner_of(std::uint64_t sp) const {
  if (contains(m_->g0, sp)) return m_->g0;
  if (contains(m_->gsignal, sp)) return m_->gsignal;
  for (const G* gp = runtime::sched.allg; gp != nullptr; gp = gp->alllink) {
    if (contains(gp, sp)) return gp;
  }
  return nullptr;
}

std::size_t OnM::describe(std::uint64_t sp, char* out, std::size_t room) const {
  const char* parts[] = {"g=", name_of(runtime::getg()), "/sp=", name_of(owner_of(sp))};
  std::size_t used = 0;
  for (const char* part : parts) {
    while (*part != '\0' && used < room) out[used++] = *part++;
  }
  return used;
}

Marks OnM::marks(std::uint64_t sp, std::uint64_t red_zone) const {
  const G* owner = owner_of(sp);
  Marks marks = 0;
  if (owner != runtime::getg()) marks |= DISAGREE;
  if (owner == m_->g0 && sp - red_zone < m_->g0->sched.sp) marks |= G0_IN_USE;
  if (m_->gsignal->sigctx != nullptr && owner != m_->gsignal) marks |= GSIGNAL_LEFT;
  return marks;
}

// sched is that of the G that the code started on. For an operation that is its G; on an idle M,
// g0, whose sched no switch may write; in a handler, gsignal.
bool OnM::watch(std::uint64_t sp, bool in_handler, std::uint64_t* values) const {
  const bool others =
      operation_g != nullptr && m_->curg != nullptr && m_->curg != operation_g && !in_handler;
  if (others) return false;
  const G* gp = m_->g0;
  if (operation_g != nullptr) gp = operation_g;
  if (in_handler) gp = m_->gsignal;
  values[0] = gp->sched.pc;
  values[1] = gp->sched.sp;
  values[2] = as_address(static_cast<const G*>(gp->sched.g));
  values[3] = as_address(runtime::getg());
  values[4] = stack_of(sp);
  return true;
}

unsigned OnM::stack_of(std::uint64_t sp) const {
  const G* owner = owner_of(sp);
  if (owner == nullptr) return 0;
  return owner == m_->g0 ? 1 : owner == m_->gsignal ? 2 : 3 + static_cast<unsigned>(owner->goid);
}

unsigned OnM::live_regions(std::uint64_t sp, std::span<Region> out) const {
  unsigned count = 0;
  const auto add = [&](const G* gp) {
    const std::uint64_t from = contains(gp, sp) ? sp : gp->sched.sp;
    if (!contains(gp, from)) return;  // nothing of it is in use
    out[count++] =
        Region{as_pointer<const void>(from), static_cast<std::size_t>(gp->stack.hi - from)};
  };
  add(m_->g0);
  if (contains(m_->gsignal, sp)) add(m_->gsignal);
  for (const G* gp = runtime::sched.allg; gp != nullptr && count < out.size(); gp = gp->alllink)
    add(gp);
  return count;
}

// The operation's caller lies below all that its own G runs. On g0 it does so too, as long as onM
// works for that G: then the G's sched.pc says switchtoM. What else runs there has come by mcall,
// and what another G runs has come by gogo: nobody called it.
UnwindGrade OnM::least_unwind(std::uint64_t, std::uint64_t sp) const {
  const G* owner = owner_of(sp);
  if (operation_g == nullptr || owner == operation_g) return UnwindGrade::resumer;
  const bool by_onm = owner == m_->g0 && m_->curg == operation_g && operation_g->sched.sp != 0 &&
                      operation_g->sched.pc == runtime::wordof(&runtime::switchtoM);
  return by_onm ? UnwindGrade::resumer : UnwindGrade::entry;
}

// On g0's stack: the words that a switch from its top writes first.
__attribute__((no_sanitize("address"))) void OnM::scrub(std::uint64_t sp) {
  constexpr std::uint64_t kBytes = 512, kLargestRedZone = 128, kPattern = 0xa5a5a5a5a5a5a5a5;
  using Line = std::uint64_t __attribute__((vector_size(16), may_alias));
  const std::uint64_t end = contains(m_->g0, sp) ? sp - kLargestRedZone : m_->g0->sched.sp;
  std::uint64_t at = end & ~std::uint64_t{sizeof(Line) - 1};
  while (at > end - kBytes && at > m_->g0->stack.lo + sizeof(Line)) {
    at -= sizeof(Line);
    *as_pointer<Line>(at) = Line{} + kPattern;
  }
}

// M in two pieces, around the slots; every G except gsignal; the scheduler.
unsigned OnM::common_regions(std::span<Region> out, std::size_t m_size) const {
  unsigned count = 0;
  const auto* m = reinterpret_cast<const char*>(m_);
  constexpr std::size_t kAfterSlots = offsetof(M, ptrarg) + sizeof(M::ptrarg);
  out[count++] = Region{m, offsetof(M, scalararg)};
  out[count++] = Region{m + kAfterSlots, m_size - kAfterSlots};
  out[count++] = Region{m_->g0, sizeof(G)};
  out[count++] = Region{&runtime::sched, sizeof runtime::sched};
  for (const G* gp = runtime::sched.allg; gp != nullptr && count < out.size(); gp = gp->alllink) {
    out[count++] = Region{gp, sizeof(G)};
  }
  return count;
}

unsigned OnM::state_regions(std::span<Region> out) const {
  out[0] = Region{m_->gsignal, sizeof(G)};
  return 1 + common_regions(out.subspan(1), sizeof(M));
}

// sched.pc and sched.g of gsignal may be stale then: only a switch from there writes them.
unsigned OnM::rest_regions(std::span<Region> out) const {
  const auto* gsignal = reinterpret_cast<const char*>(static_cast<const G*>(m_->gsignal));
  constexpr std::size_t kAfterSched = offsetof(G, sched) + sizeof(Gobuf);
  out[0] = Region{gsignal, offsetof(G, sched.sp) + sizeof(Gobuf::sp)};
  out[1] = Region{gsignal + kAfterSched, sizeof(G) - kAfterSched};
  return 2 + common_regions(out.subspan(2), offsetof(M, hostsp));
}

const char* OnM::check_call(unsigned site, const Call& call, bool in_handler) const {
  const Row& row = kRows[kStarted[site].row];
  if (row.enter == Enter::SWITCHING) return nullptr;
  const G* home = in_handler ? m_->*kConventions[protocol_].handler_home : m_->g0;
  if (!contains(home, call.fn_sp)) return "fn ran on a wrong stack";
  if (call.fn_owner != as_address(home)) return "fn ran with a wrong g";
  if (row.inner >= 0 && (call.inner->fn_runs != 1 || call.inner->returns != 1)) {
    return "the call within fn did not run once";
  }
  return nullptr;
}

unsigned OnM::stacks(std::span<Region> out) const {
  unsigned count = 0;
  out[count++] = stack_region(m_->g0);
  out[count++] = stack_region(m_->gsignal);
  for (const G* gp = runtime::sched.allg; gp != nullptr && count < out.size(); gp = gp->alllink) {
    out[count++] = stack_region(gp);
  }
  return count;
}

void call_on_this_g(unsigned protocol, unsigned site, Call* call) {
  OnM::call(protocol, site, call);
}

bool runs_on_any_g(unsigned site) {
  const Started& started = kStarted[site];
  const Row& row = kRows[started.row];
  return started.where == Where::CURG && row.enter != Enter::SWITCHING && comes_back(row);
}

}  // namespace sigsweep::onm

namespace sigsweep {
Subject& subject() {
  static onm::OnM the_subject;
  return the_subject;
}
}  // namespace sigsweep
