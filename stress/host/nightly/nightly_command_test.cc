// `sigsweep nightly` as a command: what it refuses, and a night that has nothing to run.
#include <gmock/gmock.h>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;

class NightlyCommand : public Command {
 protected:
  Ran nightly(const std::string& flags) { return sigsweep("nightly --out nights " + flags); }
};

TEST_F(NightlyCommand, RefusesABudgetThatIsTooShortAndNamesTheLeast) {
  for (const char* budget : {"90s", "3m"}) {
    const Ran ran = nightly(std::string("--budget ") + budget);
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_THAT(ran.output, ContainsRegex(std::string("--budget ") + budget +
                                          ": too short for [0-9]+ parts on [0-9]+ processors; the "
                                          "least is [0-9a-z]+; --only"));
  }
  EXPECT_FALSE(fs::exists(folder_ + "/nights"));
}

TEST_F(NightlyCommand, TheLeastThatItNamesIsTaken) {
  const Ran refused = nightly("--only storm-gcc --budget 1s");
  EXPECT_EQ(refused.status, 2);
  std::smatch least;
  ASSERT_TRUE(std::regex_search(refused.output, least, std::regex("the least is ([0-9a-z]+)")));
  const Ran ran = nightly("--only storm-gcc --builds /no/builds --budget " + least[1].str());
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("FAIL   storm-gcc"));
  EXPECT_THAT(ran.output, HasSubstr("/no/builds/gcc/runner-amd64-storm is not there: target "
                                    "runner-amd64-storm of preset gcc is to be built"));
}

TEST_F(NightlyCommand, RefusesWhatCannotBe) {
  EXPECT_THAT(nightly("").output, HasSubstr("--budget: missing"));
  EXPECT_EQ(nightly("").status, 2);
  EXPECT_THAT(nightly("--budget 8d").output, HasSubstr("allowed: 90s, 10m, 8h"));
  EXPECT_THAT(nightly("--only nothing --budget 8h").output, HasSubstr("no such part; allowed: "));
  EXPECT_THAT(nightly("--resume --budget 8h").output, HasSubstr("no --budget and no --only"));
  const Ran resumed = nightly("--resume");
  EXPECT_EQ(resumed.status, 2);
  EXPECT_THAT(resumed.output, HasSubstr("has no night without an end"));
}

TEST_F(NightlyCommand, SaysWhatMustBeBuilt) {
  const Ran ran = nightly("--only storm-tsan --budget 1h --needs");
  EXPECT_EQ(ran.status, 0);
  const std::string preset = fs::path(kBin).filename();  // this command's own
  EXPECT_THAT(ran.output, AnyOf(preset + " runner-amd64\ntsan runner-amd64-storm\n",
                                "tsan runner-amd64-storm\n" + preset + " runner-amd64\n"));
}

TEST_F(NightlyCommand, ANightOfAnotherBuildIsNotGoneOnWith) {
  nightly("--only storm-gcc --builds /no/builds --budget 1h");
  std::string night;
  for (const auto& entry : fs::directory_iterator(folder_ + "/nights"))
    if (fs::exists(entry.path() / "night.jsonl")) night = entry.path() / "night.jsonl";
  std::string text = content_of(night);
  text = text.substr(0, text.find("{\"kind\":\"part\""));
  const std::string build = "\"build\":\"";
  for (std::size_t at = 0; (at = text.find(build, at)) != text.npos; at += build.size())
    text.insert(at + build.size(), "another ");
  std::ofstream(night) << text;
  const Ran ran = nightly("--resume");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("was begun by build another "));
}

}  // namespace
}  // namespace sigsweep
