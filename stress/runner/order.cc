// order protocol= site= | handler=: each step of the site's operation or of that handler, with its
// marks and the words that it changed.
#include "stress/runner/account.h"
#include "stress/runner/command.h"

namespace sigsweep {
namespace {

std::string changed_words(const Subject& subject, std::uint32_t changes) {
  std::string names;
  for (unsigned i = 0; i < subject.watched().size(); i++) {
    if ((changes >> i & 1) == 0) continue;
    names += (names.empty() ? "" : " ") + std::string(subject.watched()[i]);
  }
  return names;
}

std::string find_trace(Runner& runner, const Record& command, const Trace** trace) {
  unsigned protocol = 0, site = 0;
  std::string trouble = find_protocol(runner, command.text("protocol"), &protocol);
  if (!trouble.empty()) return trouble;
  if (command.has("handler")) {
    trouble = find_handler(runner, command.text("handler"), &site);
    return trouble.empty() ? runner.traces.of_handler(protocol, site, trace) : trouble;
  }
  trouble = find_site(runner, command.text("site"), &site);
  return trouble.empty() ? runner.traces.of_operation(protocol, site, trace) : trouble;
}

}  // namespace

std::string order(Runner& runner, const Record& command) {
  const Trace* trace = nullptr;
  if (std::string trouble = find_trace(runner, command, &trace); !trouble.empty()) return trouble;
  if (trace == nullptr) return "no trace";
  send(Record("way").add("complete", unsigned{trace->complete}));
  for (const Boundary& b : trace->boundaries) {
    Record r("step");
    encode(account_of(runner.subject, b), "", &r);
    r.add("marks", b.marks)
        .add("watches", unsigned{b.watches})
        .add("changes", changed_words(runner.subject, b.changes));
    send(r);
  }
  return {};
}

}  // namespace sigsweep
