// The expected content of the heap: the objects that an input has made, their content, the links
// between them, and the places that point to them. The collector does not see a Model: an address
// in it keeps no object.
#pragma once

#include "runtime/malloc.h"

namespace sigsweep::fuzz::heap {

using runtime::Word;

inline constexpr unsigned kPlaces = 16;
inline constexpr unsigned kRoots = 12;  // the other places are on the G's stack
inline constexpr unsigned kObjects = 96;
inline constexpr unsigned kLinks = 4;  // of an object
inline constexpr int kNone = -1;

struct Reference {
  int object = kNone;
  Word offset = 0;
};
struct Link {
  Word word;
  Reference to;
};
struct Object {
  bool used;  // still there as far as the model knows
  bool reached;
  Word at, size;
  Word serial;  // of the content
  Link link[kLinks];
  unsigned links;
};

// ---- an object's memory, and its expected content

inline Word word_count(const Object& o) {
  return o.size / sizeof(Word);
}
inline Word* words(const Object& o) {
  return reinterpret_cast<Word*>(o.at);
}
// The bytes behind the last whole word: fewer than a word has.
inline Word tail_size(const Object& o) {
  return o.size % sizeof(Word);
}
inline std::uint8_t* tail(const Object& o) {
  return reinterpret_cast<std::uint8_t*>(o.at + word_count(o) * sizeof(Word));
}
// The content of a word without a link. Odd, and no address of the arena.
inline Word pattern(const Object& o, Word i) {
  return (o.serial << 48U | i << 1U | 1U) ^ 0x5a5a000000000000U;
}
inline std::uint8_t tail_pattern(const Object& o) {
  return static_cast<std::uint8_t>(o.serial);
}

struct Model {
  Object objects[kObjects] = {};
  Reference places[kPlaces] = {};
  Word contents = 0;  // how many there were

  Word address(const Reference& r) const;
  Object* at_place(unsigned place);  // null: it points to nothing
  Object* unused();                  // null: there is none
  Word kept() const;                 // bytes
  Word expected(const Object& o, Word i) const;

  // Gives it new content, without links.
  void renew(Object* o);
  // Makes a word a link; false, and nothing has changed: the object has no link left.
  static bool link(Object* o, Word word, const Reference& to);
  // After a collection: memory that no place reaches may belong to another object.
  void forget_unreachable();

 private:
  void reach(int object);
};

}  // namespace sigsweep::fuzz::heap
