// The command as its users see it: exit statuses, what is printed, the files that it writes. Runs
// the programs of this build; SIGSWEEP_BIN is their folder, SIGSWEEP_SOURCE the checkout.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kBin = SIGSWEEP_BIN;
const std::string kSource = SIGSWEEP_SOURCE;

struct Ran {
  int status;
  std::string output;  // stdout and stderr
};

Ran run(const std::string& command) {
  Ran ran{-1, {}};
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ran.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

class Command : public testing::Test {
 protected:
  Command() {
    std::string name = (fs::temp_directory_path() / "sigsweep-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Command() override { fs::remove_all(folder_); }

  Ran sigsweep(const std::string& arguments) {
    return run("cd " + folder_ + " && " + kBin + "/sigsweep " + arguments);
  }
  std::string write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::vector<json> rows(const std::string& path, const std::string& kind) {
    std::vector<json> found;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      json row = json::parse(line);
      if (row["kind"] == kind) found.push_back(row);
    }
    return found;
  }
  static Ran validate(const std::string& path) {
    return run("/usr/bin/python3 " + kSource + "/results/validate.py " + path);
  }
  std::string folder_;
};

const std::string kGood =
    "sigsweep schedule 1\n"
    "isa amd64\n"
    "protocol signalok_raw\n"
    "op mcacheRefill_m\n"
    "inject SIGPROF at onM+0x0 handler=mcacheRefill_m\n"
    "expect arg-clobbered s0\n";

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
        "bench --nonsense", "sweep --jobs 0"}) {
    const Ran ran = sigsweep(arguments);
    EXPECT_EQ(ran.status, 2) << arguments << "\n" << ran.output;
    EXPECT_FALSE(ran.output.empty()) << arguments;
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
  const Ran ran = sigsweep("prove --isa arm");
  EXPECT_EQ(ran.status, 77);
  EXPECT_NE(ran.output.find("arm"), std::string::npos);
}

TEST_F(Command, ARunnerThatCannotStartOrDiesOutsideATrialIsStatus3) {
  EXPECT_EQ(sigsweep("sweep --runner /bin/false").status, 3);
  EXPECT_EQ(sigsweep("sweep --runner " + write("not-a-program", "x")).status, 3);
}

TEST_F(Command, ADeathIsBookedOnItsTrialAndTheSweepGoesOn) {
  const Ran ran =
      run("cd " + folder_ + " && SIGSWEEP_SABOTAGE=die " + kBin + "/sigsweep sweep --runner " +
          kBin + "/runner-amd64-sabotaged --protocol signalok_saved --site mcacheRefill_m,gc_m " +
          "--handler mcacheRefill_m,gc_m --json r.jsonl");
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

TEST_F(Command, AnInjectionThatDoesNotLandFailsTheRun) {
  const Ran ran =
      run("cd " + folder_ + " && SIGSWEEP_SABOTAGE=deaf " + kBin + "/sigsweep sweep --runner " +
          kBin + "/runner-amd64-sabotaged --protocol signalok_saved --site mcacheRefill_m " +
          "--handler mcacheRefill_m --inject kill --json r.jsonl");
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

// ---- sources: the same verdict at every boundary

std::map<std::string, std::string> maps(const std::vector<json>& cells) {
  std::map<std::string, std::string> found;
  for (const json& c : cells) {
    EXPECT_EQ(c["requested"], c["landed"]);
    found[c["protocol"].get<std::string>() + " " + c["site"].get<std::string>() + " " +
          c["handler"].get<std::string>()] = c["map"];
  }
  return found;
}

TEST_F(Command, EverySourceGivesTheSameVerdicts) {
  const std::string five =
      "--site mcacheRefill_m,largeAlloc_m,setFinalizer_m,exitsyscallfast_pidle,mheap_alloc_m "
      "--handler all,none ";
  std::map<std::string, std::string> direct;
  for (const char* source : {"direct", "kill", "itimer"}) {
    ASSERT_EQ(sigsweep("sweep " + five + "--json r.jsonl --inject " + source).status, 0) << source;
    const auto found = maps(rows(folder_ + "/r.jsonl", "cell"));
    EXPECT_GT(found.size(), 500U);
    if (direct.empty()) direct = found;
    EXPECT_EQ(found, direct) << source;
  }
}

TEST_F(Command, AnotherThreadsSignalsGiveTheSameVerdictsToo) {
  const std::string some =
      "--site mcacheRefill_m,largeAlloc_m --handler mcacheRefill_m,gc_m,newproc_m ";
  ASSERT_EQ(sigsweep("sweep " + some + "--json d.jsonl").status, 0);
  ASSERT_EQ(sigsweep("sweep " + some + "--json p.jsonl --inject peer").status, 0);
  const auto cells = rows(folder_ + "/p.jsonl", "cell");
  std::uint64_t trials = 0;
  for (const json& c : cells) trials += c["trials"].get<std::uint64_t>();
  EXPECT_GE(trials, 2000U);
  EXPECT_EQ(maps(cells), maps(rows(folder_ + "/d.jsonl", "cell")));
}

// ---- the proof

TEST_F(Command, TheProofHolds) {
  const Ran ran = sigsweep("prove");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("all 8 claims hold"), std::string::npos);
  EXPECT_EQ(validate(folder_ + "/results/prove/prove.jsonl").status, 0);
}

class Assumption : public Command, public testing::WithParamInterface<const char*> {};

TEST_P(Assumption, AWrongOneFailsWithAScheduleThatReplays) {
  const Ran ran = sigsweep(std::string("prove --out out --site mcacheRefill_m,gc_m --assume ") +
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
      {"source", replaced(kGood, "onM+0x0", "onM+0x0 by=hwbreak")},
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
  for (const char* name :
       {"legacy", "systemstack", "mheap_alloc_g0", "ready_m@idle", "lost-signal", "itimer"}) {
    EXPECT_NE(ran.output.find(name), std::string::npos) << name;
  }
}

TEST_F(Command, BenchRunsBothBenchmarks) {
  const Ran ran = sigsweep("bench --benchmark_format=json");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("BM_int3_floor"), std::string::npos);
  EXPECT_NE(ran.output.find("BM_inject_direct"), std::string::npos);
}

}  // namespace
