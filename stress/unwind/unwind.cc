// The two walks. Built without instrumentation.
#include "stress/unwind/unwind.h"

#include <elf.h>
#include <link.h>
#include <unwind.h>

#include <vector>

#include "stress/base/raw_memory.h"
#include "stress/trap/stack_paint.h"

namespace sigsweep::unwind {
namespace {

CodeRanges code;  // every module's

int add_module(dl_phdr_info* module, std::size_t, void* found) {
  for (unsigned i = 0; i < module->dlpi_phnum; i++) {
    const auto& segment = module->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    static_cast<std::vector<Region>*>(found)->push_back(
        {as_pointer<const void>(module->dlpi_addr + segment.p_vaddr),
         static_cast<std::size_t>(segment.p_memsz)});
  }
  return 0;
}

// One walk of libgcc's under way.
struct Tables {
  Grader grader;
  const ucontext_t* interrupted;
  bool inside = false;  // in the interrupted code: the signal's frame lies behind
};

UnwoundFrame frame_of(_Unwind_Context* context, int* is_next) {
  UnwoundFrame frame;
  frame.pc = _Unwind_GetIPInfo(context, is_next);
  frame.sp = _Unwind_GetCFA(context);
  return frame;
}

_Unwind_Reason_Code take_frame(_Unwind_Context* context, void* walk) {
  auto* tables = static_cast<Tables*>(walk);
  int is_next = 0;  // its pc is that of the next instruction: of an interrupted one, not of a call
  UnwoundFrame frame = frame_of(context, &is_next);
  if (frame.pc == 0) return _URC_NO_REASON;  // behind the outermost one
  const ucontext_t* uc = tables->interrupted;
  if (!tables->inside) {
    tables->inside = is_next != 0 && frame.pc == trap::context_pc(uc);
    if (!tables->inside) {
      return tables->grader.pass(frame) ? _URC_NO_REASON : _URC_END_OF_STACK;
    }
  }
  for (unsigned i = 0; i < trap::kKept; i++) {
    frame.kept[i] = _Unwind_GetGR(context, trap::kKeptDwarf[i]);
  }
  frame.frame_pointer = _Unwind_GetGR(context, trap::kFramePointerDwarf);
  frame.has_registers = true;
  return tables->grader.take(frame) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

_Unwind_Reason_Code stop_at_once(_Unwind_Context*, void*) {
  return _URC_END_OF_STACK;
}

// The saved frame pointer lies where the frame pointer points, the return address above it.
struct Link {
  std::uintptr_t next, pc;
};

bool is_readable(std::span<const Region> stacks, std::uint64_t link) {
  if (link % sizeof(std::uintptr_t) != 0) return false;
  for (const Region& stack : stacks) {
    const std::uint64_t offset = link - as_address(stack.at);
    if (offset < stack.size && stack.size - offset >= sizeof(Link)) return true;
  }
  return false;
}

}  // namespace

void prepare() {
  std::vector<Region> found;
  dl_iterate_phdr(add_module, &found);
  code = CodeRanges(found);
  _Unwind_Backtrace(stop_at_once, nullptr);
}

Backtrace take(const ucontext_t* interrupted, const Subject& subject, const trap::Probe& probe) {
  KnownFrame known[kMaxKnownFrames];
  known[0] = {.first_pc = as_address(trap::probe_returns),
              .last_pc = as_address(trap::probe_returns),
              .lowest_sp = probe.sp_before,
              .highest_sp = probe.sp_before,
              .kept_registers = probe.kept_before,
              .frame_pointer = probe.fp_before};
  const unsigned count = 1 + subject.known_frames(std::span(known).subspan(1));
  const std::span<const KnownFrame> all{known, count};
  const Walk walk = by_call_frames(interrupted, subject, all);
  const std::uint64_t sp = trap::context_sp(interrupted);
  return {.taken = true,
          .grade = walk.grade,
          .least = subject.least_unwind(trap::context_pc(interrupted), sp),
          .by_frame_pointers = by_frame_pointers(interrupted, subject, all).grade,
          .detail = walk.detail,
          .judged = walk.grade > UnwindGrade::truncated || subject.judges_unwind(sp)};
}

Walk by_call_frames(const ucontext_t* interrupted, const Subject& subject,
                    std::span<const KnownFrame> known) {
  Tables tables{Grader(subject, code, known), interrupted};
  _Unwind_Backtrace(take_frame, &tables);
  Walk walk = tables.grader.walk();
  if (!tables.inside && walk.grade == UnwindGrade::truncated) {
    walk.detail = "truncated: it ends in the handler, before the signal's frame";
  }
  return walk;
}

Walk by_frame_pointers(const ucontext_t* interrupted, const Subject& subject,
                       std::span<const KnownFrame> known) {
  Region stacks[trap::StackPaint::kMostStacks];
  const std::span<const Region> readable{stacks, subject.stacks(stacks)};
  Grader grader(subject, code, known);
  UnwoundFrame frame;
  frame.pc = trap::context_pc(interrupted);
  frame.sp = trap::context_sp(interrupted);
  std::uint64_t at = trap::context_register(interrupted, trap::kPreserved[trap::kKept]);
  while (grader.take(frame) && is_readable(readable, at)) {
    const auto link = raw_load<Link>(as_pointer<const void>(at), 0);
    frame.pc = link.pc;
    frame.sp = at + sizeof(Link);
    at = link.next;
  }
  return grader.walk();
}

}  // namespace sigsweep::unwind
