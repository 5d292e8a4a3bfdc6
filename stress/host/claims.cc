#include "stress/host/claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sigsweep {
namespace {

ClaimSpec claim_of(const Record& r) {
  const auto kind = claim_kind_from_name(r.text("kind"));
  if (!kind) {
    throw Failure(kHarnessFailed,
                  fmt::format("the runner's claim {} is of kind \"{}\"; allowed: {}", r.text("id"),
                              r.text("kind"), fmt::join(kClaimKindNames, ", ")));
  }
  ClaimSpec claim;
  claim.id = static_cast<unsigned>(r.number("id"));
  claim.kind = *kind;
  claim.protocols = words_of(r.text("protocols"));
  claim.forms = words_of(r.text("forms"));
  claim.statement = r.text("statement");
  claim.reason = r.text("reason");
  claim.meaning = r.text("meaning");
  claim.isa = r.text("isa");
  claim.not_on = r.text("not_on");
  claim.why_not = r.text("why_not");
  claim.calls_from = r.text("calls_from");
  return claim;
}

void take(const Record& r, ClaimBook* book) {
  if (r.word() == "claim") {
    book->claims.push_back(claim_of(r));
  } else if (r.word() == "order") {
    book->orders[r.text("stub")] = r.text("ways");
  } else if (r.word() == "defect") {
    book->defects.push_back({r.text("isa"), r.text("stub"), r.text("mended"), r.text("what")});
  } else if (r.word() == "pair") {
    book->pair = {words_of(r.text("words")), r.number("mark"), r.text("text")};
  } else if (r.word() == "stands_for_all") {
    book->site = r.text("site");
  } else if (r.word() == "mutated") {
    book->mutated = words_of(r.text("functions"));
  }
}

// What a kind of claim needs of the book.
void check(const ClaimBook& book) {
  for (const ClaimSpec& claim : book.claims) {
    const bool in_order = claim.kind != ClaimKind::ordered || book.pair.mark != 0;
    if (!claim.protocols.empty() && in_order) continue;
    throw Failure(kHarnessFailed, fmt::format("the runner's claim {} {}", claim.id,
                                              in_order ? "names no protocol"
                                                       : "is of an order, and no boundary has the "
                                                         "mark that it needs"));
  }
}

}  // namespace

ClaimBook read_claims(const Session& session) {
  ClaimBook book;
  const Outcome outcome =
      session.runner->command(Record("claims"), [&](const Record& r) { take(r, &book); });
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
  check(book);
  return book;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool has_word(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace sigsweep
