// The parts of the heap among themselves (mheap.cc, mcentral.cc, mcache.cc, mgc.cc). Run on g0.
// Locks are taken in this order: an mcentral's, the heap's.
#pragma once

#include "runtime/malloc.h"

namespace runtime {

// The spans of a class that no M caches.
struct MCentral {
  Lock lock;
  Ptr<MSpan> nonempty;  // may have a free object: swept or not
  Ptr<MSpan> empty;     // swept, and without a free object
};

struct MHeap {
  Lock lock;
  Word arena;                    // address
  Ptr<MSpan> page[kArenaPages];  // the span that a page belongs to
  Ptr<MSpan> freespans;          // unused MSpans
  Ptr<MCache> allcaches;
  MCentral central[kClasses];
  Word sweepgen;
  Word spans;      // in use
  Word allocated;  // bytes handed out since the last collection
  Word trigger;    // collect when `allocated` reaches it
  Word live;       // bytes that the last collection reached
  Word collections;
};
extern MHeap mheap;

// Address space that costs memory only if it is touched. Ends the process if it can't be had.
void* sysreserve(Word size);

// A span of fresh pages; nil if there is no room. And back.
MSpan* mheap_alloc(Word npages, unsigned sizeclass, Word elemsize);
void mheap_free(MSpan* s);

// A span with a free object, for an M's cache; nil if there is no room. And back.
MSpan* mcentral_cachespan(unsigned sizeclass);
void mcentral_uncachespan(MSpan* s);

// Exchanges the span of that class in the calling M's cache.
void mcache_refill(MCache* c, unsigned sizeclass);

// The next free object of a span from freeindex on; nelems or more: none. Moves freeindex there.
Word nextfree(MSpan* s);
// Frees the objects without a mark. False: none is left in use; the caller gives the span back.
bool sweep(MSpan* s);

// For ASan: marks memory as not owned, or as owned. Without ASan it does nothing.
void poison(Word at, Word size);
void unpoison(Word at, Word size);

}  // namespace runtime
