// The verdict at each boundary as a result, and the comparison of two such results.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

class PerBoundary : public Command {
 protected:
  std::vector<json> kind(const std::string& file, const std::string& name) const {
    return rows(folder_ + "/" + file, name);
  }
  // By handler: how many boundaries have which verdict, by the rows of boundaries, or of cells.
  std::map<std::string, Counts> by_boundary(const std::string& file) const {
    std::map<std::string, Counts> sums;
    for (const json& row : kind(file, "boundary")) {
      for (const auto& [handler, told] : row["handlers"].items())
        sums[row["protocol"].get<std::string>() + " " + handler][told["verdict"]]++;
    }
    return sums;
  }
  std::map<std::string, Counts> by_cell(const std::string& file) const {
    std::map<std::string, Counts> sums;
    for (const json& row : kind(file, "cell")) {
      sums[row["protocol"].get<std::string>() + " " + row["handler"].get<std::string>()] =
          row["verdicts"].get<Counts>();
    }
    return sums;
  }
};

const std::string kOne = "--protocol signalok_raw --site mcacheRefill_m ";
const std::string kSaved = "--protocol signalok_saved --site mcacheRefill_m ";

// ---- the rows

TEST_F(PerBoundary, OneRowABoundaryHoldsTheVerdictsOfAllHandlers) {
  const Ran ran = sigsweep(
      "sweep --protocol reject,signalok_raw --site mcacheRefill_m --per-boundary --json r.jsonl");
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(by_boundary("r.jsonl"), by_cell("r.jsonl"));
  const auto boundaries = kind("r.jsonl", "boundary");
  EXPECT_EQ(boundaries.size(), 2 * kind("r.jsonl", "cell").at(0)["boundaries"].get<std::size_t>());
  std::set<std::string> seen;
  for (const json& row : boundaries) {
    EXPECT_TRUE(
        seen.insert(row["protocol"].dump() + row["symbol"].dump() + row["phase"].dump()).second);
    EXPECT_NE(row["instruction"], "?") << row;
    const json& told = row["handlers"]["mcacheRefill_m"];
    const bool hurt = row["protocol"] == "signalok_raw" && row["live"] == json{"s0"};
    EXPECT_EQ(told["verdict"] == "arg-clobbered", hurt) << row;
    EXPECT_EQ(told.value("slots", json()), hurt ? json{"s0"} : json()) << row;
    EXPECT_FALSE(told.contains("finding")) << row;
  }
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
}

TEST_F(PerBoundary, AVerdictThatIsNotAllowedIsMarked) {
  const Ran ran = sigsweep("sweep " + kOne +
                           "--handler mcacheRefill_m --assume signalok_raw=ok "
                           "--per-boundary --json r.jsonl");
  EXPECT_EQ(ran.status, 1) << ran.output;
  for (const json& row : kind("r.jsonl", "boundary")) {
    const json& told = row["handlers"]["mcacheRefill_m"];
    EXPECT_EQ(told.contains("finding"), told["verdict"] != "ok") << row;
  }
}

// A trial that ends its runner, and one that never ends.
TEST_F(PerBoundary, ADeathIsTheVerdictAtItsBoundary) {
  for (const std::string how : {"die", "stuck"}) {
    const Ran ran = sabotaged(how, kSaved + "--handler mcacheRefill_m,gc_m --per-boundary");
    ASSERT_EQ(ran.status, 1) << ran.output;
    EXPECT_EQ(by_boundary("r.jsonl"), by_cell("r.jsonl")) << how;
    EXPECT_EQ(by_cell("r.jsonl").begin()->second.size(), 2U) << how << ran.output;
    EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0) << how;
  }
}

TEST_F(PerBoundary, WithoutTheFlagThereAreNone) {
  ASSERT_EQ(sigsweep("sweep " + kOne + "--json r.jsonl").status, 0);
  EXPECT_TRUE(kind("r.jsonl", "boundary").empty());
}

TEST_F(PerBoundary, ExplainWritesTheSameRows) {
  ASSERT_EQ(
      sigsweep("sweep " + kOne + "--handler mcacheRefill_m --per-boundary --json s.jsonl").status,
      0);
  ASSERT_EQ(sigsweep("explain " + kOne + "--json e.jsonl").status, 0);
  EXPECT_EQ(kind("s.jsonl", "boundary"), kind("e.jsonl", "boundary"));
  ASSERT_FALSE(kind("e.jsonl", "boundary").empty());
  EXPECT_EQ(validate(folder_ + "/e.jsonl").status, 0);
}

TEST_F(PerBoundary, PairsAreAMatrixOfOneCell) {
  const Ran ran = sigsweep("sweep " + kOne +
                           "--handler mcacheRefill_m --depth 2 --per-boundary --json r.jsonl");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto matrices = kind("r.jsonl", "matrix"), cells = kind("r.jsonl", "cell");
  ASSERT_EQ(matrices.size(), 2U);
  for (std::size_t i = 0; i < matrices.size(); i++) {
    Counts sums;
    for (const std::string row : matrices[i]["rows"]) {
      for (const char letter : row)
        sums[matrices[i]["legend"][std::string(1, letter)].get<std::string>()]++;
    }
    // Later than the first, the second signal of `two` lands: half of the matrix.
    const bool nested = matrices[i]["form"] == "nested";
    const auto n = cells[i]["boundaries"].get<std::uint64_t>();
    EXPECT_EQ(sums["not run"], nested ? 0 : n * (n + 1) / 2);
    sums.erase("not run");
    EXPECT_EQ(sums, cells[i]["verdicts"].get<Counts>()) << matrices[i]["form"];
  }
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
  json torn = matrices[0];
  torn["rows"][3] = "x";
  write("torn.jsonl", torn.dump() + "\n" + kind("r.jsonl", "end").at(0).dump() + "\n");
  const Ran checked = validate(folder_ + "/torn.jsonl");
  EXPECT_EQ(checked.status, 1);
  EXPECT_NE(checked.output.find("$.rows[3]: 1 letters for"), std::string::npos) << checked.output;
}

TEST_F(PerBoundary, WhatCannotBeWrittenIsRefused) {
  const std::pair<const char*, const char*> refused[] = {
      {"sweep --per-boundary", "--json FILE or --out DIR"},
      {"sweep --per-boundary --json r.jsonl --depth 2 --handler gc_m",
       "takes one --site and one --handler"},
      {"sweep --per-boundary --json r.jsonl --depth 2 --protocol reject --site gc_m --handler "
       "gc_m,ready_m",
       "takes one --site and one --handler"},
      {"sweep --per-boundary --site gc_m --random 100", "excludes --random"}};
  for (const auto& [arguments, why] : refused) {
    const Ran ran = sigsweep(arguments);
    EXPECT_EQ(ran.status, 2) << arguments << ran.output;
    EXPECT_NE(ran.output.find(why), std::string::npos) << arguments << ran.output;
  }
}

TEST_F(PerBoundary, ShardsArePutTogether) {
  const std::string sweep =
      "sweep --protocol reject,signalok_raw --site gc_m --handler gc_m --per-boundary --json ";
  ASSERT_EQ(sigsweep(sweep + "all.jsonl").status, 0);
  ASSERT_EQ(sigsweep(sweep + "1.jsonl --shard 1/2").status, 0);
  ASSERT_EQ(sigsweep(sweep + "2.jsonl --shard 2/2").status, 0);
  const Ran merged = sigsweep("merge --json merged.jsonl 1.jsonl 2.jsonl");
  ASSERT_EQ(merged.status, 0) << merged.output;
  EXPECT_EQ(kind("merged.jsonl", "boundary"), kind("all.jsonl", "boundary"));
  const Ran compared = sigsweep("compare all.jsonl merged.jsonl");
  EXPECT_EQ(compared.status, 0) << compared.output;
}

// ---- adapters

class OfAnAdapter : public PerBoundary {
 protected:
  static constexpr const char* kPlanted =
      "planted-push_no_cfa";  // a backtrace ends at one instruction
  // One command with the planted switch, or with its mended twin.
  Ran with(const std::string& command, const std::string& twin, const std::string& file) {
    return sigsweep(command + " --adapter " + kBin + "/" + kPlanted + twin +
                    "-amd64.so --protocol altstack --site round_trip --json " + file);
  }
};

TEST_F(OfAnAdapter, RowsNameTheModule) {
  const Ran ran = with("sweep --per-boundary", "", "r.jsonl");
  ASSERT_EQ(ran.status, 1) << ran.output;
  EXPECT_EQ(by_boundary("r.jsonl"), by_cell("r.jsonl"));
  EXPECT_EQ(kind("r.jsonl", "run").at(0)["subject"], std::string("adapter ") + kPlanted);
  for (const json& row : kind("r.jsonl", "boundary")) {
    EXPECT_EQ(row.value("module", ""), std::string(kPlanted) + "-amd64.so") << row;
    EXPECT_NE(row["instruction"], "?") << row;
    const json& told = row["handlers"]["observe"];
    EXPECT_EQ(told.contains("finding"), told["verdict"] != "ok") << row;
  }
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
}

TEST_F(OfAnAdapter, ExplainWritesTheSameRows) {
  ASSERT_EQ(with("sweep --per-boundary", "", "s.jsonl").status, 1);
  const Ran ran = with("explain", "", "e.jsonl");
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(kind("s.jsonl", "boundary"), kind("e.jsonl", "boundary"));
  ASSERT_FALSE(kind("e.jsonl", "boundary").empty());
  EXPECT_EQ(validate(folder_ + "/e.jsonl").status, 0);
}

// The file has another name, too.
TEST_F(OfAnAdapter, AChangeThatMadeItWorseIsNamedAtItsInstruction) {
  ASSERT_EQ(with("sweep --per-boundary", "-mended", "old.jsonl").status, 0);
  ASSERT_EQ(with("sweep --per-boundary", "", "new.jsonl").status, 1);
  std::size_t findings = 0;
  for (const json& row : kind("new.jsonl", "boundary"))
    findings += row.dump().find("\"finding\"") == std::string::npos ? 0 : 1;
  ASSERT_NE(findings, 0U);
  const Ran ran = sigsweep("compare old.jsonl new.jsonl --json c.jsonl");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const std::size_t same = kind("new.jsonl", "boundary").size() - findings;
  EXPECT_EQ(ran.output.find("worse at " + std::to_string(findings) + " boundar"), 0U) << ran.output;
  EXPECT_NE(ran.output.find("same at " + std::to_string(same) + "; 0 new, 0 gone"),
            std::string::npos)
      << ran.output;
  EXPECT_EQ(ran.output.find("was "), std::string::npos) << ran.output;
  EXPECT_EQ(ran.output.find("not asked for the same"), std::string::npos) << ran.output;
  for (const json& row : kind("c.jsonl", "change")) {
    EXPECT_EQ(row["new"]["symbol"], "planted_switch");
    EXPECT_EQ(row["handlers"]["observe"]["new"]["verdict"], "broken-backtrace") << row;
  }
  EXPECT_EQ(validate(folder_ + "/c.jsonl").status, 0);
  EXPECT_EQ(sigsweep("compare new.jsonl old.jsonl").status, 0);
}

// ---- compare

TEST_F(PerBoundary, WhatGotWorseIsNamedAtItsInstruction) {
  const std::string sweep = kSaved + "--handler mcacheRefill_m,gc_m --per-boundary ";
  ASSERT_EQ(sigsweep("sweep " + sweep + "--json old.jsonl").status, 0);
  ASSERT_EQ(sabotaged("die", sweep).status, 1);
  std::vector<json> crashed;
  for (const json& row : kind("r.jsonl", "boundary")) {
    if (row.dump().find("\"crash\"") != std::string::npos) crashed.push_back(row);
  }
  const std::uint64_t same = kind("r.jsonl", "boundary").size() - crashed.size();
  const Ran ran = sigsweep("compare old.jsonl r.jsonl --json c.jsonl");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const std::string n = std::to_string(crashed.size());
  EXPECT_EQ(ran.output.find("worse at " + n + " boundar"), 0U) << ran.output;
  EXPECT_NE(ran.output.find("ok -> crash, a finding: handler"), std::string::npos) << ran.output;
  for (const json& row : crashed) {
    EXPECT_NE(ran.output.find(row["instruction"].get<std::string>() + "  " +
                              row["phase"].get<std::string>()),
              std::string::npos)
        << row << ran.output;
  }
  const json counts = kind("c.jsonl", "compared").at(0)["boundaries"];
  EXPECT_EQ(counts, (json{{"worse", crashed.size()},
                          {"better", 0},
                          {"changed", 0},
                          {"same", same},
                          {"new", 0},
                          {"gone", 0}}));
  EXPECT_EQ(kind("c.jsonl", "change").size(), crashed.size());
  EXPECT_EQ(validate(folder_ + "/c.jsonl").status, 0);
  const Ran back = sigsweep("compare r.jsonl old.jsonl");
  EXPECT_EQ(back.status, 0) << back.output;
  EXPECT_EQ(back.output.find("nothing is worse; better at " + n + ","), 0U) << back.output;
}

// Rows as a sweep writes them, of what no subject here would do.
class Compare : public PerBoundary {
 protected:
  static json at(const std::string& symbol, unsigned offset, const std::string& phase,
                 const std::string& instruction, const json& told,
                 const std::string& isa = "amd64") {
    return {{"kind", "boundary"},
            {"isa", isa},
            {"protocol", "altstack"},
            {"site", "trip"},
            {"inject", "direct"},
            {"contain", "place"},
            {"symbol", symbol},
            {"offset", offset},
            {"pass", 1},
            {"phase", phase},
            {"live", json::array()},
            {"instruction", instruction},
            {"handlers", {{"none", told}}}};
  }
  // more: fields of the row `run`.
  std::string file(const std::string& name, const std::vector<json>& boundaries,
                   const std::string& subject = "adapter mine", const json& more = json::object()) {
    json run = {{"kind", "run"}, {"build", "b"}, {"selection", ""}, {"subject", subject}};
    run.update(more);
    std::string text = run.dump() + "\n";
    for (const json& row : boundaries) text += row.dump() + "\n";
    return write(name, text + json{{"kind", "end"}, {"cells", 0}, {"status", 0}}.dump() + "\n");
  }
  // Of one boundary that told this before, and tells that now.
  Ran compared(const json& before, const json& now) {
    file("old.jsonl", {at("jump", 0, "stub/live=-#1", "push", before)});
    file("new.jsonl", {at("jump", 0, "stub/live=-#1", "push", now)});
    return sigsweep("compare old.jsonl new.jsonl");
  }
};

const json kOk = {{"verdict", "ok"}};
const json kCrash = {{"verdict", "crash"}, {"finding", true}};
const json kAllowedCrash = {{"verdict", "crash"}};
const json kSmash = {{"verdict", "stack-smash"}, {"finding", true}};
const json kOneSlot = {{"verdict", "arg-clobbered"}, {"slots", {"s0"}}};
const json kTwoSlots = {{"verdict", "arg-clobbered"}, {"slots", {"s0", "s1"}}};

TEST_F(Compare, WorseIsWhatWasOkOrAllowedAndIsNoLonger) {
  struct Case {
    json before, now;
    int status;
    std::string first;
  };
  const std::string none = "nothing is worse; ";
  const Case cases[] = {
      {kOk, kOk, 0, none + "better at 0, changed at 0, same at 1; 0 new, 0 gone"},
      {kOk, kCrash, 1, "worse at 1 boundary; better at 0, changed at 0, same at 0; 0 new, 0 gone"},
      {kOk, kAllowedCrash, 1, "worse at 1 boundary; "},
      {kAllowedCrash, kCrash, 1, "worse at 1 boundary; "},
      {kAllowedCrash, kSmash, 1, "worse at 1 boundary; "},
      {kCrash, kOk, 0, none + "better at 1, "},
      {kCrash, kAllowedCrash, 0, none + "better at 1, "},
      {kCrash, kSmash, 0, none + "better at 0, changed at 1, same at 0;"},
      {kOneSlot, kTwoSlots, 0, none + "better at 0, changed at 1, same at 0;"}};
  for (const Case& c : cases) {
    const Ran ran = compared(c.before, c.now);
    EXPECT_EQ(ran.status, c.status) << c.before << c.now << ran.output;
    EXPECT_EQ(ran.output.find(c.first), 0U) << c.before << c.now << ran.output;
  }
}

TEST_F(Compare, OtherRowsOfASweepArePassedOver) {
  const json boundary = at("jump", 0, "stub/live=-#1", "push", kOk);
  file("old.jsonl", {{{"kind", "baseline"}}, boundary, {{"kind", "finding"}}});
  file("new.jsonl", {boundary});
  const Ran ran = sigsweep("compare old.jsonl new.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(Compare, AnotherBuildIsMatchedBySymbolAndPhase) {
  const std::string phase = "stub/live=-#";
  file("old.jsonl",
       {at("jump", 0, phase + "1", "push", kOk), at("jump", 1, phase + "2", "mov", kCrash),
        at("jump", 4, phase + "3", "pop", kOk), at("lost", 0, "body/live=-#1", "ret", kOk)});
  file("new.jsonl",
       {at("jump", 16, phase + "1", "endbr64", kOk), at("jump", 20, phase + "2", "push", kOk),
        at("jump", 21, phase + "3", "mov", kCrash), at("jump", 24, phase + "4", "pop", kOk)});
  const Ran ran = sigsweep("compare old.jsonl new.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(
      ran.output.find("nothing is worse; better at 0, changed at 0, same at 3; 1 new, 1 gone"), 0U)
      << ran.output;
  EXPECT_NE(ran.output.find("new:\n  amd64 altstack trip: jump+0x10  endbr64"), std::string::npos)
      << ran.output;
  EXPECT_NE(ran.output.find("gone:\n  amd64 altstack trip: lost+0x0  ret"), std::string::npos)
      << ran.output;
}

TEST_F(Compare, ANewBoundaryThatIsAFindingIsWorse) {
  const json first = at("jump", 0, "stub/live=-#1", "push", kOk);
  file("old.jsonl", {first});
  file("new.jsonl", {first, at("jump", 1, "stub/live=-#2", "mov", kCrash)});
  const Ran ran = sigsweep("compare old.jsonl new.jsonl");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(
      ran.output.find("jump+0x1  mov  stub/live=-#2  (new)\n    crash, a finding: handler none"),
      std::string::npos)
      << ran.output;
}

// The name of the adapter's file, which its code without a name is named by.
TEST_F(Compare, AnAdaptersFileMayHaveAnotherName) {
  const auto build = [&](const std::string& name, const std::string& library,
                         const std::string& depth) {
    const auto in = [&](const std::string& module, const std::string& symbol, unsigned offset) {
      json row = at(symbol, offset, "resume/sp=host#" + std::to_string(offset), "push", kOk);
      row["module"] = module;
      return row;
    };
    return file(name + ".jsonl",
                {in(name, "jump", 1), in(name, name, 2), in(name, "copy@" + name, 3),
                 in(library, "put", 4)},
                "adapter mine",
                {{"adapter", {{"file", "some/" + name}}},
                 {"selection", "adapter=mine/1/" + name + " isa=amd64 depth=" + depth}});
  };
  const std::string one = build("one.so", "libx.so", "1"), two = build("two.so", "libx.so", "1");
  const Ran ran = sigsweep("compare " + one + " " + two);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(ran.output, "nothing is worse; better at 0, changed at 0, same at 4; 0 new, 0 gone\n");
  const Ran other = sigsweep("compare " + one + " " + build("three.so", "liby.so", "2"));
  EXPECT_NE(other.output.find("same at 3; 1 new, 1 gone"), std::string::npos) << other.output;
  EXPECT_NE(other.output.find("not asked for the same"), std::string::npos) << other.output;
}

TEST_F(Compare, WhatOneSideLacksIsSaid) {
  const json here = at("jump", 0, "stub/live=-#1", "push", kOk);
  file("old.jsonl", {here, at("jump", 0, "stub/live=-#1", "push", kOk, "386")});
  file("new.jsonl", {here});
  const Ran ran = sigsweep("compare old.jsonl new.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("not compared: isa 386: only old.jsonl has it"), std::string::npos)
      << ran.output;
}

TEST_F(Compare, WhatCannotBeComparedIsStatus2) {
  const json here = at("jump", 0, "stub/live=-#1", "push", kOk);
  json elsewhere = here, odd = here, unknown = here;
  elsewhere["site"] = "other";
  odd["handlers"]["none"]["slots"] = 7;
  unknown["handlers"]["none"]["verdict"] = "fine";
  const std::string good = file("good.jsonl", {here});
  const std::string whole = [&] {
    std::ifstream in(good);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  ASSERT_EQ(sigsweep("sweep " + kOne + "--handler gc_m --json cells.jsonl").status, 0);
  const std::pair<std::string, const char*> bad[] = {
      {folder_ + "/cells.jsonl", "sweep --per-boundary --json FILE` writes them"},
      {folder_ + "/missing.jsonl", "cannot be read"},
      {write("empty.jsonl", ""), "has no `run` row"},
      {write("text.jsonl", "hello\n"), "text.jsonl:1:1: no results row"},
      {write("killed.jsonl", whole.substr(0, whole.rfind("{\"cells\""))), "has no `end` row"},
      {file("odd.jsonl", {odd}), "odd.jsonl:2:1: "},
      {file("unknown.jsonl", {unknown}), "there is no verdict fine; allowed: crash"},
      {file("subject.jsonl", {here}, "adapter other"), "is of the subject adapter"},
      {file("isa.jsonl", {at("jump", 0, "stub/live=-#1", "push", kOk, "386")}), "is of isa "},
      {file("site.jsonl", {elsewhere}), "no operation (isa, protocol, site) in common"}};
  for (const auto& [path, why] : bad) {
    for (const bool good_first : {true, false}) {
      std::string files = good_first ? good : path;
      files.append(" ").append(good_first ? path : good);
      const Ran ran = sigsweep("compare " + files);
      EXPECT_EQ(ran.status, 2) << files << ran.output;
      EXPECT_NE(ran.output.find(why), std::string::npos) << files << ran.output;
    }
  }
  EXPECT_EQ(sigsweep("compare " + good).status, 2);
  EXPECT_EQ(sigsweep("compare " + good + " " + good + " " + good).status, 2);
  EXPECT_EQ(sigsweep("compare " + good + " " + good).status, 0);
}

}  // namespace
}  // namespace sigsweep
