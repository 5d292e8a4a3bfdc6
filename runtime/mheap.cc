// Pages: an arena, and which span has which page of it.
#include "runtime/mheap.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISONS
#endif
#if defined(POISONS)
#include <sanitizer/asan_interface.h>
#endif

namespace runtime {

MHeap mheap;

namespace {

constexpr Word kFirstTrigger = 4U << 20U;  // bytes

// The first run of npages free pages; kArenaPages: none.
Word find_run(Word npages) {
  Word run = 0;
  for (Word i = 0; i < kArenaPages; i++) {
    run = mheap.page[i] == nullptr ? run + 1 : 0;
    if (run == npages) return i + 1 - npages;
  }
  return kArenaPages;
}

}  // namespace

void poison([[maybe_unused]] Word at, [[maybe_unused]] Word size) {
#if defined(POISONS)
  ASAN_POISON_MEMORY_REGION(reinterpret_cast<void*>(at), size);
#endif
}

void unpoison([[maybe_unused]] Word at, [[maybe_unused]] Word size) {
#if defined(POISONS)
  ASAN_UNPOISON_MEMORY_REGION(reinterpret_cast<void*>(at), size);
#endif
}

void* sysreserve(Word size) {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
  if (p == MAP_FAILED) {
    std::perror("runtime: cannot reserve memory for the heap");
    std::exit(3);
  }
  return p;
}

void mallocinit() {
  mheap.arena = reinterpret_cast<Word>(sysreserve(kArenaSize));
  mheap.trigger = kFirstTrigger;
  poison(mheap.arena, kArenaSize);
  auto* spans = static_cast<MSpan*>(sysreserve(kArenaPages * sizeof(MSpan)));
  for (Word i = 0; i < kArenaPages; i++) {
    spans[i].next = mheap.freespans;
    mheap.freespans = &spans[i];
  }
}

MSpan* mheap_alloc(Word npages, unsigned sizeclass, Word elemsize) {
  lock(&mheap.lock);
  const Word first = find_run(npages);
  MSpan* s = nullptr;
  if (first != kArenaPages) {
    s = mheap.freespans;  // there are as many as pages
    mheap.freespans = s->next;
    *s = MSpan{};
    s->start = mheap.arena + first * kHeapPage;
    s->npages = npages;
    s->sizeclass = sizeclass;
    s->elemsize = elemsize;
    s->nelems = sizeclass == 0 ? 1 : npages * kHeapPage / elemsize;
    s->sweepgen = mheap.sweepgen;
    for (Word i = 0; i < npages; i++) mheap.page[first + i] = s;
    mheap.spans++;
  }
  unlock(&mheap.lock);
  return s;
}

void mheap_free(MSpan* s) {
  poison(s->start, s->npages * kHeapPage);
  lock(&mheap.lock);
  const Word first = (s->start - mheap.arena) / kHeapPage;
  for (Word i = 0; i < s->npages; i++) mheap.page[first + i] = nullptr;
  s->next = mheap.freespans;
  mheap.freespans = s;
  mheap.spans--;
  unlock(&mheap.lock);
}

MSpan* spanof(Word address) {
  if (address - mheap.arena >= kArenaSize) return nullptr;
  return mheap.page[(address - mheap.arena) / kHeapPage];
}

Word numgc() {
  return __atomic_load_n(&mheap.collections, __ATOMIC_RELAXED);
}

HeapStats heapstats() {
  lock(&mheap.lock);
  const HeapStats stats{mheap.spans, mheap.live, numgc()};
  unlock(&mheap.lock);
  return stats;
}

}  // namespace runtime
