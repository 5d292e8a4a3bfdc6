// From names to a plan: which site, which address, which handler. And back from a finished trial to
// names.
#pragma once

#include <string>
#include <vector>

#include "stress/campaign/traces.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

// The names that schedules for this subject may use.
Catalog catalog_of(const Subject& subject);

// Index by name; -1 if there is none.
int find_protocol(const Subject& subject, std::string_view name);
int find_site(const Subject& subject, std::string_view name);
int find_slot(const Subject& subject, std::string_view name);
// A handler's name, which may be the harness's own; and its index by a name of the catalog.
std::string_view handler_name(const Subject& subject, unsigned handler);
unsigned handler_named(const Subject& subject, std::string_view name);

std::vector<std::string> slot_list(const Subject& subject, SlotMask slots);
// "s0+p1"; "-" for none.
std::string slot_names(const Subject& subject, SlotMask slots);

struct Resolved {
  Plan plan;
  std::vector<const Boundary*> boundaries;  // one for each injection; the traces own them
  std::vector<std::string> notes;           // what was found in another way than written
};

// Why the schedule can't be resolved, and at which of its operations and injections.
struct Unresolved {
  std::string message;  // empty: all was resolved
  Place place;
  bool harness = false;  // not the schedule's fault
};

// The slots that a handler's call is foretold to spoil if it interrupts the operation at a
// boundary, and the verdict that shows it. null: the handler calls nothing.
struct Foretold {
  Prediction spoilt;
  Verdict verdict;
};
Foretold foretell(const Trace& trace, unsigned boundary, const Protocol& protocol, const Site& site,
                  const Site* handler);

// Operation `index` of the schedule as a plan. Takes the traces that it needs: runs operations.
Unresolved resolve(const Subject& subject, const Schedule& schedule, unsigned index, Traces* traces,
                   Resolved* out);

// The same without a trace, for signals from outside the process (source external): finds
// boundaries only by the address of their name.
void resolve_by_address(const Subject& subject, const Schedule& schedule, unsigned index,
                        std::uint64_t (*address_of)(const BoundaryName&), Resolved* out);

}  // namespace sigsweep
