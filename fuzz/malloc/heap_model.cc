#include "fuzz/malloc/heap_model.h"

#include <algorithm>

namespace sigsweep::fuzz::heap {

Word Model::address(const Reference& r) const {
  return r.object == kNone ? 0 : objects[r.object].at + r.offset;
}

Object* Model::at_place(unsigned place) {
  return places[place].object == kNone ? nullptr : &objects[places[place].object];
}

Object* Model::unused() {
  Object* const end = objects + kObjects;
  Object* const found = std::find_if(objects, end, [](const Object& o) { return !o.used; });
  return found == end ? nullptr : found;
}

Word Model::kept() const {
  Word sum = 0;
  for (const Object& o : objects) sum += o.used ? o.size : 0;
  return sum;
}

Word Model::expected(const Object& o, Word i) const {
  for (unsigned n = 0; n < o.links; n++) {
    if (o.link[n].word == i) return address(o.link[n].to);
  }
  return pattern(o, i);
}

void Model::renew(Object* o) {
  o->serial = ++contents;
  o->links = 0;
}

bool Model::link(Object* o, Word word, const Reference& to) {
  unsigned n = 0;  // each word is one link
  while (n < o->links && o->link[n].word != word) n++;
  if (n == kLinks) return false;
  if (n == o->links) o->links++;
  o->link[n] = {word, to};
  return true;
}

void Model::reach(int object) {
  int pending[kObjects];
  unsigned count = 0;
  const auto add = [&](int i) {
    if (i == kNone || objects[i].reached) return;
    objects[i].reached = true;
    pending[count++] = i;
  };
  add(object);
  while (count > 0) {
    const Object& o = objects[pending[--count]];
    for (unsigned i = 0; i < o.links; i++) add(o.link[i].to.object);
  }
}

void Model::forget_unreachable() {
  for (Object& o : objects) o.reached = false;
  for (const Reference& r : places) reach(r.object);
  for (Object& o : objects) o.used = o.used && o.reached;
}

}  // namespace sigsweep::fuzz::heap
