// `sigsweep mutants`: what becomes of a mutant; and mutants that only one contract sees.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

struct Fate {
  const char* line;  // of --list, as a pattern; the last that matches
  const char* stage;
  const char* by;  // or the rule, if there is no stage
};
// Each of the contracts' lived until there was that check.
constexpr Fate kFates[] = {
    {"^onM_legacy\\+.* je .* -> jae ", "contracts", "onM_legacy"},
    {"^mcall\\+.* je .* -> jae ", "contracts", "mcall"},
    {"^systemstack\\+.* je .* -> jae ", "contracts", "badsystemstack"},
    {"^mcall\\+.* pushq %rax -> pushq %rcx", "contracts", "were not g"},
    {"^mexit\\+.* popq %r15 -> popq %r14", "contracts", "was not kept"},
    {"^mexit\\+.* movq \\$0, %fs:.* -> nothing", "contracts", "g was not nil"},
    {"^mexit\\+.* retq -> nothing", "contracts",
     "claim 0"},  // it runs into what the linker put there
    {"^gosave\\+.* leaq 8\\(%rsp\\), %rax -> leaq 8\\(%rsp\\), %rcx", "contracts", "gosave"},
    {"^sigtramp\\+.* callq badsignal -> jmp", "contracts", "badsignal's message"},
    {"^sigtramp\\+.* movq 8\\(%rax\\), %rax -> nothing", "contracts", "g was not gsignal"},
    {"^onM\\+.* movq %rsp, 0x18\\(%rax\\); .* -> ", "one-site", "claim 11"},
    {"^gogo\\+.*:swapped:1 ", nullptr, "order-that-no-reader-sees"},
    {"^onM_remember\\+.* popq %rax -> nothing", nullptr, "takes-the-same-words"},
};

class Mutants : public Command {
 protected:
  // The name of the last mutant whose line matches.
  static std::string named(const std::string& list, const char* line) {
    std::string found;
    std::istringstream lines(list);
    for (std::string each; std::getline(lines, each);) {
      if (std::regex_search(each, std::regex(line))) found = each.substr(0, each.find(' '));
    }
    return found;
  }
};

TEST_F(Mutants, EachComesToItsEnd) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const std::string list = sigsweep("mutants --isa amd64 --list").output;
  std::map<std::string, Fate> fates;
  std::string words = "mutants --isa amd64 --jobs 2 --json r.jsonl";
  for (const Fate& fate : kFates) {
    const std::string id = named(list, fate.line);
    ASSERT_FALSE(id.empty()) << fate.line << "\n" << list;
    fates[id] = fate;
    words += " " + id;
  }
  const Ran ran = sigsweep(words);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0) << ran.output;
  const auto found = rows(folder_ + "/r.jsonl", "mutant");
  EXPECT_EQ(found.size(), std::size(kFates)) << ran.output;
  for (const json& row : found) {
    const Fate& fate = fates.at(row["id"]);
    EXPECT_EQ(row["status"], fate.stage != nullptr ? "killed" : "equivalent") << row;
    EXPECT_EQ(row.value("stage", ""), fate.stage != nullptr ? fate.stage : "") << row;
    const std::string said = row.value(fate.stage != nullptr ? "by" : "rule", "");
    EXPECT_NE(said.find(fate.by), said.npos) << row;
  }
}

TEST_F(Mutants, ANameThatIsNoneIsRefused) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const Ran ran = sigsweep("mutants --isa amd64 gogo+0x0:dropped:9");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_NE(ran.output.find("gogo+0x0:dropped:9: no such mutant; --list prints all"),
            std::string::npos)
      << ran.output;
}

}  // namespace
}  // namespace sigsweep
