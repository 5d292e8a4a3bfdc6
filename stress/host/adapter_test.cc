// Commands with --adapter, over a runner that says what the test wants it to say (fake_runner.cc); and
// `sigsweep adapter`.
#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <ucontext.h>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

constexpr const char* kDescribe =
    "subject isa=amd64 word_bits=64 isas=386,amd64,amd64p32,arm "
    "verdicts=crash,hang,state-leak,ok slots=\n"
    "adapter name=fiber version=1.2 abi=1 build=abc123 promises=nests,keeps_fpenv traits= file=x\n"
    "protocol name=altstack allowed=ok summary=- predicts=0 passes_slots=0\n"
    "by_handler name=altstack handler=switch promised=0 allowed=ok%20crash%20hang\n"
    "site name=round_trip slots= in= out= written= zeroed= ends= rejected_by=\n"
    "handler name=none slots=\nhandler name=switch slots=\n";

std::string cell(const std::string& handler, const std::string& verdicts) {
  return "cell handler=" + handler +
         " boundaries=40 trials=40 requested=40 landed=40 unreached=0 verdicts=" + verdicts +
         " map=0123456789abcdef stacks= seconds=0.1 copies=3\n";
}

// Of an operation with one boundary.
std::string map(const std::string& handler, const std::string& verdict) {
  return "outcome verdict=" + verdict + " slots=- detail=\nmap handler=" + handler +
         " columns=1 at=1\n";
}

class Adapter : public Command {
 protected:
  Adapter() {
    fs::create_directory(folder_ + "/fake");
    fs::copy_file(kBin + "/fake_runner", folder_ + "/fake/runner");
    write("fake/describe", kDescribe);
    write("fake/sweep", "baseline verdict=ok detail=\n" + cell("none", "ok:40") +
                            cell("switch", "ok:30,crash:7,hang:3"));
    library_ = content(kBin + "/adapter_for_tests.so");
    write("mine.so", library_);
  }

  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A command with this adapter, on the fake runner.
  Ran with_fake(const std::string& arguments) {
    return sigsweep(arguments + " --runner " + folder_ + "/fake/runner");
  }
  // The library, with another machine in its header.
  std::string for_machine(unsigned number, bool wide) {
    std::string bytes = library_;
    bytes[EI_CLASS] = static_cast<char>(wide ? ELFCLASS64 : ELFCLASS32);
    bytes[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(number & 0xff);
    bytes[offsetof(Elf64_Ehdr, e_machine) + 1] = static_cast<char>(number >> 8);
    return bytes;
  }
  std::string of_type(unsigned type) {
    std::string bytes = library_;
    bytes[offsetof(Elf64_Ehdr, e_type)] = static_cast<char>(type);
    return bytes;
  }
  void expect_one_line(const std::string& arguments, int status, const std::string& says) {
    const Ran ran = with_fake(arguments);
    EXPECT_EQ(ran.status, status) << arguments << "\n" << ran.output;
    EXPECT_EQ(std::ranges::count(ran.output, '\n'), 1) << ran.output;
    EXPECT_NE(ran.output.find(says), std::string::npos) << ran.output << "lacks: " << says;
  }

  std::string library_;
};

// ---- the file

TEST_F(Adapter, AFileThatNoRunnerCanLoadIsRefusedBeforeOneStarts) {
  write("empty.so", "");
  write("text.so", "#!/bin/sh\necho this is a script, and long enough for the header of a file\n");
  write("cut.so", library_.substr(0, 30));
  write("object.so", of_type(ET_REL));
  write("program.so", of_type(ET_EXEC));
  write("core.so", of_type(ET_CORE));
  write("x32.so", for_machine(EM_X86_64, false));
  write("arm.so", for_machine(EM_ARM, false));
  write("arm64.so", for_machine(EM_AARCH64, true));
  write("s390.so", for_machine(EM_S390, true));
  write("pie.so", content(kBin + "/sigsweep"));
  const std::map<std::string, std::string> why{
      {"missing.so", "there is no such file; a shared object for amd64 or 386 is expected"},
      {".", "no regular file"},
      {"empty.so", "no ELF file"},
      {"text.so", "no ELF file"},
      {"cut.so", "no ELF file"},
      {"object.so", "an object file, no shared object; link it with -shared"},
      {"program.so", "a program, no shared object"},
      {"pie.so", "a program, no shared object"},
      {"core.so", "no shared object"},
      {"x32.so", "built for amd64p32: there are no libraries for it"},
      {"arm.so", "built for arm: its runner is linked statically"},
      {"arm64.so", "built for aarch64: sigsweep has no runner for it"},
      {"s390.so", "built for another machine (ELF machine 22, 64 bits)"}};
  for (const auto& [file, says] : why) expect_one_line("sweep --adapter " + file, 2, says);
  expect_one_line("adapter check text.so", 2, "no ELF file");
  EXPECT_FALSE(fs::exists(folder_ + "/fake/words")) << content(folder_ + "/fake/words");
}

TEST_F(Adapter, AFileOfAnotherInstructionSetIsRefused) {
  expect_one_line("sweep --adapter mine.so --isa 386", 2,
                  "built for amd64, and --isa is 386; allowed: --isa amd64, or no --isa");
}

TEST_F(Adapter, TheRunnerGetsTheFileWithASlash) {
  EXPECT_EQ(with_fake("list --adapter mine.so").status, 0);
  EXPECT_TRUE(content(folder_ + "/fake/words").starts_with("--adapter ./mine.so --progress-fd "))
      << content(folder_ + "/fake/words");
}

// ---- usage

TEST_F(Adapter, CommandsThatTakeNoneSayWhoDoes) {
  for (const std::string command :
       {"prove", "merge x", "compare x y", "campaign --engine afl --target schedule_fuzzer",
        "triage x", "minimize --engine afl --target schedule_fuzzer", "service-check"}) {
    const Ran ran = sigsweep(command + " --adapter mine.so");
    EXPECT_EQ(ran.status, 2) << command;
    EXPECT_EQ(ran.output, "sigsweep: " + command.substr(0, command.find(' ')) +
                              ": takes no adapter; allowed with --adapter: sweep, storm, replay, "
                              "shrink, explain, reproduce, list, bench\n");
  }
}

TEST_F(Adapter, IsASubjectOfItsOwn) {
  expect_one_line("sweep --adapter mine.so --subject onm", 2,
                  "allowed: --subject adapter, or no --subject");
  expect_one_line("sweep --subject adapter", 2, "--adapter FILE.so names it");
  EXPECT_EQ(with_fake("list --adapter mine.so --subject adapter").status, 0);
}

TEST_F(Adapter, AStormOfOneIsSkippedUntilItIsBuilt) {
  expect_one_line("storm --adapter mine.so", 77,
                  "skipped: a storm of subject adapter is not built");
}

// ---- the runner's start

TEST_F(Adapter, WhatTheRunnerSaysAtItsStartIsTheLastLine) {
  for (const int status : {2, 3}) {
    write("fake/start", "adapter: ./mine.so: begin() failed\n");
    write("fake/status", std::to_string(status));
    expect_one_line("sweep --adapter mine.so", status,
                    "sigsweep: adapter: ./mine.so: begin() failed\n");
  }
  write("fake/start", "library: a word of its own\nadapter: no\n");
  const Ran two = with_fake("adapter check mine.so");
  EXPECT_EQ(two.status, 3);
  EXPECT_TRUE(two.output.ends_with("\nlibrary: a word of its own\nsigsweep: adapter: no\n"))
      << two.output;
  write("fake/start", "");
  write("fake/status", "1");
  expect_one_line("sweep --adapter mine.so", 3, "its runner ended before it answered: ");
}

TEST_F(Adapter, ARunnerOfAnotherSubjectIsRefused) {
  const Ran ran = sigsweep("list --adapter mine.so --runner " + kBin + "/runner-amd64");
  EXPECT_NE(ran.status, 0) << ran.output;
}

// ---- promised and observed

TEST_F(Adapter, WhatIsNotPromisedIsObservedAndNoFinding) {
  const Ran ran = with_fake("sweep --adapter mine.so --json r.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(
      ran.output.find("fiber 1.2: safe at 40 of 40 boundaries for what was promised (a signal "
                      "changes nothing, nests, keeps_fpenv)\n"
                      "beyond that, observed, and never a finding:\n"
                      "  a round trip in the handler: crash at 7 of 40 boundaries, hang at 3\n"
                      "6 trials had a copy of the process for themselves, or ended theirs\n"),
      std::string::npos)
      << ran.output;
  const std::string results = folder_ + "/r.jsonl";
  EXPECT_EQ(validate(results).status, 0) << validate(results).output;
  const json run = rows(results, "run").at(0);
  EXPECT_EQ(run["adapter"]["name"], "fiber");
  EXPECT_EQ(run["adapter"]["build"], "abc123");
  EXPECT_EQ(run["adapter"]["promises"], (json{"nests", "keeps_fpenv"}));
  const auto cells = rows(results, "cell");
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_EQ(cells[0]["promised"], true);
  EXPECT_TRUE(cells[0]["observed"].empty());
  EXPECT_EQ(cells[1]["promised"], false);
  EXPECT_EQ(cells[1]["observed"], (json{{"crash", 7}, {"hang", 3}}));
  EXPECT_EQ(cells[1]["copies"], 3);
}

TEST_F(Adapter, WhatIsPromisedAndBreaksIsAFinding) {
  write("fake/sweep", "baseline verdict=ok detail=\n" + cell("none", "ok:38,state-leak:2") +
                          cell("switch", "ok:40"));
  const Ran ran = with_fake("sweep --adapter mine.so");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("fiber 1.2: NOT safe for what was promised"), std::string::npos);
  EXPECT_NE(ran.output.find("  a handler that only returns: state-leak at 2 of 40 boundaries\n"
                            "beyond that, nothing was observed to break\n"),
            std::string::npos)
      << ran.output;
}

// A backtrace that began on a stack of the library's own, and ended early, is neither right nor wrong.
TEST_F(Adapter, WhatNobodyCanJudgeIsCountedApart) {
  std::string observe = cell("observe", "ok:38,state-leak:2");
  observe.insert(observe.size() - 1, " not_judged=5");
  write("fake/describe", std::string(kDescribe) + "handler name=observe slots=\n");
  write("fake/sweep",
        "baseline verdict=ok detail=\n"
        "boundary symbol=f offset=1 nth=1 phase=resume/live=-#1 live=- module= address=0\n" +
            map("none", "ok") + cell("none", "ok:40") + map("switch", "ok") +
            cell("switch", "ok:40") +
            "outcome verdict=ok slots=- detail=but not_judged=1\nmap handler=observe columns=1 "
            "at=1\n" +
            observe);
  const Ran ran = with_fake("sweep --adapter mine.so --per-boundary --json r.jsonl");
  for (const char* part :
       {"not judged, because SP was in a stack that the library declared as its own:\n"
        "  a backtrace in the handler: ended at 5 of 40 boundaries\n",
        "altstack         5 not-judged 113 ok 2 state-leak\n"}) {
    EXPECT_NE(ran.output.find(part), std::string::npos) << ran.output << "lacks: " << part;
  }
  const std::string results = folder_ + "/r.jsonl";
  EXPECT_EQ(validate(results).status, 0) << validate(results).output;
  const json row = rows(results, "cell").at(2);
  EXPECT_EQ(row["not_judged"], 5);
  EXPECT_EQ(row["verdicts"]["ok"], 38);
  EXPECT_EQ(rows(results, "boundary").at(0)["handlers"]["observe"],
            (json{{"verdict", "ok"}, {"judged", false}}));
  const Ran explained = with_fake("explain --adapter mine.so");
  EXPECT_TRUE(std::regex_search(explained.output, std::regex("ok +ok +not judged\n")))
      << explained.output;
}

// Each boundary counts once, on whichever stacks the handler ran. Where these differ, each has a line.
TEST_F(Adapter, ABoundaryCountsOnceForAllProtocols) {
  std::string describe = kDescribe;
  describe.insert(describe.find("site name="),
                  "protocol name=ownstack allowed=ok summary=- predicts=0 passes_slots=0\n");
  write("fake/describe", describe);
  write("fake/sweep", "baseline verdict=ok detail=\n" + cell("none", "ok:40"));
  const Ran same = with_fake("sweep --adapter mine.so --handler none");
  EXPECT_EQ(same.status, 0) << same.output;
  EXPECT_NE(same.output.find("fiber 1.2: safe at 40 of 40 boundaries"), std::string::npos)
      << same.output;
  write("fake/sweep", "baseline verdict=ok detail=\n" + cell("none", "ok:38,crash:2"));
  const Ran both = with_fake("sweep --adapter mine.so --handler none");
  EXPECT_NE(both.output.find("\n  a handler that only returns: crash at 2 of 40 boundaries\n"),
            std::string::npos)
      << both.output;
}

// A cell that can't be swept says why, and the rest goes on.
TEST_F(Adapter, ACellThatCannotBeSweptIsLeftOutWithItsReason) {
  write("fake/sweep",
        "baseline verdict=ok detail=\ncell_left_out handler=none why=the%20way%20has%20no%20end\n" +
            cell("switch", "ok:40"));
  const Ran ran = with_fake("sweep --adapter mine.so --json r.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("not swept, because the way has no end: altstack round_trip"),
            std::string::npos)
      << ran.output;
  const std::string results = folder_ + "/r.jsonl";
  EXPECT_EQ(validate(results).status, 0) << validate(results).output;
  EXPECT_EQ(rows(results, "cell").at(0)["left_out"], "the way has no end");
  EXPECT_FALSE(rows(results, "cell").at(1).contains("left_out"));
  write("fake/sweep",
        "baseline verdict=ok detail=\ncell_left_out handler=none why=no%20room\n"
        "cell_left_out handler=switch why=no%20room\n");
  const Ran none = with_fake("sweep --adapter mine.so");
  EXPECT_EQ(none.status, 77) << none.output;
  EXPECT_TRUE(none.output.ends_with("can be swept: no room\n")) << none.output;
}

// The rows of the subjects that are built in stay as they are.
TEST_F(Adapter, ABuiltInSubjectHasNoneOfIt) {
  ASSERT_EQ(sigsweep("sweep --protocol reject --site gc_m --handler none --json r.jsonl").status,
            0);
  EXPECT_FALSE(rows(folder_ + "/r.jsonl", "run").at(0).contains("adapter"));
  EXPECT_FALSE(rows(folder_ + "/r.jsonl", "cell").at(0).contains("observed"));
}

TEST_F(Adapter, ExplainHasAColumnAHandler) {
  write("fake/sweep",
        "baseline verdict=ok detail=\n"
        "boundary symbol=fiber_switch offset=1 nth=1 phase=resume/live=-#1 live=- "
        "module=libfiber.so address=0x11\n" +
            map("none", "crash") + cell("none", "crash:1") + map("switch", "crash") +
            cell("switch", "crash:1"));
  const Ran ran = with_fake("explain --adapter mine.so --json r.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("fiber_switch (libfiber.so):\n"), std::string::npos) << ran.output;
  EXPECT_TRUE(std::regex_search(ran.output, std::regex("none +switch \\(observed\\)\n")))
      << ran.output;
  EXPECT_TRUE(std::regex_search(ran.output, std::regex("crash ! +crash\n"))) << ran.output;
  const std::string results = folder_ + "/r.jsonl";
  EXPECT_EQ(validate(results).status, 0) << validate(results).output;
  EXPECT_EQ(rows(results, "run").at(0)["subject"], "adapter fiber");
  const json row = rows(results, "boundary").at(0);
  EXPECT_EQ(row["module"], "libfiber.so");
  EXPECT_EQ(row["handlers"], (json{{"none", {{"verdict", "crash"}, {"finding", true}}},
                                   {"switch", {{"verdict", "crash"}}}}));
}

// ---- schedules

std::string schedule(const std::string& subject, const std::string& inject) {
  return "sigsweep schedule 1\nisa amd64\n" + subject + "protocol altstack\nop round_trip\n" +
         inject + "\n";
}

TEST_F(Adapter, AScheduleOfOneNeedsIt) {
  const std::string text =
      schedule("subject adapter fiber 1.2 build=abc123\n", "inject SIGPROF at f+1 handler=none");
  write("f.sched", text);
  for (const char* command : {"replay", "shrink"}) {
    const Ran ran = sigsweep(std::string(command) + " f.sched");
    EXPECT_EQ(ran.status, 2);
    EXPECT_NE(
        ran.output.find("f.sched:3:17: for the adapter \"fiber\", and none is given; --adapter "
                        "FILE.so must name its file\n"),
        std::string::npos)
        << ran.output;
  }
  write("g.sched", schedule("subject adapter pth 1.2 build=abc123\n", ""));
  const Ran other = with_fake("replay --adapter mine.so g.sched");
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.output.find("the one that is given is \"fiber\""), std::string::npos)
      << other.output;
}

TEST_F(Adapter, AScheduleOfAnotherBuildIsFoundByItsPhase) {
  write("fake/replay", "refused line=1 column=1 message=enough\n");
  const std::string subject = "subject adapter fiber 1.1 build=ffff\n";
  write("f.sched", schedule(subject, "inject SIGPROF at f+1 phase=resume/live=-#2 handler=none"));
  const Ran ran = with_fake("replay --adapter mine.so f.sched");
  EXPECT_NE(ran.output.find("f.sched: of fiber 1.1, build ffff; run on fiber 1.2, build abc123\n"),
            std::string::npos)
      << ran.output;
  EXPECT_NE(content(folder_ + "/fake/sent").find("subject   adapter fiber 1.2 build=abc123\n"),
            std::string::npos);
  write("f.sched", schedule(subject, "inject SIGPROF at f+1 handler=none"));
  const Ran none = with_fake("replay --adapter mine.so f.sched");
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.output.find("f.sched:6:19: of build ffff of fiber, and this is build abc123: a "
                             "boundary is found by its phase there, and this one has none\n"),
            std::string::npos)
      << none.output;
}

// ---- for the author

// As it is, by the line that stands in it; and without a warning that an author may ask for. (gcc
// warns of each variable that lives across swapcontext, but not with -O0.)
TEST_F(Adapter, TheSkeletonsCompileAsTheyAre) {
  const std::map<std::string, std::string> commands{{"", "mine.c"},
                                                    {" --cxx", "mine.cc"},
                                                    {" --explained", "mine.c"},
                                                    {" --cxx --explained", "mine.cc"}};
  for (const auto& [flag, file] : commands) {
    const Ran ran =
        run(fmt::format("cd {} && {}/sigsweep adapter new{} >{}", folder_, kBin, flag, file));
    ASSERT_EQ(ran.status, 0) << ran.output;
    std::smatch line;
    const std::string text = content(folder_ + "/" + file);
    ASSERT_TRUE(
        std::regex_search(text, line, std::regex("(cc|c\\+\\+) -std=.* -o mine.so " + file)))
        << text;
    fs::remove(folder_ + "/mine.so");
    const Ran built = run("cd " + folder_ + " && " + line.str() +
                          " -O0 -Wextra -Wpedantic -Werror -Wno-unused-parameter");
    EXPECT_EQ(built.status, 0) << line.str() << "\n" << built.output;
    EXPECT_EQ(built.output, "");
    EXPECT_EQ(with_fake("list --adapter mine.so").status, 0);
  }
}

// The first thing that an author gets fits a screen or two. What is longer is asked for.
TEST_F(Adapter, TheSkeletonHasFewerThanSixtyLines) {
  for (const std::string flag : {"", " --cxx"}) {
    const std::string text = sigsweep("adapter new" + flag).output;
    EXPECT_LT(std::ranges::count(text, '\n'), 60) << text;
    EXPECT_GT(std::ranges::count(sigsweep("adapter new --explained" + flag).output, '\n'), 60);
  }
}

TEST_F(Adapter, AnInstalledCommandFindsItsParts) {
  const Ran installed = run("cmake --install " + kBin + " --prefix " + folder_ + "/place");
  ASSERT_EQ(installed.status, 0) << installed.output;
  const std::string command = folder_ + "/place/bin/sigsweep";
  const Ran list = run(command + " list");
  EXPECT_EQ(list.status, 0) << list.output;
  EXPECT_EQ(fs::directory_iterator(folder_ + "/place/bin")->path(), command);
  for (const char* part :
       {"man/man1/sigsweep.1", "man/man1/sigsweep-sweep.1", "doc/sigsweep/results/reference",
        "doc/sigsweep/docs", "doc/sigsweep/corpus/hazards", "bash-completion/completions/sigsweep",
        "sigsweep/results/schema.json"}) {
    EXPECT_TRUE(fs::exists(folder_ + "/place/share/" + part)) << part;
  }
  write("user.c", "#include <sigsweep_adapter.h>\nint abi = SIGSWEEP_ADAPTER_ABI;\n");
  const Ran built = run("cd " + folder_ + " && cc -std=c99 -c -I place/include user.c");
  EXPECT_EQ(built.status, 0) << built.output;
  EXPECT_NE(run(command + " adapter new").output.find("-I" + folder_ + "/place/include"),
            std::string::npos);
}

constexpr const char* kIdentity =
    "adapter name=fiber version=1.2 abi=1 build=abc123 promises=nests traits= file=x\n";

TEST_F(Adapter, CheckShowsWhatTheRunnerSaw) {
  write("fake/check",
        std::string(kIdentity) +
            "module name=libfiber.so path=/lib/libfiber.so build=abc123\n"
            "stack name=co0 lowest=0x7000 size=65536 from=sigsweep\n"
            "site name=round_trip executed=58\n"
            "switch site=round_trip part=resume at=fiber_switch+0x31 from=host to=co0\n"
            "switch site=nested part=resume at=fiber_switch+0x31 from=host to=co0\n"
            "code symbol=fiber_switch module=libfiber.so executed=17 begin=0x10 end=0x50\n"
            "left_out symbol=memcpy module=libc.so.6 executed=3 why=the%20C%20library\n"
            "promise name=nests given=1 ok=1 detail=\n"
            "promise name=migrates given=0 ok=1 detail=\n"
            "weather sky=blue\ndone\n");
  const Ran ran = with_fake("adapter check mine.so --json r.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  for (const char* part :
       {"fiber 1.2, isa amd64, build abc123\n",
        "stacks\n  name  lowest  size   from\n  co0   0x7000  65536  sigsweep\n",
        "  resume  fiber_switch+0x31  host  co0  round_trip nested\n", "the C library",
        "  nests     yes    yes  -\n", "  migrates  no     -    -\n", "weather\n  sky\n  blue\n",
        "no problem; next: sigsweep sweep --adapter ./mine.so\n"}) {
    EXPECT_NE(ran.output.find(part), std::string::npos) << ran.output << "lacks: " << part;
  }
  const std::string results = folder_ + "/r.jsonl";
  EXPECT_EQ(validate(results).status, 0) << validate(results).output;
  EXPECT_EQ(rows(results, "run").at(0)["adapter"]["name"], "fiber");
  EXPECT_EQ(rows(results, "stack").at(0)["size"], 65536);
  EXPECT_EQ(rows(results, "switch").size(), 2U);
  EXPECT_EQ(rows(results, "promise").at(0)["given"], true);
  EXPECT_EQ(rows(results, "checked").at(0)["fields"]["sky"], "blue");
}

TEST_F(Adapter, CheckEndsWithWhatIsWrong) {
  const std::string problem =
      "problem what=resume%20allocates where=malloc+0x10 allowed=no%20allocation\ndone\n";
  for (const int status : {2, 3}) {
    write("fake/check", kIdentity + problem);
    write("fake/check_status", std::to_string(status));
    const Ran wrong = with_fake("adapter check mine.so --json r.jsonl");
    EXPECT_EQ(wrong.status, status) << wrong.output;
    EXPECT_TRUE(wrong.output.ends_with(
        "sigsweep: adapter ./mine.so: resume allocates, at malloc+0x10; allowed: no allocation\n"))
        << wrong.output;
    EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
    EXPECT_EQ(rows(folder_ + "/r.jsonl", "problem").size(), 1U);
    EXPECT_EQ(rows(folder_ + "/r.jsonl", "end").at(0)["status"], status);
  }
}

TEST_F(Adapter, WhatTheLibrarySaysOfItsFailureIsTheLastLine) {
  write("fake/check", std::string(kIdentity) + "problem what=- where= allowed=\ndone\n");
  write("fake/check_status", "3");
  write("fake/check_errors", "adapter: fiber: no memory\n");
  const Ran ran = with_fake("adapter check mine.so");
  EXPECT_EQ(ran.status, 3);
  EXPECT_TRUE(ran.output.ends_with("\nsigsweep: adapter: fiber: no memory\n")) << ran.output;
  EXPECT_EQ(ran.output.find("problems"), std::string::npos) << ran.output;
}

TEST_F(Adapter, APromiseThatBreaksInTheCheckIsAFinding) {
  const std::string breach = " ok=0 detail=it%20hung\ndone\n";
  write("fake/check", std::string(kIdentity) + "promise name=nests given=1" + breach);
  EXPECT_EQ(with_fake("adapter check mine.so").status, 1);
  write("fake/check", std::string(kIdentity) + "promise name=nests given=0" + breach);
  EXPECT_EQ(with_fake("adapter check mine.so").status, 0);
}

// What it has said by then is shown.
TEST_F(Adapter, ACheckThatIsCutOffHasNotPassed) {
  write("fake/check", std::string(kIdentity) + "site name=round_trip executed=58\n");
  const Ran ran = with_fake("adapter check mine.so");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("round_trip  58"), std::string::npos) << ran.output;
  EXPECT_TRUE(ran.output.ends_with("sigsweep: adapter ./mine.so: its runner ended with status 0\n"))
      << ran.output;
}

// ---- with the runner itself

class RealAdapter : public Adapter {
 protected:
  void SetUp() override {
    if (!fs::exists(kBin + "/runner-amd64-adapter")) GTEST_SKIP() << "no runner for adapters here";
  }
  // The planted switch `name`, as mine.so.
  void take_planted(const std::string& name) {
    fs::copy_file(kBin + "/planted-" + name + "-amd64.so", folder_ + "/mine.so",
                  fs::copy_options::overwrite_existing);
  }
  // The schedule of the sweep's first finding.
  std::string found() {
    const Ran ran = sigsweep("sweep --adapter mine.so --handler none --out o");
    EXPECT_EQ(ran.status, 1) << ran.output;
    for (const auto& entry : fs::directory_iterator(folder_ + "/o/findings"))
      return entry.path().string();
    return {};
  }
};

TEST_F(RealAdapter, ALossWithoutAnySignalIsToldFirst) {
  take_planted("drops_register");
  const Ran swept = sigsweep("sweep --adapter mine.so --site round_trip");
  EXPECT_EQ(swept.status, 1);
  const std::string first =
      "drops_register faulty: NOT right even without a signal: round_trip: state-leak rbx";
  EXPECT_NE(swept.output.find(first), std::string::npos) << swept.output;
}

TEST_F(RealAdapter, ABacktraceOnASchedulersStackIsNotJudged) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  if (!fs::exists(kBin + "/adapter-pth_yield-amd64.so")) GTEST_SKIP() << "GNU Pth is not here";
  const Ran swept = sigsweep("sweep --adapter " + kBin +
                             "/adapter-pth_yield-amd64.so --site round_trip --handler observe "
                             "--protocol altstack --per-boundary --json r.jsonl");
  EXPECT_GT(rows(folder_ + "/r.jsonl", "cell").at(0).value("not_judged", 0), 0) << swept.output;
  unsigned seen = 0;
  for (const json& row : rows(folder_ + "/r.jsonl", "boundary")) {
    if (row["handlers"]["observe"].value("judged", true)) continue;
    EXPECT_NE(row["phase"].get<std::string>().find("sp=library0"), std::string::npos) << row;
    seen++;
  }
  EXPECT_GT(seen, 0U);
}

// Each instruction is shown once, and each id stands in one place.
TEST_F(RealAdapter, FindingsAreGroupedByInstruction) {
  take_planted("heap_sp");
  const Ran swept = sigsweep("sweep --adapter mine.so --out o");
  EXPECT_EQ(swept.status, 1);
  std::set<std::string> instructions, ids;
  std::smatch found;
  std::istringstream lines(swept.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  => ")) {
      EXPECT_TRUE(instructions.insert(line).second) << line;
    }
    const bool names = line.starts_with("finding ") ||
                       line.starts_with("at this instruction also: ") ||
                       line.starts_with("  planted_switch+0x");
    for (auto at = line.cbegin();
         names && std::regex_search(at, line.cend(), found, std::regex("\\b[0-9a-f]{16}\\b"));
         at = found[0].second) {
      EXPECT_TRUE(ids.insert(found.str()).second) << line;
    }
  }
  EXPECT_EQ(instructions.size(), 3U) << swept.output;
  std::set<std::string> all;
  for (const json& row : rows(folder_ + "/o/sweep.jsonl", "finding"))
    all.insert(row["id"].get<std::string>());
  EXPECT_EQ(ids, all) << swept.output;
}

TEST_F(RealAdapter, TheSameProblemIsToldOnceWithItsCount) {
  take_planted("drops_register");
  const std::string what = "without any signal: rbx, lost by the way back to the coroutine";
  const std::string page =
      run("cd " + folder_ + " && (" + kBin + "/sigsweep adapter check mine.so 2>/dev/null)").output;
  EXPECT_EQ(page.find(what), page.rfind(what)) << page;
  EXPECT_NE(page.find("3 times: site round_trip site last_exit site nested"), std::string::npos)
      << page;
  const std::string swept = sigsweep("sweep --adapter mine.so").output;
  EXPECT_NE(swept.find("6 times state-leak without any signal: rbx, lost by the way back to the "
                       "coroutine (altstack round_trip, altstack last_exit, altstack nested, "),
            std::string::npos)
      << swept;
}

// The range is cut out of swapcontext exactly, and the reason is told.
TEST_F(RealAdapter, ARangeOfTheListIsLeftOutExactly) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  Dl_info file{};
  const auto swap = reinterpret_cast<std::uintptr_t>(&swapcontext);
  ASSERT_NE(dladdr(reinterpret_cast<void*>(swap), &file), 0);
  const std::uintptr_t begin = swap - reinterpret_cast<std::uintptr_t>(file.dli_fbase) + 0x10;
  std::ostringstream range;
  range << "!libc.so.6+0x" << std::hex << begin << "-0x" << begin + 0x20;
  std::string text = sigsweep("adapter new").output;
  text.insert(text.find(", NULL}"), ", \"" + range.str() + "\"");
  write("cut.c", text);
  const Ran built =
      run("cd " + folder_ + " && cc -O2 -shared -fPIC -I " + kBin + "/include -o cut.so cut.c");
  ASSERT_EQ(built.status, 0) << built.output;
  const Ran checked = sigsweep("adapter check cut.so --json c.jsonl");
  EXPECT_EQ(checked.status, 0) << checked.output;
  std::vector<std::pair<std::string, std::string>> swept;
  for (const json& row : rows(folder_ + "/c.jsonl", "code")) {
    if (row["module"] == "libc.so.6" && row["symbol"] == "swapcontext")
      swept.emplace_back(row["begin"], row["end"]);
  }
  const auto hex = [](std::uintptr_t value) {
    std::ostringstream out;
    out << "0x" << std::hex << value;
    return out.str();
  };
  ASSERT_EQ(swept.size(), 2U) << checked.output;
  EXPECT_EQ(swept[0], std::pair(hex(begin - 0x10), hex(begin)));
  EXPECT_EQ(swept[1].first, hex(begin + 0x20));
  bool told = false;
  for (const json& row : rows(folder_ + "/c.jsonl", "left_out")) {
    told = told ||
           (row["symbol"] == "swapcontext" && row["why"] == "the adapter's list leaves it out");
  }
  EXPECT_TRUE(told) << checked.output;
}

// The dynamic linker may name another file alone.
TEST_F(RealAdapter, AFileThatCannotBeLoadedIsNamed) {
  write("gone.c", "int gone(void) { return 1; }\n");
  write("user.c", "int gone(void);\nint used(void) { return gone(); }\n");
  const Ran built = run("cd " + folder_ +
                        " && cc -shared -fPIC -o libgone.so gone.c && cc -shared -fPIC -o user.so "
                        "user.c -L. -lgone && rm libgone.so");
  ASSERT_EQ(built.status, 0) << built.output;
  const Ran checked = sigsweep("adapter check user.so");
  EXPECT_EQ(checked.status, 2) << checked.output;
  EXPECT_NE(checked.output.find("./user.so: libgone.so: cannot open shared object file"),
            std::string::npos)
      << checked.output;
}

// An adapter has no slots: nothing of them is shown. What only a sweep can check is said.
TEST_F(RealAdapter, PagesShowWhatAnAdapterHas) {
  take_planted("heap_sp");
  EXPECT_EQ(sigsweep("list --adapter mine.so").output.find("zero afterwards"), std::string::npos);
  const Ran explained = sigsweep("explain --adapter mine.so --site round_trip --handler none");
  EXPECT_TRUE(std::regex_search(explained.output, std::regex("part and state +none\n")))
      << explained.output;
  const Ran replayed = sigsweep("replay --adapter mine.so " + found());
  EXPECT_EQ(replayed.output.find("given "), std::string::npos) << replayed.output;
  const Ran checked = sigsweep("adapter check mine.so --json c.jsonl");
  EXPECT_NE(checked.output.find("  handler_switches   yes    checked by sweep  -\n"),
            std::string::npos)
      << checked.output;
  EXPECT_EQ(validate(folder_ + "/c.jsonl").status, 0) << validate(folder_ + "/c.jsonl").output;
}

// As C++ has them on the page, and as the linker has them in the results.
TEST_F(RealAdapter, NamesOfCxxAreAsInTheSource) {
  const std::string file = kBin + "/adapter-boost_fiber-amd64.so";
  if (!fs::exists(file)) GTEST_SKIP() << "Boost.Context is not here";
  const std::string page = sigsweep("adapter check " + file + " --json c.jsonl").output;
  EXPECT_EQ(page.find("_Z"), std::string::npos) << page;
  unsigned linked = 0;
  for (const json& row : rows(folder_ + "/c.jsonl", "code"))
    linked += row["symbol"].get<std::string>().starts_with("_Z");
  EXPECT_GT(linked, 0U) << page;
}

TEST_F(Adapter, ALibraryThatSchedulesMayLeaveOutHandlersThatSwitch) {
  std::string describe = kDescribe;
  describe.replace(describe.find("traits="), 7, "traits=schedules");
  write("fake/describe", describe);
  const std::string hint = "--handler none,observe";
  EXPECT_NE(with_fake("sweep --adapter mine.so").output.find(hint), std::string::npos);
  write("fake/sweep",
        "baseline verdict=ok detail=\n" + cell("none", "ok:40") + cell("switch", "ok:40"));
  EXPECT_EQ(with_fake("sweep --adapter mine.so").output.find(hint), std::string::npos);
}

// A group under way is not done, and what it has shown is told.
TEST_F(RealAdapter, StoppedItTellsWhatItHas) {
  take_planted("heap_sp");
  const std::string file = folder_ + "/r.jsonl";
  const pid_t pid = start("sweep --adapter mine.so --depth 2 --handler none,switch --json r.jsonl");
  ASSERT_TRUE(await(
      [&] { return fs::exists(file) && content(file).find("\"cell\"") != std::string::npos; }));
  kill(-pid, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 4) << status;
  const std::string log = content(folder_ + "/log");
  std::smatch part;
  ASSERT_TRUE(std::regex_search(log, part, std::regex("a part only: ([0-9]+) of ([0-9]+) groups")))
      << log;
  EXPECT_LT(std::stoi(part[1]), std::stoi(part[2])) << log;
  EXPECT_NE(log.find("under way: altstack "), std::string::npos) << log;
  EXPECT_NE(log.find("planted-heap_sp faulty, so far: "), std::string::npos) << log;
}

// `adapter new`, compiled as it stands. Not by handler observe: what a backtrace comes to is up to the
// C library.
TEST_F(RealAdapter, TheSkeletonIsSafe) {
  const Ran checked = sigsweep("adapter check mine.so --json c.jsonl");
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_EQ(validate(folder_ + "/c.jsonl").status, 0) << validate(folder_ + "/c.jsonl").output;
  EXPECT_TRUE(rows(folder_ + "/c.jsonl", "checked").empty());  // every record has its kind
  const Ran swept = sigsweep("sweep --adapter mine.so --handler none,switch --json r.jsonl");
  EXPECT_EQ(swept.status, 0) << swept.output;
  EXPECT_NE(swept.output.find("mine 0.1: safe at "), std::string::npos) << swept.output;
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0) << validate(folder_ + "/r.jsonl").output;
}

TEST_F(RealAdapter, AFindingIsReplayedShrunkAndAcknowledged) {
  take_planted("target_below");
  const std::string file = found();
  ASSERT_FALSE(file.empty());
  EXPECT_NE(content(file).find("subject   adapter planted-target_below faulty build="),
            std::string::npos)
      << content(file);
  const Ran replay = sigsweep("replay --times 3 --adapter mine.so " + file);
  EXPECT_EQ(replay.status, 0) << replay.output;
  const std::string id = fs::path(file).stem();
  EXPECT_NE(replay.output.find("  finding " + id + "\n"), std::string::npos) << replay.output;
  EXPECT_EQ(sigsweep("shrink --adapter mine.so --out s " + file).status, 0);
  EXPECT_TRUE(fs::exists(folder_ + "/s/" + id + ".sched"));
  std::string known;
  for (const json& row : rows(folder_ + "/o/sweep.jsonl", "finding"))
    known += row["id"].get<std::string>() + " 2999-12-31 known\n";
  write("known.txt", known);
  const Ran again = sigsweep("sweep --adapter mine.so --handler none --known known.txt");
  EXPECT_EQ(again.status, 0) << again.output;
}

TEST_F(RealAdapter, AScheduleIsRunOnAnotherBuild) {
  take_planted("target_below");
  std::string text = content(found());
  const std::size_t build = text.find("build=") + 6;
  text.replace(build, text.find('\n', build) - build, "77");
  write("other.sched", text);
  const Ran ran = sigsweep("replay --adapter mine.so other.sched");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("other.sched: of planted-target_below faulty, build 77; run on "),
            std::string::npos)
      << ran.output;
}

// A boundary in the library, which gdb knows only once that is loaded.
TEST_F(RealAdapter, GdbSendsTheSignalInTheLibrary) {
  if (run("gdb --version").status != 0) GTEST_SKIP() << "there is no gdb";
  write("f.sched",
        "sigsweep schedule 1\nisa amd64\nprotocol altstack\nop round_trip\n"
        "inject SIGPROF at suspend+0x0 handler=none\n");
  const Ran ran = sigsweep("replay --inject external --adapter mine.so f.sched");
  if (ran.status == 77) GTEST_SKIP() << ran.output;
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("=> suspend+0x00"), std::string::npos) << ran.output;
}

TEST_F(RealAdapter, ExplainShowsTheLibrarysInstructions) {
  const Ran ran = sigsweep("explain --adapter mine.so --site round_trip");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_TRUE(std::regex_search(ran.output, std::regex("swapcontext.*:\n  \\+0x000  ")))
      << ran.output;
}

}  // namespace
}  // namespace sigsweep
