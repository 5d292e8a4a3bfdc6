// Doors: how a signal lands without the kernel. At the boundary a jump stands in the code. It leads
// to a routine that writes the frame which the kernel would write, and enters the trap's handler as
// the kernel would. (docs/design.md, "How a signal lands".)
//
// The jump covers the boundary's instruction, and those behind it that lie within its five bytes. A
// copy of these lies near the code: who passes a door that is shut runs the copy. So a door may stay
// in the code between trials: to open or shut it is one write of a pointer, which costs a processor
// nothing. A write into code that runs costs as much as all the rest.
//
// A jump cannot stand everywhere: then a trap has to. All functions except attach() are
// async-signal-safe. Process-wide state, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "stress/base/code_ranges.h"
#include "stress/trap/arch.h"
#include "stress/trap/patched_text.h"

namespace sigsweep::trap {

class Doors {
 public:
  static constexpr unsigned kJump = 5;  // bytes

  // Makes the copies. Code that has no free memory near it has no doors. Empty, or what is wrong. REQUIRES: the text is attached and holds no patch; the
  // modules stay loaded. CAVEAT: a child that is made later shares the text, and has the same copies;
  // a child that was made earlier has not.
  std::string attach(const CodeRanges& code, PatchedText* text);

  // Can a jump stand at pc?
  bool can_stand(std::uint64_t pc) const { return door_at(pc) != nullptr; }
  // Who comes to pc from here on arrives at `where`, with all registers as they were. Takes out doors
  // that the jump would cover. REQUIRES: can_stand(pc).
  void open(std::uint64_t pc, const void* where);
  // Who comes to pc passes. REQUIRES: can_stand(pc).
  void shut(std::uint64_t pc);
  // Does the jump of a door stand at pc, open or shut?
  bool stands(std::uint64_t pc) const;
  // Takes out the doors whose jumps cover the byte at pc: another patch is to stand there.
  void clear(std::uint64_t pc);
  // Takes out all of them, also those of another process that shares the text.
  void clear_all();

  // Where the copy of the instruction at pc lies. REQUIRES: can_stand(pc).
  std::uint64_t copy_of(std::uint64_t pc) const;
  // The instruction that an address within the copies belongs to; another address is returned as it
  // is.
  std::uint64_t original_of(std::uint64_t address) const;

 private:
  struct Door {
    std::uint32_t slot = 0;  // offset of its code in the springboard; 0: no jump can stand there
    // The instructions behind the first: bytes from pc, and from the start of the copy. 0: no more.
    struct {
      std::uint8_t from = 0, to = 0;
    } later[kJump - 1];
  };
  // The doors of a range of code. Near it lies the springboard: for each door a jump by way of a
  // pointer, and the copy behind it; then the pointers, which are data.
  struct Board {
    std::uint64_t begin = 0, end = 0;                // of the code
    std::uint64_t base = 0, pointers = 0, size = 0;  // of the springboard
    std::unique_ptr<Door[]> doors;                   // one a byte of the code
    Door& at(std::uint64_t pc) const { return doors[static_cast<std::size_t>(pc - begin)]; }
  };
  static constexpr unsigned kMostBoards = 64;

  const Board* board_of(std::uint64_t pc) const;
  const Door* door_at(std::uint64_t pc) const;
  static bool stands(const Board& board, std::uint64_t pc);
  void point(std::uint64_t pc, std::uint64_t where);
  static std::string build(const CodeRanges::Range& range, Board* board);

  Board boards_[kMostBoards];
  unsigned count_ = 0;
  PatchedText* text_ = nullptr;
};

}  // namespace sigsweep::trap
