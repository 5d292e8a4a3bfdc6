// For tests: runs Gs on several Ms, each a thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "runtime/runtime.h"

namespace runtime {

// Runs start() as the first G of `count` Ms, until no G is left; each M prepared by prepare().
// REQUIRES: the process has run no other M.
inline void run_on(
    unsigned count, const FuncVal* start, const std::function<void(M*)>& prepare = [](M*) {}) {
  static std::vector<M*> ms;
  while (ms.size() < count) ms.push_back(allocm(64 * 1024));
  for (unsigned i = 0; i < count; i++) {
    mreset(ms[i]);
    prepare(ms[i]);
  }
  setmcount(count);
  newproc(start);
  std::vector<pthread_t> threads(count);
  for (unsigned i = 0; i < count; i++) ASSERT_EQ(newosproc(ms[i], &threads[i]), 0);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

}  // namespace runtime
