// claims: the subject's claims about its code, for the host.
#include "stress/runner/command.h"

namespace sigsweep {
namespace {

// The bit of a mark; 0: the subject has no mark of that name.
Marks mark_of(const Subject& subject, std::string_view name) {
  const auto names = subject.mark_names();
  for (unsigned i = 0; i < names.size(); i++) {
    if (names[i] == name) return Marks{1} << i;
  }
  return 0;
}

}  // namespace

std::string claims(Runner& runner, const Record&) {
  const Claims& all = runner.subject.claims();
  for (const Claim& c : all.rows) {
    send(Record("claim")
             .add("id", c.id)
             .add("kind", claim_kind_name(c.kind))
             .add("protocols", c.protocols)
             .add("forms", c.forms)
             .add("statement", c.statement)
             .add("reason", c.reason)
             .add("meaning", c.meaning)
             .add("isa", c.isa)
             .add("not_on", c.not_on)
             .add("why_not", c.why_not)
             .add("calls_from", c.calls_from));
  }
  for (const StubOrder& o : all.orders) {
    send(Record("order").add("stub", o.stub).add("ways", o.ways));
  }
  for (const StubDefect& d : all.defects) {
    send(Record("defect")
             .add("isa", d.isa)
             .add("stub", d.stub)
             .add("mended", d.mended)
             .add("what", d.what));
  }
  send(Record("pair")
           .add("words", all.pair.words)
           .add("mark", mark_of(runner.subject, all.pair.mark))
           .add("text", all.pair.text));
  send(Record("stands_for_all").add("site", all.site));
  send(Record("mutated").add("functions", all.mutated));
  return {};
}

}  // namespace sigsweep
