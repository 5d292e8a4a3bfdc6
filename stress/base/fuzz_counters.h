/* What a fuzz target counts in a file, for the one who watches a campaign: the file's whole
   content, plain numbers in this machine's byte order. The target writes it (fuzz/stats.h), the
   command reads it. Assembly takes the number of rows from here. */
#pragma once

#define SIGSWEEP_FEEDBACK_ROWS 2048

#ifndef __ASSEMBLER__
#include <cstdint>

namespace sigsweep::fuzz {

inline constexpr unsigned kFeedbackRows = SIGSWEEP_FEEDBACK_ROWS;

/* How deep a signal landed: in an operation, in a handler, in a handler's handler or deeper. */
inline constexpr unsigned kNestings = 3;

/* What the inputs of a target do that lands no signals. Without a name: there is none. */
inline constexpr unsigned kOwnFigures = 4;
struct OwnFigure {
  char name[24];
  std::uint64_t count;
};

struct Stats {
  std::uint64_t execs;
  std::uint64_t operations;
  std::uint64_t requested;
  std::uint64_t landed;
  std::uint64_t unreached;
  std::uint64_t strays;                    /* ASYNC=1: signals that nobody planned */
  std::uint64_t strays_landed;             /* of those, in injectable code */
  std::uint64_t rows;                      /* of the feedback that there are */
  std::uint8_t nesting[kFeedbackRows];     /* of a row */
  std::uint8_t was_covered[kFeedbackRows]; /* 1: a signal has landed in that phase */
  std::uint64_t recorded;                  /* ways of operations and handlers */
  OwnFigure own[kOwnFigures];
};

}  // namespace sigsweep::fuzz
#endif
