// The strip that `explain` and `sweep` draw has the verdicts of the results.
#include <algorithm>

#include "stress/host/command_fixture.h"
#include "stress/host/strip.h"
#include "stress/host/verdict_sign.h"

namespace sigsweep {
namespace {

class StripCommand : public Command {
 protected:
  // The signs behind each title, all blocks together; a later strip of the same title ends it.
  static std::map<std::string, std::string> drawn(const std::string& text) {
    std::map<std::string, std::string> signs;
    std::istringstream in(text);
    const std::regex row(R"re(([a-z_]+) +([^ ]+))re");
    for (std::string line; std::getline(in, line);) {
      std::smatch found;
      if (std::regex_match(line, found, row) && found[1] != "part") signs[found[1]] += found[2];
    }
    return signs;
  }
  static std::map<std::string, std::string> expected(const std::vector<json>& boundaries) {
    std::map<std::string, std::string> signs;
    for (const json& row : boundaries) {
      const std::string verdict = row["handlers"].begin().value()["verdict"];
      signs[row["protocol"]] += sign_of(verdict).sign;
    }
    return signs;
  }
  // From its first line on, as far as it goes.
  static std::string strip_in(const std::string& output) {
    const std::size_t begin = output.find("a column is an instruction");
    return begin == output.npos ? "" : output.substr(begin, output.find("\n...", begin) - begin);
  }
  static void expect_80_columns(const std::string& output) {
    std::istringstream in(strip_in(output));
    for (std::string line; std::getline(in, line);) EXPECT_LE(line.size(), 80U) << line;
  }
};

TEST_F(StripCommand, ExplainDrawsEveryVerdictOfItsResults) {
  const Ran ran = sigsweep("explain --site mcacheRefill_m --strip --json e.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  const auto boundaries = rows(folder_ + "/e.jsonl", "boundary");
  EXPECT_GT(boundaries.size(), 400U);
  EXPECT_EQ(drawn(ran.output), expected(boundaries)) << ran.output;
  expect_80_columns(ran.output);
  EXPECT_NE(ran.output.find("A arg-clobbered"), std::string::npos);
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);  // it is no terminal
}

TEST_F(StripCommand, ATerminalHasColoursUnlessTheyAreNotWanted) {
  const std::string explain = "sigsweep explain --site gc_m --protocol signalok_raw --strip";
  const auto in_terminal = [&](const std::string& environment) {
    return run("cd " + folder_ + " && TERM=xterm " + environment + " script -qec '" + kBin + "/" +
               explain + " 2>/dev/null' /dev/null </dev/null")
        .output;
  };
  // Only `script` gives the command a terminal, for which alone there is colour.
  if (run("script --version").status != 0) GTEST_SKIP() << "there is no `script` (bsdutils)";
  EXPECT_NE(in_terminal("NO_COLOR=").find("\x1b[33mA"), std::string::npos);
  EXPECT_EQ(in_terminal("NO_COLOR=1").find("\x1b["), std::string::npos);
}

TEST_F(StripCommand, ThePictureIsXmlAndSaysWhatItShows) {
  const Ran ran = sigsweep("explain --site mcacheRefill_m --svg p/strip.svg --json p.jsonl");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("strip: p/strip.svg\n"), std::string::npos) << ran.output;
  const Ran parsed =
      run("/usr/bin/python3 -c \"import xml.dom.minidom as m; "
          "print(m.parse('" +
          folder_ + "/p/strip.svg').getElementsByTagName('desc')[0].firstChild.data)\"");
  EXPECT_EQ(parsed.status, 0) << parsed.output;
  // How many there are is the compiler's: the results tell.
  const std::string signs = expected(rows(folder_ + "/p.jsonl", "boundary"))["signalok_raw"];
  const auto clobbered = std::count(signs.begin(), signs.end(), 'A');
  EXPECT_GT(clobbered, 20);
  const std::string says = "signalok_raw: ok at " +
                           std::to_string(static_cast<long>(signs.size()) - clobbered) +
                           ", arg-clobbered at " + std::to_string(clobbered) + " of " +
                           std::to_string(signs.size()) + " instructions";
  EXPECT_NE(parsed.output.find(says), std::string::npos) << says << "\n" << parsed.output;
}

TEST_F(StripCommand, ASweepDrawsTheSameAndSaysWhatItLeavesOut) {
  const std::string cells = "--protocol reject,signalok_raw --handler gc_m";
  const Ran one =
      sigsweep("sweep --per-boundary --json s.jsonl --site mcacheRefill_m " + cells + "");
  EXPECT_EQ(one.status, 0) << one.output;
  auto found = drawn(one.output);
  for (const auto& [protocol, signs] : expected(rows(folder_ + "/s.jsonl", "boundary")))
    EXPECT_EQ(found[protocol], signs) << one.output;
  EXPECT_EQ(one.output.find("more site"), std::string::npos) << one.output;
  const Ran all = sigsweep("sweep --per-boundary --json a.jsonl " + cells + "");
  EXPECT_TRUE(std::regex_search(all.output, std::regex("\n\\.\\.\\. and [0-9]+ more sites; ")));
  expect_80_columns(all.output);
}

TEST_F(StripCommand, WithoutPerBoundaryASweepDrawsNone) {
  const Ran ran = sigsweep("sweep --site gc_m --protocol reject --handler gc_m");
  EXPECT_EQ(ran.output.find("a column is an instruction"), std::string::npos) << ran.output;
}

// Of four sites the three that are drawn are not the first three.
TEST_F(StripCommand, AFindingIsDrawnFirst) {
  const Ran ran = sigsweep(
      "sweep --per-boundary --json f.jsonl --protocol signalok_raw --assume signalok_raw=ok "
      "--site scavenge_m,gosched_m,park_m,mcacheRefill_m --handler mcacheRefill_m");
  EXPECT_EQ(ran.status, 1) << ran.output;
  const std::string strip = strip_in(ran.output);
  EXPECT_EQ(strip.find(" interrupted, "), strip.find("mcacheRefill_m interrupted, ") + 14) << strip;
  EXPECT_TRUE(std::regex_search(strip, std::regex("signalok_raw \\*     \\.+AAAA"))) << strip;
  EXPECT_EQ(strip.find("park_m interrupted"), strip.npos) << strip;
}

}  // namespace
}  // namespace sigsweep
