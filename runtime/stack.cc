// Guarded stacks and the memory of Ms and Gs. Start-up code: not async-signal-safe.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "runtime/runtime.h"

namespace runtime {
namespace {

std::size_t pagesize() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

#if defined(MAP_32BIT)
constexpr int kWhere = kLow ? MAP_32BIT : 0;
#else
constexpr int kWhere = 0;
#endif

char* pages(std::size_t size) {
  void* p =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | kWhere, -1, 0);
  if (p == MAP_FAILED) {
    std::perror(kLow ? "runtime: cannot map memory for a stack below 4 GiB"
                     : "runtime: cannot map memory for a stack");
    std::exit(3);
  }
  return static_cast<char*>(p);
}

Stack stackalloc(std::size_t size) {
  const std::size_t guard = pagesize();
  size = round_up(size, guard);
  char* base = pages(size + 2 * guard);
  if (mprotect(base, guard, PROT_NONE) != 0 ||
      mprotect(base + guard + size, guard, PROT_NONE) != 0) {
    std::perror("runtime: cannot guard a stack");
    std::exit(3);
  }
  const Word lo = wordof(base + guard);
  return Stack{lo, lo + static_cast<Word>(size)};
}

}  // namespace

G* malg(std::size_t size) {
  // Not the heap: a leak checker does not look for pointers in an M's pages.
  G* gp = new (pages(gpages())) G();
  gp->stack = stackalloc(size);
  return gp;
}

std::size_t gpages() {
  return round_up(sizeof(G), pagesize());
}

std::size_t mpages() {
  return round_up(sizeof(M), pagesize());
}

M* allocm(std::size_t g0_size, std::size_t gsignal_size) {
  M* mp = new (pages(mpages())) M();
  // gsignal, g0, then the Gs that newproc makes: g0 lies between the others, whichever way the
  // kernel maps. So a switch that orders its g and g0, instead of comparing them, fails.
  mp->gsignal = malg(gsignal_size != 0 ? gsignal_size : gsignalsize());
  mp->gsignal->m = mp;
  mp->g0 = malg(g0_size);
  mp->g0->m = mp;
  return mp;
}

}  // namespace runtime
