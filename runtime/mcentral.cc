// The spans of a class that no M caches, and sweeping them when one is wanted.
#include "runtime/mheap.h"
#include "runtime/stubs.h"

namespace runtime {

Word nextfree(MSpan* s) {
  while (s->freeindex < s->nelems && s->alloc.test(s->freeindex)) s->freeindex++;
  return s->freeindex;
}

bool sweep(MSpan* s) {
  bool used = false;
  for (Word i = 0; i < s->nelems; i++) {
    if (s->mark.test(i)) {
      used = true;
    } else if (s->alloc.test(i)) {
      poison(s->start + i * s->elemsize, s->elemsize);
    }
  }
  s->alloc = s->mark;
  s->mark = ObjectBits{};
  s->freeindex = 0;
  s->sweepgen = mheap.sweepgen;
  return used;
}

MSpan* mcentral_cachespan(unsigned sizeclass) {
  MCentral* c = &mheap.central[sizeclass];
  lock(&c->lock);
  MSpan* s = nullptr;
  while ((s = c->nonempty) != nullptr) {
    c->nonempty = s->next;
#if defined(PLANT_SWEPT_TWICE)  // a fault planted for the tests: a swept span has no marks left
    sweep(s);
#else
    if (s->sweepgen != mheap.sweepgen) sweep(s);
#endif
    if (nextfree(s) < s->nelems) break;
    s->next = c->empty;
    c->empty = s;
  }
  if (s == nullptr) {
    s = mheap_alloc(classpages(sizeclass), sizeclass, kClassSize[sizeclass]);
  }
  if (s != nullptr) {
    s->next = nullptr;
    s->incache = 1;
  }
  unlock(&c->lock);
  return s;
}

void mcentral_uncachespan(MSpan* s) {
#if defined(PLANT_MIXED)  // a fault planted for the tests: the largest class goes to another's
  MCentral* c = &mheap.central[s->sizeclass == kClasses - 1 ? kClasses - 2 : s->sizeclass];
#else
  MCentral* c = &mheap.central[s->sizeclass];
#endif
  lock(&c->lock);
  if (s->incache != 1) gothrow("mcentral: the span is in no cache");
  s->incache = 0;
  Ptr<MSpan>* list = nextfree(s) < s->nelems ? &c->nonempty : &c->empty;
  s->next = *list;
  *list = s;
  unlock(&c->lock);
}

}  // namespace runtime
