// Performs operations on the real heap, checks the results, and keeps the model. A G runs all of
// it, except clear() and the const functions.
#pragma once

#include "fuzz/malloc/heap_audit.h"
#include "fuzz/malloc/heap_input.h"
#include "fuzz/malloc/heap_model.h"

namespace sigsweep::fuzz::heap {

class Performer {
 public:
  // The collector must know these words: they are the places that lie on no stack.
  std::span<Word> roots() { return roots_; }

  // From here on what it writes is not what the model expects: a canary.
  void spoil() { spoils_ = true; }

  // Before an input: nothing was allocated.
  void clear();
  // From here to end(), these words, in the G's own frame, are the other places.
  void begin(volatile Word* on_stack);
  Problem perform(const HeapOperation& op);
  // The content of all reachable objects.
  Problem check();
  // Nothing is reachable from a root.
  void end();

  Word objects() const { return allocated_; }
  Word contents() const { return model_.contents; }

 private:
  void set_place(unsigned place, const Reference& r);
  void fill(Object* o);
  Problem after_collection();
  // The address, and what is wrong with it. It is returned, not stored: a leftover on the G's stack
  // would keep the object.
  Word allocate(Word size, Problem* problem);
  Problem alloc(unsigned place, Word size);
  Problem churn(unsigned times, Word size);
  void link(Object* o, unsigned to, Word number);
  void load(unsigned to, const Object& o, Word number);

  Model model_;
  Word roots_[kRoots] = {};
  volatile Word* on_stack_ = nullptr;
  Word collections_ = 0;  // those that the model knows
  Word allocated_ = 0;    // objects
  Word churned_ = 0;      // bytes
  bool spoils_ = false;
};

}  // namespace sigsweep::fuzz::heap
