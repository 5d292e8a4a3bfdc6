// The parts of the heap among themselves (mheap.cc, mcentral.cc, mcache.cc, mgc.cc). Run on g0.
// Locks are taken in this order: an mcentral's, the heap's.
#pragma once

#include "runtime/malloc.h"

namespace runtime {

// The spans of a class that no M caches.
struct MCentral {
  Lock lock;
  Ptr<MSpan> nonempty;  // may have a free object: swept or not
  Ptr<MSpan> empty;     // swept, and have none
};

struct MHeap {
  Lock lock;
  Word arena;                    // address
  Ptr<MSpan> page[kArenaPages];  // the span that a page belongs to
  Ptr<MSpan> freespans;          // MSpans that are in no use
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

// Address space that costs memory only where it is touched. Ends the process where it can't be had.
void* sysreserve(Word size);

// A span of fresh pages; nil where there is no room. And back.
MSpan* mheap_alloc(Word npages, unsigned sizeclass, Word elemsize);
void mheap_free(MSpan* s);

// A span with a free object, for an M's cache; nil where there is no room. And back.
MSpan* mcentral_cachespan(unsigned sizeclass);
void mcentral_uncachespan(MSpan* s);

// Exchanges the span of that class in the calling M's cache.
void mcache_refill(MCache* c, unsigned sizeclass);

// The next free object of a span from freeindex on; nelems or more: none. Moves
// freeindex there.
Word nextfree(MSpan* s);
// Frees what was not marked. False: nothing is left in use; the caller gives it back.
bool sweep(MSpan* s);

// ASan: memory that nobody owns, and that somebody does. Nothing without it.
void poison(Word at, Word size);
void unpoison(Word at, Word size);

}  // namespace runtime
