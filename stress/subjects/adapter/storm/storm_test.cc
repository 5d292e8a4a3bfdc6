// `sigsweep storm --adapter`: a sound library keeps what it promises, a planted fault is found, and
// nothing is found in its twin. How soon a fault shows depends on what else the machine does, so the
// storm is repeated until then.
#include <fmt/format.h>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

class AdapterStorm : public Command {
 protected:
  // The file of an adapter, built for that ISA. False, and why in *why: there is no storm for it.
  bool find(const std::string& name, const std::string& isa, std::string* why) {
    file_ = kBin + "/" + name + "-" + isa + ".so";
    for (const std::string& needed :
         {file_, fmt::format("{}/runner-{}-adapter-storm", kBin, isa)}) {
      if (fs::exists(needed)) continue;
      *why = needed + " is not built";
      return false;
    }
    return true;
  }
  Ran storm(const std::string& flags) {
    fs::remove_all(folder_ + "/out");
    return sigsweep("storm --adapter " + file_ + " --out out " + flags);
  }
  // The one storm row, which must be valid.
  json row() {
    const Ran valid = validate(folder_ + "/out/storm.jsonl");
    EXPECT_EQ(valid.status, 0) << valid.output;
    const auto found = rows(folder_ + "/out/storm.jsonl", "storm");
    return found.size() == 1 ? found[0] : json();
  }
  void expect_refused(const std::string& flags, const std::string& says) {
    const Ran ran = storm(flags);
    EXPECT_EQ(ran.status, 2) << flags << "\n" << ran.output;
    EXPECT_NE(ran.output.find(says), ran.output.npos) << ran.output << "lacks: " << says;
  }

  std::string file_;
};

// ---- what is promised

TEST_F(AdapterStorm, ASoundLibraryKeepsItsPromises) {
  std::string why;
  if (!find("adapter-boost_context", "amd64", &why)) GTEST_SKIP() << why;
  const Ran ran = storm("--ms 2 --gs 8 --duration 1s --source all");
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("8 of 8 groups of coroutines finished"), ran.output.npos) << ran.output;
  const json found = row();
  EXPECT_EQ(found["adapter"]["name"], "boost_context");
  EXPECT_EQ(found["handlers"], json({"none", "switch", "observe"}));
  EXPECT_EQ(found["operations"].size(), 5U) << found;
  for (const auto& [site, count] : found["operations"].items()) EXPECT_GT(count, 0) << site;
  for (const json& source : found["sources"]) EXPECT_GT(source["delivered"], 0) << source;
  EXPECT_GT(found["ran"], 0);
  EXPECT_EQ(found["ran"], found["calls"]);
  EXPECT_GT(found["backtraces"], 0);
  for (const auto& [verdict, count] : found["verdicts"].items()) {
    EXPECT_EQ(verdict, "broken-backtrace") << count;
  }
  for (const char* word : {"onM", "gsignal", "curg", " Gs"}) {
    EXPECT_EQ(ran.output.find(word), ran.output.npos) << word << "\n" << ran.output;
  }
}

TEST_F(AdapterStorm, WhatIsNotPromisedIsOnlyObserved) {
  std::string why;
  if (!find("adapter-boost_context", "amd64", &why)) GTEST_SKIP() << why;
  json found{{"verdicts", json::object()}};
  for (unsigned i = 0; i < 40 && found["verdicts"].empty(); i++) {
    const Ran ran = storm("--ms 1 --gs 2 --duration 300ms --handler observe");
    ASSERT_EQ(ran.status, 0) << ran.output;
    found = row();
    EXPECT_EQ(ran.output.find("only observed: not promised") == ran.output.npos,
              found["verdicts"].empty())
        << ran.output;
    EXPECT_EQ(found["replay_tried"], 0);
  }
  EXPECT_TRUE(found["verdicts"].contains("broken-backtrace")) << found;
}

TEST_F(AdapterStorm, AHandlerThatIsNotPromisedIsTriedByItsNameAlone) {
  std::string why;
  if (!find("adapter-ucontext", "amd64", &why)) GTEST_SKIP() << why;
  const Ran all = storm("--ms 1 --gs 2 --duration 100ms");
  EXPECT_NE(all.output.find("--handler all: without switch, which is not promised"),
            all.output.npos)
      << all.output;
  EXPECT_EQ(row()["calls"], 0);
  const Ran named = storm("--ms 1 --gs 2 --duration 300ms --handler switch");
  EXPECT_EQ(named.status, 0) << named.output;
}

TEST_F(AdapterStorm, AHandlerMayBeRefused) {
  std::string why;
  if (!find("planted-guard_late-mended", "amd64", &why)) GTEST_SKIP() << why;
  json found{{"rejected", 0}};
  for (unsigned i = 0; i < 40 && found["rejected"] == 0; i++) {
    const Ran ran = storm("--ms 1 --gs 2 --duration 300ms --handler switch");
    ASSERT_EQ(ran.status, 0) << ran.output;
    found = row();
  }
  EXPECT_GT(found["rejected"], 0);
  EXPECT_EQ(found["calls"].get<std::uint64_t>(),
            found["rejected"].get<std::uint64_t>() + found["ran"].get<std::uint64_t>());
}

TEST_F(AdapterStorm, HandlersNestOnTheInterruptedStack) {
  std::string why;
  if (!find("planted-static_scratch-mended", "amd64", &why)) GTEST_SKIP() << why;
  const Ran ran = storm(
      "--ms 2 --gs 4 --duration 1s --nest --protocol ownstack "
      "--source timer,flood,sigqueue");
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_GT(row()["nested"], 0);
}

TEST_F(AdapterStorm, WhatCannotBeIsRefused) {
  std::string why;
  if (!find("planted-static_scratch-mended", "amd64", &why)) GTEST_SKIP() << why;
  expect_refused("--ms 4 --gs 3", "3 groups of coroutines are too few for 4 threads");
  expect_refused("--gs 1025", "1 to 1024 groups of coroutines are possible");
  expect_refused("--nest", "allowed with nesting: protocol ownstack, or handlers none and observe");
  expect_refused("--throws 1", "throws nothing");
  expect_refused("--mix gc", "allowed: all, round_trip, first_entry, last_exit, nested");
}

// ---- planted faults

struct Fault {
  std::string name, isa, flags, verdict;
  bool is_mended = false;
  bool replays = true;  // the exact lane sees the same at the instruction
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name << " " << fault.isa << " " << fault.flags;
}

std::vector<Fault> faults() {
  const Fault faulty[] = {
      {"target_below", "amd64", "--ms 2 --protocol ownstack --handler none", "state-leak"},
      {"target_below", "amd64", "--ms 2 --protocol altstack --handler none", "state-leak"},
      {"static_scratch", "amd64", "--ms 1 --handler switch", "state-leak"},
      {"heap_sp", "amd64", "--ms 2 --handler none", "wrong-switch"},
      {"heap_sp", "386", "--ms 2 --handler none", "wrong-switch"},
      {"target_below", "386", "--ms 2 --protocol ownstack --handler none", "state-leak"},
      {"cfi_after_sp", "amd64", "--ms 2 --handler observe", "broken-backtrace"},
      {.name = "drops_register",
       .isa = "amd64",
       .flags = "--ms 2 --handler none",
       .verdict = "state-leak",
       .replays = false},
      {.name = "drops_mask",
       .isa = "amd64",
       .flags = "--ms 2 --handler none",
       .verdict = "state-leak",
       .replays = false},
      {.name = "loses_value",
       .isa = "amd64",
       .flags = "--ms 2 --handler none",
       .verdict = "wrong-switch",
       .replays = false}};
  std::vector<Fault> all;
  for (Fault fault : faulty) {
    all.push_back(fault);
    fault.is_mended = true;
    all.push_back(fault);
  }
  return all;
}

class PlantedInAStorm : public AdapterStorm, public testing::WithParamInterface<Fault> {};

TEST_P(PlantedInAStorm, IsFoundUnlessItIsMended) {
  const Fault& fault = GetParam();
  std::string why;
  if (!find("planted-" + fault.name + (fault.is_mended ? "-mended" : ""), fault.isa, &why)) {
    GTEST_SKIP() << why;
  }
  const std::string flags = "--gs 4 --duration 300ms --mix round_trip " + fault.flags;
  if (fault.is_mended) {
    const Ran ran = storm(flags);
    ASSERT_EQ(ran.status, 0) << ran.output;
    EXPECT_TRUE(row()["verdicts"].empty()) << ran.output;
    EXPECT_EQ(row()["wrong_stack"], 0);
    return;
  }
  json found{{"verdicts", json::object()}, {"replay_tried", 0}};
  const auto seen = [&] {
    return found["verdicts"].contains(fault.verdict) &&
           (!fault.replays || found["replay_tried"] > 0);
  };
  for (unsigned i = 0; i < 40 && !seen(); i++) {
    const Ran ran = storm(flags);
    found = row();
    ASSERT_EQ(ran.status, found["verdicts"].empty() ? 0 : 1) << ran.output;
    EXPECT_EQ(found["expected"], found["verdicts"].empty());
  }
  EXPECT_TRUE(seen()) << found;
  if (fault.replays) {
    EXPECT_EQ(found["replay_same"], found["replay_tried"]) << found;
  }
}

INSTANTIATE_TEST_SUITE_P(, PlantedInAStorm, testing::ValuesIn(faults()), [](const auto& info) {
  const Fault& fault = info.param;
  const std::string name =
      fault.name + (fault.is_mended ? "_mended_" : "_") + fault.isa + "_" + fault.flags;
  return std::regex_replace(std::regex_replace(name, std::regex("--|ms [12] "), ""),
                            std::regex(" "), "_");
});

}  // namespace
}  // namespace sigsweep
