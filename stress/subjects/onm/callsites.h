// The call sites of callsites.def as a table, and the code that runs them.
#pragma once

#include "runtime/runtime.h"
#include "stress/subject/subject.h"

namespace sigsweep::onm {

enum class Enter : std::uint8_t { ONM, MCALL, DIRECT, SWITCHING };
enum class Where : std::uint8_t { CURG, G0, IDLE };

// A row of callsites.def. Masks of slots.
struct Row {
  const char* name;
  // Three ways: by onM; by mcall (fn goes back by gogo); by a plain call on g0.
  Enter enter = Enter::ONM;
  SlotMask in = 0, out = 0;                           // arguments and results
  SlotMask zero_first = 0, zero_last = 0;             // slots that the callee zeroes
  SlotMask caller_zero = 0, caller_zero_if_true = 0;  // slots that the caller zeroes
  int inner = -1;                // the row that fn calls on g0, an index, or -1
  const char* end_message = "";  // of the throw that ends it, or ""
};

// One run of a row: the caller's code and fn find their data by it.
struct Frame {
  Call* call;
  void (*enter)(const runtime::FuncVal*);  // the entry to the stubs; rows by mcall do not use it
  Frame* inner;                            // for the row that fn runs, or null
};

// The code of a row, for either way of passing arguments. caller(frame) is the operation.
struct Code {
  void (*caller)(void* frame);
  void (*closure_caller)(void* frame);
  const char* caller_name;
  const char* closure_caller_name;
};

// A site, as a schedule names it: a row, and where it starts. In the order of the subject's sites.
struct Started {
  const char* name;  // "ready_m@g0"
  int row;
  Where where;
};

extern const Row kRows[];
extern const Code kCode[];
extern const unsigned kRowCount;
extern const Started kStarted[];
extern const unsigned kStartedCount;

// Runs fn by mcall, on any stack; fn itself only returns. SIGNAL.
void mcall_and_back(const runtime::FuncVal* fn);

// Nothing of an earlier run remains. Call before each.
void reset_frames();
// For undoing a call that is abandoned half-way: the frame of the call around it, on this M.
// SIGNAL.
Frame* frame_under_way();
void set_frame_under_way(Frame* frame);
// The G that park_m's operation parks: a second G must exist to wake it.
void prepare_helper_g(int row);

}  // namespace sigsweep::onm
