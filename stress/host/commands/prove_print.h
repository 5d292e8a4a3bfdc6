// What `sigsweep prove` prints of one ISA.
#pragma once

#include <set>
#include <string>

#include "stress/host/claim_plan.h"
#include "stress/host/results.h"
#include "stress/host/sweep_result.h"

namespace sigsweep {

class ProofPrinter {
 public:
  // Both must outlive it.
  ProofPrinter(const ClaimPlan& plan, const SweepResult& result) : plan_(plan), result_(result) {}

  void claim(const ClaimSpec& claim, const ClaimRow& row);
  // A claim that can't be tried here.
  static void skipped(const ClaimSpec& claim, const std::string& why);
  void totals() const;  // of the sweep
  // What signals cost, what was left out, and whether all claims hold.
  void summary() const;
  bool all_hold() const { return all_hold_; }  // of those that were printed

 private:
  void sources() const;
  void floor() const;

  const ClaimPlan& plan_;
  const SweepResult& result_;
  bool all_hold_ = true;
  unsigned claims_ = 0;
  std::set<std::string> left_out_;
};

}  // namespace sigsweep
