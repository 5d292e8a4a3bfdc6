// results/schema.json is used from outside, and has lists of its own: they are those of the code.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/runner/verdict.h"

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

}  // namespace
}  // namespace sigsweep
