// An entry holds `jmp *SLOT`; a relocation fills SLOT with the address of the function it names.
#include "stress/base/plt.h"

#include <elf.h>

#include <map>

namespace symtab {
namespace {

// slot -> the name of the function whose address the dynamic linker writes there.
std::map<std::uint64_t, std::string> slots_of(const ElfFile& file) {
  std::map<std::uint64_t, std::string> slots;
  for (const ElfSection& table : file.sections) {
    const auto relocations = relocations_of(file, table);
    if (relocations.empty() || table.link >= file.sections.size()) continue;
    const auto symbols = symbols_of(file, file.sections[table.link]);
    for (const ElfRelocation& r : relocations) {
      if (r.symbol == 0 || r.symbol >= symbols.size() || symbols[r.symbol].name.empty()) continue;
      slots[r.address] = symbols[r.symbol].name;
    }
  }
  return slots;
}

// The slot of a jump at this place: amd64's is relative to the next instruction; of 386's forms
// one is absolute, the other relative to `got`.
std::optional<std::uint64_t> slot_of_jump(const ElfFile& file, std::uint64_t offset,
                                          std::uint64_t address, std::uint64_t got) {
  const auto opcode = file.at<std::uint16_t>(offset);
  const auto operand = file.at<std::int32_t>(offset + 2);
  constexpr std::uint16_t kJump = 0x25ff, kJumpByRegister = 0xa3ff;  // ff 25, ff a3
  constexpr std::uint64_t kLength = 6;
  if (!opcode || !operand) return std::nullopt;
  if (file.is_64 && *opcode == kJump) {
    return address + kLength + static_cast<std::uint64_t>(std::int64_t{*operand});
  }
  if (!file.is_64 && *opcode == kJump) return static_cast<std::uint32_t>(*operand);
  if (!file.is_64 && *opcode == kJumpByRegister) {
    return (got + static_cast<std::uint64_t>(std::int64_t{*operand})) & 0xffffffff;
  }
  return std::nullopt;
}

void add_entries(const ElfFile& file, const ElfSection& plt, std::uint64_t got,
                 const std::map<std::uint64_t, std::string>& slots,
                 std::vector<PltEntry>* entries) {
  const std::uint64_t size = plt.name == ".plt.got" ? 8 : 16;  // bytes of an entry
  for (std::uint64_t at = 0; at + size <= plt.size && plt.offset + at < file.bytes.size();
       at += size) {
    for (std::uint64_t i = 0; i + 6 <= size; i++) {
      const auto slot = slot_of_jump(file, plt.offset + at + i, plt.start + at + i, got);
      const auto target = slot ? slots.find(*slot) : slots.end();
      if (target == slots.end()) continue;
      entries->push_back({target->second, plt.start + at, size});
      break;
    }
  }
}

}  // namespace

std::vector<PltEntry> plt_entries(const ElfFile& file) {
  std::vector<PltEntry> entries;
  if (file.machine != EM_X86_64 && file.machine != EM_386) return entries;
  const ElfSection* got = file.section(".got.plt");
  if (got == nullptr) got = file.section(".got");  // one with all slots bound at the start
  const auto slots = slots_of(file);
  for (const ElfSection& s : file.sections) {
    if (s.type != SHT_PROGBITS || !s.name.starts_with(".plt")) continue;
    add_entries(file, s, got == nullptr ? 0 : got->start, slots, &entries);
  }
  return entries;
}

}  // namespace symtab
