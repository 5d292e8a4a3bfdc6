// The interface between a subject (the code under test) and the harness that puts it under signals.
//
// The harness knows a subject by this folder only. A subject is a set of *sites* (operations that
// can be interrupted), *handlers* (what a signal handler does; sites again, by their slots) and
// *protocols* (how either side enters the stubs and passes arguments), over code that lies in
// ranges of memory, and *slots*: words of shared memory through which arguments travel.
#pragma once

#include "stress/subject/checks.h"
#include "stress/subject/extras.h"
#include "stress/subject/runnable.h"
#include "stress/subject/tables.h"

namespace sigsweep {

// Runnable is the first base: a call of it needs no thunk, which would be injectable harness code.
class Subject : public Runnable, public Tables, public Checks, public Extras {
 public:
  virtual ~Subject() = default;
};

// The subject that this program was linked with. For main() alone: it passes the subject on.
Subject& subject();

}  // namespace sigsweep
