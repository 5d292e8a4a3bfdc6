// An M's own spans, which it allocates from without a lock.
#include "runtime/mheap.h"
#include "runtime/stubs.h"

namespace runtime {

MCache* allocmcache() {
  auto* c = new MCache();  // for the life of the process
  lock(&mheap.lock);
  c->alllink = mheap.allcaches;
  mheap.allcaches = c;
  unlock(&mheap.lock);
  return c;
}

void mcache_refill(MCache* c, unsigned sizeclass) {
  MSpan* old = c->alloc[sizeclass];
  c->alloc[sizeclass] = nullptr;
  if (old != nullptr) mcentral_uncachespan(old);
  MSpan* s = mcentral_cachespan(sizeclass);
  if (s == nullptr) gothrow("out of memory");
  Word left = 0;
  for (Word i = s->freeindex; i < s->nelems; i++) left += s->alloc.test(i) ? 0 : 1;
  __atomic_fetch_add(&mheap.allocated, left * s->elemsize, __ATOMIC_RELAXED);
  c->alloc[sizeclass] = s;
}

}  // namespace runtime
