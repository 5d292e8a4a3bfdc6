// In which order stubs change the watched words, held against what the subject claims.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "stress/host/claims.h"
#include "stress/host/options.h"

namespace sigsweep {

class OrderCheck {
 public:
  // Both must outlive it.
  OrderCheck(const Session& session, const ClaimBook& book) : session_(session), book_(book) {}

  // One trace, of a site's operation or of a handler: the orders of the book, and the boundaries
  // where the pair of words disagrees, against what the changes say. Each change of one of the two
  // alone makes them disagree, and the next one makes them agree again.
  void check_site(const std::string& protocol, const std::string& site);
  void check_handler(const std::string& protocol, const std::string& handler);

  std::uint64_t boundaries() const { return boundaries_; }  // looked at
  const std::set<std::string>& disagreeing() const { return disagreeing_; }
  const std::string& problem() const { return problem_; }  // the first; empty: there is none

 private:
  void check(const Record& command, bool of_handler);
  void fail(const Record& command, const std::string& why);
  void check_ways(const Record& command, const std::string& symbol, const std::string& changes,
                  bool complete);

  const Session& session_;
  const ClaimBook& book_;
  std::uint64_t boundaries_ = 0;
  std::set<std::string> disagreeing_;
  std::string problem_;
};

}  // namespace sigsweep
