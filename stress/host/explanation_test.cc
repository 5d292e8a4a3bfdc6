// Why a trial went wrong: hazards whose cause is known name the right instructions, on each ISA.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

class Explanation : public Command {
 protected:
  // The row of `sigsweep reproduce`, and its output.
  json reproduced(const std::string& schedule, const std::string& flags = "") {
    const Ran ran = sigsweep("reproduce --json r.jsonl " + flags + " " + schedule);
    output_ = ran.output;
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0) << ran.output;
    const auto found = rows(folder_ + "/r.jsonl", "reproduced");
    return found.size() == 1 ? found[0] : json{};
  }
  // A hazard of the corpus, for another ISA where one is named.
  std::string hazard(const std::string& name, const std::string& isa = "amd64") {
    std::ifstream in(kSource + "/corpus/hazards/" + name + ".sched");
    std::string text(std::istreambuf_iterator<char>(in), {});
    return write(name + ".sched",
                 std::regex_replace(text, std::regex("\nisa +amd64"), "\nisa " + isa));
  }
  static json deed(const json& row, const std::string& role) {
    for (const json& each : row["facts"]["deeds"]) {
      if (each["role"] == role) return each;
    }
    return json{{"symbol", "none"}, {"by", ""}, {"value", ""}};
  }
  // The page's line of that deed: its place and its instruction.
  void expect_line(const std::string& role, const std::string& symbol,
                   const std::string& instruction) const {
    const std::regex line("\n +" + role + " +" + symbol + "\\+0x[0-9a-f]+ +" + instruction);
    EXPECT_TRUE(std::regex_search(output_, line)) << role << " " << symbol << "\n" << output_;
  }
  std::string output_;
};

TEST_F(Explanation, AClobberedSlotNamesWhoWroteItAndWhoReadThat) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const json row = reproduced(hazard("argument-s0"));
  EXPECT_EQ(row["facts"]["word"]["name"], "s0");
  EXPECT_TRUE(row["facts"]["landed"].contains("s0")) << row["facts"];
  EXPECT_GT(row["facts"]["landed"].size(), 10U) << row["facts"];  // registers
  EXPECT_EQ(deed(row, "owner")["by"], "operation");
  EXPECT_EQ(deed(row, "writer")["by"], "handler 1");
  EXPECT_EQ(deed(row, "reader")["by"], "operation");
  EXPECT_NE(deed(row, "owner")["value"], deed(row, "writer")["value"]);
  EXPECT_EQ(deed(row, "reader")["value"], deed(row, "writer")["value"]);
  expect_line("owner", "mcacheRefill_m_call", "movq    %r.., 0x18\\(");
  expect_line("writer", "mcacheRefill_m_call", "movq    %r.., 0x18\\(");
  expect_line("reader", "mcacheRefill_m", "movq    0x18\\(");
  EXPECT_NE(row["reason"].get<std::string>().find("in the handler's call of mcacheRefill_m, "
                                                  "overwrote it"),
            std::string::npos)
      << row["reason"];
}

TEST_F(Explanation, AResultIsReadByTheCaller) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const json row = reproduced(hazard("result-p0"));
  expect_line("reader", "largeAlloc_m_call", "movq    0x38\\(");
  EXPECT_EQ(deed(row, "writer")["by"], "handler 1");
  EXPECT_EQ(deed(row, "reader")["by"], "operation");
}

// fn has ended, and what it pushed lies in the red zone; the handler's call begins g0's stack anew.
TEST_F(Explanation, ASmashedStackNamesWhatLayThere) {
  const json row = reproduced(write("smash.sched",
                                    "sigsweep schedule 1\nisa amd64\nprotocol remember\nseed 1\n"
                                    "op ready_m_casgstatus\n"
                                    "inject SIGPROF at onM_remember+0x43 handler=gc_m\n"));
  EXPECT_EQ(row["verdict"], "stack-smash");
  EXPECT_EQ(row["facts"]["word"]["stack"], "g0");
  ASSERT_TRUE(row["facts"].contains("below_sp")) << output_;
  EXPECT_GT(row["facts"]["below_sp"], 0);
  EXPECT_LE(row["facts"]["below_sp"], 128);
  expect_line("owner", "ready_m_casgstatus", "pushq   %rbp");
  EXPECT_EQ(deed(row, "owner")["by"], "operation");
  expect_line("writer", "gc_m", "pushq   %rbp");
  EXPECT_EQ(deed(row, "writer")["by"], "handler 1");
}

TEST_F(Explanation, AWrongSwitchNamesBothStacksAndWhereSpCameFrom) {
  const json row = reproduced(hazard("legacy-returns-early"));
  EXPECT_EQ(row["facts"]["switch"]["from"], "g0");
  EXPECT_EQ(row["facts"]["switch"]["home"], "gsignal");
  EXPECT_TRUE(row["facts"]["switch"]["to"].get<std::string>().starts_with("g"));
  EXPECT_TRUE(row["facts"]["word"]["name"].get<std::string>().ends_with(".sched.sp"));
  expect_line("left", "onM_legacy", "movq    0x18\\(%rsi\\), %rsp");
  expect_line("writer", "onM_legacy", "movq    %rsp, 0x18\\(%rax\\)");
  expect_line("switched", "onM_legacy", "movq    0x18\\(%rax\\), %rsp");
  EXPECT_EQ(deed(row, "writer")["by"], "operation");
  EXPECT_EQ(deed(row, "switched")["by"], "handler 1");
}

TEST_F(Explanation, ACrashNamesTheWordThatWasRead) {
  const json row = reproduced(hazard("legacy-idle-m"));
  EXPECT_EQ(row["facts"]["word"]["name"], "m.curg");
  EXPECT_EQ(row["facts"]["fault"]["signal"], 11);
  EXPECT_EQ(row["facts"]["register"], "rax");
  expect_line("reader", "onM_legacy", "movq    0x10\\(%rcx\\), %rax");
  expect_line("faulted", "onM_legacy", "movq    0x18\\(%rax\\), %rsp");
  EXPECT_NE(output_.find("registers at the fault  "), std::string::npos) << output_;
}

// The way that a value took, over two frames and a signal.
TEST_F(Explanation, ACrashNamesWhoHadWrittenThatWord) {
  const json row = reproduced(write("crash.sched",
                                    "sigsweep schedule 1\nisa amd64\nprotocol remember\nseed 1\n"
                                    "op mcacheRefill_m\n"
                                    "inject SIGPROF at onM_remember+0x3b handler=gc_m\n"));
  EXPECT_EQ(row["facts"]["word"]["name"], "gsignal.sched.sp");
  expect_line("writer", "onM_remember", "movq    \\$0, 0x18\\(%rax\\)");
  EXPECT_EQ(deed(row, "writer")["by"], "handler 1");
  EXPECT_EQ(deed(row, "faulted")["by"], "operation");
}

TEST_F(Explanation, OfAnAdapterTheInstructionThatLostARegister) {
  const std::string adapter = kBin + "/planted-drops_register-amd64.so";
  const Ran swept = sigsweep("sweep --adapter " + adapter + " --json s.jsonl");
  EXPECT_EQ(swept.status, 1) << swept.output;
  EXPECT_EQ(validate(folder_ + "/s.jsonl").status, 0);
  std::string why;
  for (const json& each : rows(folder_ + "/s.jsonl", "finding")) {
    if (each.contains("why") && why.empty()) why = each["why"];
  }
  EXPECT_NE(why.find("rbx must be kept. planted_switch+0x"), std::string::npos) << swept.output;
}

TEST_F(Explanation, EachIsaOfThisMachine) {
  for (const char* isa : {"386", "amd64p32"}) {
    if (!fs::exists(kBin + "/runner-" + isa)) continue;
    const json row = reproduced(hazard("argument-s0", isa));
    EXPECT_EQ(deed(row, "writer")["by"], "handler 1") << isa << output_;
    EXPECT_EQ(deed(row, "reader")["symbol"], "mcacheRefill_m") << isa << output_;
    const json wrong = reproduced(hazard("legacy-returns-early", isa));
    EXPECT_EQ(deed(wrong, "switched")["symbol"], "onM_legacy") << isa << output_;
    EXPECT_EQ(deed(wrong, "writer")["by"], "operation") << isa << output_;
  }
}

TEST_F(Explanation, SaysWhereNothingIsLookedAt) {
  if (!fs::exists(kBin + "/runner-arm")) GTEST_SKIP() << "no runner for arm here";
  const Ran ran = sigsweep("reproduce --json r.jsonl " + hazard("argument-s0", "arm"));
  if (ran.status == 77) GTEST_SKIP() << ran.output;
  EXPECT_NE(ran.output.find("Nothing more is known: no trial of this instruction set can be "
                            "stepped"),
            std::string::npos)
      << ran.output;
}

TEST_F(Explanation, SaysHowOftenEachVerdictWasSeen) {
  reproduced(hazard("argument-s0"), "--times 3");
  EXPECT_NE(output_.find("\n  arg-clobbered s0 3 of 3 times\n"), std::string::npos) << output_;
  const Ran replayed = sigsweep("replay --times 2 " + hazard("argument-s0"));
  EXPECT_NE(replayed.output.find("\n  arg-clobbered s0 2 of 2 times\n"), std::string::npos)
      << replayed.output;
}

// Each thread of the storm has begun before it is ended from outside. The canary's storm comes
// first, in a process of the same name: the one that is ended starts after the canary's line.
TEST_F(Explanation, AStormThatDiesLeavesWhereItsThreadsStood) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const pid_t storm = start("storm --duration 100s --ms 2 --gs 8 --out out");
  const auto log = [&] {
    std::ifstream in(folder_ + "/log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  ASSERT_TRUE(await([&] { return log().find("\ncanary: ") != std::string::npos; })) << log();
  pid_t process = 0;
  ASSERT_TRUE(await([&] {
    for (const pid_t each : processes()) {
      std::error_code error;
      const std::string id = std::to_string(each);
      const fs::path program = fs::read_symlink("/proc/" + id + "/exe", error);
      if (!program.string().ends_with("-storm")) continue;
      unsigned begun = 0;
      for (const auto& task : fs::directory_iterator("/proc/" + id + "/task", error)) {
        std::ifstream in(task.path() / "schedstat");
        std::uint64_t ran = 0;  // ns
        in >> ran;
        begun += ran > 50'000'000;
      }
      if (begun >= 2) process = each;
    }
    return process != 0;
  }));
  kill(process, SIGSEGV);
  int status = 0;
  waitpid(storm, &status, 0);
  const std::string page = log();
  EXPECT_EQ(WEXITSTATUS(status), 1) << page;
  EXPECT_NE(page.find("seed 1; again: sigsweep storm --duration 100s --ms 2"), page.npos) << page;
  EXPECT_NE(page.find("where its threads stood: "), page.npos) << page;
  EXPECT_TRUE(page.find("its core: gdb ") != page.npos ||
              page.find("no core lies beside it") != page.npos)
      << page;
  std::ifstream file(folder_ + "/out/findings/storm-seed1/threads.txt");
  const std::string threads(std::istreambuf_iterator<char>(file), {});
  EXPECT_TRUE(threads.starts_with("signal 11, address ")) << threads;
  const std::regex frames("\nthread [01] \\([0-9]+\\)(, which died\n(  r.*\n)+|\n)  #0  0x");
  const auto found = std::sregex_iterator(threads.begin(), threads.end(), frames);
  EXPECT_GE(std::distance(found, {}), 1) << threads;
  EXPECT_EQ(threads.find("does not answer"), threads.npos) << threads;
}

// What `reproduce` takes.
TEST_F(Explanation, AFindingIsTakenByItsId) {
  fs::create_directories(folder_ + "/results/nightly/triage");
  fs::copy_file(kSource + "/corpus/hazards/argument-s0.sched",
                folder_ + "/results/nightly/triage/6bc8cef44db807c1.sched");
  EXPECT_EQ(reproduced("6bc8cef44db807c1")["verdict"], "arg-clobbered");
  const Ran unknown = sigsweep("reproduce 0000000000000001");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.output.find("no schedule 0000000000000001.sched lies below"), std::string::npos)
      << unknown.output;
}

TEST_F(Explanation, ACrashFileNeedsItsTarget) {
  write("crash-1", "x");
  const Ran ran = sigsweep("reproduce crash-1");
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.output.find("which target found it; --target NAME does"), std::string::npos)
      << ran.output;
  EXPECT_EQ(sigsweep("reproduce --target onm_fuzzer onm_fuzzer crash-1").status, 2);
}

// gdb itself is a stand-in that says what it was given.
TEST_F(Explanation, OpensGdbWhereTheSignalLands) {
  fs::create_directories(folder_ + "/bin");
  write("bin/gdb", "#!/bin/sh\nprintf 'gdb:'\nprintf ' [%s]' \"$@\"\n");
  fs::permissions(folder_ + "/bin/gdb", fs::perms::all);
  const Ran ran = run("cd " + folder_ + " && PATH=" + folder_ + "/bin:$PATH " + kBin +
                      "/sigsweep reproduce --gdb " + hazard("argument-s0"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("gdb: [-q] [-ex] [tbreak operation_starts] [-ex] [run] [-ex] [tbreak "
                            "*((char *)onM+0x47)] [-ex] [continue] [--args] "),
            std::string::npos)
      << ran.output;
}

}  // namespace
}  // namespace sigsweep
