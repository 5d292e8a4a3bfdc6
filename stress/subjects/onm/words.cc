// A row a word.
#include "stress/subjects/onm/words.h"

#include "stress/base/region.h"

namespace sigsweep::onm {
namespace {

using runtime::G;
using runtime::Gobuf;
using runtime::M;

struct Word {
  const char* name;
  std::size_t offset;
};
constexpr Word kOfG[] = {{".sched.sp", offsetof(G, sched) + offsetof(Gobuf, sp)},
                         {".sched.pc", offsetof(G, sched) + offsetof(Gobuf, pc)},
                         {".sched.g", offsetof(G, sched) + offsetof(Gobuf, g)},
                         {".m", offsetof(G, m)},
                         {".sigctx", offsetof(G, sigctx)},
                         {".siginterrupted", offsetof(G, siginterrupted)}};
constexpr Word kOfM[] = {
    {"m.g0", offsetof(M, g0)}, {"m.gsignal", offsetof(M, gsignal)}, {"m.curg", offsetof(M, curg)}};

std::string in_g(const std::string& name, const G* gp, std::uint64_t address) {
  for (const Word& word : kOfG) {
    if (address == as_address(gp) + word.offset) return name + word.name;
  }
  return {};
}

}  // namespace

std::string name_of_word(const M* m, std::uint64_t address) {
  for (const Word& word : kOfM) {
    if (address == as_address(m) + word.offset) return word.name;
  }
  std::string name = in_g("g0", m->g0, address);
  if (name.empty()) name = in_g("gsignal", m->gsignal, address);
  unsigned number = 1;  // as OnM::stack_name has them
  for (const G* gp = runtime::sched.allg; gp != nullptr && name.empty(); gp = gp->alllink)
    name = in_g("g" + std::to_string(number++), gp, address);
  return name;
}

}  // namespace sigsweep::onm
