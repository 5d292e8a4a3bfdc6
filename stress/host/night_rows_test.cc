// What the nightly writes, the history reads; and it is as results/schema.json says.
#include "stress/host/night_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

ResultLine line(const std::string& text) {
  return {"night.jsonl:1:1", nlohmann::ordered_json::parse(text)};
}

std::string refusal(const std::string& text) {
  try {
    part_of(line(text));
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kUsage);
    return failure.what();
  }
  return "taken";
}

NightRow some_night() {
  NightRow row;
  row.id = "20261201-030000";
  row.started = "2026-12-01T03:00:00Z";
  row.budget = 600;
  row.seed = 7;
  row.build = "release 0123";
  row.command = "sigsweep nightly --budget 10m";
  row.machine = {"Some CPU", {"xcr0=0xe7"}, std::nullopt};
  return row;
}

TEST(NightRows, ANightThatHasNotEndedIsReadAsItWasWritten) {
  const NightRow row = some_night(), again = night_of(line(line_of(row)));
  EXPECT_EQ(line_of(again), line_of(row));
  EXPECT_TRUE(line(line_of(row)).json["ended"].is_null());
  EXPECT_TRUE(line(line_of(row)).json["status"].is_null());
  EXPECT_EQ(again.ended, "");
  EXPECT_FALSE(again.status.has_value());
  EXPECT_FALSE(again.machine.floor_us.has_value());
}

TEST(NightRows, ANightThatHasEndedIsReadAsItWasWritten) {
  NightRow row = some_night();
  row.ended = "2026-12-01T03:10:00Z";
  row.status = 1;
  row.machine.floor_us = 3.5;
  const NightRow again = night_of(line(line_of(row)));
  EXPECT_EQ(again.ended, row.ended);
  EXPECT_EQ(again.status, 1);
  EXPECT_EQ(again.machine.floor_us, 3.5);
}

TEST(NightRows, APartIsReadAsItWasWritten) {
  PartRow row{"prove", "finding", 12.5, 60, {{"trials", 8}}, "logs/prove.log", {"p.jsonl"}, "why"};
  EXPECT_EQ(line_of(part_of(line(line_of(row)))), line_of(row));
}

TEST(NightRows, APartWithCountsOfNothingDidNoWork) {
  PartRow row;
  EXPECT_FALSE(row.did_work());
  row.work["trials"] = 0;
  EXPECT_FALSE(row.did_work());
  row.work["cells"] = 1;
  EXPECT_TRUE(row.did_work());
}

TEST(NightRows, AWrongRowIsRefusedWithItsPlaceAndWhatIsAllowed) {
  PartRow row;
  row.name = "prove";
  row.status = "fine";
  EXPECT_EQ(refusal(line_of(row)),
            "night.jsonl:1:1: `status` is \"fine\"; allowed: ok, finding, failed, hung, not-built, "
            "skipped, stopped (results/schema.json)");
  EXPECT_EQ(refusal(R"({"kind":"part","name":7})").find("night.jsonl:1:1: `name` is 7; a text"),
            0U);
  EXPECT_EQ(refusal(R"({"kind":"part","name":"a","status":"ok"})").find("night.jsonl:1:1: "), 0U);
}

TEST(NightRows, TheSchemaHasTheirFieldsAndStatuses) {
  std::ifstream file(SIGSWEEP_SOURCE "/results/schema.json");
  const auto defs = nlohmann::ordered_json::parse(file)["$defs"];
  const auto fields = [](const nlohmann::ordered_json& row) {
    std::vector<std::string> names;
    for (const auto& [name, value] : row.items()) names.push_back(name);
    return names;
  };
  PartRow part;
  part.status = "ok";
  EXPECT_EQ(fields(defs["night"]["properties"]), fields(line(line_of(some_night())).json));
  EXPECT_EQ(fields(defs["part"]["properties"]), fields(line(line_of(part)).json));
  EXPECT_EQ(defs["part"]["properties"]["status"]["enum"].get<std::vector<std::string>>(),
            std::vector<std::string>(std::begin(kPartStatuses), std::end(kPartStatuses)));
}

TEST(NightRows, ARunOfThisMachineIsOfALikeMachine) {
  const MachineFacts facts = machine();
  nlohmann::ordered_json run = {{"kind", "run"},
                                {"machine",
                                 {{"cpu", facts.cpu},
                                  {"xcr0", fmt::format("{:#x}", facts.xcr0)},
                                  {"microcode", facts.microcode},
                                  {"mitigations", facts.mitigations}}}};
  const NightMachine a = night_machine(facts), b = night_machine(ResultLine{"r:1:1", run});
  EXPECT_EQ(a.processor, b.processor);
  EXPECT_EQ(a.features, b.features);
}

}  // namespace
}  // namespace sigsweep
