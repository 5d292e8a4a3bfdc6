// The benchmarks, one row each: the Gs that run its rounds, on one M.
#include "stress/subjects/onm/storm/benchmarks.h"

#include <chrono>

#include "runtime/lock.h"
#include "runtime/malloc.h"
#include "runtime/stubs.h"

namespace sigsweep::storm::go {
namespace {

using runtime::FuncVal;
using runtime::G;

std::uint64_t rounds_left;

// The Gs of a benchmark share its rounds and take turns.
bool next_round() {
  if (rounds_left == 0) return false;
  rounds_left--;
  return true;
}

void yield() {
  while (next_round()) runtime::gosched();
}

// Two Gs; one of them waits: a round is one ready and one park.
runtime::Lock meeting;
G* waiting;

void park_ready() {
  while (next_round()) {
    G* other = waiting;
    waiting = runtime::getg();
    if (other != nullptr) runtime::goready(other);
    runtime::lock(&meeting);
    runtime::goparkunlock(&meeting);
  }
  if (waiting != nullptr && waiting != runtime::getg()) runtime::goready(waiting);
  waiting = nullptr;
}

void malloc_small() {
  while (next_round()) {
    void* p = runtime::mallocgc(64);
    asm volatile("" : : "r"(p));
  }
}

void malloc_large() {
  while (next_round()) {
    void* p = runtime::mallocgc(2 * runtime::kLargestSmall);
    asm volatile("" : : "r"(p));
  }
}

// A heap of 1 MiB in small objects; all of them are reachable.
constexpr unsigned kObjects = 16384;
void* objects[kObjects];

void collect() {
  for (void*& p : objects) p = runtime::mallocgc(64);
  while (next_round()) runtime::gc(true);
  for (void*& p : objects) p = nullptr;
}

constexpr struct {
  std::string_view name;
  void (*g)();
  unsigned gs;
} kBenchmarks[] = {{"BM_gosched", yield, 2},
                   {"BM_park_ready", park_ready, 2},
                   {"BM_malloc_small", malloc_small, 1},
                   {"BM_malloc_large", malloc_large, 1},
                   {"BM_gc", collect, 1}};

runtime::M* the_m() {
  static runtime::M* const mp = [] {
    runtime::mallocinit();
    runtime::addroot(static_cast<void*>(objects), sizeof objects);
    runtime::M* m = runtime::allocm(64 * 1024);
    m->mcache = runtime::allocmcache();
    return m;
  }();
  return mp;
}

}  // namespace

std::vector<std::string_view> benchmark_names() {
  std::vector<std::string_view> names;
  for (const auto& benchmark : kBenchmarks) names.push_back(benchmark.name);
  return names;
}

double run_benchmark(std::string_view name, std::uint64_t rounds) {
  for (const auto& benchmark : kBenchmarks) {
    if (benchmark.name != name) continue;
    runtime::M* mp = the_m();
    runtime::mreset(mp);
    rounds_left = rounds;
    waiting = nullptr;
    const FuncVal fn = runtime::funcval(benchmark.g);
    for (unsigned i = 0; i < benchmark.gs; i++) runtime::newproc(&fn);
    const auto start = std::chrono::steady_clock::now();
    runtime::mstart(mp);
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
        .count();
  }
  return -1;
}

}  // namespace sigsweep::storm::go
