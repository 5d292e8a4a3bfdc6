// The instructions at a boundary, in the program itself and in files that a runner loads.
#include "stress/host/disassembly.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "stress/base/symtab.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

std::string path_of(const std::string& object) {
  return MODULES_TEST_CODE "/modules_test_" + object + ".so";
}

symtab::Table table_of(const std::string& object) {
  std::string error;
  const auto table = symtab::Table::load_all(path_of(object), &error);
  EXPECT_EQ(error, "");
  return table.value_or(symtab::Table());
}

std::vector<ModuleSpec> modules() {
  std::vector<ModuleSpec> specs;
  for (const char* object : {"whole", "bare", "whole32"}) {
    specs.push_back({object, path_of(object), table_of(object).build_id()});
  }
  return specs;
}

const Disassemblers& code() {
  static const Disassemblers disassemblers("/proc/self/exe", modules());
  return disassemblers;
}

// The instruction of a listing that begins at an offset; "-": none.
std::string text_at(const std::vector<Instruction>& listing, std::uint64_t offset) {
  const auto found = std::ranges::find(listing, offset, &Instruction::offset);
  return found == listing.end() ? "-" : found->text;
}

TEST(Disassembly, OfAModuleIsFoundByTheLinkedAddress) {
  const auto table = table_of("whole");
  const std::uint64_t start = table.find_name("sized")->start;
  const auto listing = code().listing({"sized", 1, "whole", start + 1});
  ASSERT_EQ(listing.size(), 3U) << "the function, and no more";
  EXPECT_EQ(text_at(listing, 0), "nop     ");
  EXPECT_TRUE(text_at(listing, 2).starts_with("ret"));
  EXPECT_EQ(around(code(), {"sized", 1, "whole", start + 1}, 1),
            "     sized+0x00  nop     \n  => sized+0x01  nop     \n     sized+0x02  " +
                text_at(listing, 2) + "\n");
}

// Boundaries have names that are unique in their process; the file does not know those.
TEST(Disassembly, TakesOffsetsFromTheBoundarysOwnName) {
  const std::uint64_t start = table_of("whole").find_name("sized")->start;
  const std::string text = around(code(), {"sized@libx.so:0x1", 2, "whole", start + 2}, 0);
  EXPECT_TRUE(text.starts_with("  => sized@libx.so:0x1+0x02  ret")) << text;
}

TEST(Disassembly, OfA32BitModule) {
  const symtab::Symbol calls = *table_of("whole32").find_name("calls");
  const auto listing = code().listing({"calls", 0, "whole32", calls.start});
  EXPECT_TRUE(std::ranges::any_of(
      listing, [](const Instruction& i) { return i.text.ends_with("getpid@plt"); }));
}

TEST(Disassembly, OfCodeWithoutNamesIsThatAroundTheAddress) {
  const auto table = table_of("bare");
  // The code of `calls`, the same as in the object with names: its bytes are looked for.
  const symtab::Symbol exported = *table.find_name("exported");
  const auto section = table.code_at(exported.start);
  ASSERT_TRUE(section);
  const std::uint64_t unnamed = section->start;  // `unsized`: nop, nop, nop, ret, in the assembly
  std::uint64_t label = unnamed;
  while (table.find(label) != nullptr) label++;
  const auto listing = code().listing({"bare", label, "bare", label});
  ASSERT_FALSE(listing.empty());
  EXPECT_NE(text_at(listing, label), "-");
  EXPECT_GT(listing.size(), 3U);
}

TEST(Disassembly, OfTheRunnerIsFoundByTheSymbol) {
  const auto listing = code().listing({"main", 0, "", 0});
  ASSERT_FALSE(listing.empty());
  EXPECT_EQ(listing.front().offset, 0U);
  EXPECT_EQ(around(code(), {"no such function", 0, "", 0}, 3), "");
}

TEST(Disassembly, OfAFileThatIsNotThereSaysWhy) {
  const Disassemblers some("/proc/self/exe", {{"gone.so", "/no/such/gone.so", "12"},
                                              {"other.so", path_of("whole"), "12"}});
  EXPECT_EQ(around(some, {"f", 1, "gone.so", 0x10}, 3),
            "  => f+0x01 (gone.so)  ?: /no/such/gone.so: cannot be read as an ELF file\n");
  EXPECT_EQ(around(some, {"f", 1, "other.so", 0x10}, 3),
            "  => f+0x01 (other.so)  ?: " + path_of("whole") +
                " is another build by now: 0123456789abcdef; the runner loaded 12\n");
  EXPECT_EQ(around(some, {"f", 1, "unheard.so", 0x10}, 3),
            "  => f+0x01 (unheard.so)  ?: the runner does not say where unheard.so lies\n");
  EXPECT_THROW(Disassembler("/no/such/file"), Failure);
}

TEST(Disassembly, OfAnAddressOutsideTheCodeSaysSo) {
  EXPECT_EQ(around(code(), {"f", 1, "whole", 0x7f0000000000}, 3),
            "  => f+0x01 (whole)  ?: no such instruction\n");
}

}  // namespace
}  // namespace sigsweep
