// The collector: stop the world, mark from the stacks and the roots, sweep.
//
// Conservative: a word that could be an address of an object is one. While the world is stopped,
// every G except the collecting one has all its registers on its stack. That one's registers are on
// its own stack and on g0's, where gc_m runs.
#include <ctime>

#include "runtime/mheap.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"

// Reads stacks and objects whole, including memory that ASan has poisoned. TSan may not look: the
// world is stopped.
#define SCANS __attribute__((no_sanitize("address", "thread")))

namespace runtime {

namespace {

constexpr unsigned kMaxRoots = 64;
constexpr Word kLeastTrigger = 4U << 20U;  // bytes

struct Root {
  const void* at;
  Word size;
};
Root roots[kMaxRoots];
unsigned root_count;

Lock worldlock;  // one collection at a time

// Objects that are marked and not scanned yet. Has room for each object once.
Word* markstack;
Word marked;
Word reached;  // bytes

SCANS void mark(Word address) {
  MSpan* s = spanof(address);
  if (s == nullptr) return;
  const Word i = (address - s->start) / s->elemsize;
  if (i >= s->nelems || !s->alloc.test(i) || s->mark.test(i)) return;
  s->mark.set(i);
  reached += s->elemsize;
  markstack[marked++] = s->start + i * s->elemsize;
}

SCANS void scan(Word from, Word size) {
  const Word first = (from + sizeof(Word) - 1) / sizeof(Word) * sizeof(Word);
  for (Word at = first; at + sizeof(Word) <= from + size; at += sizeof(Word)) {
    mark(*reinterpret_cast<const Word*>(at));
  }
}

SCANS void drain() {
  while (marked > 0) {
    const Word object = markstack[--marked];
    scan(object, spanof(object)->elemsize);
  }
}

// Calls f for every span in use.
template <class F>
void eachspan(F f) {
  for (Word i = 0; i < kArenaPages;) {
    MSpan* s = mheap.page[i];
    const Word pages = s == nullptr ? 1 : s->npages;
    if (s != nullptr) f(s);
    i += pages;
  }
}

// Gives all spans to the mcentrals: after this collection each may have a free object again.
void flushcaches() {
  for (MCache* c = mheap.allcaches; c != nullptr; c = c->alllink) {
    for (Ptr<MSpan>& s : c->alloc) {
      if (s != nullptr) mcentral_uncachespan(s);
      s = nullptr;
    }
  }
}

// In a frame below gc_m's, which holds the registers.
__attribute__((noinline)) void markroots() {
  const Word sp = reinterpret_cast<Word>(__builtin_frame_address(0));
  scan(sp, getg()->sched.sp - sp);
  for (unsigned i = 0; i < root_count; i++) {
    scan(reinterpret_cast<Word>(roots[i].at), roots[i].size);
  }
  for (G* gp = sched.allg; gp != nullptr; gp = gp->alllink) {
    if (gp->status == Gdead || gp->status == Gidle) continue;
    mark(reinterpret_cast<Word>(static_cast<void*>(gp->sched.ctxt)));
    scan(gp->sched.sp, gp->stack.hi - gp->sched.sp);
  }
  drain();
}

// Builds the mcentrals' lists anew; spans that are still to be swept come first. An eager
// collection gives spans without a reachable object back whole.
void sweepall(bool eager) {
  for (MCentral& c : mheap.central) c.nonempty = c.empty = nullptr;
  eachspan([&](MSpan* s) {
    const bool now = eager || s->sizeclass == 0;
    if (now && !sweep(s)) {
      mheap_free(s);
    } else if (s->sizeclass != 0) {
      MCentral* c = &mheap.central[s->sizeclass];
      s->next = c->nonempty;
      c->nonempty = s;
    }
  });
}

// s0, s1 = start time, low and high 32 bits; s2 = eager sweep.
void gc_m() {
  __builtin_unwind_init();  // callee-saved registers into this frame
  const Word low = loadslot(0), high = loadslot(1), eager = loadslot(2);
  if ((low | high) >> 31U >> 1U != 0 || eager > 1) gothrow("gc_m: bad arguments");
  flushcaches();
  eachspan([](MSpan* s) {
    if (s->sweepgen != mheap.sweepgen) sweep(s);  // left over from the last collection
  });
  reached = 0;
  markroots();
  mheap.sweepgen++;
  sweepall(eager != 0);
  __atomic_store_n(&mheap.allocated, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&mheap.trigger, reached > kLeastTrigger ? reached : kLeastTrigger,
                   __ATOMIC_RELAXED);
  lock(&mheap.lock);
  mheap.live = reached;
  __atomic_fetch_add(&mheap.collections, 1, __ATOMIC_RELAXED);
  unlock(&mheap.lock);
}

const FuncVal gc_m_fn = funcval(gc_m);

}  // namespace

void addroot(const void* at, Word size) {
  if (root_count == kMaxRoots) gothrow("addroot: too many");
  roots[root_count++] = Root{at, size};
}

void gc(bool eager) {
  if (!trylock(&worldlock)) {
    gosched();
    return;
  }
  if (markstack == nullptr)
    markstack = static_cast<Word*>(sysreserve(kArenaSize / 16 * sizeof(Word)));
  stoptheworld();
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1000000000 + static_cast<std::uint64_t>(now.tv_nsec);
  storeslot(0, static_cast<Word>(ns & 0xffffffff));
  storeslot(1, static_cast<Word>(ns >> 32U));
  storeslot(2, eager ? 1 : 0);
  onM(&gc_m_fn);
  starttheworld();
  unlock(&worldlock);
}

}  // namespace runtime
