// Strips of made-up boundaries: as text that a reader can check by eye, and as a picture.
#include "stress/host/strip.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "stress/host/strip_svg.h"
#include "stress/host/strip_text.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<ordered_json>;

ordered_json verdict(const std::string& name) {
  return {{"verdict", name}};
}
ordered_json finding(const std::string& name) {
  return {{"verdict", name}, {"finding", true}};
}

struct Place {
  std::string symbol;
  unsigned offset;
  std::string phase;
  std::vector<std::string> live;
};

ordered_json row(const std::string& protocol, const Place& place, const ordered_json& handlers,
                 const std::string& isa = "amd64") {
  return {{"kind", "boundary"},
          {"isa", isa},
          {"protocol", protocol},
          {"site", "gc_m"},
          {"inject", "direct"},
          {"contain", "place"},
          {"symbol", place.symbol},
          {"offset", place.offset},
          {"pass", 1},
          {"phase", place.phase},
          {"live", place.live},
          {"instruction", "nop"},
          {"handlers", handlers}};
}

// A call through onM, much shortened: the caller writes s0, fn reads it.
const std::vector<Place> kOnM = {
    {"gc_m_call", 0x0, "caller/g=curg/sp=curg/live=-#1", {}},
    {"gc_m_call", 0x4, "caller/g=curg/sp=curg/live=-#2", {}},
    {"gc_m_call", 0x9, "caller/g=curg/sp=curg/live=s0#1", {"s0"}},
    {"onM", 0x0, "stub/g=curg/sp=curg/live=s0#1", {"s0"}},
    {"onM", 0x7, "stub/g=curg/sp=curg/live=s0#2", {"s0"}},
    {"onM", 0x47, "stub.switched/g=g0/sp=curg/live=s0#1", {"s0"}},
    {"onM", 0x4b, "stub.switched/g=g0/sp=g0/live=s0#1", {"s0"}},
    {"gc_m", 0x0, "fn/g=g0/sp=g0/live=s0#1", {"s0"}},
    {"gc_m", 0x3, "fn/g=g0/sp=g0/live=-#1", {}},
    {"onM", 0x50, "stub.back/g=curg/sp=g0/live=-#1", {}},
    {"onM", 0x58, "stub.back/g=curg/sp=curg/live=-#1", {}},
    {"gc_m_call", 0x12, "caller.back/g=curg/sp=curg/live=-#1", {}},
};

// One protocol at these places; the verdicts by their signs.
void add(const std::string& protocol, const std::vector<Place>& places, const std::string& signs,
         Rows* rows) {
  const std::map<char, std::string> names = {
      {'.', "ok"}, {'A', "arg-clobbered"}, {'R', "rejected"}, {'!', "crash"}};
  for (std::size_t i = 0; i < places.size(); i++)
    rows->push_back(row(protocol, places[i], {{"gc_m", verdict(names.at(signs[i]))}}));
}

std::string text_of(const Rows& rows, Colour colour = Colour::no) {
  return strips_text(strips_of(rows), colour);
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) longest = std::max(longest, line.size());
  return longest;
}

TEST(StripText, ShowsPartsLiveSlotsAndARowAProtocol) {
  Rows rows;
  add("reject", kOnM, "RRRRRRRRRRRR", &rows);
  add("signalok_raw", kOnM, "..AAAAAA....", &rows);
  add("mcall_gsignal", kOnM, "..AAAA!!!...", &rows);
  EXPECT_EQ(text_of(rows),
            R"(a column is an instruction: a signal lands in front of it

gc_m interrupted, amd64, handler gc_m

part               |ca|s|s|f|b|
live s0              ======
g, sp apart             x   x
reject             RRRRRRRRRRRR
signalok_raw       ..AAAAAA....
mcall_gsignal      ..AAAA!!!...

where              how many, from where to where
signalok_raw       A   6  gc_m_call+0x9 to gc_m+0x0
mcall_gsignal      A   4  gc_m_call+0x9 to onM+0x47
                   !   3  onM+0x4b to gc_m+0x3

. ok   ! crash   A arg-clobbered   R rejected   = written, not yet read
x they say two stacks
)");
}

TEST(StripText, OtherInstructionsAreAnotherStripBelowTheSameHeading) {
  std::vector<Place> shorter(kOnM.begin(), kOnM.begin() + 3);
  Rows rows;
  add("closure", kOnM, "............", &rows);
  add("legacy", shorter, "!!!", &rows);
  EXPECT_EQ(text_of(rows), R"(a column is an instruction: a signal lands in front of it

gc_m interrupted, amd64, handler gc_m

part               |ca|s|s|f|b|
live s0              ======
g, sp apart             x   x
closure            ............

part               |ca
live s0              =
legacy             !!!

. ok   ! crash   = written, not yet read   x they say two stacks
)");
}

// An adapter has handlers, no slots, and findings; a handler's cell may have been cut short.
TEST(StripText, HandlersOfOneProtocolShareARowWhereTheyAreTheSame) {
  const std::string phases[] = {"resume/sp=host#1", "resume/sp=co0#1", "suspend/sp=co0#1"};
  Rows rows;
  for (unsigned i = 0; i < 3; i++) {
    ordered_json handlers = {{"none", verdict("ok")},
                             {"switch", i == 1 ? finding("stack-smash") : verdict("ok")},
                             {"observe", verdict("ok")}};
    if (i == 2) handlers["observe"] = {{"verdict", "ok"}, {"judged", false}};
    if (i < 2) handlers["touch"] = verdict("ok");
    handlers["stop"] = verdict("ok");
    rows.push_back(row("altstack", {"jump", i * 4, phases[i], {}}, handlers, "386"));
  }
  EXPECT_EQ(text_of(rows), R"(a column is an instruction: a signal lands in front of it

gc_m interrupted, 386, protocol altstack

part               |r|
none, stop         ...
switch *           .K.
observe            ..~
touch              ..-

where              how many, from where to where
switch             K   1  jump+0x4
observe            ~   1  jump+0x8
touch              -   1  jump+0x8

. ok   - not run   K stack-smash   ~ not judged   * has a finding
)");
}

TEST(StripText, ALongStripIsWrappedInEqualBlocks) {
  Rows rows;
  for (unsigned i = 0; i < 100; i++) {
    rows.push_back(row("closure", {"f", i, "caller/sp=curg#1", {}},
                       {{"gc_m", verdict(i == 60 ? "crash" : "ok")}}));
  }
  const std::string text = text_of(rows), dots(50, '.');
  const std::string second = std::string(10, '.') + "!" + std::string(39, '.');
  EXPECT_NE(text.find("instructions 1 to 50 of 100\npart               |caller\n"
                      "closure            " +
                      dots +
                      "\n\ninstructions 51 to 100 of 100\npart               |caller\n"
                      "closure            " +
                      second + "\n"),
            text.npos)
      << text;
}

TEST(StripText, OfAVeryLongStripOnlyBlocksWithSomethingWrongAreDrawn) {
  Rows rows;
  for (unsigned i = 0; i < 2000; i++) {
    rows.push_back(row("closure", {"f", i, "caller/sp=curg#1", {}},
                       {{"gc_m", verdict(i == 1000 ? "crash" : "ok")}}));
  }
  const std::string text = text_of(rows);
  EXPECT_NE(text.find("\ninstructions 1 to 976 of 2000: all ok\n"), text.npos) << text;
  EXPECT_NE(text.find("\ninstructions 977 to 1037 of 2000\n"), text.npos) << text;
  EXPECT_NE(text.find("\ninstructions 1038 to 2000 of 2000: all ok\n"), text.npos) << text;
  EXPECT_LE(longest_line(text), 80U);
}

// At most four runs of a row are named; the row itself shows all.
TEST(StripText, ARowThatChangesOftenSaysHowMuchIsLeftOut) {
  Rows rows;
  add("reject", kOnM, ".A.A.A.A.A.A", &rows);
  EXPECT_NE(text_of(rows).find("                   and 2 more\n"), std::string::npos)
      << text_of(rows);
}

TEST(StripText, ColoursChangeNothingElse) {
  Rows rows;
  add("signalok_raw", kOnM, "..AAAAAA....", &rows);
  const std::string plain = text_of(rows), coloured = text_of(rows, Colour::yes);
  EXPECT_EQ(plain.find('\x1b'), plain.npos);
  EXPECT_NE(coloured.find("\x1b[33mAAAAAA\x1b[0m"), coloured.npos) << coloured;
  EXPECT_EQ(std::regex_replace(coloured, std::regex("\x1b\\[[0-9;]*m"), ""), plain);
}

TEST(StripText, NamesThatAreLongOrHostileStayWithinTheLine) {
  const std::string name = "<\x1b[31m&\n\"" + std::string(100000, 'x');
  Rows rows;
  for (unsigned i = 0; i < 3; i++) {
    rows.push_back(
        row(name, {name, i, name + "#1", {name}}, {{name, verdict(i == 1 ? "crash" : "ok")}}));
  }
  const std::string text = text_of(rows);
  EXPECT_LE(longest_line(text), 80U);
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_LT(text.size(), 2000U);
}

TEST(StripText, ThereMayBeNoBoundary) {
  EXPECT_EQ(text_of({}), "no boundary: there is no strip\n");
}

TEST(StripText, AVerdictOfALaterVersionIsNotOk) {
  Rows rows = {row("reject", kOnM[0], {{"gc_m", verdict("worse-than-all")}})};
  EXPECT_NE(text_of(rows).find("\nreject             ?\n"), std::string::npos) << text_of(rows);
}

// ---- the picture

std::string svg_of(const Rows& rows) {
  return strips_svg(strips_of(rows), "made by a test");
}

unsigned count_of(const std::string& text, const std::string& part) {
  unsigned count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) count++;
  return count;
}

TEST(StripSvg, HasASignForEachBoundaryThatIsNotOkAndSaysTheSameInWords) {
  Rows rows;
  add("signalok_raw", kOnM, "..AAAAAA....", &rows);
  const std::string svg = svg_of(rows);
  EXPECT_EQ(count_of(svg, ">A</text>"), 6U + 1) << svg;  // one in the legend
  EXPECT_NE(
      svg.find("<title id=\"title\">What a signal does: gc_m interrupted, amd64, handler gc_m"),
      svg.npos);
  EXPECT_NE(svg.find("signalok_raw: ok at 6, arg-clobbered at 6 of 12 instructions."), svg.npos);
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), svg.npos);
  EXPECT_NE(svg.find("made by a test"), svg.npos);
}

// The second strip's stub is one instruction shorter; fn begins at the same place all the same.
TEST(StripSvg, StripsWithTheSamePartsAreAlignedByPart) {
  std::vector<Place> shorter = kOnM;
  shorter.erase(shorter.begin() + 4);
  Rows rows;
  add("closure", kOnM, "............", &rows);
  add("legacy", shorter, "!!!!!!!!!!!", &rows);
  const std::string svg = svg_of(rows);
  const std::regex fn(R"re(x="([0-9.]+)" y="[0-9.]+">fn</text>)re");
  std::vector<std::string> at;
  for (std::sregex_iterator i(svg.begin(), svg.end(), fn), end; i != end; ++i)
    at.push_back((*i)[1]);
  ASSERT_EQ(at.size(), 2U) << svg;
  EXPECT_EQ(at[0], at[1]);
}

TEST(StripSvg, NothingOfANameIsMarkup) {
  const std::string name = "<script>&\"\x1b";
  const std::string svg =
      svg_of({row(name, {name, 0, name + "#1", {name}}, {{name, verdict("crash")}})});
  EXPECT_EQ(svg.find("<script"), svg.npos) << svg;
  EXPECT_EQ(svg.find('\x1b'), svg.npos);
  EXPECT_NE(svg.find("&lt;script&gt;&amp;&quot;?"), svg.npos) << svg;
}

TEST(StripSvg, ThousandsOfColumnsAreDrawnByRun) {
  Rows rows;
  for (unsigned i = 0; i < 2000; i++) {
    rows.push_back(row("closure", {"f", i, "caller/sp=curg#1", {}}, {{"gc_m", verdict("crash")}}));
  }
  EXPECT_LT(svg_of(rows).size(), 20000U);
}

TEST(StripSvg, ThereMayBeNoBoundary) {
  EXPECT_NE(svg_of({}).find("No boundary"), std::string::npos);
}

}  // namespace
}  // namespace sigsweep
