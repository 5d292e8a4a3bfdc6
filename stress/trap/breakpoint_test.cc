// Breakpoints in code of several modules: two ranges of a shared object and one of the program.
#include "stress/trap/breakpoint.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "stress/trap/patched_text.h"

extern "C" {
int program_own(int);
extern const char program_own_2[], program_own_3[], program_own_end[];
}

namespace sigsweep::trap {
namespace {

constexpr std::uint64_t kPage = 4096;

// A function of breakpoint_test_code.S.
struct Function {
  std::uint64_t pc[3];  // of its instructions
  std::uint64_t end;
  int call(int argument) const { return as_pointer<int(int)>(pc[0])(argument); }
  Region region() const {
    return {as_pointer<const void>(pc[0]), static_cast<std::size_t>(end - pc[0])};
  }
};

// One stop: the instruction behind it, and the function's result by then.
struct Stop {
  unsigned index;
  std::uint64_t pc;
  int eax;
  bool operator==(const Stop&) const = default;
};

class Recorder final : public TrapClient {
 public:
  void on_break(unsigned index, ucontext_t* uc) override {
    if (count_ == std::size(stops_)) return;
    const auto eax = static_cast<int>(uc->uc_mcontext.gregs[REG_RAX]);
    stops_[count_++] = {index, context_pc(uc), eax};
  }
  bool on_step(ucontext_t*) override { return false; }
  std::vector<Stop> take() {
    std::vector<Stop> all(stops_, stops_ + count_);
    count_ = 0;
    return all;
  }

 private:
  Stop stops_[32] = {};
  std::size_t count_ = 0;
};

Function module_function(void* module, const std::string& name) {
  const auto address = [&](const char* suffix) {
    void* at = dlsym(module, (name + suffix).c_str());
    EXPECT_NE(at, nullptr) << dlerror();
    return as_address(at);
  };
  return {{address(""), address("_2"), address("_3")}, address("_end")};
}

std::string page_of(std::uint64_t pc) {
  return {as_pointer<const char>(pc / kPage * kPage), kPage};
}

// The functions, attached once in this process. The neighbour lies on their pages, but in no range.
struct Attached {
  Attached() {
    void* module = dlopen(MODULE_FILE, RTLD_NOW);
    EXPECT_NE(module, nullptr) << dlerror();
    neighbour = module_function(module, "module_neighbour");
    functions = {module_function(module, "module_far"),
                 {{as_address(&program_own), as_address(program_own_2), as_address(program_own_3)},
                  as_address(program_own_end)},
                 module_function(module, "module_near")};
    std::vector<Region> regions;
    for (const Function& f : functions) {
      pages.push_back(page_of(f.pc[0]));
      regions.push_back(f.region());
    }
    problem = attach(CodeRanges(regions), {}, &recorder);
  }
  // The pages with a break at these addresses.
  std::vector<std::string> pages_with(const std::vector<std::uint64_t>& pcs) const {
    std::vector<std::string> all = pages;
    for (std::size_t i = 0; i < functions.size(); i++) {
      for (std::uint64_t pc : pcs) {
        if (pc / kPage == functions[i].pc[0] / kPage) all[i][pc % kPage] = '\xcc';
      }
    }
    return all;
  }
  std::vector<std::string> pages_now() const {
    std::vector<std::string> all;
    for (const Function& f : functions) all.push_back(page_of(f.pc[0]));
    return all;
  }

  Recorder recorder;
  Function neighbour{};
  std::vector<Function> functions;
  std::vector<std::string> pages;  // that they start on, before any patch
  std::string problem;
};

class Breakpoints : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(own_.problem, ""); }
  void TearDown() override {
    disarm_all();
    make_pristine();
  }
  // Arms a breakpoint at each instruction of each function.
  std::vector<std::uint64_t> arm_all() {
    std::vector<std::uint64_t> pcs;
    for (const Function& f : own_.functions) {
      for (std::uint64_t pc : f.pc) {
        arm(static_cast<unsigned>(pcs.size()), pc, 1);
        pcs.push_back(pc);
      }
    }
    return pcs;
  }

  static Attached& attached() {
    static Attached once;
    return once;
  }
  Attached& own_ = attached();
};

TEST_F(Breakpoints, StopAtEachInstructionOfEachRange) {
  for (const Function& f : own_.functions) {
    for (unsigned i = 0; i < std::size(f.pc); i++) {
      arm(0, f.pc[i], 1);
      ASSERT_EQ(f.call(5), 1005);
      const std::vector<Stop> stops = own_.recorder.take();
      ASSERT_EQ(stops.size(), 1U);
      EXPECT_EQ(stops[0].pc, f.pc[i]);
      if (i > 0) {
        EXPECT_EQ(stops[0].eax, i == 1 ? 6 : 1005);
      }
      EXPECT_EQ(own_.pages_now(), own_.pages) << "taken out by its own trap";
    }
  }
}

TEST_F(Breakpoints, OfAllRangesStandAtOnce) {
  const std::vector<std::uint64_t> pcs = arm_all();
  for (const Function& f : own_.functions) EXPECT_EQ(f.call(5), 1005);
  const std::vector<Stop> stops = own_.recorder.take();
  ASSERT_EQ(stops.size(), pcs.size());
  for (unsigned i = 0; i < pcs.size(); i++) {
    EXPECT_EQ(stops[i].index, i);
    EXPECT_EQ(stops[i].pc, pcs[i]);
  }
  EXPECT_TRUE(is_pristine());
}

TEST_F(Breakpoints, StepOverThePassesBeforeTheNth) {
  for (const Function& f : own_.functions) {
    arm(0, f.pc[1], 3);
    for (int pass = 1; pass <= 3; pass++) {
      ASSERT_EQ(f.call(pass), 1000 + pass);
      EXPECT_EQ(own_.recorder.take().size(), pass == 3 ? 1U : 0U);
    }
  }
}

TEST_F(Breakpoints, LeaveTheOtherBytesOfTheirPages) {
  const std::vector<std::uint64_t> pcs = arm_all();
  EXPECT_EQ(own_.pages_now(), own_.pages_with(pcs));
  EXPECT_FALSE(is_pristine());
  EXPECT_EQ(own_.neighbour.call(7), 1007);
  EXPECT_TRUE(own_.recorder.take().empty());
  disarm_all();
  EXPECT_EQ(own_.pages_now(), own_.pages);
}

TEST_F(Breakpoints, OfADeadChildAreTakenOutOfAllRanges) {
  const pid_t child = fork();
  if (child == 0) {
    arm_all();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_NE(own_.pages_now(), own_.pages);
  EXPECT_FALSE(is_pristine());
  make_pristine();
  EXPECT_TRUE(is_pristine());
  EXPECT_EQ(own_.pages_now(), own_.pages);
  for (const Function& f : own_.functions) EXPECT_EQ(f.call(5), 1005);
  EXPECT_TRUE(own_.recorder.take().empty());
}

// A break there would overwrite bytes that are not the code's.
TEST_F(Breakpoints, OutsideTheCodeKillTheProcess) {
  EXPECT_EXIT(arm(0, as_address(&own_), 1), testing::KilledBySignal(SIGILL), "");
}

// ---- pages

// Fresh pages with this access. They hold returns, each in front of a number that identifies it.
class Pages {
 public:
  Pages(unsigned count, int access, int kind = MAP_PRIVATE) : size_(count * kPage) {
    at_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    std::memset(at_, 0xc3, size_);
    mprotect(at_, size_, access);
  }
  Pages(const Pages&) = delete;
  ~Pages() { munmap(at_, size_); }
  Region part(std::uint64_t offset, std::size_t size) const {
    return {static_cast<const char*>(at_) + offset, size};
  }
  std::uint64_t address(std::uint64_t offset) const { return as_address(at_) + offset; }

 private:
  std::size_t size_;
  void* at_;
};

std::string attach_problem(std::vector<Region> regions) {
  return PatchedText().attach(CodeRanges(regions));
}

// Of the mappings at this address, as the kernel says.
std::string mapping_line(std::uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2 && address >= begin &&
        address < end) {
      return line;
    }
  }
  return "";
}

constexpr int kCode = PROT_READ | PROT_EXEC;
int data = 1;
const int constant = 1;

TEST(PatchedText, IsNeverWritableAndExecutable) {
  const Pages pages(3, kCode);
  PatchedText text;
  ASSERT_EQ(text.attach(CodeRanges(std::vector{pages.part(0, 1), pages.part(2 * kPage, 1)})), "");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, " r-xs ", mapping_line(pages.address(0)));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, " r-xs ", mapping_line(pages.address(2 * kPage)));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, " r-xp ", mapping_line(pages.address(kPage)))
      << "in no range";
}

TEST(PatchedText, MapsAPageOfTwoRangesOnce) {
  const Pages pages(2, kCode);
  PatchedText text;
  // The second range begins on the page of the first, and ends on the next.
  const std::vector<Region> regions{pages.part(16, 16), pages.part(kPage - 16, 32)};
  ASSERT_EQ(text.attach(CodeRanges(regions)), "");
  for (std::uint64_t offset : {std::uint64_t{16}, kPage - 1, kPage}) {
    text.poke(pages.address(offset), kBreakCode);
    EXPECT_EQ(*as_pointer<const unsigned char>(pages.address(offset)), kBreakCode) << offset;
    EXPECT_EQ(text.at(pages.address(offset)), kBreakCode) << offset;
    EXPECT_EQ(text.original(pages.address(offset)), 0xc3) << offset;
  }
  EXPECT_FALSE(text.is_pristine());
  text.stage_all_original();
  text.publish();
  EXPECT_TRUE(text.is_pristine());
}

TEST(PatchedText, RefusesWhatIsNoCode) {
  const Pages gone(1, PROT_NONE), both(1, PROT_READ | PROT_WRITE | PROT_EXEC),
      shared(1, kCode, MAP_SHARED), unreadable(1, PROT_EXEC);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "no code", attach_problem({}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is not executable (---p",
                      attach_problem({gone.part(8, 8)}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is not executable (rw-p",
                      attach_problem({{&data, 4}}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is not executable (r--p",
                      attach_problem({{&constant, 4}}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is not executable (r", attach_problem({{_DYNAMIC, 4}}))
      << "RELRO";
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is writable", attach_problem({both.part(8, 8)}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is shared", attach_problem({shared.part(8, 8)}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "is not readable (--xp",
                      attach_problem({unreadable.part(8, 8)}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "the code 0x10-0x18: the page 0x0 is not mapped",
                      attach_problem({{as_pointer<const void>(16), 8}}));
}

// A range that starts in code and ends elsewhere is refused because of the page that is no code.
TEST(PatchedText, RefusesARangeByItsLastPageToo) {
  const Pages pages(3, kCode);
  mprotect(as_pointer<void>(pages.address(2 * kPage)), kPage, PROT_READ);
  char page[32];
  std::snprintf(page, sizeof page, "0x%lx", static_cast<unsigned long>(pages.address(2 * kPage)));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, page, attach_problem({pages.part(0, 2 * kPage + 1)}));
  EXPECT_EQ(attach_problem({pages.part(0, 2 * kPage)}), "");
}

TEST(PatchedText, ReplacesNoPageWhereARangeIsRefused) {
  const Pages pages(1, kCode);
  const std::string before = mapping_line(pages.address(0));
  EXPECT_NE(attach_problem({pages.part(0, 8), {&data, 4}}), "");
  EXPECT_EQ(mapping_line(pages.address(0)), before);
}

TEST(PatchedText, RefusesMorePiecesThanItHolds) {
  const Pages pages(130, kCode);
  std::vector<Region> regions;
  for (unsigned i = 0; i < 65; i++) regions.push_back(pages.part(2 * i * kPage, 1));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "at most 64", attach_problem(regions));
  regions.pop_back();
  EXPECT_EQ(attach_problem(regions), "");
}

}  // namespace
}  // namespace sigsweep::trap
