// Lines to a model, and a model to the data of a page.
#include "stress/host/page/read_page.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "stress/host/options.h"
#include "stress/host/page/page.h"
#include "stress/host/page/page_json.h"
#include "stress/host/page/verdict_letter.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

const ordered_json kRun = {{"kind", "run"}, {"subject", "some library"}};

ordered_json boundary(unsigned i, const ordered_json& handlers, const std::string& protocol = "p") {
  return {{"kind", "boundary"},
          {"isa", "amd64"},
          {"protocol", protocol},
          {"site", "s"},
          {"inject", "direct"},
          {"contain", "place"},
          {"symbol", "f"},
          {"offset", 4 * i},
          {"pass", 1},
          {"phase", fmt::format("stub/sp=host/live=s0#{}", i + 1)},
          {"live", {"s0"}},
          {"instruction", "nop"},
          {"handlers", handlers}};
}

ordered_json finding(unsigned i) {
  return {{"kind", "finding"},   {"id", fmt::format("{:016x}", i)},
          {"isa", "amd64"},      {"protocol", "p"},
          {"site", "s"},         {"handler", "h"},
          {"phase", "stub#1"},   {"verdict", "crash"},
          {"detail", "a fault"}, {"schedule", "sigsweep "},
          {"known", false}};
}

PageModel model_of(const std::vector<ordered_json>& rows) {
  PageReader reader;
  reader.begin_file("results.jsonl");
  for (const ordered_json& row : rows) reader.take(row.dump());
  return reader.model();
}

// The data that a page of this model holds, read as a browser reads them.
ordered_json data_of(const PageModel& model) {
  const std::string html = page_html(model, {"var d3 = {};", "a licence"});
  const std::string begin = R"(<script type="application/json" id="data">)";
  const std::size_t from = html.find(begin) + begin.size(), to = html.find("</script>", from);
  return ordered_json::parse(html.substr(from, to - from));
}

// UTF-8 to its characters.
std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> all;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80 && !all.empty()) {
      all.back() += c;
    } else {
      all.emplace_back(1, c);
    }
  }
  return all;
}

// All verdicts of a page: "isa protocol site handler symbol+offset" -> verdict, slots, finding.
std::map<std::string, std::string> verdicts_of(const ordered_json& data) {
  std::map<std::string, std::string> told;
  const std::vector<std::string> alphabet = characters(data["alphabet"]);
  const auto text = [&](const ordered_json& index) {
    return data["texts"][index.get<std::size_t>()].get<std::string>();
  };
  for (const ordered_json& operation : data["operations"]) {
    const ordered_json& code = data["codes"][operation[6].get<std::size_t>()];
    for (const ordered_json& strip : operation[7]) {
      const std::vector<std::string> letters =
          characters(data["rows"][strip[0].get<std::size_t>()]);
      EXPECT_EQ(letters.size(), code.size());
      for (std::size_t h = 1; h < strip.size(); h++) {
        for (std::size_t i = 0; i < code.size(); i++) {
          const auto number = std::ranges::find(alphabet, letters[i]) - alphabet.begin();
          if (number == 0) continue;
          const ordered_json& outcome = data["outcomes"][static_cast<std::size_t>(number - 1)];
          const ordered_json& place = data["places"][code[i].get<std::size_t>()];
          told[fmt::format("{} {} {} {} {}+{} pass {} {}#{}", text(operation[1]),
                           text(operation[2]), text(operation[3]), text(strip[h]), text(place[1]),
                           place[2].get<unsigned>(), place[3].get<unsigned>(), text(place[4]),
                           place[5].get<unsigned>())] =
              fmt::format("{} {} {} {}", outcome[0].get<std::string>(),
                          outcome[1].get<std::string>(), outcome[2].get<std::string>(),
                          outcome[3].get<int>());
        }
      }
    }
  }
  return told;
}

std::map<std::string, std::string> verdicts_of(const std::vector<ordered_json>& rows) {
  std::map<std::string, std::string> told;
  for (const ordered_json& row : rows) {
    if (row["kind"] != "boundary") continue;
    for (const auto& [handler, outcome] : row["handlers"].items()) {
      std::string slots;
      for (const ordered_json& slot : outcome.value("slots", ordered_json::array()))
        slots += (slots.empty() ? "" : "+") + slot.get<std::string>();
      told[fmt::format("{} {} {} {} {}+{} pass {} {}", row["isa"].get<std::string>(),
                       row["protocol"].get<std::string>(), row["site"].get<std::string>(), handler,
                       row["symbol"].get<std::string>(), row["offset"].get<unsigned>(),
                       row["pass"].get<unsigned>(), row["phase"].get<std::string>())] =
          fmt::format(
              "{} {} {} {}", outcome["verdict"].get<std::string>(), slots,
              outcome.value("detail", ""),
              (outcome.value("judged", true) ? 0 : 1) + (outcome.value("finding", false) ? 2 : 0));
    }
  }
  return told;
}

TEST(PageModelOfLines, TheVerdictsOfAPageAreThoseOfTheResults) {
  std::vector<ordered_json> rows{kRun};
  for (unsigned i = 0; i < 40; i++) {
    for (const char* protocol : {"p", "q"}) {
      ordered_json handlers;
      for (unsigned h = 0; h < 5; h++) {
        ordered_json outcome{{"verdict", kVerdictNames[(i * (h + 1)) % kVerdicts]}};
        if (i % 3 == 0) outcome["slots"] = {"s0", "s1"};
        if (i % 5 == 0) outcome["detail"] = fmt::format("detail {}", i * h);
        if (i % 7 == 0) outcome["finding"] = true;
        if (i % 11 == 0) outcome["judged"] = false;
        if (i < 30 || h < 3)
          handlers[fmt::format("h{}", h)] = outcome;  // a cell that was cut short
      }
      rows.push_back(boundary(i, handlers, protocol));
    }
  }
  const auto told = verdicts_of(data_of(model_of(rows)));
  EXPECT_EQ(told.size(), 2U * (30 * 5 + 10 * 3));
  EXPECT_EQ(told, verdicts_of(rows));
}

TEST(PageModelOfLines, OperationsWithTheSameCodeShareIt) {
  const ordered_json ok = {{"h", {{"verdict", "ok"}}}};
  const PageModel model =
      model_of({kRun, boundary(0, ok, "p"), boundary(0, ok, "q"), boundary(1, ok, "q")});
  ASSERT_EQ(model.operations.size(), 2U);
  EXPECT_EQ(model.codes.size(), 2U);
  EXPECT_EQ(model.places.size(), 2U);
  EXPECT_EQ(model.operations[0].subject, "some library");
  EXPECT_EQ(model.places[0].live, "s0");
}

TEST(PageModelOfLines, TheSameOperationInTwoFilesStaysApart) {
  PageReader reader;
  for (const char* name : {"a", "b"}) {
    reader.begin_file(name);
    reader.take(boundary(0, {{"h", {{"verdict", "ok"}}}}).dump());
  }
  const PageModel model = reader.model();
  ASSERT_EQ(model.operations.size(), 2U);
  EXPECT_EQ(model.codes.at(model.operations[0].code).size(), 1U);
}

TEST(PageModelOfLines, BrokenLinesAreCountedAndOthersKept) {
  PageReader reader;
  reader.begin_file("x");
  for (const char* line :
       {"", "{", "null", "[]", R"({"kind":"boundary"})", R"({"kind":"cell","isa":3})",
        R"({"kind":"end","status":"0"})", R"({"kind":"of the future"})", R"({"no":"kind"})",
        "\xff\xfe", R"({"kind":"finding","id":"00000000000000ff"})"})
    reader.take(line);
  reader.half_written();
  const PageModel model = reader.model();
  EXPECT_EQ(model.files[0].lines, 11U);
  EXPECT_EQ(model.files[0].broken, 6U);
  EXPECT_EQ(model.files[0].unknown, 4U);  // null, [], and rows of no kind that a page has
  EXPECT_TRUE(model.files[0].half_written);
  EXPECT_EQ(model.kinds.at("finding").size(), 1U);
  EXPECT_EQ(data_of(model)["files"][0]["broken"], 6);
}

TEST(PageModelOfLines, AnEmptyFileMakesAPage) {
  const ordered_json data = data_of(model_of({}));
  EXPECT_TRUE(data["operations"].empty());
  EXPECT_EQ(data["files"][0]["lines"], 0);
  EXPECT_TRUE(data["files"][0]["status"].is_null());
}

TEST(PageModelOfLines, AThousandFindingsAreAllThereAndTheSameOneOnce) {
  std::vector<ordered_json> rows{kRun};
  for (unsigned i = 0; i < 1000; i++) rows.push_back(finding(i));
  rows.push_back(finding(7));
  const PageModel model = model_of(rows);
  EXPECT_EQ(model.kinds.at("finding").size(), 1000U);
  EXPECT_EQ(model.findings_left_out, 0U);
}

TEST(PageModelOfLines, MoreFindingsThanAPageHoldsAreCounted) {
  std::vector<ordered_json> rows{kRun};
  for (unsigned i = 0; i < kMostFindings + 3; i++) rows.push_back(finding(i));
  const PageModel model = model_of(rows);
  EXPECT_EQ(model.kinds.at("finding").size(), kMostFindings);
  EXPECT_EQ(data_of(model)["findings_left_out"], 3);
}

// A fault that is found late in the results is as good as one that is found early.
TEST(PageModelOfLines, TheFindingsThatAreKeptAreASampleOverPlacesAndAllAreCounted) {
  std::vector<ordered_json> rows{kRun};
  for (unsigned i = 0; i < kMostFindings + 5; i++) {
    rows.push_back(finding(i));
    rows.back()["symbol"] = i < kMostFindings ? "f" : "g";
  }
  rows.push_back(finding(3));  // again, by another part
  const PageModel model = model_of(rows);
  std::map<std::string, unsigned> kept;
  for (const PageRow& row : model.kinds.at("finding")) kept[row.json["symbol"]]++;
  EXPECT_EQ(kept["f"], kMostFindings - 5);
  EXPECT_EQ(kept["g"], 5U);
  std::uint64_t all = 0;
  const ordered_json data = data_of(model);
  for (const ordered_json& tally : data["tallies"]) all += tally[7].get<std::uint64_t>();
  EXPECT_EQ(all, kMostFindings + 5);
}

TEST(PageModelOfLines, AHistoryTellsSinceWhenAndWhatTheResultsHaveNot) {
  const auto past = [](unsigned i, const char* seen) {
    ordered_json row = finding(i);
    row.update({{"kind", "past_finding"},
                {"first_seen", seen},
                {"first_build", "b"},
                {"last_seen", "2026-11-03"},
                {"last_build", "b"},
                {"count", 2}});
    return row;
  };
  const PageModel model =
      model_of({kRun, finding(1), past(1, "2026-11-02"), past(2, "2026-11-01")});
  ASSERT_EQ(model.kinds.at("finding").size(), 1U);
  EXPECT_EQ(model.kinds.at("finding")[0].json["first_seen"], "2026-11-02");
  ASSERT_EQ(model.kinds.at("past_finding").size(), 1U);
  ASSERT_EQ(model.tallies.size(), 1U);
  EXPECT_EQ(model.tallies.begin()->second.findings, 2U);
  EXPECT_EQ(model.tallies.begin()->second.first_seen, "2026-11-01");
}

TEST(PageModelOfLines, ARowsOwnFileIsKeptBesideThatInWhichItStands) {
  const ordered_json data = data_of(
      model_of({{{"kind", "replayed"}, {"file", "a.sched"}, {"isa", "amd64"}, {"verdict", "ok"}}}));
  EXPECT_EQ(data["kinds"]["replayed"][0]["path"], "a.sched");
  EXPECT_EQ(data["kinds"]["replayed"][0]["file"], 0);
}

TEST(PageModelOfLines, AnAdapterWithTwoThousandBoundariesStaysSmall) {
  std::vector<ordered_json> rows{
      {{"kind", "run"}, {"subject", "adapter l"}, {"adapter", {{"name", "l"}}}}};
  for (unsigned i = 0; i < 2000; i++) {
    rows.push_back(boundary(i, {{"none", {{"verdict", "ok"}}},
                                {"observe", {{"verdict", i % 3 ? "ok" : "broken-backtrace"}}}}));
  }
  const PageModel model = model_of(rows);
  EXPECT_EQ(model.operations.at(0).subject, "l");
  EXPECT_EQ(verdicts_of(data_of(model)), verdicts_of(rows));
  EXPECT_LT(script_safe(page_json(model)).size(), 150000U);
}

TEST(PageModelOfLines, CellsAreAddedUp) {
  const ordered_json cell = {
      {"kind", "cell"},     {"isa", "amd64"},  {"protocol", "p"},
      {"site", "s"},        {"handler", "h"},  {"form", "single"},
      {"inject", "direct"}, {"boundaries", 5}, {"trials", 5},
      {"landed", 4},        {"unreached", 1},  {"verdicts", {{"ok", 3}, {"crash", 2}}},
      {"expected", false},  {"promised", true}};
  const PageModel model = model_of({kRun, cell, cell});
  ASSERT_EQ(model.sums.size(), 1U);
  const PageSum& sum = model.sums.begin()->second;
  EXPECT_EQ(sum.cells, 2U);
  EXPECT_EQ(sum.boundaries, 5U);
  EXPECT_EQ(sum.landed, 8U);
  EXPECT_EQ(sum.promised, 10U);
  EXPECT_EQ(sum.kept, 6U);
  EXPECT_EQ(sum.unexpected, 2U);
  EXPECT_EQ(sum.verdicts.at("crash"), 4U);
}

TEST(PageModelOfLines, CellsThatAreWrongWhereverTheSignalLandsAreCounted) {
  const auto cell = [](const char* handler, const ordered_json& verdicts, unsigned trials) {
    return ordered_json{{"kind", "cell"},     {"isa", "amd64"},       {"protocol", "p"},
                        {"site", "s"},        {"handler", handler},   {"form", "single"},
                        {"inject", "direct"}, {"boundaries", trials}, {"trials", trials},
                        {"landed", trials},   {"unreached", 0},       {"verdicts", verdicts},
                        {"expected", false}};
  };
  const PageModel model =
      model_of({kRun, cell("h", {{"crash", 4}}, 4), cell("i", {{"crash", 4}}, 4),
                cell("j", {{"crash", 1}, {"ok", 3}}, 4), cell("none", {{"hang", 4}}, 4)});
  const auto& everywhere = model.sums.begin()->second.everywhere;
  ASSERT_EQ(everywhere.size(), 2U);
  EXPECT_EQ(everywhere.at("crash").cells, 2U);
  EXPECT_TRUE(everywhere.at("crash").calls);
  EXPECT_FALSE(everywhere.at("hang").calls);
}

TEST(PageText, NothingOfANameEndsTheScript) {
  const std::string wicked =
      "</script><script>alert(1)</script><!--&\"'\\\xe2\x80\xa8\xe2\x80\xa9{{script}}";
  ordered_json row = boundary(0, {{wicked, {{"verdict", "crash"}, {"detail", wicked}}}});
  row["symbol"] = wicked;
  const PageModel model = model_of({kRun, row});
  const std::string text = script_safe(page_json(model));
  for (const char* never : {"<", ">", "&", "\xe2\x80\xa8", "\xe2\x80\xa9"})
    EXPECT_EQ(text.find(never), text.npos) << never;
  const ordered_json data = data_of(model);
  EXPECT_EQ(std::ranges::count(data["texts"].get<std::vector<std::string>>(), wicked), 1);
  EXPECT_EQ(data["outcomes"][0][2], wicked);
}

TEST(PageText, ANameOfAMillionCharactersStaysWhole) {
  const std::string name(1000000, 'n');
  ordered_json row = boundary(0, {{"h", {{"verdict", "ok"}}}});
  row["symbol"] = name;
  const ordered_json data = data_of(model_of({kRun, row, row}));
  EXPECT_EQ(std::ranges::count(data["texts"].get<std::vector<std::string>>(), name), 1);
}

TEST(PageText, ALibraryCannotEndItsElement) {
  const std::string html =
      page_html(model_of({}), {"f('</script>');", "licence */ alert(1) /* </script>"});
  EXPECT_EQ(html.find("alert(1) /* </script"), html.npos);
  std::size_t ends = 0;
  for (std::size_t at = html.find("</script"); at != html.npos; at = html.find("</script", at + 1))
    ends++;
  EXPECT_EQ(ends, 3U);  // data, library, script
  EXPECT_NE(html.find("licence * / alert(1)"), html.npos);
}

TEST(PageText, EachRowLetterIsAnotherOne) {
  std::set<std::string> letters;
  for (PageIndex i = 0; i <= kMostLetters; i++) letters.insert(row_letter(i));
  EXPECT_EQ(letters.size(), kMostLetters + 1);
  for (const char* never : {"\"", "\\", "<", ">", "&", "'", "`"})
    EXPECT_FALSE(letters.contains(never));
}

TEST(PageText, EachVerdictHasALetterOfItsOwn) {
  const std::set<char> letters(kVerdictLetters.begin(), kVerdictLetters.end());
  EXPECT_EQ(letters.size(), std::size_t{kVerdicts});
  EXPECT_EQ(sign_of("rejected").sign, 'R');
  EXPECT_EQ(sign_of("of the future").sign, '?');
}

// ---- files

class PageFiles : public testing::Test {
 protected:
  PageFiles() { fs::create_directories(folder_); }
  ~PageFiles() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  const fs::path folder_ = fs::path(testing::TempDir()) /
                           ("page-" + std::to_string(getpid()) +
                            testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(PageFiles, OfAFolderAllResultsBelowItAreTaken) {
  write("b/results.jsonl", "");
  write("a.jsonl", "");
  write("run.json", "{}");
  write("log", "text");
  const std::vector<fs::path> files = files_of_page(folder_);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0], folder_ / "a.jsonl");
}

TEST_F(PageFiles, AFolderWithoutResultsAndAPathThatIsNotThereAreNoInput) {
  const auto status = [](const fs::path& path) {
    try {
      files_of_page(path);
    } catch (const Failure& failure) {
      return static_cast<int>(failure.status);
    }
    return -1;
  };
  EXPECT_EQ(status(folder_), kUsage);
  EXPECT_EQ(status(folder_ / "missing"), kUsage);
}

TEST_F(PageFiles, ALastLineThatWasCutShortIsKnown) {
  write("half.jsonl", kRun.dump() + "\n{\"kind\":\"bound");
  write("whole.jsonl", kRun.dump() + "\n");
  PageReader reader;
  read_file(folder_ / "half.jsonl", "half", &reader);
  read_file(folder_ / "whole.jsonl", "whole", &reader);
  const PageModel model = reader.model();
  EXPECT_TRUE(model.files[0].half_written);
  EXPECT_EQ(model.files[0].broken, 1U);
  EXPECT_FALSE(model.files[1].half_written);
  EXPECT_EQ(model.files[1].lines, 1U);
}

TEST_F(PageFiles, APageIsWrittenWholeOrNotAtAll) {
  write_page("<html>", folder_ / "page.html");
  EXPECT_EQ(fs::file_size(folder_ / "page.html"), 6U);
  try {
    write_page("<html>", folder_ / "missing" / "page.html");
    FAIL() << "it was written";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kHarnessFailed);
  }
}

}  // namespace
}  // namespace sigsweep
