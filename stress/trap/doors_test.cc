// A door does what a trap does: the same frame at each boundary, and the same result behind it.
#include "stress/trap/doors.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <vector>

#include "stress/trap/breakpoint.h"
#include "stress/trap/door_frame.h"
#include "stress/trap/frame.h"

extern "C" {
std::uint64_t doors_code();
std::uint64_t doors_run(std::uint64_t features);
extern const char doors_code_end[];
extern const std::uint64_t __start_doors_boundaries[], __stop_doors_boundaries[];
}

namespace sigsweep::trap {
namespace {

constexpr std::uint64_t kResult = 2 * (3 + 2 + 1 + 4 * 5 + 1) + 2;

std::vector<std::uint64_t> boundaries() {
  return {__start_doors_boundaries, __stop_doors_boundaries};
}

// What a handler finds.
struct Seen {
  bool by_door = false;
  std::uint64_t frame = 0;  // where the context lies
  std::vector<unsigned char> context, state;
};

class Looker final : public TrapClient {
 public:
  void on_break(unsigned, ucontext_t* uc) override {
    hits++;
    seen.by_door = is_by_door();
    seen.frame = as_address(uc);
    auto* bytes = reinterpret_cast<unsigned char*>(uc);
    SoftwareBytes software;
    const auto* fp = reinterpret_cast<const unsigned char*>(uc->uc_mcontext.fpregs);
    std::memcpy(&software, fp + SoftwareBytes::kOffset, sizeof software);
    state_size = std::min<std::size_t>(software.extended_size, sizeof state);
    // Bytes that nobody writes hold what was there before.
    overwrite_gaps(uc, reinterpret_cast<const siginfo_t*>(bytes + sizeof context),
                   as_address(fp) + software.extended_size);
    constexpr std::size_t kBehindFlags = 28;  // of uc_stack
    std::memset(bytes + kBehindFlags, 0, sizeof(std::uint32_t));
    std::memcpy(context, bytes, sizeof context);
    std::memcpy(state, fp, state_size);
    spoil();
    if (set_mask) sigaddset(&uc->uc_sigmask, SIGUSR1);
  }
  bool on_step(ucontext_t*) override { return false; }
  // A handler may use every register.
  static void spoil() {
    asm volatile(
        "pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm3, %%xmm3; pcmpeqd %%xmm15, %%xmm15;"
        "fninit; fldpi; xorl %%ebx, %%ebx; xorl %%r12d, %%r12d; cmpl $1, %%ebx"
        :
        :
        : "rax", "rbx", "rcx", "rdx", "r8", "r10", "r11", "r12", "xmm0", "xmm3", "xmm15", "cc");
  }
  Seen take() {
    seen.context.assign(context, context + sizeof context);
    seen.state.assign(state, state + state_size);
    return seen;
  }

  unsigned hits = 0;
  bool set_mask = false;

 private:
  Seen seen;
  unsigned char context[304] = {}, state[8192] = {};
  std::size_t state_size = 0;
};

class DoorsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static unsigned char stack[64 * 1024];
    const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    sigaltstack(&alternate, nullptr);
    const auto begin = as_address(&doors_code);
    const Region code{as_pointer<const void>(begin), as_address(doors_code_end) - begin};
    ASSERT_EQ(attach(CodeRanges(std::span(&code, 1)), {}, &looker()), "");
  }
  static Looker& looker() {
    static Looker looker;
    return looker;
  }
  void TearDown() override {
    disarm_all();
    want_traps({});
    EXPECT_TRUE(is_pristine());
  }
  // Breaks at the nth pass of pc.
  static Seen run(std::uint64_t pc, std::uint32_t nth, bool doors, bool own = false) {
    want_traps({.own_handed_on = own, .own_passing = own, .masking = false, .doors = doors});
    looker().hits = 0;
    arm(0, pc, nth);
    EXPECT_EQ(doors_run(door_frame.features), kResult) << std::hex << pc - as_address(&doors_code);
    EXPECT_EQ(looker().hits, 1U);
    EXPECT_FALSE(is_armed(0));
    return looker().take();
  }
};

using Bytes = std::vector<unsigned char>;
// The offsets at which two differ, with both bytes: "16: 1 2".
std::string differences(const Bytes& a, const Bytes& b) {
  if (a.size() != b.size()) return "their sizes";
  std::string all;
  for (std::size_t i = 0; i < a.size(); i++) {
    if (a[i] == b[i]) continue;
    all += (all.empty() ? "" : ", ") + std::to_string(i) + ": " + std::to_string(a[i]) + " " +
           std::to_string(b[i]);
  }
  return all;
}

void expect_same(const Seen& door, const Seen& trap, std::uint64_t pc) {
  EXPECT_EQ(door.frame, trap.frame) << pc;
  EXPECT_EQ(differences(door.context, trap.context), "") << pc;
  EXPECT_EQ(differences(door.state, trap.state), "") << pc;
}

TEST_F(DoorsTest, TheFrameIsTheKernelsAtEachBoundary) {
  unsigned by_door = 0;
  for (const std::uint64_t pc : boundaries()) {
    for (const bool own : {false, true}) {
      const Seen trap = run(pc, 1, false, own), door = run(pc, 1, true, own);
      EXPECT_FALSE(trap.by_door);
      by_door += door.by_door ? 1 : 0;
      expect_same(door, trap, pc - as_address(&doors_code));
    }
  }
  // Traps have those whose five bytes hold a target, or the instruction behind a call.
  EXPECT_GE(by_door, boundaries().size()) << "of " << 2 * boundaries().size();
}

TEST_F(DoorsTest, ALaterPassIsCountedByTheDoor) {
  for (const std::uint64_t pc : boundaries()) {
    const auto into = pc - as_address(&doors_code);
    for (const std::uint32_t nth : {2U, 3U}) {
      want_traps({.masking = false, .doors = true});
      looker().hits = 0;
      arm(0, pc, nth);
      EXPECT_EQ(doors_run(door_frame.features), kResult) << into;
      const unsigned door = looker().hits;
      disarm_all();
      want_traps({.masking = false});
      looker().hits = 0;
      arm(0, pc, nth);
      EXPECT_EQ(doors_run(door_frame.features), kResult) << into;
      EXPECT_EQ(door, looker().hits) << into << " pass " << nth;
      disarm_all();
    }
  }
}

// Its SP led nowhere, and the trial ended there. The next trap is its own.
TEST_F(DoorsTest, AnArrivalThatCouldNotBeWrittenIsForgotten) {
  door_frame.index = 3;
  disarm_all();
  EXPECT_FALSE(run(boundaries().front(), 1, false).by_door);
}

TEST_F(DoorsTest, DoorsThatStayAreInNobodysWay) {
  for (int round = 0; round < 3; round++) {
    for (const std::uint64_t pc : boundaries()) run(pc, 1, true);
  }
  EXPECT_EQ(doors_run(door_frame.features), kResult);
}

TEST_F(DoorsTest, TwoBreaksWithinOneJump) {
  const auto all = boundaries();
  for (std::size_t i = 0; i + 1 < all.size(); i++) {
    want_traps({.masking = false, .doors = true});
    looker().hits = 0;
    arm(0, all[i], 1);
    arm(1, all[i + 1], 1);
    EXPECT_EQ(doors_run(door_frame.features), kResult) << i;
    EXPECT_EQ(looker().hits, 2U) << i;
  }
}

TEST_F(DoorsTest, AMaskThatTheHandlerAsksForIsSet) {
  looker().set_mask = true;
  unsigned doors = 0;
  for (const std::uint64_t pc : boundaries()) {
    doors += run(pc, 1, true).by_door ? 1 : 0;
    sigset_t now;
    sigprocmask(SIG_SETMASK, nullptr, &now);
    EXPECT_EQ(sigismember(&now, SIGUSR1), 1);
    sigdelset(&now, SIGUSR1);
    sigprocmask(SIG_SETMASK, &now, nullptr);
  }
  looker().set_mask = false;
  EXPECT_GT(doors, 0U);
}

}  // namespace
}  // namespace sigsweep::trap
