// The slots that each site reads, writes and leaves, as its row says.
#include "stress/subjects/onm/sites.h"

namespace sigsweep::onm {
namespace {

SlotMask written(const Row& r) {
  return r.in | r.out | r.zero_first | r.zero_last | r.caller_zero | r.caller_zero_if_true;
}

// Zeroed, and not written afterwards. Nonces are never 0, so "if true" is always.
SlotMask left_zero(const Row& r) {
  const SlotMask by_caller = r.caller_zero | r.caller_zero_if_true;
  return by_caller | r.zero_last | (r.zero_first & ~r.out);
}

}  // namespace

bool comes_back(const Row& row) {
  return row.end_message[0] == '\0';
}

std::vector<Site> make_sites() {
  std::vector<Site> sites;
  sites.reserve(kStartedCount);
  for (unsigned i = 0; i < kStartedCount; i++) {
    const Started& started = kStarted[i];
    const Row& row = kRows[started.row];
    Site site{};
    site.name = started.name;
    site.in = row.in;
    site.out = row.out;
    site.zeroed = left_zero(row);
    site.written = written(row);
    site.left_zero = left_zero(row);
    site.end_message = row.end_message;
    site.leaves = site.name == "goexit0";
    site.handler = row.enter == Enter::ONM && started.where == Where::CURG && comes_back(row);
    sites.push_back(site);
  }
  for (unsigned i = 0; i < kStartedCount; i++) {
    const int inner = kRows[kStarted[i].row].inner;
    if (inner < 0) continue;
    const Row& row = kRows[inner];
    sites[i].inner = &sites[static_cast<unsigned>(inner)];  // rows come first, in the same order
    sites[i].written |= written(row);
    sites[i].left_zero |= left_zero(row) & ~written(kRows[kStarted[i].row]);
  }
  return sites;
}

}  // namespace sigsweep::onm
