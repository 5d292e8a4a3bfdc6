// Tests of the text form of a schedule: what is read, what is printed, and, for each refused text,
// the exact place and what the message says is allowed.
#include "stress/schedule/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <ostream>
#include <random>
#include <set>
#include <utility>

namespace sigsweep {
namespace {

Catalog catalog() {
  Catalog catalog;
  catalog.isa = "amd64";
  catalog.isas.assign(std::begin(kIsas), std::end(kIsas));
  catalog.protocols = {"legacy", "reject", "signalok_raw"};
  catalog.verdicts = {"ok", "crash", "rejected", "arg-clobbered"};
  catalog.slots = {"s0", "s1", "p0"};
  catalog.sites = {{"largeAlloc_m", {"s0", "s1"}}, {"gc_m", {"p0"}}, {"scavenge_m", {}}};
  catalog.handlers = {{"mcacheRefill_m", {"s0"}}, {"both", {"s0", "s1"}}, {"none", {}}};
  catalog.adapter = AdapterIdentity{"boost_context", "1.81", "00ffab12"};
  return catalog;
}

// docs/formats.md, "Schedules".
constexpr std::string_view kExample =
    R"(sigsweep schedule 1
isa       amd64
protocol  signalok_raw
seed      81                                  # arguments that are not given are drawn from it
op        largeAlloc_m s0=0x8000 s1=0x1
inject    SIGPROF at onM+0x2f phase=stub.switched/g=g0/sp=g0/live=s0+s1#3 by=kill handler=mcacheRefill_m s0=0x1d
inject    SIGURG  at sigtramp+0x11 in=1 handler=none
expect    arg-clobbered s0
origin    build=9f3c… command="sigsweep sweep --shard #1"      # informational
)";

Schedule example() {
  Injection first;
  first.signal = "SIGPROF";
  first.at = {"onM", 0x2f, 1};
  first.phase = Phase("stub.switched/g=g0/sp=g0/live=s0+s1", 3);
  first.by = Source::kill;
  first.handler = "mcacheRefill_m";
  first.args = {{"s0", 0x1d}};
  Injection second;
  second.signal = "SIGURG";
  second.at = {"sigtramp", 0x11, 1};
  second.in = 1;
  second.handler = "none";

  Schedule schedule;
  schedule.isa = "amd64";
  schedule.protocol = "signalok_raw";
  schedule.seed = 81;
  schedule.operations = {{"largeAlloc_m", {{"s0", 0x8000}, {"s1", 1}}, {first, second}}};
  schedule.expect = Expectation{"arg-clobbered", "s0"};
  schedule.origin = R"(build=9f3c… command="sigsweep sweep --shard #1")";
  return schedule;
}

// A schedule with every kind of line and option. The prefixes and the mutations start from it.
constexpr std::string_view kRich =
    "sigsweep schedule 1\n"
    "seed 0xffffffffffffffff # seed\n"
    "\n"
    "origin \"a # b\" c\n"
    "protocol reject\n"
    "isa 386\n"
    "op gc_m p0=7\n"
    "op largeAlloc_m s1=0x10\n"
    "\tinject SIGALRM at onM+47 by=itimer nth=2 handler=both s1=3 s0=4\n"
    "inject SIGUSR1 at a.b+0x0 handler=none in=1 phase=fn/live=-#12 by=hwbreak\n"
    "expect ok\n";

std::variant<Schedule, ParseError> parse(std::string_view text) {
  return parse_schedule(text, "f.sched", catalog());
}

Schedule parsed(std::string_view text) {
  const auto result = parse(text);
  if (const auto* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << error->to_string();
    return {};
  }
  return std::get<Schedule>(result);
}

ParseError refused(std::string_view text) {
  const auto result = parse(text);
  if (const auto* error = std::get_if<ParseError>(&result)) return *error;
  ADD_FAILURE() << "accepted: " << text.substr(0, 1000);
  return {};
}

// A header, then `lines` from line 4 on.
std::string with_header(std::string_view lines) {
  return "sigsweep schedule 1\nisa amd64\nprotocol legacy\n" + std::string(lines);
}

// A header and an op, then `lines` from line 5 on.
std::string with_op(std::string_view lines) {
  return with_header("op largeAlloc_m\n" + std::string(lines));
}

Injection injection(std::string_view line) {
  const Schedule schedule = parsed(with_op(line));
  if (schedule.operations.empty() || schedule.operations.at(0).injections.empty()) return {};
  return schedule.operations.at(0).injections.back();
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

// --- What is read ---

TEST(ScheduleRead, TheDesignsExample) {
  EXPECT_EQ(parsed(kExample), example());
}

TEST(ScheduleRead, TheLeastSchedule) {
  const Schedule schedule = parsed("sigsweep schedule 1\nisa arm\nprotocol legacy\nop scavenge_m");
  EXPECT_EQ(schedule.seed, 0u);
  EXPECT_FALSE(schedule.expect);
  EXPECT_TRUE(schedule.origin.empty());
  ASSERT_EQ(schedule.operations.size(), 1u);
  EXPECT_EQ(schedule.operations.at(0), (Operation{"scavenge_m", {}, {}}));
}

TEST(ScheduleRead, HeaderLinesInAnyOrder) {
  const Schedule schedule = parsed(
      "sigsweep schedule 1\norigin x\nseed 3\nprotocol reject\nisa 386\n"
      "op gc_m\n");
  EXPECT_EQ(schedule.isa, "386");
  EXPECT_EQ(schedule.protocol, "reject");
  EXPECT_EQ(schedule.seed, 3u);
  EXPECT_EQ(schedule.origin, "x");
}

TEST(ScheduleRead, BlanksTabsAndComments) {
  const std::string_view lines = "\n \t \n# c\n \t# c\n\top\t gc_m  \t p0=1 \t# c";
  EXPECT_EQ(parsed(with_header(lines)).operations.at(0), (Operation{"gc_m", {{"p0", 1}}, {}}));
  EXPECT_EQ(refused(with_header("op gc_m p0=1# no comment")).column, 12u);
}

TEST(ScheduleRead, AnyBytesFromSpaceUpInAComment) {
  EXPECT_EQ(parsed(with_op("# \xff\xfe … \" #\n")).operations.size(), 1u);
}

TEST(ScheduleRead, NumbersDecimalOrHexadecimal) {
  const Schedule schedule = parsed(with_header("seed 18446744073709551615\nop gc_m p0=0xFfFf\n"));
  EXPECT_EQ(schedule.seed, ~std::uint64_t{0});
  EXPECT_EQ(schedule.operations.at(0).args.at(0).value, 0xffffu);
  EXPECT_EQ(parsed(with_header("seed 010\nop gc_m\n")).seed, 10u) << "never octal";
  EXPECT_EQ(injection("inject SIGURG at onM+47 handler=none").at.offset, 47u);
}

TEST(ScheduleRead, AnyVersionAndBuildOfTheAdapter) {
  const Schedule schedule = parsed(
      "sigsweep schedule 1\nisa amd64\nsubject adapter boost_context 2.0-rc_1+dfsg build=7\n"
      "protocol legacy\nop gc_m\n");
  EXPECT_EQ(schedule.adapter, (AdapterIdentity{"boost_context", "2.0-rc_1+dfsg", "7"}));
  EXPECT_EQ(parsed(with_op("")).adapter, std::nullopt);  // as the built-in subjects' files are
}

TEST(ScheduleRefusal, AnAdaptersWithoutTheAdapter) {
  Catalog built_in = catalog();
  built_in.adapter.reset();
  const auto result =
      parse_schedule("sigsweep schedule 1\nsubject adapter x 1 build=7\n", "f", built_in);
  ASSERT_TRUE(std::holds_alternative<ParseError>(result));
  EXPECT_EQ(
      std::get<ParseError>(result).to_string(),
      "f:2:17: for the adapter \"x\", and none is given; --adapter FILE.so must name its file");
}

TEST(ScheduleRead, InjectionDefaults) {
  const Injection got = injection("inject SIGURG at onM+0x0 handler=both");
  EXPECT_EQ(got.at, (BoundaryName{"onM", 0, 1}));
  EXPECT_TRUE(got.phase.empty());
  EXPECT_EQ(got.by, Source::direct);
  EXPECT_TRUE(got.args.empty());
  EXPECT_FALSE(got.in);
}

TEST(ScheduleRead, InjectionOptionsInAnyOrder) {
  const Injection got = injection(
      "inject SIGALRM at f.part.0+1 handler=both s1=2 by=itimer s0=1 phase=fn/live=-#1 nth=0x10");
  EXPECT_EQ(got.at, (BoundaryName{"f.part.0", 1, 16}));
  EXPECT_EQ(got.phase, Phase("fn/live=-", 1));
  EXPECT_EQ(got.by, Source::itimer);
  EXPECT_EQ(got.args, (std::vector<Argument>{{"s1", 2}, {"s0", 1}}));
}

TEST(ScheduleRead, InjectionsBelongToTheOpAbove) {
  const Schedule schedule = parsed(
      with_op("inject SIGURG at onM+1 handler=none\nop gc_m\n"
              "inject SIGURG at onM+2 handler=none\ninject SIGURG at onM+3 handler=none in=1\n"));
  ASSERT_EQ(schedule.operations.size(), 2u);
  EXPECT_EQ(schedule.operations.at(0).injections.size(), 1u);
  ASSERT_EQ(schedule.operations.at(1).injections.size(), 2u);
  EXPECT_EQ(schedule.operations.at(1).injections.at(1).in, 1u);
}

TEST(ScheduleRead, EverySource) {
  for (const std::string_view name : kSourceNames) {
    const std::string signal = name == "itimer" ? "SIGALRM" : "SIGPROF";
    const std::string line = "inject " + signal + " at onM+1 handler=none by=" + std::string(name);
    EXPECT_EQ(source_name(injection(line).by), name);
  }
}

TEST(ScheduleRead, ExpectWithAndWithoutSlot) {
  EXPECT_EQ(*parsed(with_op("expect ok\n")).expect, (Expectation{"ok", ""}));
  EXPECT_EQ(*parsed(with_op("expect ok p0\n")).expect, (Expectation{"ok", "p0"}));
}

TEST(ScheduleRead, OriginIsVerbatimUpToAComment) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"origin \t a  b\tc \t", "a  b\tc"},
      {"origin a#b # c", "a#b"},
      {"origin \"a # b\" # c", "\"a # b\""},
      {"origin \"a # b", "\"a # b"},  // never closed: to the end
      {"origin \xff …", "\xff …"},
  };
  for (const auto& [line, origin] : rows) EXPECT_EQ(parsed(with_op(line)).origin, origin);
}

TEST(ScheduleRead, LimitsAreReached) {
  EXPECT_EQ(parsed(with_header(repeated("op gc_m\n", 64))).operations.size(), 64u);
  const std::string lines = repeated("inject SIGURG at onM+1 handler=none\n", 64);
  EXPECT_EQ(parsed(with_op(lines + "op gc_m\n" + lines)).operations.at(1).injections.size(), 64u);
}

TEST(ScheduleRead, ArgumentsFillTheCatalogsWord) {
  Catalog narrow = catalog();
  const auto accepted = [&](unsigned bits, std::string_view value) {
    narrow.word_bits = bits;
    const auto result = parse_schedule(with_header("op gc_m p0=" + std::string(value)), "", narrow);
    return std::holds_alternative<Schedule>(result);
  };
  EXPECT_TRUE(accepted(32, "0xffffffff"));
  EXPECT_FALSE(accepted(32, "0x100000000"));
  EXPECT_TRUE(accepted(64, "0xffffffffffffffff"));
  EXPECT_FALSE(accepted(64, "0x10000000000000000"));
  EXPECT_TRUE(accepted(128, "0xffffffffffffffff"));
  EXPECT_TRUE(accepted(0, "0"));
  EXPECT_FALSE(accepted(0, "1"));
}

TEST(ScheduleNarrow, ValuesKeepTheirLowBits) {
  const auto values = [](unsigned bits) {
    Schedule schedule = example();
    std::uint64_t& of_operation = schedule.operations[0].args[1].value;
    std::uint64_t& of_handler = schedule.operations[0].injections[0].args[0].value;
    of_operation = 0x100000005;
    of_handler = 0xffffffff00000007;
    narrow(bits, &schedule);
    return std::pair{of_operation, of_handler};
  };
  EXPECT_EQ(values(32), (std::pair<std::uint64_t, std::uint64_t>{5, 7}));
  EXPECT_EQ(values(64), (std::pair<std::uint64_t, std::uint64_t>{0x100000005, 0xffffffff00000007}));
}

TEST(ScheduleRead, PhaseShapes) {
  const auto line = [](std::string_view phase) {
    return with_op("inject SIGURG at onM+1 handler=none phase=" + std::string(phase) + "\n");
  };
  for (const std::string_view good :
       {"stub.switched/g=g0/sp=g0/live=s0+s1#3", "a_b-9/live=-#4294967295", "x/live=-/g=G#1"}) {
    EXPECT_EQ(parsed(line(good)).operations.at(0).injections.at(0).phase.text(), good);
  }
  for (const std::string_view bad : {"",
                                     "#1",
                                     "x#1",
                                     "/live=-#1",
                                     "X/live=-#1",
                                     "x y/live=-#1",
                                     "x/live=-",
                                     "x/live=-#",
                                     "x/live=-#0",
                                     "x/live=-#01",
                                     "x/live=-#+1",
                                     "x/live=-#0x1",
                                     "x/live=-#4294967296",
                                     "x/live=#1",
                                     "x/live#1",
                                     "x/=y/live=-#1",
                                     "x//live=-#1",
                                     "x/live=-/#1",
                                     "x/live=-#1#1",
                                     "x/live=a=b#1",
                                     "x/live=\xff#1"}) {
    const ParseError error = refused(line(bad));
    EXPECT_EQ(error.line, 5u) << bad;
    EXPECT_EQ(error.column, 43u) << bad;
    EXPECT_NE(error.message.find("PART/key=value/...#N"), std::string::npos);
  }
}

// --- What is refused, where, and what the message says ---

struct Refusal {
  const char* name;
  std::string text;
  unsigned line, column;
  std::string says;  // a part of the message
};

void PrintTo(const Refusal& row, std::ostream* out) {
  *out << row.name;
}

class ScheduleRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ScheduleRefuses, AtTheExactPlace) {
  const Refusal& row = GetParam();
  const ParseError error = refused(row.text);
  EXPECT_EQ(error.file, "f.sched");
  EXPECT_EQ(std::pair(error.line, error.column), std::pair(row.line, row.column));
  EXPECT_NE(error.message.find(row.says), std::string::npos)
      << error.to_string() << "\nlacks: " << row.says;
}

std::string refusal_name(const testing::TestParamInfo<Refusal>& info) {
  return info.param.name;
}

std::vector<Refusal> file_refusals() {
  return {
      {"Empty", "", 1, 1, "empty; the first line must be \"sigsweep schedule 1\""},
      {"NoTitle", "isa amd64\n", 1, 1, "must be \"sigsweep schedule 1\""},
      {"BlankTitle", "\nsigsweep schedule 1\n", 1, 1, "must be \"sigsweep schedule 1\""},
      {"Version2", "sigsweep schedule 2\n", 1, 19, "version \"2\"; only version 1 is understood"},
      {"TitleTail", "sigsweep schedule 1 #\n", 1, 19, "exactly \"sigsweep schedule 1\""},
      {"Bom", "\xef\xbb\xbfsigsweep schedule 1\n", 1, 1, "\"\\xef\\xbb\\xbfsigsweep schedule 1\""},
      {"CrLf", "sigsweep schedule 1\r\n", 1, 20, "lines must end in LF alone, not in CR LF"},
      {"CrLfInComment", with_header("# c\r\n"), 4, 4, "carriage return"},
      {"Nul", with_header(std::string("op g\0c_m\n", 9)), 4, 5, "byte 0x0"},
      {"Delete", with_header("# \x7f\n"), 4, 3, "byte 0x7f"},
      {"NoIsa", "sigsweep schedule 1", 2, 1, "isa is missing"},
      {"NoIsaListed", "sigsweep schedule 1\n", 2, 1, "386, amd64, amd64p32, arm"},
      {"NoProtocol", "sigsweep schedule 1\nisa arm\n", 3, 1, "protocol is missing"},
      {"NoOp", with_header("\n# c\n"), 6, 1, "op is missing"},
      {"NoOpNoNewline", with_header("# c"), 5, 1, "op is missing"},
      {"Keyword", with_header(" on gc_m\n"), 4, 2, "unknown keyword \"on\"; allowed: isa, subject"},
      {"KeywordByte", with_header("\xff\n"), 4, 1, "unknown keyword \"\\xff\""},
  };
}
INSTANTIATE_TEST_SUITE_P(File, ScheduleRefuses, testing::ValuesIn(file_refusals()), refusal_name);

std::vector<Refusal> line_refusals() {
  return {
      {"IsaTwice", with_header("isa amd64\n"), 4, 1, "a second isa; one is allowed"},
      {"SeedTwice", with_header("seed 1\nseed 1\n"), 5, 1, "a second seed"},
      {"ExpectTwice", with_op("expect ok\nexpect ok\n"), 6, 1, "a second expect"},
      {"OriginTwice", with_op("origin a\norigin a\n"), 6, 1, "a second origin"},
      {"SeedLate", with_op("seed 1\n"), 5, 1, "must stand before the first op"},
      {"OpBeforeIsa", "sigsweep schedule 1\nop gc_m\n", 2, 1, "isa is missing"},
      {"OpAfterExpect", with_op("expect ok\nop gc_m\n"), 6, 1, "must stand before expect"},
      {"InjectWithoutOp", with_header("inject SIGURG at a+1 handler=none\n"), 4, 1, "under an op"},
      {"ExpectEarly", with_header("expect ok\n"), 4, 1, "must stand after the ops"},
      {"IsaUnnamed", "sigsweep schedule 1\nisa  # c\n", 2, 4, "isa is missing; allowed: 386"},
      {"IsaUnknown", "sigsweep schedule 1\nisa mips\n", 2, 5, "unknown isa \"mips\"; allowed: 386"},
      {"IsaTail", "sigsweep schedule 1\nisa arm 386\n", 2, 9, "\"386\" is too much"},
      {"Protocol", "sigsweep schedule 1\nprotocol Reject\n", 2, 10, "legacy, reject, signalok_raw"},
      {"SeedUnnumbered", with_header("seed\n"), 4, 5, "seed is \"\""},
      {"SeedNegative", with_header("seed -1\n"), 4, 6, "from 0 to 0xffffffffffffffff"},
      {"SeedTooLarge", with_header("seed 18446744073709551616\n"), 4, 6, "seed is \"1844674407370"},
      {"SeedHex", with_header("seed 0x\n"), 4, 6, "decimal or with 0x"},
      {"Site", with_header("op  nope\n"), 4, 5,
       "unknown site \"nope\"; allowed: largeAlloc_m, gc_m"},
      {"SlotUnknown", with_header("op gc_m s0=1\n"), 4, 9,
       "site gc_m has no slot \"s0\"; allowed: p0"},
      {"SlotNone", with_header("op scavenge_m s0=1\n"), 4, 15, "takes no arguments"},
      {"SlotTwice", with_header("op gc_m p0=1 p0=1\n"), 4, 14, "a second p0="},
      {"SlotNoValue", with_header("op gc_m p0=\n"), 4, 12, "p0 is \"\""},
      {"SlotNoName", with_header("op gc_m =1\n"), 4, 9, "\"=1\" where name=value must stand"},
      {"SlotNoForm", with_header("op gc_m p0 =1\n"), 4, 9, "\"p0\" where name=value must stand"},
      {"Ops65", with_header(repeated("op gc_m\n", 65)), 68, 1, "64 are allowed"},
      {"Verdict", with_op("expect fine\n"), 5, 8, "allowed: ok, crash, rejected, arg-clobbered"},
      {"VerdictMissing", with_op("expect\n"), 5, 7, "verdict is missing"},
      {"VerdictSlot", with_op("expect ok s9\n"), 5, 11, "unknown slot \"s9\"; allowed: s0, s1, p0"},
      {"VerdictTail", with_op("expect ok s0 s1\n"), 5, 14, "\"s1\" is too much"},
      {"OriginEmpty", with_op("origin  # c\n"), 5, 7, "origin without a text"},
      {"SubjectKind", with_header("subject onm\n"), 4, 9, "\"onm\" where \"adapter\" must stand"},
      {"SubjectUnnamed", with_header("subject adapter\n"), 4, 16, "adapter's name is \"\""},
      {"SubjectOther", with_header("subject adapter pth 1 build=7\n"), 4, 17,
       "for the adapter \"pth\"; the one that is given is \"boost_context\""},
      {"SubjectVersion", with_header("subject adapter boost_context 1/2 build=7\n"), 4, 31,
       "adapter's version is \"1/2\"; it must be of letters"},
      {"SubjectNoBuild", with_header("subject adapter boost_context 1\n"), 4, 32,
       "build=ID must stand"},
      {"SubjectBuild", with_header("subject adapter boost_context 1 build=0x7\n"), 4, 33,
       "\"build=0x7\" where build=ID must stand, ID in hex digits"},
      {"SubjectBuildEmpty", with_header("subject adapter boost_context 1 build=\n"), 4, 33,
       "in hex digits"},
      {"SubjectTail", with_header("subject adapter boost_context 1 build=7 8\n"), 4, 41,
       "\"8\" is too much"},
      {"SubjectTwice", with_header(repeated("subject adapter boost_context 1 build=7\n", 2)), 5, 1,
       "a second subject; one is allowed"},
      {"SubjectLate", with_op("subject adapter boost_context 1 build=7\n"), 5, 1,
       "must stand before the first op"},
  };
}
INSTANTIATE_TEST_SUITE_P(Line, ScheduleRefuses, testing::ValuesIn(line_refusals()), refusal_name);

Refusal inject(const char* name, std::string_view rest, unsigned column, std::string says) {
  return {name, with_op("inject " + std::string(rest) + "\n"), 5, column, std::move(says)};
}

std::vector<Refusal> inject_refusals() {
  return {
      inject("Bare", "", 7, "signal is missing"),
      inject("Signal", "SIGKILL at onM+1 handler=none", 8, "SIGPROF, SIGURG, SIGALRM, SIGUSR1"),
      inject("At", "SIGURG onM+1 handler=none", 15, "\"onM+1\" where \"at\" must stand"),
      inject("AtMissing", "SIGURG", 14, "where \"at\" must stand"),
      inject("NoBoundary", "SIGURG at", 17, "must be SYMBOL+OFFSET"),
      inject("NoOffset", "SIGURG at onM handler=none", 18, "boundary \"onM\""),
      inject("BadOffset", "SIGURG at onM+2f handler=none", 18, "decimal or with 0x"),
      inject("NoSymbol", "SIGURG at +2 handler=none", 18, "must be SYMBOL+OFFSET"),
      inject("TwoOffsets", "SIGURG at a+1+2 handler=none", 18, "boundary \"a+1+2\""),
      inject("SymbolByte", "SIGURG at \xff+2 handler=none", 18, "boundary \"\\xff+2\""),
      inject("NoHandler", "SIGURG at onM+1 nth=2 # c", 29, "handler=NAME is missing; allowed: mca"),
      inject("Handler", "SIGURG at onM+1 handler=x", 32,
             "unknown handler \"x\"; allowed: mcacheRef"),
      inject("HandlerTwice", "SIGURG at onM+1 handler=none handler=none", 37, "a second handler="),
      inject("Option", "SIGURG at onM+1 nht=1 handler=none", 24, "nth, phase, by, in, handler"),
      inject("ArgumentFirst", "SIGURG at onM+1 s0=1 handler=both", 24, "behind handler=NAME"),
      inject("Argument", "SIGURG at onM+1 handler=mcacheRefill_m s1=1", 47, "allowed: s0"),
      inject("ArgumentOfNone", "SIGURG at onM+1 handler=none s0=1", 37, "none takes no arguments"),
      inject("ArgumentTwice", "SIGURG at onM+1 handler=both s0=1 s0=1", 42, "a second s0="),
      inject("Nth0", "SIGURG at onM+1 nth=0 handler=none", 28, "from 1 to 0xffffffff"),
      inject("NthLarge", "SIGURG at onM+1 nth=4294967296 handler=none", 28,
             "nth is \"4294967296\""),
      inject("NthTwice", "SIGURG at onM+1 nth=1 nth=1 handler=none", 30, "a second nth="),
      inject("By", "SIGURG at onM+1 by=fax handler=none", 27,
             "direct, kill, itimer, peer, hwbreak"),
      inject("ByItimer", "SIGPROF at onM+1 by=itimer handler=none", 28, "by=itimer with SIGPROF"),
      inject("AlarmByKill", "SIGALRM at onM+1 by=kill handler=none", 28, "only with by=itimer"),
      inject("AlarmDirect", "SIGALRM at onM+1 handler=none", 8, "only with by=itimer"),
      inject("InNothing", "SIGURG at onM+1 in=1 handler=none", 27, "there is none"),
      inject("NoForm", "SIGURG at onM+1 handler=none tail", 37, "\"tail\" where name=value"),
      inject("PhaseCut", "SIGURG at onM+1 phase=x/live=- #1", 30, "N from 1"),
  };
}
INSTANTIATE_TEST_SUITE_P(Inject, ScheduleRefuses, testing::ValuesIn(inject_refusals()),
                         refusal_name);

TEST(ScheduleRefusal, NestingInItselfOrInAnotherOp) {
  const std::string one = "inject SIGURG at onM+1 handler=none\n";
  ParseError error = refused(with_op(one + "inject SIGURG at onM+1 in=2 handler=none\n"));
  EXPECT_EQ(error.to_string(),
            "f.sched:6:27: in (an earlier injection of the same op) is \"2\"; it must be a number "
            "from 1 to 1, decimal or with 0x");
  error = refused(with_op(one + "op gc_m\ninject SIGURG at onM+1 in=1 handler=none\n"));
  EXPECT_EQ(error.line, 7u);
  EXPECT_EQ(refused(with_op(one + "inject SIGURG at onM+1 in=0 handler=none\n")).line, 6u);
}

TEST(ScheduleRefusal, InjectionsBeyond64) {
  const ParseError error = refused(with_op(repeated("inject SIGURG at onM+1 handler=none\n", 65)));
  EXPECT_EQ(error.to_string(), "f.sched:69:1: one injection too many; 64 are allowed in an op");
}

TEST(ScheduleRefusal, LongListsShowTheClosestFirst) {
  Catalog many = catalog();
  many.sites.clear();
  for (char c = 'a'; c <= 'z'; ++c) many.sites.push_back({std::string(5, c) + "_m", {}});
  const auto result = parse_schedule(with_header("op yyzyy_m\n"), "f", many);
  const std::string message = std::get<ParseError>(result).message;
  EXPECT_EQ(message.find("unknown site \"yyzyy_m\"; allowed: yyyyy_m, zzzzz_m, aaaaa_m, "), 0u)
      << message;
  EXPECT_NE(message.find(", jjjjj_m, ... (26 in all)"), std::string::npos) << message;
  EXPECT_EQ(message.find("kkkkk_m"), std::string::npos) << message;
}

TEST(ScheduleRefusal, ClosestByInsertionDeletionAndReplacement) {
  Catalog many = catalog();
  many.verdicts = {"abcdefghijk", "abcd", "abcdefwxyz"};
  while (many.verdicts.size() < 20) many.verdicts.emplace_back(30, '?');
  const std::pair<std::string, std::string> rows[] = {
      {"abcdefghijklm", "abcdefghijk, abcdefwxyz, abcd"},  // 2, 7, 9 edits
      {"abcdefgh", "abcdefghijk, abcd, abcdefwxyz"},       // 3, 4, 4
      {"abcdefgxyz", "abcdefwxyz, abcdefghijk, abcd"},     // 1, 4, 6
      {"abcdefg", "abcd, abcdefghijk, abcdefwxyz"},        // 3, 4, 4
      {"bcd", "abcd, abcdefwxyz, abcdefghijk"},            // 1, 7, 8
  };
  for (const auto& [given, order] : rows) {
    const auto result = parse_schedule(with_op("expect " + given), "f", many);
    const std::string message = std::get<ParseError>(result).message;
    EXPECT_NE(message.find("allowed: " + order + ", ?"), std::string::npos) << message;
  }
  const std::string huge(10u << 20, 'a');  // minutes, if the distance used all of it
  EXPECT_TRUE(
      std::holds_alternative<ParseError>(parse_schedule(with_op("expect " + huge), "f", many)));
}

TEST(ScheduleRefusal, ListsOf12AreWholeAndInOrder) {
  Catalog twelve = catalog();
  twelve.protocols.clear();
  for (char c = 'a'; c <= 'l'; ++c) twelve.protocols.emplace_back(1, c);
  const auto result = parse_schedule("sigsweep schedule 1\nprotocol ll\n", "f", twelve);
  EXPECT_EQ(std::get<ParseError>(result).message,
            "unknown protocol \"ll\"; allowed: a, b, c, d, e, f, g, h, i, j, k, l");
}

TEST(ScheduleRefusal, AnEmptyCatalogRefusesAllNames) {
  const auto result = parse_schedule(kExample, "f", Catalog{});
  EXPECT_EQ(std::get<ParseError>(result).to_string(),
            "f:2:11: unknown isa \"amd64\"; allowed: none");
}

TEST(ScheduleRefusal, MessagesAreShortPrintableAscii) {
  std::string bytes;
  for (int c = 0x80; c <= 0xff; ++c) bytes += static_cast<char>(c);
  for (const std::string& text : {bytes, with_header(bytes), with_header("op " + bytes),
                                  with_op("inject SIGURG at " + bytes + "+1 handler=none")}) {
    const std::string message = refused(text).to_string();
    EXPECT_LT(message.size(), 500u);
    for (const char c : message) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << message;
  }
}

// --- What is printed ---

TEST(SchedulePrint, AlignsAsTheDesignDoes) {
  const std::string expected =
      R"(sigsweep schedule 1
isa       amd64
protocol  signalok_raw
seed      81
op        largeAlloc_m s0=0x8000 s1=0x1
inject    SIGPROF at onM+0x2f phase=stub.switched/g=g0/sp=g0/live=s0+s1#3 by=kill handler=mcacheRefill_m s0=0x1d
inject    SIGURG  at sigtramp+0x11 in=1 handler=none
expect    arg-clobbered s0
origin    build=9f3c… command="sigsweep sweep --shard #1"
)";
  EXPECT_EQ(print_schedule(example()), expected);
}

TEST(SchedulePrint, IsTheInverseOfParse) {
  for (const std::string_view text : {kExample, kRich}) {
    const Schedule schedule = parsed(text);
    const std::string printed = print_schedule(schedule);
    EXPECT_EQ(parsed(printed), schedule);
    EXPECT_EQ(print_schedule(parsed(printed)), printed);
  }
}

TEST(SchedulePrint, NamesTheAdapterInFrontOfTheProtocol) {
  Schedule schedule = example();
  schedule.adapter = AdapterIdentity{"boost_context", "1.81", "00ffab12"};
  const std::string printed = print_schedule(schedule);
  EXPECT_NE(printed.find("\nsubject   adapter boost_context 1.81 build=00ffab12\nprotocol "),
            std::string::npos)
      << printed;
  EXPECT_EQ(parsed(printed), schedule);
}

TEST(SchedulePrint, AnyOriginLeavesAReadableFile) {
  Schedule schedule = example();
  const std::pair<std::string, std::string> rows[] = {
      {"", ""},
      {" \t ", ""},
      {"# all comment", ""},
      {"a # cut", "a"},
      {"a\nop gc_m\r\n", "a op gc_m"},
      {std::string("a\0b\x7f", 4), "a b"},
      {"\"open # a", "\"open # a"},
      {"a\tb", "a\tb"},
  };
  for (const auto& [given, read] : rows) {
    schedule.origin = given;
    const Schedule back = parsed(print_schedule(schedule));
    EXPECT_EQ(back.origin, read);
    schedule.origin = read;
    EXPECT_EQ(back, schedule);
  }
}

// --- Names ---

TEST(ScheduleNames, SourcesThereAndBack) {
  std::set<Source> sources;
  for (const std::string_view name : kSourceNames) {
    const auto source = source_from_name(name);
    ASSERT_TRUE(source) << name;
    EXPECT_EQ(source_name(*source), name);
    sources.insert(*source);
  }
  EXPECT_EQ(sources.size(), std::size(kSourceNames));
  EXPECT_EQ(source_name(Source::hwbreak), "hwbreak");
  EXPECT_FALSE(source_from_name("Kill"));
  EXPECT_FALSE(source_from_name(""));
}

TEST(ScheduleNames, SignalNumbers) {
  EXPECT_EQ(signal_number("SIGPROF"), SIGPROF);
  EXPECT_EQ(signal_number("SIGURG"), SIGURG);
  EXPECT_EQ(signal_number("SIGALRM"), SIGALRM);
  EXPECT_EQ(signal_number("SIGUSR1"), SIGUSR1);
  EXPECT_EQ(signal_number("SIGUSR2"), SIGUSR2);
  EXPECT_FALSE(signal_number("SIGKILL"));
  EXPECT_FALSE(signal_number(""));
}

TEST(ScheduleNames, ErrorAsText) {
  EXPECT_EQ((ParseError{"a.sched", 3, 14, "what"}.to_string()), "a.sched:3:14: what");
}

// --- Any bytes ---

// The text is a schedule that survives printing and reading, or the error points into the text.
// Returns whether it was a schedule.
bool holds_up(std::string_view text) {
  const auto result = parse(text);
  if (const auto* schedule = std::get_if<Schedule>(&result)) {
    EXPECT_EQ(parsed(print_schedule(*schedule)), *schedule) << text;
    return true;
  }
  const ParseError& error = std::get<ParseError>(result);
  std::vector<std::size_t> sizes{0};
  for (const char c : text) c == '\n' ? sizes.push_back(0) : void(++sizes.back());
  if (sizes.back() > 0) sizes.push_back(0);  // the line after the last
  EXPECT_FALSE(error.message.empty());
  EXPECT_TRUE(error.line >= 1 && error.line <= sizes.size()) << error.to_string();
  if (error.line < 1 || error.line > sizes.size()) return false;
  EXPECT_TRUE(error.column >= 1 && error.column <= sizes[error.line - 1] + 1) << error.to_string();
  return false;
}

TEST(ScheduleBytes, EveryPrefix) {
  for (const std::string_view text : {kExample, kRich}) {
    for (std::size_t size = 0; size <= text.size(); ++size) holds_up(text.substr(0, size));
    EXPECT_TRUE(holds_up(text));
  }
}

TEST(ScheduleBytes, EveryByteAtEveryPlace) {
  std::string text(kRich);
  for (char& place : text) {
    const char kept = place;
    for (const char c : {'\0', '\xff', '\r', '\n', ' ', '#', '=', '"', '0'}) {
      place = c;
      holds_up(text);
    }
    place = kept;
  }
}

// One edit: a byte replaced or inserted, some removed, a piece copied elsewhere, or a whole line.
std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
  const auto line_begin = [&](std::size_t at) {
    return at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  };
  constexpr std::string_view kBytes = "\n\t #=+\"0x19aszS_/-";
  const std::size_t at = below(text.size());
  switch (below(5)) {
    case 0:
      if (!text.empty()) text[at] = static_cast<char>(random());
      break;
    case 1:
      text.insert(at, 1, kBytes[below(kBytes.size())]);
      break;
    case 2:
      text.erase(at, below(4));
      break;
    case 3:
      text.insert(below(text.size()), text.substr(at, below(40)));
      break;
    default: {
      const std::size_t begin = line_begin(at);
      const std::string line = text.substr(begin, text.find('\n', at) - begin) + "\n";
      text.insert(line_begin(below(text.size())), line);
    }
  }
  return text;
}

TEST(ScheduleBytes, RandomMutations) {
  std::mt19937 random(81);  // the standard fixes its numbers: the same texts everywhere
  int accepted = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string text(i % 2 == 0 ? kExample : kRich);
    for (auto edits = random() % 4; edits-- > 0;) text = mutated(text, random);
    accepted += holds_up(text);
  }
  EXPECT_GT(accepted, 1000) << "too few to say anything of round trips";
  EXPECT_LT(accepted, 5000) << "too few to say anything of errors";
}

TEST(ScheduleBytes, TenMebibytes) {
  constexpr std::size_t kSize = 10u << 20;
  const std::string letters(kSize, 'a');
  const std::string blanks(kSize, ' ');
  EXPECT_EQ(refused(letters).column, 1u);
  EXPECT_LT(refused(with_header("op " + letters)).to_string().size(), 500u);
  EXPECT_EQ(refused(with_op("inject SIGURG at " + letters)).column, 18u);
  EXPECT_EQ(refused(with_header("op gc_m p0=0x" + std::string(kSize, 'f'))).column, 12u);
  EXPECT_EQ(refused(with_header("op gc_m" + blanks + "x")).column, 8u + kSize);
  EXPECT_EQ(refused(with_op("inject SIGURG at a+1 phase=" + std::string(kSize, '/'))).column, 28u);
  EXPECT_EQ(refused(std::string(kSize, '\n')).line, 1u);
  EXPECT_EQ(refused(with_header(std::string(kSize, '\n'))).line, 4u + kSize);
  EXPECT_EQ(parsed(with_op("# " + letters)).operations.size(), 1u);
  EXPECT_EQ(parsed(with_op("origin " + letters)).origin.size(), kSize);
}

}  // namespace
}  // namespace sigsweep
