// The heap: the allocator's and the collector's functions that go through onM.
//
// A small object comes from a span of its size class that the M caches: no lock. mcacheRefill_m
// exchanges a span that is used up; largeAlloc_m makes a large object. Both are called by onM and
// take their arguments in the slots, as in the original. The collector stops the world, marks
// conservatively and sweeps. Code that runs for a signal may call nothing here. Under ASan, memory
// that is not allocated is poisoned.
//
// All of the heap lies in one arena of kArenaSize bytes; if that is not enough, gothrow.
#pragma once

#include "runtime/lock.h"
#include "runtime/runtime.h"

namespace runtime {

inline constexpr Word kHeapPage = 8192;         // bytes
inline constexpr Word kArenaSize = 64U << 20U;  // bytes
inline constexpr Word kArenaPages = kArenaSize / kHeapPage;
inline constexpr Word kLargestSmall = 32768;  // bytes; above, an object has a span of its own
inline constexpr unsigned kMaxObjects = kHeapPage / 16;  // of a span

// Size classes; 0 stands for large.
inline constexpr Word kClassSize[] = {0,   16,  32,   48,   64,   96,   128,  192,   256,  384,
                                      512, 768, 1024, 1536, 2048, 4096, 8192, 16384, 32768};
inline constexpr unsigned kClasses = sizeof kClassSize / sizeof kClassSize[0];
unsigned sizeclass(Word size);        // REQUIRES: size <= kLargestSmall
Word classpages(unsigned sizeclass);  // of a span of that class

// Bit i: object i of a span, including the one past its end, which a clobbered size class leads to.
struct ObjectBits {
  std::uint32_t word[kMaxObjects / 32 + 1];
  bool test(Word i) const { return (word[i / 32] >> (i % 32) & 1U) != 0; }
  void set(Word i) { word[i / 32] |= std::uint32_t{1} << (i % 32); }
};

// A run of pages with objects of one size. Owner: the M that caches it, or its class's mcentral,
// under its lock. A large span belongs to its object.
struct MSpan {
  Word start;  // address
  Word npages;
  Word sizeclass;
  Word elemsize;  // bytes
  Word nelems;
  Word freeindex;    // objects below are in use
  Word sweepgen;     // the heap's when it was last swept
  Word incache;      // an M caches it
  Ptr<MSpan> next;   // in its mcentral's list, or of the free MSpans
  ObjectBits alloc;  // in use
  ObjectBits mark;   // reached by the collection under way
};

// An M's spans, one a class; nil: none.
struct MCache {
  Ptr<MSpan> alloc[kClasses];
  Ptr<MCache> alllink;
};

struct HeapStats {
  Word spans;        // in use
  Word live;         // bytes reached by the last collection
  Word collections;  // so far
};

// Once, before any M allocates.
void mallocinit();
// A cache for an M that will allocate. Owned by the heap for ever.
MCache* allocmcache();

// Memory of `size` bytes, zeroed, aligned to 16 (a power of two that divides its class). It is
// collected when no G's stack, root or other object reaches it. May collect first: a scheduling
// point. REQUIRES: called by a G that holds no lock; size != 0.
void* mallocgc(Word size);
// Collects now; if another G does so already, lets others run instead. `eager`: sweeps everything;
// else small spans are swept when they are needed. REQUIRES: called by a G that holds no lock.
void gc(bool eager);
// Memory outside the heap that may hold pointers into it. At most 64.
void addroot(const void* at, Word size);
// The span that holds this address; nil: none.
MSpan* spanof(Word address);
// From any thread. heapstats waits for the heap's lock. numgc, the number of collections so far,
// does not wait.
HeapStats heapstats();
Word numgc();

}  // namespace runtime
