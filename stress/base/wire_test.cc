#include "stress/base/wire.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

TEST(Wire, AnyBytesSurvive) {
  std::string all;
  for (int i = 0; i < 256; i++) all += static_cast<char>(i);
  Record record("word");
  record.add("all", all).add("empty", "").add("percent", "100%").add("n", std::uint64_t{42});
  const std::string line = record.encode();
  EXPECT_EQ(line.find('\n'), line.npos);
  const Record back = Record::decode(line);
  EXPECT_EQ(back.word(), "word");
  EXPECT_EQ(back.fields(), record.fields());
  EXPECT_EQ(back.number("n"), 42U);
}

TEST(Wire, WhatIsMissingIsEmpty) {
  const Record record = Record::decode("word a=1 broken b=x,y");
  EXPECT_FALSE(record.has("broken"));
  EXPECT_EQ(record.text("c"), "");
  EXPECT_EQ(record.number("c"), 0U);
  EXPECT_EQ(record.list("b"), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(record.list("c").empty());
}

}  // namespace
}  // namespace sigsweep
