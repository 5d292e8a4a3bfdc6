// Each planted switch is swept, and found at its instructions and at no others. Nothing is found in
// its twin. What is expected stands in planted.def.
#include <cstdint>
#include <span>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

enum RedZone { RED_ZONE, NO_RED_ZONE };

enum Where {
  RANGE,  // from planted_begin to before planted_end
  ON_CO,  // where SP lies on a coroutine's stack
  ALWAYS  // at every boundary, and without any signal
};

struct Cell {
  std::string name, site, handler, protocol;
  RedZone red_zone;
  Where where;
  std::string verdicts;  // separated by commas
};

struct Sweep {
  std::string isa;
  bool is_mended;
  Cell cell;
  std::string name() const {
    std::string name = cell.name + (is_mended ? "_mended_" : "_") + cell.site + "_" + cell.handler +
                       "_" + cell.protocol;
    return name + (cell.red_zone == NO_RED_ZONE ? "_no_red_zone_" : "_") + isa;
  }
};

void PrintTo(const Sweep& sweep, std::ostream* out) {
  *out << sweep.name();
}

#define CELL(name, site, handler, protocol, ...) {#name, #site, #handler, #protocol, __VA_ARGS__},

const Cell kExpected[] = {
#define PLANTED(...)
#define EXPECTED CELL
#define EXPECTED_amd64(...)
#define EXPECTED_386(...)
#define TWIN(...)
#include "stress/subjects/adapters/planted/planted.def"
};
const Cell kExpectedAmd64[] = {
#define PLANTED(...)
#define EXPECTED(...)
#define EXPECTED_amd64 CELL
#define EXPECTED_386(...)
#define TWIN(...)
#include "stress/subjects/adapters/planted/planted.def"
};
const Cell kExpected386[] = {
#define PLANTED(...)
#define EXPECTED(...)
#define EXPECTED_amd64(...)
#define EXPECTED_386 CELL
#define TWIN(...)
#include "stress/subjects/adapters/planted/planted.def"
};
const Cell kTwins[] = {
#define PLANTED(...)
#define EXPECTED(...)
#define EXPECTED_amd64(...)
#define EXPECTED_386(...)
#define TWIN CELL
#include "stress/subjects/adapters/planted/planted.def"
};
#undef CELL
// The ISAs of each, separated by blanks.
const std::map<std::string, std::string> kIsas = {
#define PLANTED(name, file, isas, ...) {#name, #isas},
#define EXPECTED(...)
#define EXPECTED_amd64(...)
#define EXPECTED_386(...)
#define TWIN(...)
#include "stress/subjects/adapters/planted/planted.def"
};

// The same cell in the twin: ok throughout, if no row says otherwise.
Cell twin_of(const Cell& cell) {
  for (const Cell& twin : kTwins) {
    if (twin.name == cell.name && twin.site == cell.site && twin.handler == cell.handler &&
        twin.protocol == cell.protocol && twin.red_zone == cell.red_zone) {
      return twin;
    }
  }
  Cell sound = cell;
  sound.verdicts = "ok";
  return sound;
}

void add(std::vector<Sweep>& sweeps, const std::string& isa, std::span<const Cell> cells) {
  for (const Cell& cell : cells) {
    if (kIsas.at(cell.name).find(isa) == std::string::npos) continue;
    sweeps.push_back({isa, false, cell});
    sweeps.push_back({isa, true, twin_of(cell)});
  }
}

std::vector<Sweep> all_sweeps() {
  std::vector<Sweep> sweeps;
  add(sweeps, "amd64", kExpected);
  add(sweeps, "amd64", kExpectedAmd64);
  add(sweeps, "386", kExpected);
  add(sweeps, "386", kExpected386);
  return sweeps;
}

std::set<std::string> split(const std::string& list) {
  std::set<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.insert(word);
  return words;
}

// One of the shared objects, and where its fault lies.
class PlantedFile : public Command {
 protected:
  // False, and why in *why: it cannot be swept here.
  bool open(const std::string& isa, const std::string& name, bool is_mended, std::string* why) {
    file_ = kBin + "/planted-" + name + (is_mended ? "-mended-" : "-") + isa + ".so";
    if (!fs::exists(kBin + "/runner-" + isa + "-adapter")) {
      *why = "no runner for adapters and isa " + isa + " is built";
      return false;
    }
    if (!fs::exists(file_)) {
      *why = file_ + " is not built";
      return false;
    }
    begin_ = address("planted_begin") - address("planted_switch");
    end_ = address("planted_end") - address("planted_switch");
    return true;
  }
  Ran sweep(const Cell& cell) {
    return sigsweep("sweep --adapter " + file_ + " --site " + cell.site + " --handler " +
                    cell.handler + " --protocol " + cell.protocol +
                    " --inject direct --per-boundary --json r.jsonl" +
                    (cell.red_zone == NO_RED_ZONE ? " --no-red-zone" : ""));
  }
  std::vector<json> boundaries() const { return rows(folder_ + "/r.jsonl", "boundary"); }
  bool is_in_range(const json& boundary) const {
    const std::uint64_t offset = boundary["offset"];
    return boundary["symbol"] == "planted_switch" && offset >= begin_ && offset < end_;
  }
  bool is_within(const json& boundary, Where where) const {
    if (where == RANGE) return is_in_range(boundary);
    return where != ON_CO ||
           boundary["phase"].get<std::string>().find("/sp=co") != std::string::npos;
  }

  std::string file_;
  std::uint64_t begin_ = 0, end_ = 0;  // offsets in planted_switch

 private:
  std::uint64_t address(const std::string& symbol) const {
    const Ran ran = run("nm " + file_);
    std::smatch found;
    if (!std::regex_search(ran.output, found, std::regex("([0-9a-f]+) . " + symbol + "\n"))) {
      ADD_FAILURE() << symbol << " is not in " << file_ << "\n" << ran.output;
      return 0;
    }
    return std::stoull(found[1], nullptr, 16);
  }
};

class PlantedSwitches : public PlantedFile, public testing::WithParamInterface<Sweep> {};

TEST_P(PlantedSwitches, AreFoundWhereTheyAreAtFault) {
  const auto& [isa, is_mended, cell] = GetParam();
  std::string why;
  if (!open(isa, cell.name, is_mended, &why)) GTEST_SKIP() << why;
  const Ran ran = sweep(cell);
  ASSERT_EQ(ran.status, is_mended ? 0 : 1) << ran.output;
  const std::set<std::string> allowed = split(cell.verdicts);
  unsigned within = 0;
  for (const json& boundary : boundaries()) {
    const std::string verdict = boundary["handlers"][cell.handler]["verdict"];
    const bool is_at_fault = is_within(boundary, cell.where);
    within += is_at_fault;
    EXPECT_TRUE(is_at_fault ? allowed.contains(verdict) : verdict == "ok")
        << verdict << " at " << boundary;
  }
  EXPECT_TRUE(within > 0 || is_mended) << "no boundary of the fault was swept\n" << ran.output;
  if (is_mended || cell.where != ALWAYS) return;
  EXPECT_NE(ran.output.find(cell.verdicts + " without any signal"), ran.output.npos) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(, PlantedSwitches, testing::ValuesIn(all_sweeps()),
                         [](const auto& info) { return info.param.name(); });

// A second signal lands in the handler of the first, which goes through the fault itself. Traps that
// record that way must survive it.
class TwoSignals : public PlantedFile, public testing::WithParamInterface<const char*> {};

TEST_P(TwoSignals, TheHandlersWayIsRecordedThroughTheFault) {
  std::string why;
  if (!open("amd64", GetParam(), false, &why)) GTEST_SKIP() << why;
  const Ran ran = sigsweep("sweep --adapter " + file_ +
                           " --depth 2 --site round_trip --handler switch --json r.jsonl");
  EXPECT_EQ(ran.status, 1) << ran.output;
  unsigned nested = 0;
  for (const json& cell : rows(folder_ + "/r.jsonl", "cell")) {
    EXPECT_FALSE(cell.contains("left_out")) << cell;
    EXPECT_GT(cell["trials"], 0) << cell;
    nested += cell["form"] == "nested";
  }
  EXPECT_EQ(nested, 2U) << ran.output;  // one a protocol
}

INSTANTIATE_TEST_SUITE_P(, TwoSignals, testing::Values("heap_sp", "adrift"),
                         [](const auto& info) { return std::string(info.param); });

// Nobody promises to keep errno: it is shown, and is no finding.
class ClobbersErrno : public PlantedFile, public testing::WithParamInterface<const char*> {};

TEST_P(ClobbersErrno, ShowsInCheck) {
  std::string why;
  for (const bool is_mended : {false, true}) {
    if (!open(GetParam(), "clobbers_errno", is_mended, &why)) GTEST_SKIP() << why;
    const Ran ran = sigsweep("adapter check " + file_ + " --json c.jsonl");
    EXPECT_EQ(ran.status, 0) << ran.output;
    unsigned told = 0;
    for (const json& promise : rows(folder_ + "/c.jsonl", "promise")) {
      if (promise["name"] != "keeps_errno") continue;
      told++;
      const std::string detail = promise["detail"];
      EXPECT_EQ(detail.starts_with("set by round_trip"), !is_mended) << promise;
    }
    EXPECT_EQ(told, 1U) << ran.output;
  }
}

INSTANTIATE_TEST_SUITE_P(, ClobbersErrno, testing::Values("amd64", "386"),
                         [](const auto& info) { return std::string(info.param); });

// current() and SP differ from the one's store to the other's load; in the twin at one boundary.
class StaleCurrent : public PlantedFile, public testing::WithParamInterface<bool> {};

TEST_P(StaleCurrent, IsSeenInThePhases) {
  std::string why;
  if (!open("amd64", "stale_current", GetParam(), &why)) GTEST_SKIP() << why;
  const Ran ran = sweep({"stale_current", "round_trip", "none", "altstack", RED_ZONE, RANGE, "ok"});
  EXPECT_EQ(ran.status, 0) << ran.output;
  unsigned differing = 0;
  for (const json& boundary : boundaries()) {
    const std::string phase = boundary["phase"];
    std::smatch found;
    ASSERT_TRUE(std::regex_search(phase, found, std::regex("/sp=([a-z0-9]+)/current=([a-z0-9]+)")))
        << phase;
    EXPECT_EQ(found[1] != found[2], is_in_range(boundary)) << boundary;
    differing += found[1] != found[2];
  }
  EXPECT_GE(differing, GetParam() ? 2U : 4U) << ran.output;  // there and back
}

INSTANTIATE_TEST_SUITE_P(, StaleCurrent, testing::Bool(),
                         [](const auto& info) { return info.param ? "mended" : "faulty"; });

}  // namespace
}  // namespace sigsweep
