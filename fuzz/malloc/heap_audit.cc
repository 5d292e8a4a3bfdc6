#include "fuzz/malloc/heap_audit.h"

#include <algorithm>

#include "runtime/mheap.h"

namespace sigsweep::fuzz::heap {
namespace {

using runtime::kClasses;
using runtime::mheap;
using runtime::MSpan;

// ---- objects

// An object's place: a span of its class, whole, aligned, and known to be in use.
Problem check_place(Word at, Word size) {
  const MSpan* s = runtime::spanof(at);
  if (s == nullptr) return {"an object of %zu bytes lies in no span", size};
  const bool small = size <= runtime::kLargestSmall;
  const Word wanted = small ? runtime::sizeclass(size) : 0;
  const Word index = (at - s->start) / s->elemsize;
  if (s->sizeclass != wanted || s->elemsize < size || (small && s->incache != 1))
    return {"an object of %zu bytes lies in a span of class %zu", size, s->sizeclass};
  if ((at - s->start) % s->elemsize != 0 || index >= s->nelems || !s->alloc.test(index) ||
      at + s->elemsize > s->start + s->npages * runtime::kHeapPage) {
    return {"an object of %zu bytes is not an object of its span", size};
  }
  return {};
}

Problem check_apart(const Model& model, Word at, Word size) {
  for (const Object& o : model.objects) {
    if (!o.used || at >= o.at + o.size || o.at >= at + size) continue;
    return {"an object of %zu bytes was given memory of one of %zu that is reachable", size,
            o.size};
  }
  return {};
}

Problem check_zero(Word at, Word size) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
  if (std::any_of(bytes, bytes + size, [](std::uint8_t byte) { return byte != 0; }))
    return {"an object of %zu bytes is not zeroed", size};
  return {};
}

Problem check_content(const Model& model, const Object& o) {
  for (Word i = 0; i < word_count(o); i++) {
    if (words(o)[i] == model.expected(o, i)) continue;
    return {"word %zu of a reachable object of %zu bytes is %#zx, not %#zx", i, o.size, words(o)[i],
            model.expected(o, i)};
  }
  for (Word i = 0; i < tail_size(o); i++) {
    if (tail(o)[i] != tail_pattern(o)) return "the end of a reachable object was overwritten";
  }
  return {};
}

// ---- accounts

// Adds the spans of a list, each of that class and in no cache. Ends even if the list does not.
Problem count_list(const MSpan* list, unsigned sizeclass, Word* count) {
  Word here = 0;
  for (const MSpan* s = list; s != nullptr && here <= runtime::kArenaPages; s = s->next) {
    if (s->sizeclass != sizeclass || s->incache != 0)
      return {"a span of class %zu is in the list of class %zu", s->sizeclass, sizeclass};
    here++;
  }
  *count += here;
  return {};
}

Problem count_cached(Word* count) {
  for (runtime::MCache* c = mheap.allcaches; c != nullptr; c = c->alllink) {
    for (unsigned i = 0; i < kClasses; i++) {
      const MSpan* s = c->alloc[i];
      if (s == nullptr) continue;
      if (s->sizeclass != i || s->incache != 1)
        return {"a span of class %zu is cached for class %zu", s->sizeclass, i};
      ++*count;
    }
  }
  return {};
}

// Spans that have pages: all of them, and those of small objects.
Problem count_paged(Word* spans, Word* small) {
  for (Word i = 0; i < runtime::kArenaPages;) {
    const MSpan* s = mheap.page[i];
    const Word pages = s == nullptr ? 1 : s->npages;
    for (Word n = i; n < i + pages; n++) {
      if (n >= runtime::kArenaPages || mheap.page[n] != s) return "a page is two spans'";
    }
    if (s != nullptr) ++*spans;
    if (s != nullptr && s->sizeclass != 0) ++*small;
    i += pages;
  }
  return {};
}

}  // namespace

Problem check_new(const Model& model, Word at, Word size) {
  if (const Problem problem = check_place(at, size)) return problem;
  if (const Problem problem = check_apart(model, at, size)) return problem;
  return check_zero(at, size);
}

Problem check_survivors(const Model& model) {
  for (const Object& o : model.objects) {
    if (!o.used) continue;
    if (const Problem problem = check_content(model, o)) return problem;
    const MSpan* s = runtime::spanof(o.at);
    if (s == nullptr || !s->alloc.test((o.at - s->start) / s->elemsize))
      return {"a reachable object of %zu bytes is free", o.size};
  }
  return {};
}

Problem check_accounts() {
  Word spans = 0, small = 0, placed = 0;
  if (const Problem problem = count_paged(&spans, &small)) return problem;
  if (const Problem problem = count_cached(&placed)) return problem;
  for (unsigned c = 1; c < kClasses; c++) {
    for (const MSpan* list : {mheap.central[c].nonempty, mheap.central[c].empty}) {
      if (const Problem problem = count_list(list, c, &placed)) return problem;
    }
  }
  if (spans == mheap.spans && placed == small) return {};
  return {"%zu spans are counted, %zu have pages; of %zu small ones %zu are in a list or a cache",
          mheap.spans, spans, small, placed};
}

Problem check_empty() {
  if (mheap.spans != 0 || mheap.live != 0 || mheap.allocated != 0)
    return {"with nothing reachable %zu spans and %zu bytes are left", mheap.spans, mheap.live};
  Word free = 0;
  for (const MSpan* s = mheap.freespans; s != nullptr && free <= runtime::kArenaPages; s = s->next)
    free++;
  if (free == runtime::kArenaPages) return {};
  return {"%zu of %zu spans can be allocated again", free, runtime::kArenaPages};
}

}  // namespace sigsweep::fuzz::heap
