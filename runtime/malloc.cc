// mallocgc, and the two functions by which it leaves the G's stack.
#include "runtime/malloc.h"

#include <cstring>

#include "runtime/mheap.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"

namespace runtime {
namespace {

constexpr Word kObjectsWanted = 8;  // of a span of a large class

Word round_up(Word n, Word unit) {
  return (n + unit - 1) / unit * unit;
}

// s0 = size class.
void mcacheRefill_m() {
  const Word wanted = loadslot(0);
  if (wanted == 0 || wanted >= kClasses) gothrow("mcacheRefill_m: bad size class");
  mcache_refill(getg()->m->mcache, static_cast<unsigned>(wanted));
}

// s0 = size, s1 = flags; p0 = span, out.
void largeAlloc_m() {
  const Word size = loadslot(0);
  loadslot(1);  // no flag is known
  if (size == 0 || size > kArenaSize) gothrow("largeAlloc_m: bad size");
  MSpan* s = mheap_alloc(round_up(size, kHeapPage) / kHeapPage, 0, size);
  if (s == nullptr) gothrow("out of memory");
  __atomic_fetch_add(&mheap.allocated, s->npages * kHeapPage, __ATOMIC_RELAXED);
  storeslot(kPointer0, reinterpret_cast<Word>(s));
}

const FuncVal mcacheRefill_fn = funcval(mcacheRefill_m);
const FuncVal largeAlloc_fn = funcval(largeAlloc_m);

MSpan* large(Word size) {
  storeslot(0, size);
  storeslot(1, 0);
  onM(&largeAlloc_fn);
  auto* s = reinterpret_cast<MSpan*>(loadslot(kPointer0));
  storeslot(kPointer0, 0);
  return s;
}

// The M's span of that class, refilled if it is used up. As in the original, the result is not
// checked: mcacheRefill_m fills the class that was requested, or throws.
MSpan* small(unsigned sizeclass) {
  MCache* c = getg()->m->mcache;
  MSpan* s = c->alloc[sizeclass];
  if (s == nullptr || nextfree(s) >= s->nelems) {
    storeslot(0, sizeclass);
    onM(&mcacheRefill_fn);
    s = c->alloc[sizeclass];
    nextfree(s);
  }
  return s;
}

}  // namespace

unsigned sizeclass(Word size) {
  unsigned i = 1;
  while (kClassSize[i] < size) i++;
  return i;
}

Word classpages(unsigned sizeclass) {
  const Word size = kClassSize[sizeclass];
  return size * kObjectsWanted <= kHeapPage ? 1 : size * kObjectsWanted / kHeapPage;
}

void* mallocgc(Word size) {
  // Until it has been collected, by any G. A G that went on allocating while the collector's thread
  // has no processor would fill the arena.
  while (__atomic_load_n(&mheap.allocated, __ATOMIC_RELAXED) >=
         __atomic_load_n(&mheap.trigger, __ATOMIC_RELAXED)) {
    gc(false);
  }
  MSpan* s = size <= kLargestSmall ? small(sizeclass(size)) : large(size);
  const Word i = s->freeindex++;
  const Word at = s->start + i * s->elemsize;
  s->alloc.set(i);
  // Memory behind the span's last object stays poisoned.
  if (i < s->nelems) unpoison(at, size < s->elemsize ? size : s->elemsize);
  void* p = reinterpret_cast<void*>(at);
  std::memset(p, 0, size);
  return p;
}

}  // namespace runtime
