// Capstone over the bytes that the symbol table points at.
#include "stress/host/disassembly.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "stress/base/symtab.h"
#include "stress/host/options.h"

namespace sigsweep {

struct Disassembler::State {
  symtab::Table table;
  std::string file;
  csh handle = 0;
};

namespace {

struct CapstoneMode {
  unsigned machine;
  cs_arch arch;
  cs_mode mode;
};
constexpr CapstoneMode kModes[] = {{EM_X86_64, CS_ARCH_X86, CS_MODE_64},
                                   {EM_386, CS_ARCH_X86, CS_MODE_32},
                                   {EM_ARM, CS_ARCH_ARM, CS_MODE_ARM}};

// "0x1234" at the end of an operand: the function that it leads to, by name.
std::string named_target(const symtab::Table& table, const std::string& text) {
  const std::size_t at = text.rfind("0x");
  if (at == text.npos || text.find_first_not_of("0123456789abcdef", at + 2) != text.npos)
    return text;
  const std::uint64_t address = std::stoull(text.substr(at + 2), nullptr, 16);
  const symtab::Symbol* target = table.find(address);
  if (target == nullptr) return text;
  const std::uint64_t offset = address - target->start;
  return text.substr(0, at) + target->name + (offset == 0 ? "" : fmt::format("+{:#x}", offset));
}

bool is_branch(const cs_insn& insn) {
  const std::string_view name = insn.mnemonic;
  return name.starts_with("call") || name.starts_with("j") || name.starts_with("b");
}

}  // namespace

Disassembler::Disassembler(const std::string& path) : state_(new State) {
  std::string error;
  auto table = symtab::Table::load(path, &error);
  if (!table) throw Failure(kHarnessFailed, error);
  state_->table = std::move(*table);
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  state_->file.resize(static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0)));
  in.seekg(0).read(state_->file.data(), static_cast<std::streamsize>(state_->file.size()));
  if (!in) throw Failure(kHarnessFailed, path + ": cannot be read");
  for (const CapstoneMode& mode : kModes) {
    if (mode.machine != state_->table.machine()) continue;
    if (cs_open(mode.arch, mode.mode, &state_->handle) != CS_ERR_OK) break;
    if (mode.arch == CS_ARCH_X86) cs_option(state_->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    return;
  }
  throw Failure(kHarnessFailed, path + ": no disassembler for its machine");
}

Disassembler::~Disassembler() {
  if (state_->handle != 0) cs_close(&state_->handle);
  delete state_;
}

std::vector<Instruction> Disassembler::function(const std::string& symbol) const {
  std::vector<Instruction> listing;
  const symtab::Symbol* s = state_->table.find_name(symbol);
  if (s == nullptr || s->file_offset + s->size > state_->file.size()) return listing;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(state_->file.data()) + s->file_offset;
  cs_insn* insns = nullptr;
  const std::size_t count = cs_disasm(state_->handle, bytes, s->size, s->start, 0, &insns);
  for (std::size_t i = 0; i < count; i++) {
    std::string operands = insns[i].op_str;
    if (is_branch(insns[i])) operands = named_target(state_->table, operands);
    listing.push_back(
        {insns[i].address - s->start, fmt::format("{:<7} {}", insns[i].mnemonic, operands)});
  }
  if (insns != nullptr) cs_free(insns, count);
  return listing;
}

std::string around(const Disassembler& code, const std::string& symbol, std::uint64_t offset,
                   unsigned lines) {
  const auto listing = code.function(symbol);
  std::string text;
  std::size_t here = 0;
  while (here < listing.size() && listing[here].offset != offset) here++;
  for (std::size_t i = here > lines ? here - lines : 0; i < listing.size() && i <= here + lines;
       i++) {
    text += fmt::format("  {} {}+{:#04x}  {}\n", i == here ? "=>" : "  ", symbol, listing[i].offset,
                        listing[i].text);
  }
  return text;
}

}  // namespace sigsweep
