// describe: the subject's names, and the properties of each.
#include "stress/campaign/resolve.h"
#include "stress/runner/command.h"

namespace sigsweep {
namespace {

std::string rejecting_protocols(const Subject& subject, unsigned site) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < subject.protocols().size(); i++) {
    if (subject.rejects(i, site)) names.emplace_back(subject.protocols()[i].name);
  }
  return joined(names);
}

void describe_subject(const Catalog& catalog) {
  send(Record("subject")
           .add("isa", catalog.isa)
           .add("word_bits", catalog.word_bits)
           .add("isas", joined(catalog.isas))
           .add("verdicts", joined(catalog.verdicts))
           .add("slots", joined(catalog.slots)));
}

void describe_protocols(const Subject& subject) {
  for (const Protocol& p : subject.protocols()) {
    send(Record("protocol")
             .add("name", p.name)
             .add("allowed", p.allowed.text())
             .add("summary", p.summary)
             .add("operation_enters", p.operation_enters)
             .add("handler_enters", p.handler_enters)
             .add("predicts", std::uint64_t{p.predicts})
             .add("passes_slots", std::uint64_t{p.slots_in_handler}));
  }
  const Catalog catalog = catalog_of(subject);
  for (unsigned p = 0; p < subject.protocols().size(); p++) {
    for (const CatalogEntry& handler : catalog.handlers) {
      const VerdictSet allowed = subject.allowed(p, handler_named(subject, handler.name));
      const bool promised = subject.promises(p, handler_named(subject, handler.name));
      if (allowed == subject.protocols()[p].allowed && promised) continue;
      send(Record("by_handler")
               .add("name", subject.protocols()[p].name)
               .add("handler", handler.name)
               .add("allowed", allowed.text())
               .add("promised", std::uint64_t{promised}));
    }
  }
  for (const Tables::Elsewhere& p : subject.elsewhere()) {
    send(Record("elsewhere").add("name", p.protocol).add("isa", p.isa));
  }
}

// REQUIRES: `entry` is the catalog's of site `index`.
void describe_site(const Subject& subject, unsigned index, const CatalogEntry& entry) {
  const Site& site = subject.sites()[index];
  send(Record("site")
           .add("name", entry.name)
           .add("slots", joined(entry.slots))
           .add("in", slot_names(subject, site.in))
           .add("out", slot_names(subject, site.out))
           .add("written", slot_names(subject, site.written))
           .add("zeroed", slot_names(subject, site.zeroed))
           .add("ends", site.end_message)
           .add("rejected_by", rejecting_protocols(subject, index)));
}

}  // namespace

std::string describe(Runner& runner, const Record&) {
  const Catalog catalog = catalog_of(runner.subject);
  describe_subject(catalog);
  for (const Record& record : runner.subject.identity()) send(record);
  describe_protocols(runner.subject);
  for (const Tables::Word& word : runner.subject.words())
    send(Record("word").add("name", word.word).add("meaning", word.meaning));
  for (unsigned i = 0; i < catalog.sites.size(); i++) {
    describe_site(runner.subject, i, catalog.sites[i]);
  }
  for (const CatalogEntry& e : catalog.handlers) {
    send(Record("handler").add("name", e.name).add("slots", joined(e.slots)));
  }
  return {};
}

}  // namespace sigsweep
