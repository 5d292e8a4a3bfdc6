// What a runner's subject claims of its code, as it came over the wire (stress/subject/claims.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stress/host/options.h"
#include "stress/verdict/claim_kind.h"

namespace sigsweep {

struct ClaimSpec {
  unsigned id = 0;
  ClaimKind kind = {};
  std::vector<std::string> protocols, forms;
  std::string statement, reason, meaning;
  std::string isa;         // it speaks of this ISA only; empty: of all
  std::string calls_from;  // where the calls come from that are refused

  std::string not_on, why_not;  // it does not speak of this ISA, and why; empty: of all

  bool speaks_of_isa(const std::string& name) const {
    return (isa.empty() || isa == name) && (not_on.empty() || not_on != name);
  }
};

// A stub that is wrong, and its mended form.
struct DefectSpec {
  std::string isa, stub, mended, what;
};

// Two watched words that belong together.
struct PairSpec {
  std::vector<std::string> words;
  std::uint64_t mark = 0;  // the bit of a boundary where they disagree; 0: there is none
  std::string text;        // how a sentence names the two
};

struct ClaimBook {
  std::vector<ClaimSpec> claims;              // in the order of their printing
  std::map<std::string, std::string> orders;  // a stub's ways of changing the watched words
  std::vector<DefectSpec> defects;
  PairSpec pair;
  std::string site;                  // stands for all
  std::vector<std::string> mutated;  // the functions that mutants are made of
};

// Empty where the subject claims nothing. Throws Failure.
ClaimBook read_claims(const Session& session);

// The words of a text that are separated by blanks.
std::vector<std::string> words_of(const std::string& text);

bool has_word(const std::vector<std::string>& words, const std::string& word);

}  // namespace sigsweep
