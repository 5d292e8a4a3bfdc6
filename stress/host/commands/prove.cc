// One sweep over everything that the claims speak of; then each claim is held against its cells.
#include "stress/host/commands/prove.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stress/host/canary.h"
#include "stress/host/claim_plan.h"
#include "stress/host/commands/prove_check.h"
#include "stress/host/commands/prove_print.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/storm.h"
#include "stress/host/commands/subject_rows.h"
#include "stress/host/report.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

// A harness that is wrong on this machine proves nothing.
void check_harness(const Session& session) {
  const Outcome outcome = session.runner->command(Record("selfcheck"), [](const Record&) {});
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) {
    throw Failure(kHarnessFailed, "the harness does not work on this machine: " + outcome.message);
  }
}

// Every claim that is selected, until it is told to stop.
void check_all(const ClaimPlan& plan, const SweepResult& result, ResultsWriter* writer,
               ProofPrinter* printer) {
  const Session& session = plan.session();
  ClaimChecker checker(plan, result, writer);
  const auto skip = [&](const ClaimSpec& claim, const std::string& why) {
    ProofPrinter::skipped(claim, why);
    writer->write(SkippedRow{session.options.isa, fmt::format("claim {}", claim.id), why});
  };
  for (const ClaimSpec& claim : plan.book().claims) {
    if (plan.leaves_out(claim)) {
      skip(claim, fmt::format("not on {}: {}", claim.not_on, claim.why_not));
    }
    if (!plan.selects(claim)) continue;
    if (claim.kind == ClaimKind::storm && storm_runner(session).empty()) {
      skip(claim, fmt::format("no storm is built for this runner ({})", session.runner_path));
      continue;
    }
    const ClaimRow row = checker.check(claim);
    if (stop_requested) break;  // it is not known to fail
    writer->write(row);
    printer->claim(claim, row);
  }
}

// One ISA's part. Do all claims hold?
bool prove(const Session& session, const ClaimBook& book, ResultsWriter* writer) {
  const ClaimPlan plan(session, book);
  check_harness(session);
  write_subject(session, writer);
  const SweepPlan cells = plan.cells();
  check_canary(session, cells);
  const SweepResult result = sweep(session, cells, writer);
  ProofPrinter printer(plan, result);
  if (!result.stopped && !stop_requested && result.harness_problem.empty()) {
    check_all(plan, result, writer, &printer);
  }
  for (const ReportedTrial& e : result.examples) {
    if (!e.expected) writer->write(finding_row(session, e));
  }
  printer.totals();
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  if (result.stopped || stop_requested)
    throw Failure(kStopped, "stopped; all lines written so far are complete");
  printer.summary();
  return printer.all_hold();
}

// The claims of each session's subject, which has some; --claim names some of them.
std::vector<ClaimBook> books_of(const std::vector<Session>& sessions, const Options& options) {
  std::vector<ClaimBook> books;
  for (const Session& session : sessions) {
    books.push_back(read_claims(session));
    const std::vector<ClaimSpec>& claims = books.back().claims;
    if (claims.empty()) {
      const std::string flag = options.subject == kSubjects[0] ? "--runner " + options.runner
                                                               : "--subject " + options.subject;
      throw Failure(kUsage,
                    fmt::format("prove {}: the claims are about subject {}; `sigsweep sweep "
                                "{}` holds every verdict against its protocol's",
                                flag, kSubjects[0], flag));
    }
    std::vector<std::string> known;
    known.reserve(claims.size());
    for (const ClaimSpec& claim : claims) known.push_back(std::to_string(claim.id));
    for (const std::string& id : options.claims) {
      if (has_word(known, id)) continue;
      throw Failure(kUsage, fmt::format("--claim {}: no such claim; allowed: {}", id,
                                        fmt::join(known, ", ")));
    }
  }
  return books;
}

// A claim that is asked for by its number must speak of an ISA that is there.
void refuse_foreign_claims(const Options& options, const ClaimBook& book,
                           const std::vector<std::string>& isas) {
  for (const ClaimSpec& claim : book.claims) {
    const auto speaks = [&](const std::string& isa) { return claim.speaks_of_isa(isa); };
    if (!has_word(options.claims, std::to_string(claim.id)) || std::ranges::any_of(isas, speaks)) {
      continue;
    }
    throw Failure(kSkipped,
                  claim.not_on.empty()
                      ? fmt::format("skipped: claim {} speaks of isa {} only", claim.id, claim.isa)
                      : fmt::format("skipped: claim {}: not on {}: {}", claim.id, claim.not_on,
                                    claim.why_not));
  }
}

int run_prove(const Options& options, ReportBuilder* report) {
  Options with_places = options;
  if (with_places.out.empty()) with_places.out = "results/prove";
  if (with_places.json.empty()) with_places.json = with_places.out + "/prove.jsonl";
  std::vector<std::string> left_out;
  const std::vector<Session> sessions = open_sessions(with_places, &left_out);
  const std::vector<ClaimBook> books = books_of(sessions, options);
  print_provenance(options);
  refuse_foreign_claims(options, books.front(), names_of(sessions));
  for (const Session& session : sessions) require_source(session, options.inject);
  ResultsWriter writer(with_places.json, report);
  RunRow run = run_row(sessions.front());
  run.isas = names_of(sessions);
  run.left_out = left_out;
  writer.write(run);
  const int status = write_to_end(&writer, [&] {
    bool all = true;
    for (std::size_t i = 0; i < sessions.size(); i++) {
      if (sessions.size() > 1) fmt::print("isa {}\n", sessions[i].options.isa);
      all = prove(sessions[i], books[i], &writer) && all;
      if (sessions.size() > 1) fmt::print("\n");
    }
    return all ? kAsExpected : kFinding;
  });
  fmt::print("results: {}\n", with_places.json);
  return status;
}

}  // namespace

int prove_command(const Options& options) {
  return with_reports(options, "prove",
                      [&](ReportBuilder* report) { return run_prove(options, report); });
}

}  // namespace sigsweep
