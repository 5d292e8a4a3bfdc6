// The subject's claims about its own code, for `sigsweep prove` and `sigsweep explain`. The runner
// serves them; the checker of a claim knows nothing else of the subject.
#pragma once

#include <span>
#include <string_view>

#include "stress/verdict/claim_kind.h"

namespace sigsweep {

// Names in a text are separated by blanks.
struct Claim {
  unsigned id = 0;
  ClaimKind kind = {};
  std::string_view protocols;
  // single (one signal), nested (a second in the first's handler), two (a second later on)
  std::string_view forms = {};
  // About one signal. The printer adds what was tried with two.
  std::string_view statement;
  std::string_view reason;
  std::string_view meaning = {};  // its meaning for the text that it is about; empty: nothing
  std::string_view isa = {};      // the only ISA that it speaks of; empty: all
  std::string_view not_on = {};   // the one ISA that it does not speak of; empty: none
  std::string_view why_not = {};  // and why
  // refused, storm: the origin of the refused calls, as the evidence names it.
  std::string_view calls_from = {};
};

// Which watched words a stub may change, in which order; ways are separated by |.
struct StubOrder {
  std::string_view stub, ways;
};

// Two watched words that belong together: each change of one alone makes them disagree, and the
// next one makes them agree again. A boundary where they disagree has the mark.
struct WatchedPair {
  std::string_view words;  // the names of both, of watched()
  std::string_view mark;   // of mark_names()
  std::string_view text;   // how a sentence names the two
};

// A stub that is wrong, beside its mended form.
struct StubDefect {
  std::string_view isa, stub, mended, what;
};

struct Claims {
  std::span<const Claim> rows;
  std::span<const StubOrder> orders;
  std::span<const StubDefect> defects;
  WatchedPair pair;
  // Stands for all sites when a trial takes long. This site throws for real.
  std::string_view site;
  // The functions that mutants are made of, by symbol, separated by blanks.
  std::string_view mutated = {};
};

}  // namespace sigsweep
