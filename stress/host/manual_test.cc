// Man pages and completion: they have what --help has, and the shells take them.
#include <fmt/format.h>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

class Manual : public Command {
 protected:
  void SetUp() override {
    const Ran ran = sigsweep("manual share");
    ASSERT_EQ(ran.status, 0) << ran.output;
  }
  std::string content(const std::string& name) const {
    std::ifstream in(folder_ + "/share/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::set<std::string> commands() {
    std::set<std::string> names;
    const std::string help = sigsweep("--help").output;
    const std::regex line("\n  ([a-z-]+) ");
    const std::string part = help.substr(help.find("Subcommands"));
    for (std::sregex_iterator i(part.begin(), part.end(), line), end; i != end; ++i)
      names.insert((*i)[1]);
    return names;
  }
  // The words that bash offers behind these.
  std::string completed(const std::string& words) {
    return run("bash -c 'source " + folder_ +
               "/share/bash-completion/completions/sigsweep; COMP_WORDS=(" + words +
               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sigsweep; echo \"${COMPREPLY[*]}\"'")
        .output;
  }
};

TEST_F(Manual, EachCommandHasAPageWithItsFlags) {
  EXPECT_GT(commands().size(), 15U);
  for (const std::string& command : commands()) {
    const std::string page = content("man/man1/sigsweep-" + command + ".1");
    EXPECT_NE(page.find(".SH SYNOPSIS\n.B sigsweep "), page.npos) << command;
    const std::string help = sigsweep(command + " --help").output;
    const std::regex flag("\n  (?:-[a-z],)?(--[a-z-]+)");
    for (std::sregex_iterator i(help.begin(), help.end(), flag), end; i != end; ++i) {
      const std::string name = std::regex_replace((*i)[1].str(), std::regex("-"), "\\-");
      EXPECT_NE(page.find("\\fB" + name + "\\fR"), page.npos) << command << " " << name << "\n"
                                                              << page;
    }
    EXPECT_NE(
        content("man/man1/sigsweep.1").find(std::regex_replace(command, std::regex("-"), "\\-")),
        std::string::npos)
        << command;
  }
}

// `manual` itself is the build's.
TEST_F(Manual, WhatHelpDoesNotShowHasNoPage) {
  EXPECT_FALSE(fs::exists(folder_ + "/share/man/man1/sigsweep-manual.1"));
  EXPECT_EQ(commands().count("manual"), 0U);
  EXPECT_EQ(content("bash-completion/completions/sigsweep").find("manual"), std::string::npos);
}

TEST_F(Manual, PagesAreGoodTroff) {
  // groff only looks for mistakes in the pages; what they say, the other tests read.
  if (run("command -v groff").status != 0)
    GTEST_SKIP() << "there is no groff here (package groff-base)";
  for (const auto& entry : fs::directory_iterator(folder_ + "/share/man/man1")) {
    const Ran ran = run("groff -man -ww -z -Tutf8 " + entry.path().string());
    EXPECT_EQ(ran.output, "") << entry.path();
  }
}

TEST_F(Manual, BashCompletesCommandsFlagsAndValues) {
  EXPECT_EQ(completed("sigsweep swe"), "sweep\n");
  EXPECT_EQ(completed("sigsweep sweep --per"), "--per-boundary\n");
  EXPECT_EQ(completed("sigsweep sweep --contain pl"), "place\n");
  EXPECT_EQ(completed("sigsweep history li"), "list\n");
  EXPECT_EQ(completed("sigsweep sweep --json fi"), "\n");  // a file's name: bash's own affair
}

TEST_F(Manual, TheShellsCanReadTheirs) {
  for (const auto& [shell, file] :
       std::map<std::string, std::string>{{"bash", "bash-completion/completions/sigsweep"},
                                          {"zsh", "zsh/site-functions/_sigsweep"},
                                          {"fish", "fish/vendor_completions.d/sigsweep.fish"}}) {
    EXPECT_NE(content(file).find("sweep"), std::string::npos) << file;
    if (run("command -v " + shell).status != 0) continue;
    const Ran ran = run(fmt::format("{} -n {}/share/{}", shell, folder_, file));
    EXPECT_EQ(ran.status, 0) << shell << ran.output;
  }
}

TEST_F(Manual, TheVersionNamesCommitAndCompiler) {
  const Ran ran = sigsweep("--version");
  EXPECT_EQ(ran.status, 0);
  EXPECT_TRUE(std::regex_match(
      ran.output, std::regex("\\d+\\.\\d+\\.\\d+ \\([a-z-]+ [0-9a-f]{12} \\w+ [0-9.]+\\)\n")))
      << ran.output;
}

}  // namespace
}  // namespace sigsweep
