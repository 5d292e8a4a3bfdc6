// Tests of the heap: memory is reused, reachable objects survive, spans and classes never mix; on
// one M and on many.
#include "runtime/malloc.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>

#include "runtime/many_ms.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"

namespace runtime {
namespace {

// Runs body as the first G of so many Ms.
void with_heap(unsigned ms, void (*body)()) {
  static const bool initialised = (mallocinit(), true);
  ASSERT_TRUE(initialised);
  static FuncVal fn;
  fn = funcval(body);
  run_on(ms, &fn, [](M* mp) {
    if (mp->mcache == nullptr) mp->mcache = allocmcache();
  });
}

Word address(const void* p) {
  return reinterpret_cast<Word>(p);
}

// Here a test keeps objects that must survive, and its findings: it cannot assert on a G's stack.
void* kept[64];
unsigned problems;
std::set<Word>* addresses;

void register_roots() {
  static const bool once = (addroot(static_cast<void*>(kept), sizeof kept), true);
  (void)once;
  std::memset(static_cast<void*>(kept), 0, sizeof kept);
  problems = 0;
}

__attribute__((noinline)) void churn(unsigned bytes, unsigned times) {
  for (unsigned i = 0; i < times; i++) std::memset(mallocgc(bytes), 0xee, bytes);
}

// Clears old frames of the calling G: a conservative collector would find pointers in them.
__attribute__((noinline)) void clear_stack() {
  volatile char old[4096];
  for (volatile char& byte : old) byte = 0;
}

TEST(Malloc, ObjectsAreAlignedZeroedAndApart) {
  register_roots();
  with_heap(1, [] {
    Word last = 1;
    for (Word size = 1; size <= 2 * kLargestSmall; size += size / 3 + 1) {
      auto* p = static_cast<unsigned char*>(mallocgc(size));
      if (address(p) % 16 != 0 || address(p) == last) problems++;
      for (Word i = 0; i < size; i++) problems += p[i] != 0;
      std::memset(p, 0xff, size);
      last = address(p);
    }
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Malloc, SpansAndClassesNeverMix) {
  register_roots();
  with_heap(1, [] {
    for (Word size = 1; size <= kLargestSmall; size += size / 5 + 1) {
      const Word at = address(mallocgc(size));
      const MSpan* s = spanof(at);
      if (s == nullptr || s->elemsize == 0) {
        problems++;
        continue;
      }
      if (s->sizeclass != sizeclass(size) || s->elemsize < size) problems++;
      if ((at - s->start) % s->elemsize != 0) problems++;
      if (at + s->elemsize > s->start + s->npages * kHeapPage) problems++;
    }
    const MSpan* s = spanof(address(mallocgc(kLargestSmall + 1)));
    if (s == nullptr || s->sizeclass != 0 || s->nelems != 1) problems++;
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Malloc, ClassesAreTheSmallestThatFit) {
  for (Word size = 1; size <= kLargestSmall; size++) {
    const unsigned c = sizeclass(size);
    ASSERT_GE(kClassSize[c], size);
    ASSERT_LT(kClassSize[c - 1], size);
    ASSERT_LE(classpages(c) * kHeapPage / kClassSize[c], kMaxObjects);
  }
}

TEST(Malloc, NothingReachesWhatIsUsedAgain) {
  register_roots();
  with_heap(1, [] {
    std::set<Word> first;
    addresses = &first;
    clear_stack();
    gc(true);
    for (unsigned i = 0; i < 1000; i++) addresses->insert(address(mallocgc(64)));
    clear_stack();
    // std::set's nodes are not scanned: nothing holds the objects.
    gc(true);
    unsigned again = 0;
    for (unsigned i = 0; i < 1000; i++) again += addresses->contains(address(mallocgc(64))) ? 1 : 0;
    if (again < 900) problems++;
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Malloc, MoreThanTheArenaHoldsCanBeAllocatedInTurn) {
  register_roots();
  with_heap(1, [] {
    churn(100000, 3000);
    churn(3000, 50000);
    clear_stack();
    gc(true);
  });
  EXPECT_GE(heapstats().collections, 3U);
  EXPECT_LT(heapstats().live, kArenaSize / 8);
}

struct Node {
  Node* next;
  Word value;
  Word filler[6];
};

TEST(Collector, WhatARootReachesSurvives) {
  register_roots();
  with_heap(1, [] {
    for (Word i = 0; i < 5000; i++) {
      auto* node = static_cast<Node*>(mallocgc(sizeof(Node)));
      node->next = static_cast<Node*>(kept[0]);
      node->value = i;
      kept[0] = node;
    }
    for (const bool eager : {true, false, true}) {
      gc(eager);
      churn(sizeof(Node), 20000);
    }
    Word expected = 5000;
    for (const Node* n = static_cast<Node*>(kept[0]); n != nullptr; n = n->next) {
      if (n->value != --expected) problems++;
    }
    problems += expected != 0;
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Collector, WhatAStackReachesSurvives) {
  register_roots();
  with_heap(1, [] {
    auto* p = static_cast<Node*>(mallocgc(sizeof(Node)));
    auto* large = static_cast<unsigned char*>(mallocgc(200000));
    p->value = 4711;
    large[199999] = 42;
    asm volatile("" : "+r"(p), "+r"(large));
    gc(true);
    churn(sizeof(Node), 20000);
    churn(200000, 100);
    asm volatile("" : "+r"(p), "+r"(large));
    if (p->value != 4711 || large[199999] != 42) problems++;
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Collector, AnInteriorPointerKeepsTheWholeObject) {
  register_roots();
  with_heap(1, [] {
    auto* p = static_cast<unsigned char*>(mallocgc(1000));
    std::memset(p, 7, 1000);
    kept[0] = p + 500;
    p = nullptr;
    clear_stack();
    gc(true);
    churn(1000, 10000);
    const auto* start = static_cast<unsigned char*>(kept[0]) - 500;
    for (unsigned i = 0; i < 1000; i++) problems += start[i] != 7;
  });
  EXPECT_EQ(problems, 0U);
}

TEST(Collector, LeavesTheSlotsOfTheOriginal) {
  register_roots();
  with_heap(1, [] {
    gc(true);
    const M* mp = getg()->m;
    if (mp->scalararg[2] != 1) problems++;  // no code zeroes them
    mallocgc(2 * kLargestSmall);
    if (loadslot(kPointer0) != 0) problems++;  // the caller zeroes it
  });
  EXPECT_EQ(problems, 0U);
}

// ---- many Ms

constexpr unsigned kGs = 32;
std::atomic<unsigned> bad, done;

// A list on the G's own stack, checked and dropped; now and then the G goes on elsewhere.
void list_keeper() {
  const Word mine = getg()->goid;
  for (unsigned round = 0; round < 20; round++) {
    Node* head = nullptr;
    for (Word i = 0; i < 200; i++) {
      auto* node = static_cast<Node*>(mallocgc(16 + (i * 37 + mine * 11) % 2000 + sizeof(Node)));
      node->next = head;
      node->value = mine << 20U | i;
      head = node;
      if (i % 16 == 0) gosched();
    }
    if (round % 8 == 0) gc(round % 16 == 0);
    Word i = 200;
    for (const Node* n = head; n != nullptr; n = n->next) {
      if (n->value != (mine << 20U | --i)) bad++;
    }
    if (i != 0) bad++;
  }
  done++;
}
const FuncVal list_keeper_fn = funcval(list_keeper);

TEST(Heap, HoldsTogetherUnderManyMs) {
  register_roots();
  bad = done = 0;
  const Word before = heapstats().collections;
  with_heap(4, [] {
    for (unsigned i = 0; i < kGs; i++) gonewproc(&list_keeper_fn);
  });
  EXPECT_EQ(done, kGs);
  EXPECT_EQ(bad, 0U);
  EXPECT_GT(heapstats().collections, before + 3);
}

TEST(MallocDeathTest, BadArgumentsAreThrown) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(with_heap(1, [] { mallocgc(2 * kArenaSize); }), testing::ExitedWithCode(2),
              "fatal error: largeAlloc_m: bad size");
  EXPECT_EXIT(with_heap(1,
                        [] {
                          Node* head = nullptr;
                          for (;;) {
                            auto* n = static_cast<Node*>(mallocgc(100000));
                            n->next = head;
                            head = n;
                          }
                        }),
              testing::ExitedWithCode(2), "fatal error: out of memory");
}

}  // namespace
}  // namespace runtime
