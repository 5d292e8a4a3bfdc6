// Executable pages that are patched through a second mapping of the same memory, so that no mapping
// is writable and executable at once. The pages may belong to several modules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "stress/base/code_ranges.h"
#include "stress/base/raw_memory.h"
#include "stress/trap/arch.h"

namespace sigsweep::trap {

// The mappings stay as long as the process: nothing is destroyed, because handlers may run until
// the end. All functions except attach() are async-signal-safe. A pc that they are given must lie
// in an attached page: else the process is killed by SIGILL.
class PatchedText {
 public:
  // Copies each page of the code into shared memory, puts that memory in the page's place, and maps
  // it a second time, for writing. Other bytes of these pages stay as they are. Empty, or what is
  // wrong. A page is refused if it is not mapped, cannot be executed, can be written, or is shared;
  // no page has been replaced then. REQUIRES: not attached yet; the modules stay loaded.
  std::string attach(const CodeRanges& code);

  // The code at pc, and the code there before any patch.
  BreakCode at(std::uint64_t pc) const { return *cell(run_of(pc), pc); }
  BreakCode original(std::uint64_t pc) const {
    const Run& run = run_of(pc);
    return raw_load<BreakCode>(run.pristine, static_cast<std::size_t>(pc - run.begin));
  }

  // One patch, which takes effect at once.
  void poke(std::uint64_t pc, BreakCode code) {
    stage(pc, code);
    if constexpr (!kCodeIsWatched) code_changed(pc, pc + sizeof code);
  }
  void restore(std::uint64_t pc) { poke(pc, original(pc)); }

  // A patch of several bytes, at most 8, in one store where there is room. REQUIRES: kCodeIsWatched.
  void write(std::uint64_t pc, const unsigned char* bytes, std::size_t size) {
    const Run& run = run_of(pc);
    const auto at = static_cast<std::size_t>(pc - run.begin);
    if (pc + sizeof(std::uint64_t) > run.end) {
      for (std::size_t i = 0; i < size; i++) run.writable[at + i] = bytes[i];
      return;
    }
    auto word = raw_load<std::uint64_t>(run.writable, at);
    raw_copy(&word, bytes, size);
    raw_store<std::uint64_t>(run.writable, at, word);
  }
  void write_original(std::uint64_t pc, std::size_t size) {
    const Run& run = run_of(pc);
    write(pc, run.pristine + (pc - run.begin), size);
  }

  // Many patches: they take effect by publish() at the latest.
  void stage(std::uint64_t pc, BreakCode code) { *cell(run_of(pc), pc) = code; }
  // Breaks at every instruction, or at none. REQUIRES: [begin, end) lies in one range.
  void stage_breaks(std::uint64_t begin, std::uint64_t end);
  void stage_original(std::uint64_t begin, std::uint64_t end);
  void stage_all_original();
  void publish();

  // Is every patch out again? Looks at all pages, through the mapping that is executed.
  bool is_pristine() const;
  // The lowest address that holds another byte than before any patch, or 0. For messages: byte by
  // byte, which each cell's look would be too slow for.
  std::uint64_t first_patch() const;

 private:
  // Pages in a row.
  struct Run {
    std::uint64_t begin, end;
    unsigned char* writable;  // the second mapping
    unsigned char* pristine;  // the bytes before any patch
  };
  static constexpr unsigned kMostRuns = 64;

  const Run& run_of(std::uint64_t pc) const {
    for (unsigned i = 0; i < count_; i++) {
      if (pc - runs_[i].begin < runs_[i].end - runs_[i].begin) return runs_[i];
    }
    __builtin_trap();
  }
  // Volatile: each write is one store, seen by the instruction fetch of this thread at the next
  // trap or call.
  static volatile BreakCode* cell(const Run& run, std::uint64_t pc) {
    return reinterpret_cast<volatile BreakCode*>(run.writable + (pc - run.begin));
  }
  static void code_changed(std::uint64_t begin, std::uint64_t end);
  static std::string map(Run* run);

  Run runs_[kMostRuns] = {};
  unsigned count_ = 0;
};

}  // namespace sigsweep::trap
