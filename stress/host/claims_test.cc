// What the host makes of a runner's claims, and refuses. The runner is a script.
#include "stress/host/claims.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "stress/host/files.h"

namespace sigsweep {
namespace {

class ReadClaims : public testing::Test {
 protected:
  // Those of a runner that answers with these lines.
  ClaimBook read(const std::string& lines) {
    const std::string path = folder_ + "/runner";
    std::ofstream(path) << "#!/bin/sh\nread -r command || exit 0\ncat <<'end'\n" + lines + "end\n";
    chmod(path.c_str(), 0700);
    Session session;
    session.runner = std::make_unique<RunnerProcess>(path, machine_isa());
    return read_claims(session);
  }
  // Why they are refused; empty: they are not.
  std::string refusal(const std::string& lines) {
    try {
      read(lines);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status, kHarnessFailed) << failure.what();
      return failure.what();
    }
    return {};
  }
  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(ReadClaims, AreReadAsTheyWereSent) {
  const ClaimBook book = read(
      "claim id=7 kind=ordered protocols=a%20b forms=single%20two statement=it%20holds "
      "reason=why meaning= isa=arm calls_from=there\n"
      "order stub=jump ways=x%20y|x\n"
      "defect isa=arm stub=jump mended=leap what=too%20short\n"
      "pair words=x%20y mark=4 text=x%20and%20y\n"
      "stands_for_all site=near\n"
      "done\n");
  ASSERT_EQ(book.claims.size(), 1U);
  const ClaimSpec& claim = book.claims[0];
  EXPECT_EQ(claim.id, 7U);
  EXPECT_EQ(claim.kind, ClaimKind::ordered);
  EXPECT_EQ(claim.protocols, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(claim.forms, (std::vector<std::string>{"single", "two"}));
  EXPECT_EQ(claim.statement, "it holds");
  EXPECT_EQ(claim.calls_from, "there");
  EXPECT_TRUE(claim.speaks_of_isa("arm"));
  EXPECT_FALSE(claim.speaks_of_isa("amd64"));
  EXPECT_EQ(book.orders.at("jump"), "x y|x");
  ASSERT_EQ(book.defects.size(), 1U);
  EXPECT_EQ(book.defects[0].mended, "leap");
  EXPECT_EQ(book.pair.words, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(book.pair.mark, 4U);
  EXPECT_EQ(book.site, "near");
}

TEST_F(ReadClaims, OfASubjectThatHasNoneAreEmpty) {
  EXPECT_TRUE(read("pair words= mark=0 text=\nstands_for_all site=\ndone\n").claims.empty());
}

TEST_F(ReadClaims, ThatCannotBeCheckedAreRefused) {
  const std::string unknown = refusal("claim id=7 kind=guessed protocols=a\ndone\n");
  EXPECT_NE(unknown.find("claim 7 is of kind \"guessed\"; allowed: contracts, "), unknown.npos)
      << unknown;
  EXPECT_EQ(refusal("claim id=7 kind=legal protocols=\ndone\n"),
            "the runner's claim 7 names no protocol");
  EXPECT_EQ(refusal("claim id=7 kind=ordered protocols=a\npair words=x mark=0 text=x\ndone\n"),
            "the runner's claim 7 is of an order, and no boundary has the mark that it needs");
}

TEST_F(ReadClaims, OfARunnerThatDoesNotAnswerAreRefused) {
  EXPECT_EQ(refusal("trouble message=unknown%20command%20claims\n"), "unknown command claims");
  EXPECT_NE(refusal("").find("exited with status 0"), std::string::npos);
}

}  // namespace
}  // namespace sigsweep
