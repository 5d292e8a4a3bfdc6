#include "fuzz/malloc/heap_performer.h"

#include <algorithm>
#include <cstring>

namespace sigsweep::fuzz::heap {
namespace {

constexpr Word kMostKept = 1U << 20U;     // bytes; far below the trigger of a collection
constexpr Word kMostChurned = 5U << 20U;  // bytes of an input; somewhat above that

}  // namespace

void Performer::clear() {
  model_ = Model{};
  allocated_ = churned_ = 0;
}

void Performer::begin(volatile Word* on_stack) {
  on_stack_ = on_stack;
  collections_ = runtime::heapstats().collections;
}

Problem Performer::check() {
  return after_collection();
}

void Performer::end() {
  std::fill(std::begin(roots_), std::end(roots_), 0);
}

void Performer::set_place(unsigned place, const Reference& r) {
  model_.places[place] = r;
  if (place < kRoots) {
    roots_[place] = model_.address(r);
  } else {
    on_stack_[place - kRoots] = model_.address(r);
  }
}

void Performer::fill(Object* o) {
  model_.renew(o);
  for (Word i = 0; i < word_count(*o); i++) words(*o)[i] = pattern(*o, i);
  std::memset(tail(*o), tail_pattern(*o), tail_size(*o));
  if (spoils_ && word_count(*o) > 0) words(*o)[0] ^= 1;
}

// From here on unreachable memory may belong to another object. The reachable objects are as they
// were.
Problem Performer::after_collection() {
  collections_ = runtime::heapstats().collections;
  model_.forget_unreachable();
  return check_survivors(model_);
}

Word Performer::allocate(Word size, Problem* problem) {
  const Word at = reinterpret_cast<Word>(runtime::mallocgc(size));
  allocated_++;
  if (runtime::heapstats().collections != collections_) *problem = after_collection();
  if (!*problem) *problem = check_new(model_, at, size);
  return at;
}

Problem Performer::alloc(unsigned place, Word size) {
  Object* const free = model_.unused();
  if (free == nullptr || model_.kept() + size > kMostKept) return {};
  Problem problem;
  const Word at = allocate(size, &problem);
  if (problem) return problem;
  // a collection may have freed other objects, but it takes no place
  *free = Object{};
  free->used = true;
  free->at = at;
  free->size = size;
  fill(free);
  set_place(place, {static_cast<int>(free - model_.objects), 0});
  return {};
}

Problem Performer::churn(unsigned times, Word size) {
  for (unsigned i = 0; i < times; i++) {
    if (churned_ + size > kMostChurned) return {};
    churned_ += size;
    Problem problem;
    const Word at = allocate(size, &problem);
    if (problem) return problem;
    std::memset(reinterpret_cast<void*>(at), 0xee, size);
  }
  return {};
}

void Performer::link(Object* o, unsigned to, Word number) {
  if (word_count(*o) == 0) return;
  const Word word = number % word_count(*o);
  const Reference& target = model_.places[to];
  if (Model::link(o, word, target)) words(*o)[word] = model_.address(target);
}

void Performer::load(unsigned to, const Object& o, Word number) {
  if (o.links != 0) set_place(to, o.link[number % o.links].to);
}

Problem Performer::perform(const HeapOperation& op) {
  const unsigned a = op.value[0] % kPlaces, b = op.value[1] % kPlaces;
  const Word c = op.value[2];
  Object *first = model_.at_place(a), *second = model_.at_place(b);
  switch (op.kind) {
    case Kind::alloc:
      return alloc(a, c + 1);
    case Kind::churn:
      return churn(op.value[1], c + 1);
    case Kind::link:
      if (first != nullptr) link(first, b, c);
      return {};
    case Kind::load:
      if (second != nullptr) load(a, *second, c);
      return {};
    case Kind::inside:
      if (second != nullptr) set_place(a, {model_.places[b].object, c % second->size});
      return {};
    case Kind::drop:
      set_place(a, {});
      return {};
    case Kind::write:
      if (first != nullptr) fill(first);
      return {};
    case Kind::collect:
      runtime::gc(op.value[1] % 2 != 0);
      return after_collection();
  }
  return {};
}

}  // namespace sigsweep::fuzz::heap
