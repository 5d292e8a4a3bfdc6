// `sigsweep report --markdown`: the stress report as files, and what it refuses.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

class ReportStorm : public Command {
 protected:
  const std::string reference_ = kSource + "/results/reference/storm-amd64.jsonl";
  std::string content(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(ReportStorm, WritesThePageAndItsChartsAndPrintsThePage) {
  const Ran ran = sigsweep("report " + reference_ + " --markdown out/night.page");
  EXPECT_EQ(ran.status, 0) << ran.output;
  const std::string page = content("out/night.page");
  EXPECT_NE(page.find("**It held.**"), page.npos);
  EXPECT_NE(page.find("(night-operations.svg)"), page.npos);
  EXPECT_EQ(ran.output, page);
  for (const char* name : {"operations", "latency"}) {
    const Ran parsed = run("/usr/bin/python3 -c \"import xml.dom.minidom as m; m.parse('" +
                           folder_ + "/out/night-" + name + ".svg')\"");
    EXPECT_EQ(parsed.status, 0) << parsed.output;
  }
}

// In a locale with a comma in its numbers the page is the same.
TEST_F(ReportStorm, IsTheSameInEveryLocale) {
  sigsweep("report " + reference_ + " --markdown one/page");
  run("cd " + folder_ + " && LC_ALL=de_DE.UTF-8 " + kBin + "/sigsweep report " + reference_ +
      " --markdown two/page");
  for (const char* name : {"page", "page-operations.svg", "page-latency.svg"}) {
    EXPECT_NE(content(std::string("one/") + name), "") << name;
    EXPECT_EQ(content(std::string("one/") + name), content(std::string("two/") + name)) << name;
  }
}

TEST_F(ReportStorm, AStormThatWentWrongIsAFinding) {
  std::ifstream in(reference_);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::string expected = "\"expected\":true";
  text.replace(text.find(expected), expected.size(), "\"expected\":false");
  write("wrong.jsonl", text);
  const Ran ran = sigsweep("report wrong.jsonl --markdown w.page");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("**It did not hold** in 1 storm"), std::string::npos) << ran.output;
}

TEST_F(ReportStorm, RefusesWhatHasNoStormOrIsNoRow) {
  write("none.jsonl", "{\"kind\":\"end\",\"cells\":0,\"status\":0}\n");
  write("half.jsonl", "{\"kind\":\"storm\",\"ms\":\n");
  write("bare.jsonl", "{\"kind\":\"storm\"}\n");
  for (const auto& [name, said] : std::map<std::string, std::string>{
           {"none.jsonl", "has no `storm` row"},
           {"half.jsonl", "half.jsonl:1:1: no results row"},
           {"bare.jsonl", "a row is not as results/schema.json says"},
           {"missing.jsonl", "cannot be read"}}) {
    const Ran ran = sigsweep("report " + name + " --markdown r.page");
    EXPECT_EQ(ran.status, 2) << name << ran.output;
    EXPECT_NE(ran.output.find(said), std::string::npos) << name << ran.output;
    EXPECT_FALSE(fs::exists(folder_ + "/r.page")) << name;
  }
}

}  // namespace
}  // namespace sigsweep
