// Holds each claim against its evidence, as its kind says (stress/verdict/claim_kind.h).
#pragma once

#include <string>

#include "stress/host/claim_plan.h"
#include "stress/host/results.h"
#include "stress/host/sweep_result.h"

namespace sigsweep {

class ClaimChecker {
 public:
  // `result`: of the plan's cells. The writer takes the storm's row. All must outlive it.
  ClaimChecker(const ClaimPlan& plan, const SweepResult& result, ResultsWriter* writer)
      : plan_(plan),
        session_(plan.session()),
        book_(plan.book()),
        result_(result),
        writer_(writer) {}

  // Prints the first counterexample's page, if there is one. Throws Failure.
  ClaimRow check(const ClaimSpec& claim);

 private:
  struct Way;  // of checking
  static const Way kWays[];

  void contracts(const ClaimSpec& claim, ClaimRow* row);
  void cells(const ClaimSpec& claim, ClaimRow* row);
  void rejected(const ClaimSpec& claim, ClaimRow* row);
  void hazards(const ClaimSpec& claim, ClaimRow* row);
  void refused(const ClaimSpec& claim, ClaimRow* row);
  void ordered(const ClaimSpec& claim, ClaimRow* row);
  void storm(const ClaimSpec& claim, ClaimRow* row);
  void throws(const ClaimSpec& claim, ClaimRow* row);
  void refute(const CellRow& cell, ClaimRow* row);
  const ReportedTrial* example_of(const CellRow& cell) const;
  void check_tried(const ClaimSpec& claim, ClaimRow* row) const;

  const ClaimPlan& plan_;
  const Session& session_;
  const ClaimBook& book_;
  const SweepResult& result_;
  ResultsWriter* writer_;
};

}  // namespace sigsweep
