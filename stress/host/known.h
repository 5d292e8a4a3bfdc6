// Acknowledged findings: reported, not failing, until their date.
//
// One a line, `ID UNTIL REASON`: the finding's id (16 hex digits), the last day on which it is
// acknowledged (YYYY-MM-DD, UTC), and why. `#` at the start of a line begins a comment.
#pragma once

#include <map>
#include <string>

namespace sigsweep {

class KnownFindings {
 public:
  static constexpr const char* kDefaultFile = "corpus/known.txt";

  // `path` empty: kDefaultFile, or none where that does not exist. Throws Failure(kUsage), with
  // file:line:column, for what can't be read.
  explicit KnownFindings(const std::string& path);

  // Why it is acknowledged today; null: it is not. A date that has passed is said once, on standard
  // error.
  const std::string* reason(const std::string& id) const;

 private:
  struct Entry {
    std::string until, reason;
  };
  std::map<std::string, Entry> entries_;
  std::string today_;
};

}  // namespace sigsweep
