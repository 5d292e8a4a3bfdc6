// The springboards. Built without instrumentation.
#include "stress/trap/doors.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "stress/base/raw_memory.h"
#include "stress/trap/moved.h"

namespace sigsweep::trap {
namespace {

constexpr unsigned char kJumpCode = 0xe9;
constexpr unsigned kSlotAlignment = 16;
constexpr std::uint64_t kPage = 4096;

std::uint64_t rounded(std::uint64_t size) {
  return (size + kPage - 1) / kPage * kPage;
}

std::string failed(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// Memory that a jump of the code reaches. 0: there is none.
std::uint64_t map_near(std::uint64_t code, std::size_t size) {
  constexpr std::uint64_t kStep = 1 << 20, kMost = std::uint64_t{1} << 30;
  for (std::uint64_t away = kStep; away < kMost; away += kStep) {
    for (const std::uint64_t at : {code / kPage * kPage - away, code / kPage * kPage + away}) {
      if (at > code + kMost || at < kPage) continue;  // below the first address
      void* got = mmap(as_pointer<void>(at), size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      if (got == MAP_FAILED) continue;
      if (as_address(got) == at) return at;
      munmap(got, size);  // a kernel that does not know the flag
    }
  }
  return 0;
}

// jmp *pointer(%rip)
constexpr unsigned kByPointer = 6;
void write_jump_by(std::uint64_t at, std::uint64_t pointer) {
  raw_store<std::uint8_t>(as_pointer<void>(at), 0, 0xff);
  raw_store<std::uint8_t>(as_pointer<void>(at), 1, 0x25);
  raw_store<std::uint32_t>(as_pointer<void>(at), 2,
                           static_cast<std::uint32_t>(pointer - (at + kByPointer)));
}

}  // namespace

std::string Doors::attach(const CodeRanges& code, PatchedText* text) {
  std::vector<Board> boards;
  for (const CodeRanges::Range& range : code) {
    if (boards.size() == kMostBoards) break;  // the rest has traps
    boards.emplace_back();
    std::string problem = build(range, &boards.back());
    if (!problem.empty()) return problem;
  }
  for (Board& board : boards) boards_[count_++] = std::move(board);
  text_ = text;
  return {};
}

// Which bytes of the code may be a branch's target, by the code itself.
std::string Doors::build(const CodeRanges::Range& range, Board* board) {
  const auto size = static_cast<std::size_t>(range.end - range.begin);
  const std::span bytes(as_pointer<const unsigned char>(range.begin), size);
  std::vector<bool> targets(size);
  each_target(bytes, range.begin, [&](std::uint64_t target) {
    const auto i = static_cast<std::size_t>(target - range.begin);
    if (i < size) targets[i] = true;
  });
  const auto is_target = [&](std::uint64_t at) {
    const auto i = static_cast<std::size_t>(at - range.begin);
    return i < size && targets[i];
  };
  board->begin = range.begin;
  board->end = range.end;
  board->doors = std::make_unique<Door[]>(size);
  // Room for all; what is not used is never touched.
  const std::uint64_t room = rounded(size * (Moved::kMost + kSlotAlignment));
  const std::uint64_t pointers = rounded(size * sizeof(std::uint64_t));
  board->size = room + pointers;
  board->base = map_near(range.begin, static_cast<std::size_t>(board->size));
  if (board->base == 0) return {};
  board->pointers = board->base + room;
  std::uint64_t at = board->base + kSlotAlignment;  // a slot's offset is not 0
  for (std::size_t i = 0; i < size; i++) {
    const std::uint64_t copy = at + kSlotAlignment;
    const Moved moved =
        move_instructions(bytes.subspan(i), range.begin + i, copy, kJump, is_target);
    if (moved.size == 0) continue;
    const std::uint64_t pointer = board->pointers + i * sizeof(std::uint64_t);
    write_jump_by(at, pointer);
    raw_copy(as_pointer<void>(copy), moved.code, moved.size);
    raw_store<std::uint64_t>(as_pointer<void>(pointer), 0, copy);
    Door& door = board->doors[i];
    door.slot = static_cast<std::uint32_t>(at - board->base);
    for (unsigned k = 1; k < moved.instructions; k++) {
      door.later[k - 1] = {static_cast<std::uint8_t>(moved.places[k].from),
                           static_cast<std::uint8_t>(moved.places[k].to)};
    }
    at = (copy + moved.size + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment;
  }
  if (mprotect(as_pointer<void>(board->base), static_cast<std::size_t>(room),
               PROT_READ | PROT_EXEC) != 0) {
    return failed("the copies of instructions, for doors");
  }
  return {};
}

const Doors::Board* Doors::board_of(std::uint64_t pc) const {
  for (unsigned i = 0; i < count_; i++) {
    if (pc - boards_[i].begin < boards_[i].end - boards_[i].begin) return &boards_[i];
  }
  return nullptr;
}

const Doors::Door* Doors::door_at(std::uint64_t pc) const {
  const Board* board = board_of(pc);
  if (board == nullptr) return nullptr;
  const Door& door = board->at(pc);
  return door.slot != 0 ? &door : nullptr;
}

// Its jump is in the code.
bool Doors::stands(const Board& board, std::uint64_t pc) {
  if (pc < board.begin || pc >= board.end) return false;
  const Door& door = board.at(pc);
  if (door.slot == 0 || raw_load<std::uint8_t>(as_pointer<void>(pc), 0) != kJumpCode) return false;
  const auto distance = static_cast<std::uint32_t>(board.base + door.slot - (pc + kJump));
  return raw_load<std::uint32_t>(as_pointer<void>(pc), 1) == distance;
}

bool Doors::stands(std::uint64_t pc) const {
  const Board* board = board_of(pc);
  return board != nullptr && stands(*board, pc);
}

void Doors::point(std::uint64_t pc, std::uint64_t where) {
  const Board& board = *board_of(pc);
  raw_store<std::uint64_t>(
      as_pointer<void>(board.pointers + (pc - board.begin) * sizeof(std::uint64_t)), 0, where);
}

void Doors::open(std::uint64_t pc, const void* where) {
  const Board& board = *board_of(pc);
  point(pc, as_address(where));
  if (stands(board, pc)) return;
  for (std::uint64_t at = pc; at < pc + kJump; at++) clear(at);
  unsigned char jump[kJump] = {kJumpCode};
  raw_store<std::uint32_t>(
      jump, 1, static_cast<std::uint32_t>(board.base + board.at(pc).slot - (pc + kJump)));
  text_->write(pc, jump, kJump);
}

void Doors::shut(std::uint64_t pc) {
  point(pc, copy_of(pc));
}

void Doors::clear(std::uint64_t pc) {
  const Board* board = board_of(pc);
  if (board == nullptr) return;
  for (std::uint64_t at = pc + 1 - kJump; at <= pc; at++) {
    if (!stands(*board, at)) continue;
    text_->write_original(at, kJump);
    shut(at);
  }
}

void Doors::clear_all() {
  for (unsigned i = 0; i < count_; i++) {
    for (std::uint64_t pc = boards_[i].begin; pc < boards_[i].end; pc++) {
      if (stands(boards_[i], pc)) clear(pc);
    }
  }
}

std::uint64_t Doors::copy_of(std::uint64_t pc) const {
  const Board& board = *board_of(pc);
  return board.base + board.at(pc).slot + kSlotAlignment;
}

std::uint64_t Doors::original_of(std::uint64_t address) const {
  for (unsigned i = 0; i < count_; i++) {
    const Board& board = boards_[i];
    if (address - board.base >= board.pointers - board.base) continue;
    const std::uint64_t offset = address - board.base;
    std::uint64_t best = board.begin;  // of the door with the last slot that starts before
    for (std::uint64_t pc = board.begin; pc < board.end; pc++) {
      const Door& door = board.at(pc);
      if (door.slot != 0 && door.slot <= offset) best = pc;  // slots lie in the order of the code
    }
    const Door& door = board.at(best);
    const std::uint64_t into = offset - door.slot;
    std::uint64_t pc = best;
    for (const auto& later : door.later) {
      if (later.from != 0 && into >= kSlotAlignment + later.to) pc = best + later.from;
    }
    return pc;
  }
  return address;
}

}  // namespace sigsweep::trap
