// What the parts of a night have found, by cause, and what makes causes one fault.
//
// A cause is protocol, site, head of the phase and verdict: one fault of a stub has many. So causes
// with one verdict at places of one function are told as one.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "stress/host/night_rows.h"

namespace sigsweep {

struct NightFinding {
  std::string isa, protocol, site, phase, verdict;  // of a claim, those of its counterexample
  std::string claim;                                // which does not hold; empty: none
  std::string said;                                 // in one line
  std::set<std::string> ids, parts;
  std::set<std::string> places;  // "SYMBOL+0x47"
  std::string schedule;          // the smallest, in text form; empty: there is none
  std::string target;            // the fuzz target that runs `file` again; empty: replay does
  std::string file;              // with the schedule, or a target's input
  std::string adapter;           // the file of the library that it is about
  bool known = false;            // corpus/known.txt acknowledges it
};

// The first word of the last line of a schedule that begins with `key`; empty: there is none.
std::string word_behind(const std::string& schedule, const std::string& key);

// Of the parts that have ended, in the night's folder. A campaign's own word counts only if no part
// of the night has sorted its findings (triage). Each once a cause; the known ones last.
std::vector<NightFinding> findings_of(const std::filesystem::path& folder,
                                      const std::vector<PartRow>& parts);

// Writes each schedule to FOLDER/findings/, and notes its file.
void write_findings(const std::filesystem::path& folder, std::vector<NightFinding>* findings);

// Those that are one fault. First those by which a claim does not hold, then those with most causes;
// the known ones last.
std::vector<std::vector<NightFinding>> faults_of(const std::vector<NightFinding>& findings);

// A fault in a few lines: what and where, the claims, how many causes, the command that shows it.
std::string fault_text(const std::vector<NightFinding>& fault);
// A finding in one line.
std::string finding_line(const NightFinding& finding);

}  // namespace sigsweep
