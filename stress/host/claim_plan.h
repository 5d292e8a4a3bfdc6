// What a session's flags select of its subject's claims, and the cells that those speak of.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "stress/host/claims.h"
#include "stress/host/options.h"
#include "stress/host/sweep_plan.h"

namespace sigsweep {

class ClaimPlan {
 public:
  // Both must outlive it. Throws Failure(kUsage) for an --assume that is none.
  ClaimPlan(const Session& session, const ClaimBook& book)
      : session_(session), book_(book), assumed_(session.assumptions()) {}

  bool selects(const ClaimSpec& claim) const;
  // It is asked for, and its subject says why it does not speak of this ISA.
  bool leaves_out(const ClaimSpec& claim) const;
  // The cells of all claims that are selected, each once. At depth 1 every handler, and none.
  // --handler is obeyed.
  SweepPlan cells() const;
  // The site that stands for all where a source is dear, or pairs were not asked for.
  std::string one_site() const;
  // Are the pairs too dear for all of them? --depth 2 asks for them by name.
  bool draws_pairs() const {
    return emulator_of(session_.options.isa) != nullptr && session_.options.depth != 2;
  }
  // protocol -> the verdict that is expected instead
  const std::map<std::string, Verdict>& assumed() const { return assumed_; }
  const Session& session() const { return session_; }
  const ClaimBook& book() const { return book_; }

 private:
  void add_pairs(const std::string& protocol, const std::string& form, SweepPlan* plan) const;
  void add_delivered(const std::string& protocol, const std::vector<std::string>& handlers,
                     SweepPlan* plan) const;

  const Session& session_;
  const ClaimBook& book_;
  std::map<std::string, Verdict> assumed_;
};

}  // namespace sigsweep
