// Steps, accesses, and the protection of pages.
#include "stress/engine/recorder.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "stress/engine/plan.h"
#include "stress/trap/arch.h"
#include "stress/trap/breakpoint.h"

namespace sigsweep {
namespace {

constexpr std::size_t kMaxSteps = 1 << 13;
constexpr int kVisible = PROT_READ | PROT_WRITE;
// From this one on: breakpoints at the return addresses of calls out of the code. The ones before
// are the injections' and the one that starts a recording.
constexpr unsigned kReturnBreak = kMaxInjections + 1;
static_assert(kReturnBreak + 4 < trap::kMaxBreaks);

int protection_of(Hide hide) {
  if (hide == Hide::nothing) return kVisible;
  return hide == Hide::all ? PROT_NONE : PROT_READ;
}

}  // namespace

struct Recorder::Record {
  std::size_t steps = 0, accesses = 0;
  bool finished = true;  // each walk came to its end
  bool same = true;      // each took the steps of the first
  Step step[kMaxSteps];
  Access access[kMaxSteps];
};

// The record is large, and not touched before it is needed.
Recorder::Recorder(const Subject& subject, const CodeRanges& code)
    : subject_(subject), code_(code), slots_(subject) {
  void* memory =
      mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    problem_ = "memory for the recording: " + std::string(strerror(errno));
    return;
  }
  record_ = static_cast<Record*>(memory);
  page_count_ = subject.traced_pages(pages_);
}

void Recorder::begin(WayEnd end, std::uint64_t red_zone) {
  end_ = end;
  red_zone_ = red_zone;
  record_->steps = record_->accesses = 0;
  record_->finished = record_->same = true;
}

void Recorder::begin_walk(Hide hide) {
  walked_ = 0;
  last_pc_ = 0;
  hide_ = hide;
}

void Recorder::end_walk(bool finished) {
  protect_pages(kVisible);
  record_->finished = record_->finished && finished;
  record_->same = record_->same && walked_ == record_->steps;
}

void Recorder::protect_pages(int protection) {
  for (unsigned i = 0; i < page_count_; i++) {
    mprotect(const_cast<void*>(pages_[i].at), pages_[i].size, protection);
  }
  hidden_ = protection != kVisible;
}

void Recorder::hide_pages(bool hidden) {
  const int protection = hidden ? protection_of(hide_) : kVisible;
  if (hidden_ != (protection != kVisible)) protect_pages(protection);
}

bool Recorder::step(ucontext_t* uc, bool over) {
  const bool goes_on = take_step(uc, over);
  hide_pages(goes_on);
  return goes_on;
}

// The pages may be hidden: only the walk that hides none may look at them here.
bool Recorder::take_step(ucontext_t* uc, bool over) {
  const std::uint64_t pc = trap::context_pc(uc);
  const bool within = code_.contains(pc);
  // Steps that are patches do not see the code outside.
  const bool back = !within || !end_.of_handler || pc == end_.interrupted_pc;
  if (walked_ == kMaxSteps || (over && back)) return false;
  if (!within) return subject_.steps_through_calls() || !step_over_call(uc);
  last_pc_ = pc;
  stop_behind_syscall(pc);
  const std::size_t index = walked_++;
  if (hide_ == Hide::nothing) {
    record_step(uc, pc);
  } else if (index >= record_->steps || record_->step[index].pc != pc) {
    record_->same = false;
  }
  return record_->same;
}

void Recorder::record_step(const ucontext_t* uc, std::uint64_t pc) {
  Step& step = record_->step[record_->steps++];
  step = Step{};
  step.pc = pc;
  step.sp = trap::context_sp(uc);
  subject_.describe(step.sp, step.state, sizeof step.state - 1);
  step.marks = subject_.marks(step.sp, red_zone_);
  step.watches = subject_.watch(step.sp, end_.of_handler, step.watched);
  trap::context_preserved(uc, step.preserved);
}

// The trap flag skips the boundary behind a system call: a breakpoint stops there.
void Recorder::stop_behind_syscall([[maybe_unused]] std::uint64_t pc) const {
  if constexpr (trap::kHasTrapFlag) {
    const unsigned length = trap::syscall_length(pc);
    if (length != 0 && code_.contains(pc + length) && !trap::is_armed(kReturnBreak)) {
      trap::arm(kReturnBreak, pc + length, 1);
    }
  }
}

// A call has just left the code under test: the code it runs is not recorded, and not stepped
// through.
bool Recorder::step_over_call(const ucontext_t* uc) const {
  constexpr std::uint64_t kLongestCall = 16;  // bytes
  const std::uint64_t target = trap::return_address(uc);
  if (target <= last_pc_ || target > last_pc_ + kLongestCall) return false;
  unsigned index = kReturnBreak;  // one for each call that has not come back yet
  while (index < trap::kMaxBreaks && trap::is_armed(index)) index++;
  if (index == trap::kMaxBreaks) return false;  // so deep: step through it
  trap::arm(index, target, 1);
  return true;
}

// The access is noted, let through, and hidden again at the next step.
bool Recorder::take_access(const siginfo_t* info, const ucontext_t* uc) {
  const auto address = as_address(info->si_addr);
  const bool traced = std::any_of(pages_, pages_ + page_count_, [&](const Region& r) {
    return address - as_address(r.at) < r.size;
  });
  if (!hidden_ || !traced) return false;
  show();
  if (walked_ == 0) return true;
  const bool write = trap::fault_is_write(uc);
  for (unsigned i = 0; i < slots_.count(); i++) {
    if (as_address(slots_.address(i)) == address) note_access(i, write);
  }
  const auto words = subject_.traced_words();
  for (unsigned i = 0; i < words.size(); i++) {
    if (as_address(words[i].address) == address) note_access(kMaxSlots + i, write);
  }
  return true;
}

void Recorder::note_access(unsigned index, bool write) {
  const auto step = static_cast<std::uint32_t>(walked_ - 1);
  if (hide_ == Hide::all && record_->accesses < kMaxSteps) {
    record_->access[record_->accesses++] = Access{step, static_cast<std::uint8_t>(index), write};
  } else if (hide_ == Hide::writes) {  // this one writes
    for (std::size_t i = 0; i < record_->accesses; i++) {
      Access& access = record_->access[i];
      access.write = access.write || (access.step == step && access.slot == index);
    }
  }
}

bool Recorder::finished() const {
  return record_->finished;
}

std::string Recorder::read(Trace* out) const {
  const Record& r = *record_;
  if (r.steps == 0) return "the code to be recorded was never entered";
  if (r.steps == kMaxSteps) return "the operation has too many instructions";
  if (r.finished && !r.same)
    return "the operation took another way when its accesses were recorded";
  std::string problem = build_trace(subject_, {r.step, r.steps}, {r.access, r.accesses}, out);
  out->complete = r.finished;
  return problem;
}

}  // namespace sigsweep
