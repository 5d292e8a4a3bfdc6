// Lists that must stand outside the code, in results/schema.json and in CMake: they are the code's.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/schedule/schedule.h"
#include "stress/verdict/verdict.h"

namespace sigsweep {
namespace {

std::vector<std::string> names_in_schema(const char* definition) {
  std::ifstream file(SIGSWEEP_SOURCE "/results/schema.json");
  return nlohmann::json::parse(file)["$defs"][definition]["enum"];
}

TEST(Schema, HasTheVerdictsInTheirOrder) {
  EXPECT_EQ(names_in_schema("verdict"),
            std::vector<std::string>(std::begin(kVerdictNames), std::end(kVerdictNames)));
}

TEST(Schema, HasTheInstructionSets) {
  EXPECT_EQ(names_in_schema("isa"), std::vector<std::string>(std::begin(kIsas), std::end(kIsas)));
}

// CMake builds runners for further ones beside amd64, and names them for itself.
TEST(Cmake, NamesTheSameInstructionSets) {
  std::string further;
  for (std::string_view isa : kIsas) {
    if (isa != "amd64") further += (further.empty() ? "" : ", ") + std::string(isa);
  }
  std::ifstream file(SIGSWEEP_SOURCE "/scripts/isas.cmake");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_NE(text.find("is unknown; allowed: " + further + "\""), std::string::npos) << further;
}

}  // namespace
}  // namespace sigsweep
