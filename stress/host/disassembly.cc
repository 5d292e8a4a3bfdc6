// Capstone over the bytes that the symbol table points at.
#include "stress/host/disassembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "stress/base/symtab.h"
#include "stress/host/capstone_handle.h"
#include "stress/host/options.h"

namespace sigsweep {

struct Disassembler::State {
  symtab::Table table;
  std::string file;
  CapstoneHandle capstone;
};

namespace {

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

Disassembler::Disassembler(const std::string& path, Names of) : state_(std::make_unique<State>()) {
  std::string error;
  auto table =
      of == Names::all ? symtab::Table::load_all(path, &error) : symtab::Table::load(path, &error);
  if (!table) throw Failure(kHarnessFailed, error);
  state_->table = std::move(*table);
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  state_->file.resize(static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0)));
  in.seekg(0).read(state_->file.data(), static_cast<std::streamsize>(state_->file.size()));
  if (!in) throw Failure(kHarnessFailed, path + ": cannot be read");
  const CapstoneMode* mode = capstone_mode(state_->table.machine());
  if (mode == nullptr || !state_->capstone.open(*mode)) {
    throw Failure(kHarnessFailed, path + ": no disassembler for its machine");
  }
}

Disassembler::~Disassembler() = default;

std::vector<Instruction> Disassembler::function(const std::string& symbol) const {
  const symtab::Symbol* s = state_->table.find_name(symbol);
  if (s == nullptr) return {};
  return instructions({s->start, s->file_offset, s->size}, s->start);
}

std::vector<Instruction> Disassembler::function_at(std::uint64_t address,
                                                   std::uint64_t offset) const {
  const std::uint64_t origin = address - offset;
  if (const symtab::Symbol* s = state_->table.find(address)) {
    return instructions({s->start, s->file_offset, s->size}, origin);
  }
  const auto code = state_->table.code_at(address);
  if (!code) return {};
  // No function is known to begin near by: a listing that comes to the address begins at an
  // instruction.
  constexpr std::uint64_t kBefore = 48, kAfter = 64, kLongest = 16;  // bytes
  const std::uint64_t room = address - code->start;
  const std::uint64_t end = std::min(code->size - room, kAfter);
  for (std::uint64_t before = std::min(room, kBefore); before > 0; before--) {
    if (before + kLongest < std::min(room, kBefore)) break;
    auto listing =
        instructions({address - before, code->file_offset + room - before, before + end}, origin);
    const auto found = std::ranges::find(listing, offset, &Instruction::offset);
    if (found != listing.end()) return listing;
  }
  return instructions({address, code->file_offset + room, end}, origin);
}

std::vector<Instruction> Disassembler::instructions(const Bytes& of, std::uint64_t origin) const {
  std::vector<Instruction> listing;
  const auto& [start, file_offset, size] = of;
  if (file_offset > state_->file.size() || size > state_->file.size() - file_offset) return listing;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(state_->file.data()) + file_offset;
  cs_insn* insns = nullptr;
  const std::size_t count = cs_disasm(state_->capstone.get(), bytes, size, start, 0, &insns);
  for (std::size_t i = 0; i < count; i++) {
    std::string operands = insns[i].op_str;
    if (is_branch(insns[i])) operands = named_target(state_->table, operands);
    listing.push_back(
        {insns[i].address - origin, fmt::format("{:<7} {}", insns[i].mnemonic, operands)});
  }
  if (insns != nullptr) cs_free(insns, count);
  return listing;
}

const std::string& Disassembler::build_id() const {
  return state_->table.build_id();
}

CodePlace place_of(const InjectionAccount& injection) {
  const BoundaryName& at = injection.planned.at;
  return {at.symbol, at.offset, injection.module, injection.address};
}

CodePlace place_of(const BoundaryAccount& boundary) {
  return {boundary.at.symbol, boundary.at.offset, boundary.module, boundary.address};
}

std::string in_module(const CodePlace& place) {
  const bool said = place.module.empty() || place.symbol.find(place.module) != std::string::npos;
  return said ? "" : " (" + place.module + ")";
}

Disassemblers::Disassemblers(const std::string& runner, std::vector<ModuleSpec> modules)
    : runner_(runner), modules_(std::move(modules)) {}

const Disassemblers::File& Disassemblers::file(const std::string& module) const {
  const auto [found, is_new] = files_.try_emplace(module);
  File& file = found->second;
  const auto spec = std::ranges::find(modules_, module, &ModuleSpec::name);
  if (!is_new) return file;
  if (spec == modules_.end()) {
    file.why = "the runner does not say where " + module + " lies";
    return file;
  }
  try {
    file.code = std::make_unique<Disassembler>(spec->path, Disassembler::Names::all);
  } catch (const Failure& failure) {
    file.why = failure.what();
    return file;
  }
  if (spec->build.empty() || spec->build == file.code->build_id()) return file;
  file.why = fmt::format("{} is another build by now: {}; the runner loaded {}", spec->path,
                         file.code->build_id(), spec->build);
  file.code.reset();
  return file;
}

std::vector<Instruction> Disassemblers::listing(const CodePlace& place) const {
  if (place.module.empty()) return runner_.function(place.symbol);
  const File& from = file(place.module);
  if (from.code == nullptr) return {};
  return from.code->function_at(place.address, place.offset);
}

std::string Disassemblers::why_not(const CodePlace& place) const {
  if (place.module.empty() || file(place.module).code != nullptr) return "no such instruction";
  return file(place.module).why;
}

std::string around(const Disassemblers& code, const CodePlace& place, unsigned lines) {
  const auto& [symbol, offset, module, address] = place;
  const auto listing = code.listing(place);
  std::string text;
  std::size_t here = 0;
  while (here < listing.size() && listing[here].offset != offset) here++;
  if (here == listing.size() && !module.empty()) {
    return fmt::format("  => {}+{:#04x}{}  ?: {}\n", symbol, offset, in_module(place),
                       code.why_not(place));
  }
  for (std::size_t i = here > lines ? here - lines : 0; i < listing.size() && i <= here + lines;
       i++) {
    text += fmt::format("  {} {}+{:#04x}  {}\n", i == here ? "=>" : "  ", symbol, listing[i].offset,
                        listing[i].text);
  }
  return text;
}

}  // namespace sigsweep
