// The command as its users see it: exit statuses, what is printed, the files that it writes. Runs
// the programs of this build; SIGSWEEP_BIN is their folder, SIGSWEEP_SOURCE the checkout.
#include <fmt/format.h>
#include <sys/auxv.h>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

const std::string kGood =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "op mcacheRefill_m\n"
    "inject SIGPROF at onM+0x0 handler=mcacheRefill_m\n"
    "expect arg-clobbered s0\n";

const std::string kTwoSignals =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "op mcacheRefill_m\n"
    "inject SIGPROF at onM+0x0 handler=mcacheRefill_m\n"
    "inject SIGPROF at onM+0x9 handler=mcacheRefill_m\n";

const std::string kHarmless =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "op mcacheRefill_m\n";

// Five operations and three signals, of which one is to blame.
const std::string kFiveOperations =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "seed 7\n"
    "op scavenge_m\n"
    "op ready_m p0=0x77\n"
    "inject SIGPROF at onM+0x0 handler=none\n"
    "op gc_m s0=0x1234 s1=0x9999 s2=0x4242\n"
    "inject SIGPROF at gc_m_call+0x0 by=kill handler=mcacheRefill_m s0=0x5555\n"
    "inject SIGALRM at onM+0x0 by=itimer handler=setgcpercent_m s0=0x6666\n"
    "op largeAlloc_m\n"
    "op mheap_free_m\n";

// Four signals, of which the first two spoil one slot each.
const std::string kFourSignals =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "seed 7\n"
    "op mheap_free_m\n"
    "inject SIGPROF at mcall+0x0 handler=ready_m\n"
    "inject SIGPROF at mheap_free_m+0x0 handler=setgcpercent_m\n"
    "inject SIGPROF at gogo+0x0 handler=scavenge_m\n"
    "inject SIGPROF at gogo+0x4 handler=ready_m\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

// ---- usage

TEST_F(Command, WrongUsageIsStatus2) {
  for (const char* arguments :
       {"", "nonsense", "prove --nonsense", "sweep --protocol nonsense", "sweep --site nonsense",
        "sweep --handler nonsense", "sweep --inject nonsense", "sweep --depth 3",
        "prove --claim 99", "prove --assume legacy", "prove --assume nonsense=ok",
        "prove --assume legacy=nonsense", "replay", "explain", "explain --site all",
        "bench --nonsense", "sweep --jobs 0", "sweep --subject nonsense",
        "prove --subject fcontext"}) {
    const Ran ran = sigsweep(arguments);
    EXPECT_EQ(ran.status, 2) << arguments << "\n" << ran.output;
    EXPECT_FALSE(ran.output.empty()) << arguments;
  }
}

// No number is taken for another one.
TEST_F(Command, ANumberThatIsNoneIsRefused) {
  for (const std::string command :
       {"sweep --random", "sweep --seed", "sweep --jobs", "sweep --depth", "replay x --times",
        "storm --throws", "storm --rate", "storm --ms", "storm --gs", "storm --altstack"}) {
    for (const char* number : {"-1", "-5", "99999999999999999999", "1.5", "x"}) {
      const Ran ran = sigsweep(command + " " + number);
      EXPECT_EQ(ran.status, 2) << command << " " << number << "\n" << ran.output;
      EXPECT_NE(ran.output.find(command.substr(command.find("--")) + ": "), std::string::npos)
          << command << " " << number << "\n"
          << ran.output;
    }
  }
}

TEST_F(Command, AFlagThatWouldHaveNoEffectIsRefused) {
  for (const std::string flag :
       {"--json r.jsonl", "--out o", "--shard 1/2", "--depth 2", "--inject kill", "--contain fork",
        "--jobs 2", "--known k", "--assume legacy=ok"}) {
    const Ran ran = sigsweep("sweep --site gc_m --random 100 " + flag);
    EXPECT_EQ(ran.status, 2) << flag << ran.output;
    const std::string excluded = flag.substr(0, flag.find(' ')) + " excludes --random";
    EXPECT_NE(ran.output.find(excluded), std::string::npos) << flag << ran.output;
  }
  for (const char* arguments :
       {"explain --site gc_m --depth 2", "explain --site gc_m --contain fork", "prove --known k",
        "storm --known k", "merge --known k x", "merge --assume legacy=ok x",
        "shrink --times 3 x"}) {
    const Ran ran = sigsweep(arguments);
    EXPECT_EQ(ran.status, 2) << arguments << ran.output;
    EXPECT_NE(ran.output.find("not expected: "), std::string::npos) << arguments << ran.output;
  }
}

TEST_F(Command, AnUnknownNameSaysWhatIsAllowed) {
  EXPECT_NE(sigsweep("sweep --protocol nonsense").output.find("signalok_saved"), std::string::npos);
}

TEST_F(Command, EveryCommandHasHelp) {
  for (const char* command : {"prove", "sweep", "replay", "explain", "list", "bench"}) {
    EXPECT_EQ(sigsweep(std::string(command) + " --help").status, 0) << command;
  }
}

// ---- runners

TEST_F(Command, ARunnerThatIsNotBuiltIsSkipped) {
  // Nor one that is, where the emulator is missing that would run it.
  const Ran ran = run("PATH=/nonexistent " + kBin + "/sigsweep prove --isa arm 2>&1");
  EXPECT_EQ(ran.status, 77);
  EXPECT_NE(ran.output.find("isa arm"), std::string::npos) << ran.output;
}

TEST_F(Command, ARunnerThatCannotStartOrDiesOutsideATrialIsStatus3) {
  EXPECT_EQ(sigsweep("sweep --runner /bin/false").status, 3);
  EXPECT_EQ(sigsweep("sweep --runner " + write("not-a-program", "x")).status, 3);
}

TEST_F(Command, ADeathIsBookedOnItsTrialAndTheSweepGoesOn) {
  const Ran ran = sabotaged(
      "die", "--protocol signalok_saved --site mcacheRefill_m,gc_m --handler mcacheRefill_m,gc_m");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const auto cells = rows(folder_ + "/r.jsonl", "cell");
  ASSERT_EQ(cells.size(), 4U) << ran.output;
  for (const json& cell : cells) {
    EXPECT_EQ(cell["trials"], cell["boundaries"]);
    EXPECT_EQ(cell["landed"], cell["requested"]);
    EXPECT_GT(cell["verdicts"]["crash"], 0);
    EXPECT_GT(cell["verdicts"]["ok"], 0);
    EXPECT_FALSE(cell["expected"]);
  }
}

// ---- trials in copies of the runner

// The cells of a sweep by this runner, without what differs from run to run.
std::map<std::string, json> cells_by_name(const std::vector<json>& rows, std::uint64_t* copies) {
  std::map<std::string, json> cells;
  for (json cell : rows) {
    *copies += cell.value("copies", std::uint64_t{0});
    for (const char* key : {"seconds", "stacks", "copies"}) cell.erase(key);
    cells[cell["protocol"].get<std::string>() + " " + cell["handler"].get<std::string>()] = cell;
  }
  return cells;
}

TEST_F(Command, TrialsInCopiesGiveTheSameCellsAndFindings) {
  const std::string asked =
      "sweep --protocol legacy,signalok_raw,signalok_saved --site gc_m --handler none,gc_m "
      "--assume legacy=ok --json r.jsonl --out out";
  std::map<std::string, json> cells[2];
  std::uint64_t copies[2] = {};
  std::set<std::string> findings[2];
  for (const unsigned fragile : {0U, 1U}) {
    const std::string runner = " --runner " + kBin + "/runner-amd64-fragile";
    const Ran ran = sigsweep(asked + (fragile != 0 ? runner : ""));
    EXPECT_EQ(ran.status, 1) << ran.output;
    cells[fragile] = cells_by_name(rows(folder_ + "/r.jsonl", "cell"), &copies[fragile]);
    for (const json& row : rows(folder_ + "/r.jsonl", "finding")) {
      findings[fragile].insert(row["id"].get<std::string>() + " " +
                               row["detail"].get<std::string>());
    }
  }
  EXPECT_EQ(cells[0], cells[1]);
  EXPECT_EQ(findings[0], findings[1]);
  EXPECT_EQ(copies[0], 0U);
  std::uint64_t wrong = 0;
  for (const auto& [name, cell] : cells[1]) {
    wrong += cell["trials"].get<std::uint64_t>() - cell["verdicts"].value("ok", std::uint64_t{0});
  }
  EXPECT_GT(wrong, 0U);
  EXPECT_EQ(copies[1], wrong);
}

TEST_F(Command, TheDeathOfACopyIsBookedOnItsTrial) {
  const Ran ran = sabotaged("die",
                            "--protocol signalok_saved --site mcacheRefill_m,gc_m --handler "
                            "mcacheRefill_m,gc_m",
                            "fragile-sabotaged");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const auto cells = rows(folder_ + "/r.jsonl", "cell");
  ASSERT_EQ(cells.size(), 4U) << ran.output;
  for (const json& cell : cells) {
    EXPECT_EQ(cell["trials"], cell["boundaries"]);
    EXPECT_EQ(cell["landed"], cell["requested"]);
    EXPECT_EQ(cell["copies"], cell["verdicts"]["crash"]);
    EXPECT_GT(cell["verdicts"]["ok"], 0);
  }
  EXPECT_NE(ran.output.find("crash: the process died of a signal"), std::string::npos)
      << ran.output;
}

TEST_F(Command, AFindingOfACopyIsReplayedAndShrunk) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const std::string runner = " --runner " + kBin + "/runner-amd64-fragile ";
  const std::string file = write("f.sched",
                                 "sigsweep schedule 1\nisa amd64\nprotocol legacy\nop gc_m\n"
                                 "inject SIGPROF at gc_m_call+0x48 handler=gc_m\nexpect crash\n");
  for (const std::string& command :
       {fmt::format("replay{}{}", runner, file), fmt::format("shrink{}{}", runner, file)}) {
    const Ran here = sigsweep(command);
    EXPECT_EQ(here.status, 0) << here.output;
    EXPECT_NE(here.output.find("crash"), std::string::npos) << here.output;
  }
}

// A second signal does to the first one's handler what the first does to the operation; where that
// is not expected, the report shows the handler's values, not the operation's.
TEST_F(Command, PairsOfSignalsClobberAHandlerThatUsesTheSlotsAsTheyAre) {
  const std::string pairs =
      "sweep --depth 2 --protocol signalok_raw --site mcacheRefill_m --handler mcacheRefill_m "
      "--json r.jsonl --out out";
  const Ran ran = sigsweep(pairs);
  EXPECT_EQ(ran.status, 0) << ran.output;
  std::uint64_t clobbered = 0;
  for (const json& cell : rows(folder_ + "/r.jsonl", "cell")) {
    const json& verdicts = cell["verdicts"];
    const bool found = verdicts.contains("handler-clobbered");
    EXPECT_EQ(found, cell["form"] == "nested") << cell;
    if (found) clobbered += verdicts["handler-clobbered"].get<std::uint64_t>();
  }
  EXPECT_GT(clobbered, 0U);
  const Ran page = sigsweep(pairs + " --assume signalok_raw=ok");
  EXPECT_EQ(page.status, 1) << page.output;
  std::smatch values;
  const std::regex shown("handler-clobbered: .*\n  s0: expected (0x\\w+), got (0x\\w+)\n");
  ASSERT_TRUE(std::regex_search(page.output, values, shown)) << page.output;
  EXPECT_NE(values[1].str(), values[2].str());
}

// The watchdog's signal can't end it, so the watchdog ends its process.
TEST_F(Command, ATrialThatMasksAllSignalsAndLoopsIsAHang) {
  const Ran ran = sabotaged(
      "stuck", "--protocol signalok_saved --site mcacheRefill_m --handler mcacheRefill_m");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const json cell = rows(folder_ + "/r.jsonl", "cell").at(0);
  EXPECT_EQ(cell["trials"], cell["boundaries"]);
  EXPECT_EQ(cell["verdicts"]["hang"], cell["boundaries"].get<int>() - 49) << ran.output;
  EXPECT_EQ(cell["verdicts"]["ok"], 49);
}

// remember allows a hang, but a sweep in which every fiftieth handler loops would take hours.
TEST_F(Command, ASweepOfHangsIsCutShortAlsoWhereTheyAreAllowed) {
  const Ran ran = sabotaged("loop", "--protocol remember");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("too many trials hung or ended their runner"), std::string::npos)
      << ran.output;
  EXPECT_LT(rows(folder_ + "/r.jsonl", "cell").size(), 400U);
}

TEST_F(Command, AnInjectionThatDoesNotLandFailsTheRun) {
  const Ran ran = sabotaged(
      "deaf",
      "--protocol signalok_saved --site mcacheRefill_m --handler mcacheRefill_m --inject kill");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("did not land"), std::string::npos);
  EXPECT_EQ(rows(folder_ + "/r.jsonl", "cell").at(0)["landed"], 0);
}

// ---- results

TEST_F(Command, ResultsThatCannotBeWrittenAreStatus3) {
  EXPECT_EQ(sigsweep("sweep --site scavenge_m --json /dev/full").status, 3);
  EXPECT_EQ(sigsweep("sweep --site scavenge_m --json /proc/nowhere/r.jsonl").status, 3);
  EXPECT_EQ(sigsweep("prove --out /proc/nowhere").status, 3);
}

TEST_F(Command, InterruptedItKeepsWhatItHas) {
  const std::string file = folder_ + "/r.jsonl";
  const std::string sweep = kBin + "/sigsweep sweep --inject peer --json " + file;
  // SIGINT as soon as there is a first cell; a sweep by peer takes minutes.
  const Ran ran = run("cd " + folder_ + " && { " + sweep + " & pid=$!; until grep -q cell " + file +
                      " 2>/dev/null; do :; done; kill -INT $pid; wait $pid; }");
  EXPECT_EQ(ran.status, 4) << ran.output;
  EXPECT_EQ(validate(file).status, 0) << validate(file).output;
  EXPECT_FALSE(rows(file, "cell").empty());
}

// The last line has the status, whatever that is.
TEST_F(Command, EveryResultsFileHasAnEnd) {
  const std::pair<std::string, int> kRuns[] = {
      {"sweep --site gc_m --protocol closure", 0},
      {"sweep --site gc_m --protocol closure --assume closure=hang", 1},
      {"prove --claim 3 --site gc_m --depth 1", 0},
      {"prove --claim 2 --site gc_m --depth 1 --assume reject=hang", 1},
      {"storm --duration 200ms", 0},
      {"storm --duration 200ms --assume reject=ok", 1},
      {"storm --throws 1 --protocol closure", 2},
      {"storm --storm-runner /nowhere", 77}};
  for (const auto& [arguments, status] : kRuns) {
    const Ran ran = sigsweep(arguments + " --json r.jsonl");
    EXPECT_EQ(ran.status, status) << arguments << ran.output;
    const std::string file = folder_ + "/r.jsonl";
    EXPECT_EQ(validate(file).status, 0) << validate(file).output;
    const auto ends = rows(file, "end");
    ASSERT_EQ(ends.size(), 1U) << arguments;
    EXPECT_EQ(ends[0]["status"], status) << arguments;
    EXPECT_EQ(ends[0]["cells"], rows(file, "cell").size()) << arguments;
  }
}

// Two at once in one place: the second one says so, and leaves the first one's lines alone.
TEST_F(Command, AFileThatAnotherRunWritesIsRefused) {
  for (const std::string command :
       {"sweep --inject peer", "prove --inject peer", "storm --duration 99s"}) {
    const std::string out = folder_ + "/" + command.substr(0, 5);
    std::string once = kBin;
    once.append("/sigsweep ").append(command).append(" --out ").append(out);
    std::string both = "cd " + folder_;
    both += " && { " + once;
    both += " >first 2>&1 & pid=$!; until grep -qs run " + out;
    both += "/*.jsonl; do :; done; " + once;
    both += "; echo status $?; kill $pid; wait $pid; }";
    const Ran ran = run(both);
    EXPECT_EQ(ran.status, 4) << ran.output;
    EXPECT_NE(ran.output.find(".jsonl: another run is writing it; --out or --json names another "
                              "place\nstatus 3\n"),
              std::string::npos)
        << ran.output;
    for (const auto& file : fs::directory_iterator(out)) {
      if (file.path().extension() != ".jsonl") continue;
      const Ran valid = validate(file.path().string());
      EXPECT_EQ(valid.status, 0) << valid.output;
    }
  }
  // What is no file is nobody's.
  EXPECT_EQ(sigsweep("sweep --site gc_m --json /dev/null").status, 0);
}

// ---- where it is started

// On a terminal (a pseudo-terminal of python's), with this TERM.
class Terminal : public Command {
 protected:
  Ran on_terminal(const std::string& term) {
    return run("cd " + folder_ + " && " + term +
               " /usr/bin/python3 -c 'import pty, sys; sys.exit(" +
               "pty.spawn(sys.argv[1:]) >> 8)' " + kBin +
               "/sigsweep prove --claim 3 --site gc_m --depth 1 </dev/null");
  }
};

TEST_F(Terminal, HasEscapeCodesOnlyIfItTakesThem) {
  const Ran coloured = on_terminal("TERM=xterm");
  EXPECT_EQ(coloured.status, 0) << coloured.output;
  EXPECT_NE(coloured.output.find('\033'), std::string::npos) << coloured.output;
  for (const char* term : {"TERM=dumb", "TERM=", "env -u TERM"}) {
    const Ran plain = on_terminal(term);
    EXPECT_EQ(plain.status, 0) << plain.output;
    EXPECT_NE(plain.output.find("claim 3  holds"), std::string::npos) << plain.output;
    EXPECT_EQ(plain.output.find('\033'), std::string::npos) << term << plain.output;
  }
}

// Of a standard stream that is closed nothing else takes the place.
TEST_F(Command, ClosedStreams) {
  const std::string in_folder = "cd " + folder_ + " && " + kBin + "/sigsweep ";
  const Ran all = run("{ " + in_folder + "list <&- >&- 2>&-; }");
  EXPECT_EQ(all.status, 3) << all.output;
  const Ran output = run("{ " + in_folder + "prove --claim 3 --site gc_m --depth 1 2>err >&-; }");
  EXPECT_EQ(output.status, 3) << output.output;
  const Ran said = run("cat " + folder_ + "/err");
  EXPECT_EQ(said.output, "sigsweep: standard output is closed: there is no place for the result\n");
  EXPECT_EQ(run("{ " + in_folder + "sweep --site gc_m --json r.jsonl <&- 2>&-; }").status, 0);
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
  for (const char* runner : {"/runner-amd64", "/runner-amd64-storm"}) {
    EXPECT_EQ(run("{ " + kBin + runner + " <&- >&- 2>&-; }").status, 3) << runner;
  }
}

TEST_F(Command, AnOutputThatCannotBeWrittenToIsStatus3) {
  for (const char* arguments : {"list >/dev/full", "list >/dev/full 2>&1", "--help >/dev/full"}) {
    EXPECT_EQ(sigsweep(std::string(arguments)).status, 3) << arguments;
  }
}

TEST_F(Command, AStackThatIsTooSmallIsRefused) {
  const std::string message =
      ": the stack is limited to 64 KiB; at least 256 are needed (ulimit -s)";
  for (const char* program : {"sigsweep list", "runner-amd64", "runner-amd64-storm"}) {
    const Ran ran = run("ulimit -s 64; " + kBin + "/" + program + " </dev/null");
    EXPECT_EQ(ran.status, 3) << program << ran.output;
    EXPECT_NE(ran.output.find(message), std::string::npos) << program << ran.output;
  }
}

TEST_F(Command, AFolderThatCannotBeMadeIsNamed) {
  const std::string file = write("file", "");
  for (const std::string command : {"sweep --site gc_m", "prove --claim 3", "storm"}) {
    const Ran ran = sigsweep(command + " --out file/deeper");
    EXPECT_EQ(ran.status, 3) << ran.output;
    EXPECT_NE(ran.output.find("the folder file/deeper cannot be made: Not a directory"),
              std::string::npos)
        << ran.output;
  }
  write("a.sched", kGood);
  EXPECT_NE(sigsweep("shrink --out file/deeper a.sched").output.find("Not a directory"),
            std::string::npos);
}

// ---- SIGINT and SIGTERM

// A command that is told to stop while its children are at work. What it starts is known by a word
// in its environment.
class Stopped : public Command {
 protected:
  ~Stopped() override {
    for (const pid_t pid : processes()) kill(pid, SIGKILL);
  }
  // A runner that never says a word.
  std::string silent() {
    const std::string path = write("silent", "#!/bin/sh\nexec sleep 1000\n");
    fs::permissions(path, fs::perms::owner_all);
    return " --runner " + path;
  }
  // A file that nobody writes to: whoever reads it waits.
  std::string fifo() {
    std::string path = folder_ + "/fifo";
    mkfifo(path.c_str(), 0600);
    return path;
  }
  // Is it past its start, and at rest?
  static bool waits(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    in >> number >> name >> state;
    return name == "(sigsweep)" && state == "S";
  }
  std::string log() const {
    std::ifstream in(folder_ + "/log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Signals it, or its group, as soon as it has so many processes: it ends with status 4 and a
  // reason, and nothing of it is left.
  void expect_stops(const std::string& arguments, std::size_t children, int sig, bool group) {
    const pid_t pid = start(arguments);
    const auto begun = [&] { return processes().size() > children && waits(pid); };
    EXPECT_TRUE(await(begun)) << arguments << log();
    kill(group ? -pid : pid, sig);
    int status = 0;
    EXPECT_TRUE(await([&] { return waitpid(pid, &status, WNOHANG) == pid; })) << arguments;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 4) << arguments << status << log();
    EXPECT_NE(log().find("sigsweep: stopped"), std::string::npos) << arguments << log();
    EXPECT_TRUE(await([&] { return processes().empty(); })) << arguments;
  }
};

// Whatever it waits for.
TEST_F(Stopped, EachCommandThatWaitsForItsRunner) {
  const std::string file = write("a.sched", kGood);
  for (const std::string command : {"prove", "sweep", "sweep --random 9", "storm", "explain",
                                    "list", "bench", "shrink a.sched", "replay a.sched"}) {
    expect_stops(command + silent(), 1, SIGTERM, false);
    expect_stops(command + silent(), 1, SIGINT, true);
  }
}

// What the runners have forked, or gdb runs, goes too.
TEST_F(Stopped, EachCommandAtWork) {
  write("a.sched", kGood);
  const std::pair<std::string, std::size_t> kLong[] = {
      {"prove --depth 2 --jobs 2", 3},
      {"sweep --inject peer", 1},
      {"sweep --contain fork --depth 2", 2},
      {"sweep --random 1000000000", 1},
      {"storm --duration 600s --throws 1000000", 3},
      {"replay --times 1000000 a.sched", 1},
      {"replay --inject external --times 1000000 a.sched", 3},
      {"bench --benchmark_min_time=1000", 1},
  };
  for (const auto& [command, children] : kLong) {
    for (const int sig : {SIGINT, SIGTERM}) {
      for (const bool group : {false, true}) expect_stops(command, children, sig, group);
    }
  }
}

TEST_F(Stopped, WhatReadsAFileThatDoesNotEnd) {
  for (const std::string command : {"merge --json x.jsonl ", "replay ", "shrink "}) {
    expect_stops(command + fifo(), 0, SIGTERM, false);
  }
}

TEST_F(Command, EveryLineOfASweepFitsTheSchema) {
  ASSERT_EQ(
      sigsweep("sweep --site largeAlloc_m,gosched_m --handler all,none --json r.jsonl").status, 0);
  const Ran valid = validate(folder_ + "/r.jsonl");
  EXPECT_EQ(valid.status, 0) << valid.output;
  ASSERT_EQ(
      sigsweep("sweep --site largeAlloc_m --protocol legacy --assume legacy=ok --json f.jsonl")
          .status,
      1);
  EXPECT_EQ(validate(folder_ + "/f.jsonl").status, 0);
  EXPECT_FALSE(rows(folder_ + "/f.jsonl", "finding").empty());
}

// "0 mismatches" is said only where trials were held against a prediction.
TEST_F(Command, ASweepSaysWhetherAnythingWasPredicted) {
  const std::string cell = "sweep --site gc_m --handler gc_m --protocol ";
  for (const char* protocol : {"legacy", "reject"}) {
    const Ran ran = sigsweep(cell + protocol);
    EXPECT_NE(ran.output.find(" 0 unreached, nothing predicted, "), std::string::npos)
        << ran.output;
  }
  const Ran ran = sigsweep(cell + "signalok_raw,legacy");
  EXPECT_NE(ran.output.find(" 0 unreached, 0 predicted mismatches, "), std::string::npos)
      << ran.output;
}

TEST_F(Command, AFindingKeepsItsId) {
  std::string first;
  for (int i = 0; i < 2; i++) {
    sigsweep(
        "sweep --site gc_m --handler gc_m --protocol legacy --assume legacy=ok --json r.jsonl "
        "--seed " +
        std::to_string(i));
    std::string ids;
    for (const json& row : rows(folder_ + "/r.jsonl", "finding"))
      ids += row["id"].get<std::string>() + " ";
    EXPECT_FALSE(ids.empty());
    EXPECT_TRUE(first.empty() || ids == first);
    first = ids;
  }
}

TEST_F(Command, AnAcknowledgedFindingIsReportedAndDoesNotFail) {
  const std::string sweep =
      "sweep --site gc_m --handler gc_m --protocol legacy --assume legacy=ok --json r.jsonl";
  ASSERT_EQ(sigsweep(sweep).status, 1);
  std::string until_2999, until_2001;
  for (const json& row : rows(folder_ + "/r.jsonl", "finding")) {
    EXPECT_FALSE(row["known"].get<bool>());
    until_2999 += row["id"].get<std::string>() + " 2999-12-31 the parent commit\n";
    until_2001 += row["id"].get<std::string>() + " 2001-12-31 the parent commit\n";
  }
  const Ran known = sigsweep(sweep + " --known " + write("known.txt", "# all\n" + until_2999));
  EXPECT_EQ(known.status, 0);
  EXPECT_NE(known.output.find(": the parent commit\n"), std::string::npos) << known.output;
  for (const json& row : rows(folder_ + "/r.jsonl", "finding"))
    EXPECT_TRUE(row["known"].get<bool>());

  const Ran expired = sigsweep(sweep + " --known " + write("known.txt", until_2001));
  EXPECT_EQ(expired.status, 1);
  EXPECT_NE(expired.output.find("was acknowledged until 2001-12-31"), std::string::npos);
  const std::string all_but_one = until_2999.substr(until_2999.find('\n') + 1);
  EXPECT_EQ(sigsweep(sweep + " --known " + write("known.txt", all_but_one)).status, 1);
}

TEST_F(Command, AWrongListOfAcknowledgedFindings) {
  const std::map<std::string, std::string> wrong = {
      {"nothex\n", ":1:1: "},
      {"# good\n0123456789abcdef 2026-13-01 why\n", ":2:18: "},
      {"0123456789abcdef\n", ":1:18: "},
      {"0123456789abcdef 2026-12-01\n", ":1:28: "},
  };
  for (const auto& [text, place] : wrong) {
    const Ran ran = sigsweep("sweep --site gc_m --known " + write("known.txt", text));
    EXPECT_EQ(ran.status, 2) << text;
    EXPECT_NE(ran.output.find("known.txt" + place), std::string::npos) << ran.output;
  }
  EXPECT_EQ(sigsweep("sweep --known nowhere").status, 2);
}

// ---- sources: the same verdict at every boundary

std::map<std::string, std::string> maps(const std::vector<json>& cells) {
  std::map<std::string, std::string> found;
  for (const json& c : cells) {
    EXPECT_EQ(c["requested"],
              c["landed"].get<std::uint64_t>() + c["unreached"].get<std::uint64_t>());
    found[c["protocol"].get<std::string>() + " " + c["site"].get<std::string>() + " " +
          c["handler"].get<std::string>() + " " + c["form"].get<std::string>()] = c["map"];
  }
  return found;
}

TEST_F(Command, EverySourceGivesTheSameVerdicts) {
  const std::string five =
      "--site mcacheRefill_m,largeAlloc_m,setFinalizer_m,exitsyscallfast_pidle,mheap_alloc_m "
      "--handler all,none ";
  std::map<std::string, std::string> direct;
  for (const char* source : {"direct", "kill", "itimer"}) {
    const Ran ran = sigsweep("sweep " + five + "--json r.jsonl --inject " + source);
    ASSERT_EQ(ran.status, 0) << source << "\n" << ran.output;
    const auto found = maps(rows(folder_ + "/r.jsonl", "cell"));
    EXPECT_GT(found.size(), 500U);
    if (direct.empty()) direct = found;
    EXPECT_EQ(found, direct) << source;
  }
}

TEST_F(Command, AnotherThreadsSignalsGiveTheSameVerdictsToo) {
  const std::string some =
      "--site mcacheRefill_m,largeAlloc_m --handler mcacheRefill_m,gc_m,newproc_m ";
  for (const char* how : {"--json d.jsonl", "--json p.jsonl --inject peer"}) {
    const Ran ran = sigsweep("sweep " + some + how);
    ASSERT_EQ(ran.status, 0) << ran.output;
  }
  const auto cells = rows(folder_ + "/p.jsonl", "cell");
  std::uint64_t trials = 0;
  for (const json& c : cells) trials += c["trials"].get<std::uint64_t>();
  EXPECT_GE(trials, 2000U);
  EXPECT_EQ(maps(cells), maps(rows(folder_ + "/d.jsonl", "cell")));
}

// ---- the proof

json claim(const std::vector<json>& rows, unsigned id) {
  for (const json& row : rows) {
    if (row["id"] == id) return row;
  }
  return {};
}

// A statement has the quantifiers that ran, and what was left out stands beside it.
TEST_F(Command, NoClaimSaysMoreThanWasTried) {
  const std::string one_site = "prove --claim 5 --site scavenge_m --out ";
  const Ran all = sigsweep(one_site + "all"), single = sigsweep(one_site + "single --depth 1");
  EXPECT_EQ(all.status, 0) << all.output;
  EXPECT_EQ(single.status, 0) << single.output;
  const json whole = claim(rows(folder_ + "/all/prove.jsonl", "claim"), 5);
  const json part = claim(rows(folder_ + "/single/prove.jsonl", "claim"), 5);
  const std::string site = "; tried with site scavenge_m alone";
  EXPECT_EQ(whole["statement"],
            "signalok_saved is ok at every boundary, and at every pair of them" + site);
  EXPECT_EQ(whole["left_out"], json({"every other site"}));
  EXPECT_EQ(part["statement"], "signalok_saved is ok at every boundary, and at " +
                                   std::to_string(part["pairs"].get<unsigned>()) +
                                   " nested pairs of scavenge_m" + site);
  EXPECT_EQ(part["left_out"],
            json({"all other pairs of boundaries (--depth 1)", "every other site"}));
  EXPECT_GT(part["pairs"], 0);
  EXPECT_NE(
      single.output.find("left out: all other pairs of boundaries (--depth 1); every other site"),
      std::string::npos)
      << single.output;
  EXPECT_NE(single.output.find("the one claim holds, as far as it was tried"), std::string::npos)
      << single.output;
}

// The line about them says so. Pairs are named only where some were tried.
TEST_F(Command, RealThrowsAreAmongTheTrialsOfTheirClaim) {
  const Ran ran = sigsweep("prove --claim 2 --site scavenge_m --handler gc_m --out out");
  EXPECT_EQ(ran.status, 0) << ran.output;
  std::uint64_t in_cells = 0;
  for (const json& cell : rows(folder_ + "/out/prove.jsonl", "cell"))
    if (cell["handler"] == "gc_m") in_cells += cell["trials"].get<std::uint64_t>();
  std::smatch throws;
  const std::regex shown("\n +([0-9]+) of these trials are real throws in children, ");
  ASSERT_TRUE(std::regex_search(ran.output, throws, shown)) << ran.output;
  const json row = claim(rows(folder_ + "/out/prove.jsonl", "claim"), 2);
  EXPECT_EQ(row["trials"], in_cells + std::stoul(throws[1].str()));
  EXPECT_EQ(row["pairs"], 0);
  EXPECT_EQ(ran.output.find("pairs"), std::string::npos) << ran.output;
  const Ran pairs = sigsweep("prove --claim 5 --site scavenge_m --handler gc_m --depth 1");
  EXPECT_TRUE(std::regex_search(pairs.output, std::regex(" cells, [1-9][0-9]* pairs, ")))
      << pairs.output;
}

// Each claim of one signal is tried with signals that the kernel delivers, every signal in turn.
TEST_F(Command, ClaimsAreTriedWithSignalsThatTheKernelDelivers) {
  ASSERT_EQ(sigsweep("prove --claim 3 --depth 1 --site gc_m,scavenge_m --out out").status, 0);
  std::map<std::string, std::set<std::string>> sites;
  for (const json& cell : rows(folder_ + "/out/prove.jsonl", "cell")) {
    sites[cell["inject"].get<std::string>()].insert(cell["site"].get<std::string>());
    EXPECT_EQ(cell["landed"], cell["boundaries"]) << cell;
  }
  EXPECT_EQ(sites["direct"], (std::set<std::string>{"gc_m", "scavenge_m"}));
  EXPECT_EQ(sites["kill"], sites["direct"]);
  EXPECT_EQ(sites["itimer"].size(), 1U);
}

// Frames as AMX makes them, on any machine: the stacks have room, and nothing else changes.
TEST_F(Command, LargerFramesChangeNothing) {
  const auto used = [&](const std::string& folder) {
    std::uint64_t most = 0;
    for (const json& cell : rows(folder_ + "/" + folder + "/prove.jsonl", "cell")) {
      most = std::max(most, cell["stacks"]["gsignal"]["used"].get<std::uint64_t>());
    }
    return most;
  };
  constexpr unsigned kPad = 12000;  // bytes
  const std::string arguments =
      " prove --depth 1 --claim 3,5 --site mcacheRefill_m --verbose --out ";
  const Ran plain = run("cd " + folder_ + " && " + kBin + "/sigsweep" + arguments + "plain");
  const Ran padded = run("cd " + folder_ + " && SIGSWEEP_FRAME_PAD=" + std::to_string(kPad) + " " +
                         kBin + "/sigsweep" + arguments + "padded");
  EXPECT_EQ(plain.status, 0) << plain.output;
  EXPECT_EQ(padded.status, 0) << padded.output;
  constexpr unsigned kAlignment = 64;  // by which the compiler may round
  EXPECT_GE(used("padded"), used("plain") + 2 * (kPad - kAlignment));
  EXPECT_NE(padded.output.find("stacks used at most: g0 "), std::string::npos) << padded.output;
}

// What decides the size of a frame, and what a signal costs.
TEST_F(Command, TheRunRecordNamesWhatDecidesFrames) {
  ASSERT_EQ(sigsweep("sweep --protocol closure --site scavenge_m --json r.jsonl").status, 0);
  const json machine = rows(folder_ + "/r.jsonl", "run").at(0)["machine"];
  EXPECT_EQ(machine["least_signal_stack"], getauxval(AT_MINSIGSTKSZ));
  EXPECT_TRUE(machine["libc"].get<std::string>().starts_with("glibc ")) << machine;
  EXPECT_TRUE(machine["xcr0"].get<std::string>().starts_with("0x")) << machine;
  for (const char* key : {"microcode", "mitigations"}) EXPECT_TRUE(machine.contains(key)) << key;
}

// All cells of depth 1; the pairs are those of two sites here, and all of them in scripts/prove.
TEST_F(Command, TheProofHolds) {
  const Ran ran = sigsweep("prove --depth 1 --duration 1s");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_TRUE(std::regex_search(ran.output, std::regex("\nall [0-9]+ claims hold"))) << ran.output;
  EXPECT_EQ(validate(folder_ + "/results/prove/prove.jsonl").status, 0);
}

TEST_F(Command, TheProofHoldsForPairs) {
  const Ran pairs = sigsweep(
      "prove --claim 5,6,8 --site scavenge_m,ready_m@g0 --handler mcacheRefill_m,setFinalizer_m");
  EXPECT_EQ(pairs.status, 0) << pairs.output;
  for (const json& cell : rows(folder_ + "/results/prove/prove.jsonl", "cell")) {
    EXPECT_EQ(cell["depth"], cell["form"] == "single" ? 1 : 2);
    EXPECT_EQ(cell["requested"],
              cell["landed"].get<std::uint64_t>() + cell["unreached"].get<std::uint64_t>());
    if (cell["protocol"] != "remember") {
      EXPECT_EQ(cell["unreached"], 0);
    }
  }
  EXPECT_EQ(validate(folder_ + "/results/prove/prove.jsonl").status, 0);
}

class Assumption : public Command, public testing::WithParamInterface<const char*> {};

TEST_P(Assumption, AWrongOneFailsWithAScheduleThatReplays) {
  const Ran ran = sigsweep(
      std::string("prove --depth 1 --duration 1s --out out --site mcacheRefill_m,gc_m --assume ") +
      GetParam() + "=ok");
  EXPECT_EQ(ran.status, 1) << ran.output;
  unsigned files = 0;
  for (const auto& entry : fs::directory_iterator(folder_ + "/out/counterexamples")) {
    files++;
    EXPECT_EQ(sigsweep("replay " + entry.path().string()).status, 0) << entry.path();
  }
  EXPECT_GT(files, 0U);
}
INSTANTIATE_TEST_SUITE_P(Protocols, Assumption,
                         testing::Values("signalok_raw", "legacy", "reject"));

TEST_F(Command, WithoutTheCheckInTheStubClaim2Fails) {
  const Ran ran = sigsweep("prove --claim 2 --site mcacheRefill_m,gc_m --runner " + kBin +
                           "/runner-amd64-unchecked");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("claim 2  FAILS"), std::string::npos) << ran.output;
}

// ---- confirmation by other means

TEST_F(Command, ADebuggerConfirmsEveryHazard) {
  const Ran ran = sigsweep("replay --inject external " + kSource + "/corpus/hazards/*.sched");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

// Where gdb is missing, or may trace nothing, that is said, and is no pass.
TEST_F(Command, WithoutADebuggerItIsSkipped) {
  const std::string replay = kBin + "/sigsweep replay --inject external " + write("a.sched", kGood);
  const Ran missing = run("PATH=/nonexistent " + replay);
  EXPECT_EQ(missing.status, 77) << missing.output;
  EXPECT_NE(missing.output.find("skipped: by=external needs gdb, which is not installed"),
            std::string::npos)
      << missing.output;
  const std::string refused = write("gdb",
                                    "#!/bin/sh\necho 'warning: Could not trace the inferior "
                                    "process.'\necho 'ptrace: Operation not permitted.'\n");
  fs::permissions(refused, fs::perms::owner_all);
  const Ran traces = run("PATH=" + folder_ + ":$PATH " + replay);
  EXPECT_EQ(traces.status, 77) << traces.output;
  EXPECT_NE(traces.output.find("skipped: by=external: gdb may trace nothing here: Could not trace"),
            std::string::npos)
      << traces.output;
}

// The command line that a finding prints, run as it is, and the signal sent where it stops.
class InGdb : public Command {
 protected:
  void SetUp() override { SIGSWEEP_NEEDS_PLAIN_CODE(); }
  Ran open(const Ran& printed) {
    std::smatch line;
    const std::regex lines("in gdb:  gdb -q (.*) (--args .*)\n +there: (signal SIG\\w+)\n");
    if (!std::regex_search(printed.output, line, lines)) return {-1, "no line: " + printed.output};
    return run("cd '" + folder_ + "' && gdb -q -nx -batch " + line[1].str() + " -ex '" +
               line[3].str() + "' " + line[2].str() + " </dev/null");
  }
  // Replays the schedule, and again in gdb: as many signals arrive, and the operation's verdict is
  // this.
  void expect(const std::string& schedule, const std::string& verdict) {
    fs::create_directories(folder_ + "/it's here");
    write("it's here/a.sched", schedule);
    const Ran replayed = sigsweep("replay \"it's here/a.sched\"");
    const Ran ran = open(replayed);
    EXPECT_NE(ran.output.find(verdict), std::string::npos) << replayed.output << ran.output;
  }
};

TEST_F(InGdb, StopsAtThePassThatCounts) {
  expect(kGood, "mcacheRefill_m: arg-clobbered s0; 1 of 1 signals arrived");
  const std::string second = replaced(kGood, "op mcacheRefill_m", "op ready_m_casgstatus");
  expect(replaced(second, "onM+0x0 handler=mcacheRefill_m", "onM+0x0 nth=2 handler=ready_m"),
         "ready_m_casgstatus: arg-clobbered p0; 1 of 1 signals arrived");
  expect(replaced(kGood, "SIGPROF at", "SIGUSR2 at"), "arg-clobbered s0; 1 of 1 signals arrived");
}

// Where the file has another build's boundary, a file is written that gdb's runner can take.
TEST_F(InGdb, StopsWhereAPhaseWasFound) {
  expect(replaced(kGood, "onM+0x0", "onM+0x999 phase=stub.switched/g=g0/sp=curg/live=s0#1"),
         "mcacheRefill_m: arg-clobbered s0; 1 of 1 signals arrived");
}

TEST_F(InGdb, SendsTheSignalsBeforeIt) {
  expect(replaced(kFourSignals, "op ", "op scavenge_m\nop "),
         "mheap_free_m: arg-clobbered s0+p0; 2 of 4 signals arrived");
  expect(replaced(kFourSignals, "mheap_free_m+0x0 handler=setgcpercent_m",
                  "onM_signalok+0x0 in=1 handler=ready_m"),
         "mheap_free_m: handler-clobbered p0; 2 of 4 signals arrived");
}

// The first one's handler passes the second one's boundary, which does not count.
TEST_F(InGdb, CountsNoPassOfAHandler) {
  const std::string second = "inject SIGPROF at mcacheRefill_m+0x0 handler=mcacheRefill_m\nexpect";
  expect(replaced(replaced(kGood, "onM+0x0", "mcacheRefill_m_call+0x0"), "expect", second),
         "mcacheRefill_m: arg-clobbered s0; 2 of 2 signals arrived");
}

TEST_F(InGdb, OpensWhatASweepHasFound) {
  const Ran swept = sigsweep(
      "sweep --protocol remember --site ready_m@g0 --handler mcacheRefill_m "
      "--assume remember=hang --out 'an out'");
  EXPECT_EQ(swept.status, 1) << swept.output;
  EXPECT_NE(swept.output.find("handler mcacheRefill_m: stack-smash: "), std::string::npos)
      << swept.output;
  const Ran ran = open(swept);
  EXPECT_NE(ran.output.find("ready_m@g0: stack-smash -; 1 of 1 signals"), std::string::npos)
      << swept.output << ran.output;
}

TEST_F(Command, ADebuggerSendsOneSignalInAnOperation) {
  const Ran ran = sigsweep("replay --inject external " + write("two.sched", kTwoSignals));
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("two.sched:6:19: by=external sends one signal"), std::string::npos)
      << ran.output;
}

// Where the machine has no working debug registers, that is said, and is no pass.
TEST_F(Command, HardwareBreakpointsAgreeOrSayWhyNot) {
  const std::string cells = "sweep --site mcacheRefill_m,gc_m --json ";
  const Ran ran = sigsweep(cells + "h.jsonl --inject hwbreak");
  if (ran.status == 77) {
    EXPECT_NE(ran.output.find("skipped: --inject hwbreak: perf_event_open"), std::string::npos)
        << ran.output;
    return;
  }
  ASSERT_EQ(ran.status, 0) << ran.output;
  ASSERT_EQ(sigsweep(cells + "d.jsonl").status, 0);
  EXPECT_EQ(maps(rows(folder_ + "/h.jsonl", "cell")), maps(rows(folder_ + "/d.jsonl", "cell")));
}

TEST_F(Command, ForkedTrialsGiveTheSameVerdicts) {
  const std::string cells =
      "sweep --site exitsyscallfast_pidle --handler largeAlloc_m,none --json ";
  ASSERT_EQ(sigsweep(cells + "f.jsonl --contain fork").status, 0);
  ASSERT_EQ(sigsweep(cells + "p.jsonl").status, 0);
  EXPECT_EQ(maps(rows(folder_ + "/f.jsonl", "cell")), maps(rows(folder_ + "/p.jsonl", "cell")));
}

TEST_F(Command, RandomTrialsNeverChangeTheirVerdict) {
  const Ran ran = sigsweep("sweep --site mcacheRefill_m,gc_m,mheap_alloc_m --random 20000");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("20000 random trials, 20000 signals landed, 0 changes of verdict"),
            std::string::npos)
      << ran.output;
}

// ---- pairs and shards

TEST_F(Command, TwoShardsAreTheWholeRun) {
  const std::string cells =
      "sweep --depth 2 --site scavenge_m,ready_m@g0 --handler mcacheRefill_m "
      "--protocol signalok_saved,closure,remember --json ";
  ASSERT_EQ(sigsweep(cells + "all.jsonl").status, 0);
  ASSERT_EQ(sigsweep(cells + "1.jsonl --shard 1/2").status, 0);
  ASSERT_EQ(sigsweep(cells + "2.jsonl --shard 2/2").status, 0);
  ASSERT_EQ(sigsweep("merge --json both.jsonl 2.jsonl 1.jsonl").status, 0);
  const auto whole = maps(rows(folder_ + "/all.jsonl", "cell"));
  EXPECT_EQ(whole.size(), 12U);
  EXPECT_EQ(maps(rows(folder_ + "/both.jsonl", "cell")), whole);
  EXPECT_EQ(validate(folder_ + "/both.jsonl").status, 0);

  const Ran missing = sigsweep("merge --json x.jsonl 1.jsonl");
  EXPECT_EQ(missing.status, 2);
  EXPECT_NE(missing.output.find("missing shards: 2 of 2"), std::string::npos) << missing.output;
  const Ran doubled = sigsweep("merge --json x.jsonl 1.jsonl 2.jsonl 1.jsonl");
  EXPECT_EQ(doubled.status, 0);
  EXPECT_NE(doubled.output.find("1 of the files are of a shard that was given already"),
            std::string::npos)
      << doubled.output;
  ASSERT_EQ(sigsweep(cells + "3.jsonl --seed 2 --shard 2/2").status, 0);
  EXPECT_EQ(sigsweep("merge --json x.jsonl 1.jsonl 3.jsonl").status, 2) << "of another run";
  EXPECT_EQ(sigsweep(cells + "x.jsonl --shard 3/2").status, 2);
}

class Shards : public Command {
 protected:
  // Both shards of a small sweep, as 1.jsonl and 2.jsonl, and their statuses.
  std::pair<int, int> sweep(const std::string& arguments) {
    const std::string command = "sweep --site gc_m,mcacheRefill_m --handler gc_m " + arguments;
    return {sigsweep(command + " --json 1.jsonl --shard 1/2").status,
            sigsweep(command + " --json 2.jsonl --shard 2/2").status};
  }
  std::vector<std::string> lines(const std::string& name) {
    std::vector<std::string> found;
    std::ifstream in(folder_ + "/" + name);
    for (std::string line; std::getline(in, line);) found.push_back(line + "\n");
    return found;
  }
  // The shard with one of its lines replaced, merged with the other one: status 2, and this
  // message.
  void expect_refused(std::size_t line, const std::string& text, const std::string& message) {
    auto all = lines("1.jsonl");
    ASSERT_LT(line, all.size());
    all[line] = text;
    std::string joined;
    for (const std::string& each : all) joined += each;
    const Ran ran = sigsweep("merge --json x.jsonl 2.jsonl " + write("bad.jsonl", joined));
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_NE(ran.output.find("bad.jsonl" + message), std::string::npos) << ran.output;
  }
};

TEST_F(Shards, HaveLikeWork) {
  const std::string cells =
      "sweep --depth 2 --site mcacheRefill_m,ready_m,gc_m --protocol closure,signalok_saved "
      "--handler gc_m,ready_m --shard ";
  std::uint64_t most = 0, all = 0;
  for (const char* part : {"1/3", "2/3", "3/3"}) {
    ASSERT_EQ(sigsweep(cells + part + " --json part.jsonl").status, 0);
    std::uint64_t trials = 0;
    for (const json& row : rows(folder_ + "/part.jsonl", "cell")) {
      trials += row["trials"].get<std::uint64_t>();
    }
    most = std::max(most, trials);
    all += trials;
  }
  EXPECT_LE(10 * 3 * most, 13 * all) << most << " of " << all;
}

TEST_F(Shards, ThatDifferAreNotTakenForOne) {
  ASSERT_EQ(sweep("--protocol closure"), std::pair(0, 0));
  std::string changed;
  for (const std::string& line : lines("1.jsonl")) {
    changed += line.find("\"kind\":\"cell\"") == line.npos
                   ? line
                   : std::regex_replace(line, std::regex("\"map\":\"."), "\"map\":\"x");
  }
  const Ran ran = sigsweep("merge --json x.jsonl 1.jsonl 2.jsonl " + write("again.jsonl", changed));
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("both are shard 1/2, and they differ"), std::string::npos)
      << ran.output;
}

TEST_F(Shards, ThatDidNotComeToTheirEndAreRefused) {
  ASSERT_EQ(sweep("--protocol closure"), std::pair(0, 0));
  const auto all = lines("1.jsonl");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(json::parse(all[2]), (json{{"kind", "end"}, {"cells", 1}, {"status", 0}}));
  expect_refused(2, "", ": has no `end` row");
  expect_refused(1, "", ":2:1: the sweep wrote 1 cells; 0 are here");
  expect_refused(2, replaced(all[2], "\"status\":0", "\"status\":4"),
                 ":3:1: the sweep ended with status 4; 0 or 1 is expected");
  ASSERT_EQ(sigsweep("merge --json both.jsonl 1.jsonl 2.jsonl").status, 0);
  EXPECT_EQ(json::parse(lines("both.jsonl").back()),
            (json{{"kind", "end"}, {"cells", 2}, {"status", 0}}));

  const std::string file = folder_ + "/stopped.jsonl";
  const Ran stopped =
      run("cd " + folder_ + " && { " + kBin + "/sigsweep sweep --inject peer --shard 1/2 " +
          "--json " + file + " & pid=$!; until grep -q cell " + file +
          " 2>/dev/null; do :; done; kill -TERM $pid; wait $pid; }");
  EXPECT_EQ(stopped.status, 4) << stopped.output;
  EXPECT_EQ(rows(file, "end").at(0)["status"], 4);
  EXPECT_EQ(rows(file, "end").at(0)["cells"], rows(file, "cell").size());
  EXPECT_EQ(validate(file).status, 0);
  const Ran merged = sigsweep("merge --json x.jsonl stopped.jsonl 2.jsonl");
  EXPECT_EQ(merged.status, 2);
  EXPECT_NE(merged.output.find("the sweep ended with status 4"), std::string::npos)
      << merged.output;
  EXPECT_NE(merged.output.find("missing shards: 1 of 2"), std::string::npos) << merged.output;
  write("empty.jsonl", "");
  const Ran both = sigsweep("merge --json x.jsonl stopped.jsonl empty.jsonl");
  EXPECT_EQ(both.status, 2);
  EXPECT_NE(both.output.find("missing shards: 1-2 of 2"), std::string::npos) << both.output;
  EXPECT_EQ(sigsweep("merge --json x.jsonl empty.jsonl").status, 2);
  write("cut.jsonl", all[0] + all[1]);
  EXPECT_EQ(sigsweep("merge --json both.jsonl cut.jsonl 1.jsonl 2.jsonl").status, 0)
      << "the shard was done again";
}

TEST_F(Shards, ComeToTheStatusThatTheWholeRunHas) {
  const std::string flags = "--protocol legacy --assume legacy=ok ";
  ASSERT_EQ(sweep(flags), std::pair(1, 1));
  EXPECT_EQ(sigsweep("merge --json both.jsonl 1.jsonl 2.jsonl").status, 1);
  std::string known;
  for (const json& row : rows(folder_ + "/both.jsonl", "finding"))
    known += row["id"].get<std::string>() + " 2999-12-31 the parent commit\n";
  ASSERT_EQ(sweep(flags + "--known " + write("known.txt", known)), std::pair(0, 0));
  const Ran merged = sigsweep("merge --json both.jsonl 1.jsonl 2.jsonl");
  EXPECT_EQ(merged.status, 0) << merged.output;
  EXPECT_EQ(validate(folder_ + "/both.jsonl").status, 0);
}

TEST_F(Shards, OfOtherAssumptionsAreOfAnotherRun) {
  const auto [first, second] = sweep("--protocol closure,legacy --assume closure=ok,legacy=ok");
  ASSERT_EQ(std::max(first, second), 1);
  fs::rename(folder_ + "/1.jsonl", folder_ + "/assumed.jsonl");
  ASSERT_EQ(sweep("--protocol closure,legacy"), std::pair(0, 0));
  const Ran ran = sigsweep("merge --json x.jsonl assumed.jsonl 2.jsonl");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("assume=closure=ok,legacy=ok points="), std::string::npos)
      << ran.output;
}

TEST_F(Shards, RowsThatNoSweepWritesAreRefused) {
  ASSERT_EQ(sweep("--protocol closure"), std::pair(0, 0));
  const auto all = lines("1.jsonl");
  expect_refused(0, replaced(all[0], "\"shard\":\"1/2\"", "\"shard\":1"),
                 ":1:1: `shard` is 1; a text is expected");
  expect_refused(0, replaced(all[0], "\"shard\":\"1/2\"", "\"shard\":\"\""),
                 ":1:1: shard \"\": i/n");
  expect_refused(0, replaced(all[0], "\"selection\"", "\"what\""), ":1:1: `selection` is missing");
  expect_refused(0, "", ":1:1: the first row, and no other, must be of kind \"run\"");
  expect_refused(1, all[0], ":2:1: the first row, and no other, must be of kind \"run\"");
  expect_refused(1, "{\"kind\":\"cell\",\"trials\":\"x\"}\n", ":2:1: `trials` is \"x\"; a count");
  expect_refused(1, "{\"kind\":5}\n", ":2:1: `kind` is 5; a text is expected");
  expect_refused(1, "{\"kind\":\"storm\"}\n", ":2:1: a row of kind \"storm\" is of no use here");
  expect_refused(1, "[]\n", ":2:1: no results row");
  expect_refused(1, all[1].substr(0, 20) + "\n", ":2:1: no results row");
  expect_refused(1, all[2] + all[1], ":3:1: stands behind the last row");
}

TEST_F(Command, ShrinkKeepsTheFinding) {
  const std::string path = write("five.sched", kFiveOperations);
  const Ran before = sigsweep("replay " + path);
  const Ran ran = sigsweep("shrink --out small " + path);
  ASSERT_EQ(ran.status, 0) << ran.output;
  std::smatch id;
  ASSERT_TRUE(std::regex_search(before.output, id, std::regex("hazard ([0-9a-f]{16})")));
  EXPECT_NE(ran.output.find("five.sched: hazard " + id[1].str() + ", "), std::string::npos)
      << ran.output;
  const std::string small = folder_ + "/small/" + id[1].str() + ".sched";
  std::ifstream in(small);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto lines = [&](const std::string& word) {
    const std::regex line("\n" + word + " ");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), line), {});
  };
  EXPECT_EQ(lines("op"), 1) << text;
  EXPECT_EQ(lines("inject"), 1) << text;
  EXPECT_EQ(text.find("by="), std::string::npos) << text;
  EXPECT_NE(sigsweep("replay " + small).output.find("hazard " + id[1].str()), std::string::npos);
  const Ran ok = sigsweep("shrink --out small " + write("ok.sched", kHarmless));
  EXPECT_EQ(ok.status, 2);
  EXPECT_NE(ok.output.find("ok.sched:1:1: its verdict is ok; a schedule with "), std::string::npos)
      << ok.output;
}

// So another build finds the boundaries. Here the offset is one that this build does not have.
TEST_F(Command, AShrunkScheduleHasThePhaseOfEachBoundary) {
  const std::string nested = replaced(kFourSignals, "mheap_free_m+0x0 handler=setgcpercent_m",
                                      "onM_signalok+0x0 in=1 handler=ready_m");
  const Ran ran = sigsweep("shrink --out small " + write("four.sched", nested));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const std::regex inject("\ninject .* at \\w+\\+0x0 phase=");
  const std::string text = ran.output;
  EXPECT_EQ(std::distance(std::sregex_iterator(text.begin(), text.end(), inject), {}), 2) << text;
  const std::string shrunk = text.substr(text.find("sigsweep schedule"),
                                         text.find("written: ") - text.find("sigsweep sc"));
  const std::string moved = std::regex_replace(shrunk, std::regex("\\+0x0 phase"), "+0x999 phase");
  const Ran elsewhere = sigsweep("replay " + write("moved.sched", moved));
  EXPECT_EQ(elsewhere.status, 0) << elsewhere.output;
  EXPECT_NE(elsewhere.output.find("found by its phase"), std::string::npos) << elsewhere.output;
}

// By what the protocol may show, whatever the file expects.
TEST_F(Command, AReplayTellsAFindingFromAHazard) {
  const std::string rejected =
      replaced(replaced(kGood, "signalok_raw", "reject"), "arg-clobbered s0", "rejected");
  const std::string missed = write("m.sched", replaced(rejected, "rejected", "missed-reject"));
  const std::pair<std::string, std::string> shown[] = {
      {write("h.sched", kGood), "hazard"},
      {write("r.sched", rejected), "rejection"},
      {"--runner " + kBin + "/runner-amd64-unchecked " + missed, "finding"}};
  for (const auto& [file, word] : shown) {
    const Ran ran = sigsweep("replay " + file);
    EXPECT_TRUE(std::regex_search(ran.output, std::regex("\n  " + word + " [0-9a-f]{16}\n")))
        << ran.output;
  }
}

// Of four signals the first two spoil a slot each, and the others none: one of the two shows the
// same finding. Where the second spoils the first one's handler, both are needed.
TEST_F(Command, ShrinkKeepsTheSmallestSetOfSignals) {
  const std::string nested = replaced(kFourSignals, "mheap_free_m+0x0 handler=setgcpercent_m",
                                      "onM_signalok+0x0 in=1 handler=ready_m");
  const std::pair<std::string, std::string> kept[] = {{kFourSignals, "setgcpercent_m "},
                                                      {nested, "ready_m ready_m "}};
  for (const auto& [schedule, expected] : kept) {
    const Ran ran = sigsweep("shrink --out small " + write("four.sched", schedule));
    EXPECT_EQ(ran.status, 0) << ran.output;
    const std::regex inject("\ninject .*handler=(\\w+)");
    std::string handlers;
    for (std::sregex_iterator at(ran.output.begin(), ran.output.end(), inject), end; at != end;
         ++at)
      handlers += (*at)[1].str() + " ";
    EXPECT_EQ(handlers, expected) << ran.output;
  }
  EXPECT_EQ(sigsweep("replay small/*.sched").status, 0);
}

// What a debugger confirmed is tried without one, many times faster.
TEST_F(Command, ShrinkTakesWhatADebuggerSentAsDirect) {
  const std::string path =
      write("by.sched", replaced(kGood, "handler=mcache", "by=external handler=mcache"));
  const Ran ran = sigsweep("shrink --out small " + path);
  EXPECT_EQ(ran.status, 0) << ran.output;
  const Ran direct = sigsweep("shrink --out small " + write("good.sched", kGood));
  const auto written = [](const Ran& r) { return r.output.substr(r.output.find("written: ")); };
  EXPECT_EQ(written(ran), written(direct));
}

// ---- replay: bad input

TEST_F(Command, AGoodScheduleReplays) {
  EXPECT_EQ(sigsweep("replay " + write("a.sched", kGood)).status, 0);
  EXPECT_EQ(sigsweep("replay --times 20 " + write("a.sched", kGood)).status, 0);
  EXPECT_EQ(
      sigsweep("replay " + write("a.sched", replaced(kGood, "arg-clobbered s0", "ok"))).status, 1);
  EXPECT_EQ(sigsweep("replay " + write("a.sched", replaced(kGood, "expect arg-clobbered s0\n", "")))
                .status,
            1);
}

TEST_F(Command, ABoundaryIsFoundByItsPhaseInAnotherBuild) {
  const std::string by_phase =
      replaced(kGood, "onM+0x0", "onM+0x999 phase=stub.switched/g=g0/sp=curg/live=s0#1");
  const Ran ran = sigsweep("replay " + write("a.sched", by_phase));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("found by its phase"), std::string::npos);
}

TEST_F(Command, BadSchedulesAreRefusedWithTheirPlace) {
  const std::map<std::string, std::string> bad = {
      {"header", replaced(kGood, "schedule 1", "schedule 2")},
      {"isa", replaced(kGood, "amd64", "vax")},
      {"protocol", replaced(kGood, "signalok_raw", "nonsense")},
      {"site", replaced(kGood, "op mcacheRefill_m", "op nonsense")},
      {"symbol", replaced(kGood, "onM+0x0", "nonsense+0x0")},
      {"offset", replaced(kGood, "onM+0x0", "onM+0x1")},
      {"pass", replaced(kGood, "onM+0x0", "onM+0x0 nth=7")},
      {"phase", replaced(kGood, "onM+0x0", "onM+0x1 phase=nowhere/live=-#1")},
      {"slot", replaced(kGood, "handler=mcacheRefill_m", "handler=mcacheRefill_m p3=1")},
      {"verdict", replaced(kGood, "expect arg-clobbered", "expect nonsense")},
      {"number", replaced(kGood, "op mcacheRefill_m", "op mcacheRefill_m s0=0x10000000000000000")},
      {"two", kGood.substr(0, kGood.find("expect")) + "inject SIGPROF at onM+0x0 handler=none\n"},
      {"empty", ""},
      {"truncated", kGood.substr(0, 60)},
      {"binary", std::string("\x7f"
                             "ELF\0\0\1\xff",
                             8)},
      {"large", std::string(2 << 20, '#')},
  };
  for (const auto& [name, text] : bad) {
    const std::string path = write(name + ".sched", text);
    const Ran ran = sigsweep("replay " + path);
    EXPECT_EQ(ran.status, 2) << name << "\n" << ran.output;
    EXPECT_TRUE(std::regex_search(ran.output, std::regex(name + "\\.sched:[0-9]+:[0-9]+: ")))
        << ran.output;
  }
}

// The place is the file's, however it is laid out: a runner sees the schedule without that.
TEST_F(Command, ABadBoundaryIsRefusedWhereItStandsInTheFile) {
  const std::string path = write("laid_out.sched",
                                 "sigsweep schedule 1\n\n# why\n# of\nisa amd64   # here\n"
                                 "protocol signalok_raw\n\nop   mcacheRefill_m\n"
                                 "inject SIGPROF at onM+0x0 handler=none\n\n"
                                 "inject   SIGPROF       at    onM+0x1   handler=none\n");
  for (const char* command : {"replay ", "replay --inject kill ", "shrink "}) {
    const Ran ran = sigsweep(command + path);
    EXPECT_EQ(ran.status, 2) << command << ran.output;
    EXPECT_NE(ran.output.find("laid_out.sched:11:30: "), std::string::npos)
        << command << ran.output;
  }
  const std::string one = write("one.sched",
                                "sigsweep schedule 1\n# of\nisa amd64\nprotocol   legacy\n"
                                "op gc_m\n\ninject  SIGPROF  at onM+0x1 handler=none\n");
  const Ran external = sigsweep("replay --inject external " + one);
  EXPECT_EQ(external.status, 2) << external.output;
  EXPECT_NE(external.output.find("one.sched:7:21: "), std::string::npos) << external.output;
}

TEST_F(Command, AFileThatCannotBeReadIsRefused) {
  EXPECT_EQ(sigsweep("replay /nowhere.sched").status, 2);
  EXPECT_EQ(sigsweep("replay " + folder_).status, 2);
}

// ---- the corpora

TEST_F(Command, EveryScheduleOfTheCorporaReplaysAHundredTimes) {
  std::string files;
  unsigned count = 0;
  for (const char* corpus : {"hazards", "regressions"}) {
    for (const auto& entry : fs::directory_iterator(kSource + "/corpus/" + corpus)) {
      files += " " + entry.path().string();
      count++;
    }
  }
  ASSERT_GE(count, 20U);
  const Ran ran = sigsweep("replay --times 100" + files);
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(Command, TheHazardsAreHazards) {
  for (const auto& entry : fs::directory_iterator(kSource + "/corpus/hazards")) {
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_TRUE(std::regex_search(text.str(), std::regex("\nexpect +(?!ok|rejected)")))
        << entry.path();
  }
}

// ---- subjects

// Boost.Context as its package ships it, through its adapter: --subject fcontext is another name.
class BoostContext : public Command {
 protected:
  void SetUp() override {
    if (!fs::exists(kBin + "/adapter-boost_context-amd64.so"))
      GTEST_SKIP() << "the adapter of Boost.Context is not built";
  }
};

TEST_F(BoostContext, IsSweptExplainedAndListed) {
  const Ran sweep = sigsweep("sweep --subject fcontext --out o");
  EXPECT_EQ(sweep.status, 0) << sweep.output;
  EXPECT_EQ(rows(folder_ + "/o/sweep.jsonl", "cell").size(), 2U * 6 * 3);
  EXPECT_EQ(validate(folder_ + "/o/sweep.jsonl").status, 0);
  const Ran explain = sigsweep("explain --subject fcontext --site round_trip");
  EXPECT_EQ(explain.status, 0);
  EXPECT_NE(explain.output.find("suspend/sp=co0"), std::string::npos) << explain.output;
  const Ran list = sigsweep("list --subject fcontext");
  EXPECT_EQ(list.status, 0);
  for (const char* name : {"altstack", "ownstack", "round_trip", "transfer", "switch", "observe"}) {
    EXPECT_NE(list.output.find(name), std::string::npos) << name;
  }
}

TEST_F(BoostContext, EachSourceGivesTheSameMaps) {
  std::vector<std::map<std::string, std::string>> maps;
  for (const std::string source : {"direct", "kill", "itimer", "user", "hwbreak"}) {
    const std::string file = folder_ + "/" + source + ".jsonl";
    const Ran ran =
        sigsweep(fmt::format("sweep --subject fcontext --inject {} --json {}", source, file));
    if (source == "hwbreak" && ran.status == 77) break;  // not to be had on this machine
    EXPECT_EQ(ran.status, 0) << ran.output;
    std::map<std::string, std::string>& map = maps.emplace_back();
    for (const json& cell : rows(file, "cell")) {
      EXPECT_EQ(cell["landed"], cell["trials"]) << cell;
      map[std::string(cell["protocol"]) + " " + std::string(cell["site"]) + " " +
          std::string(cell["handler"])] = cell["map"];
    }
  }
  EXPECT_EQ(maps[0].size(), 36U);
  for (const auto& map : maps) EXPECT_EQ(map, maps[0]);
}

// Two signals: a handler that has left the alternate stack is spoiled there, as predicted; on the
// stack that is interrupted nothing ever is.
TEST_F(BoostContext, TwoSignalsSpoilAHandlerThatLeavesItsStack) {
  const Ran sweep =
      sigsweep("sweep --subject fcontext --depth 2 --site last_exit --handler switch --out o");
  EXPECT_EQ(sweep.status, 0) << sweep.output;
  for (const json& cell : rows(folder_ + "/o/sweep.jsonl", "cell")) {
    EXPECT_EQ(cell["expected"], true) << cell;
    const bool nested_alternate = cell["protocol"] == "altstack" && cell["form"] == "nested";
    EXPECT_EQ(cell["verdicts"].contains("wrong-switch"), nested_alternate) << cell;
  }
}

TEST_F(Command, ASubjectThatIsNotBuiltIsSkipped) {
  fs::create_symlink(kBin + "/runner-amd64", folder_ + "/runner-amd64");
  fs::copy_file(kBin + "/sigsweep", folder_ + "/sigsweep");
  const Ran ran = run(folder_ + "/sigsweep list --subject fcontext");
  EXPECT_EQ(ran.status, 77);
  EXPECT_NE(
      ran.output.find("skipped: --subject fcontext: adapter-boost_context-amd64.so is not built"),
      std::string::npos)
      << ran.output;
}

TEST_F(Command, HelpSaysWhatTheFilesAre) {
  EXPECT_EQ(sigsweep("merge --help").output.find("schedules"), std::string::npos);
  EXPECT_NE(sigsweep("merge --help").output.find("results of `sweep --shard i/n`"),
            std::string::npos);
  EXPECT_NE(sigsweep("replay --help").output.find("schedules\n"), std::string::npos);
}

TEST_F(Command, WhatASubjectDoesNotKnowMayBeOfAnother) {
  const std::string hint = " (is it of another --subject: onm, fcontext, adapter?)\n";
  const auto said = [&](const std::string& from, const std::string& to) {
    std::string text = kGood;
    text.replace(text.find(from), from.size(), to);
    const Ran ran = sigsweep("replay " + write("x.sched", text));
    EXPECT_EQ(ran.status, 2) << ran.output;
    return ran.output;
  };
  for (const std::string& output : {said("protocol signalok_raw", "protocol ownstack"),
                                    said("op mcacheRefill_m", "op round_trip")})
    EXPECT_TRUE(output.ends_with(hint)) << output;
  EXPECT_EQ(said("SIGPROF", "SIGPRO").find("--subject"), std::string::npos);
}

// ---- explain, list, bench

TEST_F(Command, ExplainShowsTheLiveSlotAndTheVerdict) {
  const Ran ran = sigsweep("explain --site mcacheRefill_m --protocol reject,signalok_raw");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_TRUE(
      std::regex_search(ran.output, std::regex("g=g0/sp=curg +s0 +rejected +arg-clobbered s0")));
}

TEST_F(Command, ListNamesWhatThereIs) {
  const Ran ran = sigsweep("list");
  EXPECT_EQ(ran.status, 0);
  for (const char* name : {"legacy", "systemstack", "mheap_alloc_g0", "ready_m@idle", "lost-signal",
                           "itimer", "hwbreak", "external", "user"}) {
    EXPECT_NE(ran.output.find(name), std::string::npos) << name;
  }
}

// The names are a contract, and so is their order. What is not built is named, with the reason.
TEST_F(Command, BenchKnowsEveryName) {
  std::vector<std::string> names = {"BM_call",
                                    "BM_onM_curg",
                                    "BM_onM_g0",
                                    "BM_onM_signalok_gsignal",
                                    "BM_signalok_saved",
                                    "BM_closure_gsignal",
                                    "BM_systemstack_curg",
                                    "BM_mcall_gogo",
                                    "BM_onM_floor",
                                    "BM_mcall_floor",
                                    "BM_gosched",
                                    "BM_park_ready",
                                    "BM_malloc_small",
                                    "BM_malloc_large",
                                    "BM_gc"};
  const Ran peers = run("echo bench | '" + kBin + "/runner-amd64-peers'");
  const bool has_boost =
      peers.output.find("name=BM_fcontext_two_jumps own=1\n") != std::string::npos;
  if (has_boost) names.emplace_back("BM_fcontext_two_jumps");
  names.emplace_back("BM_swapcontext_two");
  names.insert(names.end(),
               {"BM_int3_floor", "BM_tgkill_floor", "BM_inject_direct", "BM_inject_kill",
                "BM_inject_itimer", "BM_inject_hwbreak", "BM_trial_contained", "BM_trial_fork",
                "BM_inject_user", "BM_inject_user_write"});
  const Ran ran = sigsweep("bench --benchmark_min_time=0.0001 --benchmark_format=csv");
  EXPECT_EQ(ran.status, 0) << ran.output;
  std::size_t at = 0;
  for (const std::string& name : names) {
    const std::regex row("\"" + name + "/manual_time\",([0-9]+,[0-9.e+-]+|.*skipped: )");
    std::smatch found;
    const std::string rest = ran.output.substr(at);
    ASSERT_TRUE(std::regex_search(rest, found, row)) << name << "\n" << ran.output;
    at += static_cast<std::size_t>(found.position(0));
  }
  EXPECT_EQ(ran.output.find("left out: BM_fcontext_two_jumps: skipped: ") == std::string::npos,
            has_boost)
      << ran.output;
}

TEST_F(Command, BenchNamesTheRunnerThatIsNotBuilt) {
  fs::create_symlink(kBin + "/runner-amd64", folder_ + "/runner-amd64");
  fs::copy_file(kBin + "/sigsweep", folder_ + "/sigsweep");
  const std::string bench = folder_ + "/sigsweep bench --benchmark_min_time=0.0001 ";
  const Ran listed = run(bench + "--benchmark_filter=BM_call");
  EXPECT_EQ(listed.status, 0) << listed.output;
  EXPECT_NE(listed.output.find("left out: the benchmarks of peers: skipped: no runner for isa "
                               "amd64 and subject peers is built"),
            std::string::npos)
      << listed.output;
  EXPECT_NE(listed.output.find("the benchmarks of storm: skipped: "), std::string::npos)
      << listed.output;
  const Ran missing = run(bench + "--benchmark_filter=BM_gosched");
  EXPECT_EQ(missing.status, 77) << missing.output;
}

// The other runners take no adapter, and are measured beside it.
TEST_F(Command, BenchMeasuresAnAdaptersRoundTrip) {
  const Ran ran = sigsweep("bench --adapter " + kBin +
                           "/adapter-ucontext-amd64.so --benchmark_min_time=0.0001 "
                           "--benchmark_format=csv --benchmark_filter='BM_adapter|BM_swap'");
  EXPECT_EQ(ran.status, 0) << ran.output;
  for (const char* name : {"BM_adapter_round_trip", "BM_swapcontext_two"}) {
    EXPECT_TRUE(std::regex_search(
        ran.output, std::regex("\"" + std::string(name) + "/manual_time\",[0-9]+,[0-9.e+-]+")))
        << name << "\n"
        << ran.output;
  }
}

// A benchmark that a runner was built without is left out by its name; the others are measured.
TEST_F(Command, BenchNamesTheBenchmarkThatIsNotBuilt) {
  for (const char* program : {"runner-amd64", "runner-amd64-storm"})
    fs::create_symlink(kBin + "/" + program, folder_ + "/" + program);
  fs::copy_file(kBin + "/sigsweep", folder_ + "/sigsweep");
  const std::string peers = write("runner-amd64-peers",
                                  "#!/bin/sh\nwhile read -r command rest; do\n"
                                  "  [ \"$command$rest\" != bench ] ||\n"
                                  "    echo 'benchmark name=BM_absent own=1 missing=no%20library'\n"
                                  "  echo done\ndone\n");
  fs::permissions(peers, fs::perms::owner_all);
  const std::string bench = folder_ + "/sigsweep bench --benchmark_min_time=0.0001 ";
  const Ran listed = run(bench + "--benchmark_filter=BM_call");
  EXPECT_EQ(listed.status, 0) << listed.output;
  EXPECT_NE(listed.output.find("left out: BM_absent: no library\n"), std::string::npos)
      << listed.output;
  const Ran missing = run(bench + "--benchmark_filter=BM_absent");
  EXPECT_EQ(missing.status, 77) << missing.output;
}

// ---- storm

class Storm : public Command {
 protected:
  // The one storm row of out/storm.jsonl, which must be valid.
  json row() {
    EXPECT_EQ(validate(folder_ + "/out/storm.jsonl").status, 0);
    const auto found = rows(folder_ + "/out/storm.jsonl", "storm");
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? json() : found[0];
  }
  // Starts a storm, waits until its first line is written and so many us more, sends it a signal,
  // waits for its end. What it prints is in `log`.
  int interrupted_by(int sig, unsigned after = 0, const char* duration = "60s") {
    fs::remove_all(folder_ + "/out");
    const pid_t pid = fork();
    if (pid == 0) {
      if (chdir(folder_.c_str()) != 0 || freopen("log", "w", stdout) == nullptr) _exit(99);
      dup2(STDOUT_FILENO, STDERR_FILENO);
      execl((kBin + "/sigsweep").c_str(), "sigsweep", "storm", "--duration", duration, "--out",
            "out", nullptr);
      _exit(99);
    }
    while (rows(folder_ + "/out/storm.jsonl", "run").empty()) usleep(1000);
    usleep(after);
    kill(pid, sig);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }
  // A runner of storms under a limit of its own: `limit` is a shell's command.
  std::string limited_runner(const std::string& limit) {
    const std::string path = folder_ + "/limited";
    std::ofstream(path) << "#!/bin/bash\n"
                        << limit << " || exit 9\nexec " << kBin << "/runner-amd64-storm \"$@\"\n";
    fs::permissions(path, fs::perms::owner_all);
    return "--storm-runner " + path;
  }
};

TEST_F(Storm, RejectsAllFromGsignalAndNothingLegal) {
  const Ran ran = sigsweep("storm --duration 1s --source all --throws 20 --out out");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(
      ran.output.find("20 real throws in children; message, one traceback and exit status 2 in 20"),
      std::string::npos)
      << ran.output;
  const json storm = row();
  EXPECT_GT(storm["rejected"], 0);
  EXPECT_EQ(storm["rejected"], storm["calls"]);
  EXPECT_EQ(storm["missed_reject"], 0);
  EXPECT_EQ(storm["false_reject"], 0);
  for (const json& source : storm["sources"]) EXPECT_GT(source["delivered"], 0) << source;
  for (const auto& [mix, count] : storm["operations"].items()) EXPECT_GT(count, 0) << mix;
}

// Each G meets another, but the last of an odd number.
TEST_F(Storm, AnOddNumberOfGsComesToItsEnd) {
  for (const char* gs : {"1", "7"}) {
    const Ran ran =
        sigsweep(std::string("storm --mix sched --duration 300ms --ms 2 --out out --gs ") + gs);
    EXPECT_EQ(ran.status, 0) << ran.output;
  }
}

// No timer is slowed down, whatever its signals find, and none expires more often than asked. Less is
// counted where the machine is busy at the end: an M that has no processor takes no account.
TEST_F(Storm, HoldsItsRateWhereAsked) {
  const Ran ran =
      sigsweep("storm --ms 2 --rate 100000 --hold-rate --mix slots --duration 1s --out out");
  EXPECT_EQ(ran.status, 0) << ran.output;
  const json storm = row();
  const double due = 2 * 100000 * storm["seconds"].get<double>();
  EXPECT_EQ(storm["hold_rate"], true);
  EXPECT_EQ(storm["backoffs"], 0);
  EXPECT_LT(storm["sources"][0]["sent"].get<double>(), due * 1.1);  // jitter is 5 %
  EXPECT_GT(storm["sources"][0]["sent"], 0);
  EXPECT_NE(ran.output.find("timer          200000 "), std::string::npos) << ran.output;  // of all
}

// Every violation that one signal made is made again, exactly, by the schedule that comes of it.
// How soon there is one depends on what else the machine does: the storm is repeated until then.
TEST_F(Storm, WhatSpoilsAnOperationReplaysInTheExactLane) {
  for (const char* source : {"itimer", "timer", "kill", "flood", "sigqueue"}) {
    json storm{{"replay_tried", 0}};
    for (unsigned i = 0; i < 40 && storm["replay_tried"] == 0; i++) {
      const Ran ran = sigsweep(
          std::string(
              "storm --duration 300ms --protocol signalok_raw --mix slots --out out --ms 2") +
          " --source " + source);
      const bool too_soon = ran.output.find("hazard") != ran.output.npos ||
                            ran.output.find("no signal landed") != ran.output.npos;
      EXPECT_TRUE(ran.status == 0 || too_soon) << ran.output;
      storm = row();
    }
    EXPECT_GT(storm["replay_tried"], 0) << source;
    EXPECT_GE(storm["replay_same"].get<double>(), .95 * storm["replay_tried"].get<double>())
        << source;
  }
  const Ran replayed = sigsweep("replay out/findings/*.sched");
  EXPECT_EQ(replayed.status, 0) << replayed.output;
}

TEST_F(Command, AReplayWritesARowForEachSchedule) {
  const std::string ok = kSource + "/corpus/regressions/saved-while-live.sched";
  const std::string hazard = kSource + "/corpus/hazards/argument-s0.sched";
  EXPECT_EQ(sigsweep("replay --json r.jsonl " + ok + " " + hazard).status, 0);
  const std::string file = folder_ + "/r.jsonl";
  const auto replays = rows(file, "replayed");
  ASSERT_EQ(replays.size(), 2U);
  EXPECT_EQ(replays[0]["file"], ok);
  EXPECT_EQ(replays[0]["verdict"], "ok");
  EXPECT_EQ(replays[1]["verdict"], "arg-clobbered");
  for (const json& replay : replays) EXPECT_EQ(replay["expected"], true) << replay;
  EXPECT_EQ(rows(file, "end").back()["status"], 0);
  EXPECT_EQ(validate(file).status, 0) << validate(file).output;
  EXPECT_EQ(sigsweep("replay --inject peer --no-red-zone --json r.jsonl " + ok).status, 0);
  EXPECT_EQ(rows(file, "replayed").size(), 1U);
}

TEST_F(Storm, SafeProtocolsAreSafeAlsoWhereHandlersNest) {
  for (const char* protocol : {"signalok_saved", "closure", "systemstack"}) {
    const Ran ran = sigsweep(
        std::string(
            "storm --duration 1s --source timer,flood,sigqueue --nest --out out --protocol ") +
        protocol);
    EXPECT_EQ(ran.status, 0) << protocol << ran.output;
    const json storm = row();
    EXPECT_TRUE(storm["verdicts"].empty()) << storm;
    EXPECT_GT(storm["nested"], 0);
    EXPECT_GT(storm["ran"], 0);
  }
}

TEST_F(Storm, ThatDiesOfItIsAFindingAndIsWritten) {
  const Ran ran =
      sigsweep("storm --duration 5s --out out --runner " + kBin + "/runner-amd64-unchecked");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_EQ(row()["verdicts"]["crash"], 1);
}

TEST_F(Storm, AnExpectationThatIsReplacedFails) {
  for (const char* command : {"storm", "prove --claim 12"}) {
    const Ran ran = sigsweep(std::string(command) + " --duration 500ms --assume reject=ok");
    EXPECT_EQ(ran.status, 1) << ran.output;
  }
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// What the hazard comes to: an allocation whose size class a handler overwrote hands out memory
// that is not its own.
TEST_F(Storm, AClobberedSizeClassIsReportedByASan) {
  std::string output;
  for (unsigned i = 1; i <= 10 && output.find("use-after-poison") == std::string::npos; i++) {
    output = sigsweep(
                 "storm --protocol signalok_raw --mix alloc,sched,gc --duration 10s --handler "
                 "mcacheRefill_m --seed " +
                 std::to_string(i))
                 .output;
  }
  EXPECT_NE(output.find("use-after-poison"), std::string::npos) << output;
  EXPECT_NE(output.find("mallocgc"), std::string::npos) << output;
}
#endif
#endif

// A hazard that is expected and not found is a failure.
TEST_F(Storm, WithoutTheHazardThatItsProtocolHasFails) {
  const Ran ran =
      sigsweep("storm --duration 500ms --protocol signalok_raw --mix slots --handler scavenge_m");
  EXPECT_EQ(ran.status, 1) << ran.output;
}

TEST_F(Storm, WhatCannotBeIsRefused) {
  const std::pair<std::string, const char*> kRefused[] = {
      {"--ms 0", "--ms: Value 0 not in range 1 to 64"},
      {"--ms 65", "--ms: Value 65 not in range 1 to 64"},
      {"--gs 0", "--gs: Value 0 not in range 1 to 4096"},
      {"--rate 100001", "--rate 100001: faster timers find less, not more; allowed: 0 to 100000"},
      {"--source nonsense", "--source nonsense: no such name; allowed: all, itimer"},
      {"--mix nonsense", "--mix nonsense: no such name; allowed: all, alloc"},
      {"--duration soon", "--duration soon: a time is expected"},
      {"--duration 0s", "--duration 0s: a time is expected"},
      {"--duration nan", "--duration nan: a time is expected"},
      {"--throws 1 --protocol closure", "--throws 1: protocol closure"},
      {"--throws 1 --rate 0", "at rate 0 throws nothing"},
      {"--throws 1 --handler none", "without a handler that calls"},
      {"--protocol all,reject", "--protocol: a storm is of one protocol"},
      {"--altstack 0", "--altstack: Value 0 not in range 1 to 16777216"},
      {"--altstack 1000", "an alternate stack of 1000 bytes is too small; at least"},
      {limited_runner("ulimit -i 0"), "a timer for an M can't be made (timer_create): Resource"},
      {"--source sigqueue " + limited_runner("ulimit -i 0"), "no signal can be queued (sigqueue)"},
  };
  for (const auto& [flags, message] : kRefused) {
    const Ran ran = sigsweep("storm " + flags);
    EXPECT_EQ(ran.status, 2) << flags << "\n" << ran.output;
    EXPECT_NE(ran.output.find(message), std::string::npos) << flags << "\n" << ran.output;
  }
}

// No address space holds that stack; the limit of processes is not root's.
TEST_F(Storm, AThreadThatCannotBeMadeIsRefused) {
  const Ran ran = sigsweep("storm " + limited_runner("ulimit -s 10000000000"));
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("a thread for an M can't be made: Resource"), std::string::npos)
      << ran.output;
}

TEST_F(Storm, WithoutMemoryForItsHeapIsAHarnessFailure) {
  const Ran ran = sigsweep("storm --duration 100ms " + limited_runner("ulimit -v 60000"));
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("emory"), std::string::npos)
      << "a sanitizer says why in its own words: " << ran.output;
}

TEST_F(Command, BenchmarksThatCannotBeWrittenAreAHarnessFailure) {
  const Ran ran = sigsweep("bench --benchmark_filter=none --benchmark_out=/nonexistent/x");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("/nonexistent/x: cannot be written: No such file"), std::string::npos)
      << ran.output;
}

// The table and the line are of what was counted until then: at some time that is something.
TEST_F(Storm, StoppedTellsWhatItHas) {
  json storm;
  for (unsigned after = 200000; after < 20000000; after *= 2) {
    const int status = interrupted_by(SIGINT, after);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_EQ(WEXITSTATUS(status), 4);
    storm = row();
    if (storm["rejected"] > 0) break;
  }
  EXPECT_GT(storm["rejected"], 0);
  EXPECT_EQ(storm["missed_reject"], 0);
  std::ifstream in(folder_ + "/log");
  const std::string log(std::istreambuf_iterator<char>(in), {});
  const std::regex line("\nfrom gsignal +" + storm["rejected"].dump() + " +0\n");
  EXPECT_TRUE(std::regex_search(log, line)) << log;
  EXPECT_NE(log.find("stopped; all lines written so far are complete"), std::string::npos) << log;
}

// At the start, on the way, and about when the last line is written: whole lines, and a file that
// is incomplete but where the last line is an `end`.
TEST_F(Storm, KilledLeavesWholeLines) {
  for (const unsigned after : {0U, 50000U, 300000U, 350000U, 400000U, 450000U, 500000U}) {
    interrupted_by(SIGKILL, after, "300ms");
    const std::string file = folder_ + "/out/storm.jsonl";
    const Ran valid = validate(file);
    const bool ended = !rows(file, "end").empty();
    EXPECT_EQ(valid.status, ended ? 0 : 1) << after << "\n" << valid.output;
    const std::string incomplete = file + (rows(file, "storm").empty() ? ":1" : ":2") +
                                   ": incomplete: the last line is no `end`";
    EXPECT_EQ(valid.output.starts_with(incomplete), !ended) << valid.output;
  }
  EXPECT_TRUE(WIFSIGNALED(interrupted_by(SIGKILL)));
}

// A storm's program that has other sources, mixes and words than the Go subject's. `{SENT}`,
// `{ACCOUNT}` and `{END}` stand for what a test sets.
constexpr const char* kDrum = R"(#!/bin/bash
while read -r line; do
  case $line in
  describe)
    echo default protocol=closure
    echo source name=drum each_thread=1 sent=1 overruns=1 account={ACCOUNT}
    echo mix name=spin
    for label in threads=poles tasks=fibres call=a%20jump calls=from%20drums legal=from%20fibres \
                 latency=a%20spin throw=all%20well; do
      echo "label of=${label%%=*} text=${label#*=}"
    done ;;
  storm*)
    echo "storm seconds=2.0 sent={SENT} delivered=6 overruns=2 pending=1 operations=11 legal=12" \
      calls=6 rejected=0 ran=6 nested=0 wrong_stack=0 no_progress=0 backoffs=0 handler_seconds=0.5 \
      first_violation=0 verdicts= made=4 finished=3 latency=11,1,2,3,4 entry=0,0,0,0,0
    {END} ;;
  esac
  echo done
done
)";

class ForeignStorm : public Command {
 protected:
  Ran drum(const std::string& sent, const std::string& account, const std::string& flags,
           const std::string& end = "") {
    std::string script = kDrum;
    script.replace(script.find("{SENT}"), 6, sent);
    script.replace(script.find("{ACCOUNT}"), 9, account);
    script.replace(script.find("{END}"), 5, end);
    const std::string path = folder_ + "/drum";
    std::ofstream(path) << script;
    fs::permissions(path, fs::perms::owner_all);
    return sigsweep("storm --storm-runner " + path + " " + flags);
  }
};

// A program that cannot work is no finding of the code under test.
TEST_F(ForeignStorm, ThatGivesUpIsAHarnessFailure) {
  const Ran ran = drum("9", "exact", "--source all", "exit 3");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("exited with status 3; it says why above"), std::string::npos)
      << ran.output;
}

// The page is made of what the storm says of itself.
TEST_F(ForeignStorm, BringsItsSourcesMixesAndWords) {
  const Ran ran = drum("9", "exact", "--source all --ms 3 --gs 4 --rate 10");
  EXPECT_EQ(ran.status, 1) << ran.output;
  for (const char* line :
       {"\nclosure on 3 poles, 4 fibres, 2.0 s\n",
        "\ndrum               30            3            9            6            2          1\n",
        "\na jump                           rejected            ran\n",
        "\nfrom drums                              0              6\n",
        "\nfrom fibres                             0             12\n",
        "\noperations  spin 11; 3 of 4 fibres finished\n",
        "\na spin                     p50 1 ns, p99 2 ns, p99.9 3 ns, max 4 ns, of 11\n",
        "\nfinding: 1 of 4 fibres did not come to their end\n"}) {
    EXPECT_NE(ran.output.find(line), std::string::npos) << line << ran.output;
  }
  for (const char* word : {"onM", "gsignal", "collections", "Ms", "Gs"}) {
    EXPECT_EQ(ran.output.find(word), std::string::npos) << word << ran.output;
  }
}

TEST_F(ForeignStorm, KnowsItsOwnNamesOnly) {
  const std::pair<const char*, const char*> kRefused[] = {
      {"--source timer", "--source timer: no such name; allowed: all, drum"},
      {"--source all --mix slots", "--mix slots: no such name; allowed: all, spin"}};
  for (const auto& [flags, message] : kRefused) {
    const Ran ran = drum("9", "exact", flags);
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_NE(ran.output.find(message), std::string::npos) << ran.output;
  }
}

// How closely the account of a source must close is the source's.
TEST_F(ForeignStorm, HasItsAccountsClosed) {
  const std::pair<const char*, bool> kCloses[] = {{"exact", false}, {"near", true}};
  for (const auto& [account, closes] : kCloses) {
    const Ran ran = drum("10", account, "--source all");
    const bool said = ran.output.find(
                          "the account of drum does not close: 10 sent, 6 delivered, "
                          "2 overruns, 1 pending") != std::string::npos;
    EXPECT_EQ(said, !closes) << ran.output;
    EXPECT_EQ(ran.status, closes ? 1 : 3) << ran.output;
  }
  EXPECT_EQ(drum("99", "near", "--source all").status, 3);
  EXPECT_EQ(drum("99", "unseen", "--source all").status, 1);
}

// Whether a throw rejected a legal call is the storm's to say: the host knows no message.
TEST_F(ForeignStorm, SaysWhetherItsThrowRejectedALegalCall) {
  for (const std::string legal : {"0", "1"}) {
    const Ran ran = drum("9", "exact", "--source all",
                         "echo threw where=hub false_reject=" + legal + " message=no_jump; exit 2");
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_NE(ran.output.find("exited with status 2 (thrown on hub: no_jump)"), std::string::npos)
        << ran.output;
    const bool said = ran.output.find("finding: a legal call was rejected") != std::string::npos;
    EXPECT_EQ(said, legal == "1") << ran.output;
  }
}

TEST_F(ForeignStorm, ThatCannotBeUnderstoodIsAHarnessFailure) {
  const Ran account = drum("9", "loose", "--source all");
  EXPECT_EQ(account.status, 3) << account.output;
  EXPECT_NE(account.output.find("source drum: account=loose: no such account; allowed: unseen, "
                                "near, exact"),
            std::string::npos)
      << account.output;
  const Ran counts = drum("9,9", "exact", "--source all");
  EXPECT_EQ(counts.status, 3) << counts.output;
  EXPECT_NE(counts.output.find("sent: 2 counts, expected 1"), std::string::npos) << counts.output;
  const Ran silent = sigsweep("storm --storm-runner /bin/true");
  EXPECT_EQ(silent.status, 3) << silent.output;
  EXPECT_NE(silent.output.find("/bin/true: its description lacks protocol, sources or mixes"),
            std::string::npos)
      << silent.output;
}

// ---- other instruction sets

class OtherIsa : public Command, public testing::WithParamInterface<const char*> {
 protected:
  // Where this build has left the ISA out (only preset release has others than the host's, and
  // those that can be had), asking for it must say so. The test itself has then nothing to run on:
  // it is skipped with what was said, and counted as not run.
  void SetUp() override {
    Command::SetUp();
    if (fs::exists(kBin + "/runner-" + GetParam())) return;
    const Ran ran = sigsweep(std::string("list --isa ") + GetParam());
    ASSERT_EQ(ran.status, 77) << ran.output;
    ASSERT_NE(ran.output.find(std::string("no runner for isa ") + GetParam()), ran.output.npos);
    GTEST_SKIP() << ran.output;
  }
};

TEST_P(OtherIsa, TheClaimsHoldAtThreeSites) {
  const Ran ran = sigsweep(
      std::string(
          "prove --depth 1 --handler mcacheRefill_m,gc_m --site mcacheRefill_m,setFinalizer_m,") +
      "mheap_alloc_m --isa " + GetParam());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("claims hold"), ran.output.npos) << ran.output;
  const Ran valid = validate(folder_ + "/results/prove/prove.jsonl");
  EXPECT_EQ(valid.status, 0) << valid.output;
  for (const json& cell : rows(folder_ + "/results/prove/prove.jsonl", "cell")) {
    EXPECT_EQ(cell["isa"], GetParam());
    EXPECT_EQ(cell["requested"], cell["landed"]) << cell;
    EXPECT_EQ(cell["expected"], true) << cell;
  }
}

// Every site: a switch that few of them run through has call frame information of its own, too.
TEST_P(OtherIsa, ABacktraceComesToItsEndAtEveryBoundary) {
  const std::string isa = GetParam();
  const Ran swept = sigsweep("sweep --handler observe --isa " + isa);
  const Ran proved = sigsweep("prove --claim 13 --isa " + isa);
  if (isa == "arm") {
    EXPECT_EQ(swept.status, 77) << swept.output;
    EXPECT_EQ(proved.status, 77) << proved.output;
    EXPECT_NE(proved.output.find("not on arm: the unwinder there"), proved.output.npos);
    EXPECT_NE(swept.output.find("--handler observe: no backtrace"), swept.output.npos);
    return;
  }
  EXPECT_EQ(swept.status, 0) << swept.output;
  EXPECT_EQ(proved.status, 0) << proved.output;
}

TEST_P(OtherIsa, AWrongAssumptionFails) {
  const Ran ran =
      sigsweep(std::string("prove --depth 1 --claim 4 --site mcacheRefill_m --handler ") +
               "mcacheRefill_m --assume signalok_raw=ok --isa " + GetParam());
  EXPECT_EQ(ran.status, 1) << ran.output;
}

TEST_P(OtherIsa, HazardsRecordedElsewhereShowTheSameVerdict) {
  const Ran ran = sigsweep(std::string("replay --isa ") + GetParam() + " " + kSource +
                           "/corpus/hazards/*.sched");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_P(OtherIsa, ForkAndPlaceAgree) {
  const std::string cells =
      std::string(" --site mcacheRefill_m --handler mcacheRefill_m,none --isa ") + GetParam();
  ASSERT_EQ(sigsweep("sweep --json place.jsonl" + cells).status, 0);
  ASSERT_EQ(sigsweep("sweep --json fork.jsonl --contain fork" + cells).status, 0);
  const auto place = rows(folder_ + "/place.jsonl", "cell"),
             fork = rows(folder_ + "/fork.jsonl", "cell");
  ASSERT_EQ(place.size(), fork.size());
  ASSERT_FALSE(place.empty());
  for (std::size_t i = 0; i < place.size(); i++) {
    EXPECT_EQ(place[i]["verdicts"], fork[i]["verdicts"]) << place[i];
  }
}

// ---- backtraces

TEST_F(Command, ABacktraceIsTakenByTheHandlerObserve) {
  const Ran swept = sigsweep("sweep --handler observe --json r.jsonl");
  EXPECT_EQ(swept.status, 0) << swept.output;
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
  for (const json& cell : rows(folder_ + "/r.jsonl", "cell")) {
    EXPECT_EQ(cell["handler"], "observe");
    EXPECT_EQ(cell["verdicts"], (json{{"ok", cell["trials"]}})) << cell;
  }
  const Ran nested = sigsweep("sweep --handler observe --depth 2 --protocol reject --site park_m");
  EXPECT_EQ(nested.status, 0) << nested.output;
  EXPECT_EQ(sigsweep("storm --handler observe").status, 2);
}

TEST_F(Command, AReplayTellsHowFarABacktraceCame) {
  write("a.sched",
        "sigsweep schedule 1\nisa amd64\nprotocol reject\nop mcacheRefill_m\n"
        "inject SIGPROF at onM+0x0 by=kill handler=observe\n");
  const Ran ran = sigsweep("replay a.sched");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("backtrace: resumer; by frame pointers: "), ran.output.npos)
      << ran.output;
}

// ---- what arm alone has

TEST_F(Command, TheArmStubOfTheCommitRefusesEveryLegalCall) {
  if (!fs::exists(kBin + "/runner-arm")) GTEST_SKIP() << "no runner for arm";
  const Ran proved = sigsweep(
      "prove --isa arm --claim 9 --site mcacheRefill_m,scavenge_m@g0,goexit0 --json arm.jsonl");
  EXPECT_EQ(proved.status, 0) << proved.output;
  for (const json& cell : rows(folder_ + "/arm.jsonl", "cell")) {
    if (cell["protocol"] != "reject_arm_seed" || cell["handler"] != "none") continue;
    const char* verdict = cell["site"] == "mcacheRefill_m" ? "false-reject" : "ok";
    EXPECT_EQ(cell["verdicts"], (json{{verdict, cell["trials"]}})) << cell;
  }
  const Ran assumed =
      sigsweep("prove --isa arm --claim 9 --site mcacheRefill_m --assume signalok_arm_first=ok");
  EXPECT_EQ(assumed.status, 1) << assumed.output;
}

TEST_F(Command, TheArmStubOfTheCommitIsLaidBesideTheMendedOne) {
  if (!fs::exists(kBin + "/runner-arm")) GTEST_SKIP() << "no runner for arm";
  const Ran ran = run("cd " + folder_ + " && " + kBin + "/sigsweep explain --isa arm 2>/dev/null");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const std::string first = ran.output.substr(0, ran.output.find("<> the second load"));
  std::size_t marks = 0;
  for (std::size_t at = first.find("<>"); at != first.npos; at = first.find("<>", at + 1)) marks++;
  EXPECT_EQ(marks, 1U) << first;  // the guilty load, and nothing else
  EXPECT_NE(first.find("ldr     r3, [r1] "), first.npos) << first;
}

TEST_F(Command, WhatIsForArmOnlySaysSo) {
  for (const char* arguments : {"sweep --protocol reject_arm_seed",
                                "sweep --protocol signalok_arm_first", "prove --claim 9"}) {
    const Ran ran = sigsweep(arguments);
    EXPECT_EQ(ran.status, 77) << arguments << "\n" << ran.output;
    EXPECT_NE(ran.output.find("isa arm only"), std::string::npos) << ran.output;
  }
  EXPECT_NE(sigsweep("list").output.find("reject_arm_seed    for isa arm only"), std::string::npos);
}

TEST_F(Command, WhatAnEmulatorHasNotIsSkipped) {
  if (!fs::exists(kBin + "/runner-arm")) GTEST_SKIP() << "no runner for arm";
  const Ran ran = sigsweep("sweep --isa arm --site gc_m --inject hwbreak");
  EXPECT_EQ(ran.status, 77) << ran.output;
  EXPECT_NE(ran.output.find("--inject hwbreak: "), std::string::npos) << ran.output;
}

// gdb can't start what an emulator runs, and emulated times mean nothing.
TEST_F(Command, WhatAnEmulatorCantDoIsSkippedWithAReason) {
  if (!fs::exists(kBin + "/runner-arm")) GTEST_SKIP() << "no runner for arm";
  const std::string file = kSource + "/corpus/hazards/argument-s0.sched";
  for (const std::string& command : {"replay --inject external --isa arm " + file,
                                     std::string("bench --isa arm --benchmark_min_time=0.0001")}) {
    const Ran ran = sigsweep(command);
    EXPECT_EQ(ran.status, 77) << ran.output;
    EXPECT_NE(ran.output.find("qemu-arm runs isa arm here"), std::string::npos) << ran.output;
  }
  EXPECT_EQ(sigsweep("bench --isa arm --nonsense").status, 2);
}

// In 32-bit addresses a crash of legacy at mheap_alloc_m runs into gogo with a wild argument, which
// clears gc_m's FuncVal.
TEST_F(Command, WhatAnEarlierTrialSpoiltIsNoFindingOfTheNextSite) {
  if (!fs::exists(kBin + "/runner-amd64p32")) GTEST_SKIP() << "no runner for amd64p32";
  const Ran ran = sigsweep(
      "sweep --isa amd64p32 --protocol legacy --site mheap_alloc_m,gc_m --handler gc_m "
      "--inject hwbreak --json h.jsonl");
  if (ran.status == 77) GTEST_SKIP() << ran.output;
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(rows(folder_ + "/h.jsonl", "cell").size(), 2U) << ran.output;
}

TEST_P(OtherIsa, EverySourceGivesTheSameMap) {
  std::set<std::string> maps;
  for (const std::string source : {"direct", "kill", "itimer", "peer"}) {
    const Ran ran =
        sigsweep(std::string("sweep --protocol signalok_raw --site gc_m --handler gc_m ") +
                 "--json map.jsonl --inject " + source + " --isa " + GetParam());
    ASSERT_EQ(ran.status, 0) << ran.output;
    maps.insert(rows(folder_ + "/map.jsonl", "cell").at(0)["map"]);
  }
  EXPECT_EQ(maps.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Isas, OtherIsa, testing::Values("386", "amd64p32", "arm"));

}  // namespace
}  // namespace sigsweep
