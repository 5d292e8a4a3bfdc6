// From the tables of an ELF file to lists of names, one list a rule.
#include "stress/base/symtab.h"

#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "stress/base/eh_frame.h"
#include "stress/base/elf_file.h"
#include "stress/base/plt.h"

extern "C" const char __ehdr_start[] __attribute__((visibility("hidden")));

namespace symtab {
namespace {

// The contents of the symbol tables: the functions, and arm's marks, $a in front of instructions
// and $d in front of constants.
struct Found {
  std::vector<Symbol> functions;
  std::map<std::uint64_t, bool> is_constant;  // from that address on
};

void note_mark(const std::string& name, std::uint64_t address, Found* found) {
  const std::string kind = name.substr(0, 2);
  if (kind == "$a" || kind == "$d") found->is_constant[address] = kind == "$d";
}

// The section that a symbol is defined in; null: none.
const ElfSection* home_of(const ElfFile& file, const ElfSymbol& symbol) {
  if (symbol.section == SHN_UNDEF || symbol.section >= SHN_LORESERVE) return nullptr;
  return symbol.section < file.sections.size() ? &file.sections[symbol.section] : nullptr;
}

Found read_symbols(const ElfFile& file) {
  Found found;
  for (const ElfSection& table : file.sections) {
    if (table.type != SHT_SYMTAB) continue;
    for (const ElfSymbol& symbol : symbols_of(file, table)) {
      if (symbol.section >= SHN_LORESERVE) continue;
      if (file.machine == EM_ARM && symbol.type == STT_NOTYPE) {
        note_mark(symbol.name, symbol.value, &found);
      }
      const ElfSection* home = home_of(file, symbol);
      if (symbol.type != STT_FUNC || home == nullptr) continue;
      found.functions.push_back(
          {symbol.name, symbol.value, symbol.size, home->offset + (symbol.value - home->start)});
    }
  }
  return found;
}

// ---- every name

// A name, and how well it stands for its place: the highest rank is found.
struct Candidate {
  Symbol symbol;
  unsigned rank;
  const ElfSection* home;
};

bool stands_before(const Candidate& a, const Candidate& b) {
  if (a.symbol.start != b.symbol.start) return a.symbol.start < b.symbol.start;
  if (a.rank != b.rank) return a.rank < b.rank;
  return a.symbol.name > b.symbol.name;
}

unsigned rank_of(const ElfSymbol& s) {
  const unsigned bound = s.binding == STB_GLOBAL ? 2 : s.binding == STB_WEAK ? 1 : 0;
  return (s.type == STT_FUNC ? 6 : 0) + bound * 2 + (s.name.starts_with('_') ? 0 : 1);
}

// Can it be a name for code? Without a size: is it one that its author wrote, no mark of a tool?
bool names_code(const ElfSymbol& s, const ElfSection& home) {
  const bool executable = (home.flags & SHF_EXECINSTR) != 0;
  if ((home.flags & SHF_ALLOC) == 0 || home.type == SHT_NOBITS) return false;
  if (s.name.empty() || !home.contains(s.value)) return false;
  if (s.type == STT_OBJECT) return s.size > 0;  // code in an array, in whatever section
  if (s.type != STT_FUNC && s.type != STT_GNU_IFUNC && s.type != STT_NOTYPE) return false;
  return executable && (s.size > 0 || (s.name[0] != '.' && s.name[0] != '$'));
}

std::vector<Candidate> candidates_of(const ElfFile& file, std::uint32_t table_type) {
  std::vector<Candidate> candidates;
  for (const ElfSection& table : file.sections) {
    if (table.type != table_type) continue;
    for (const ElfSymbol& s : symbols_of(file, table)) {
      const ElfSection* home = home_of(file, s);
      if (home == nullptr || !names_code(s, *home)) continue;
      const std::uint64_t within = s.value - home->start;
      const std::uint64_t size = std::min(s.size, home->size - within);
      candidates.push_back({{s.name, s.value, size, home->offset + within}, rank_of(s), home});
    }
  }
  std::ranges::sort(candidates, stands_before);
  return candidates;
}

// The function of a list that covers an address. Async-signal-safe.
const Symbol* covering(const std::vector<Symbol>& symbols, std::uint64_t address) {
  auto after = std::upper_bound(symbols.begin(), symbols.end(), address,
                                [](std::uint64_t a, const Symbol& s) { return a < s.start; });
  while (after != symbols.begin()) {
    --after;
    if (address < after->start + after->size || address == after->start) return &*after;
    if (address - after->start > (1U << 20)) break;
  }
  return nullptr;
}

std::vector<Symbol> sized(const std::vector<Candidate>& candidates) {
  std::vector<Symbol> symbols;
  for (const Candidate& c : candidates) {
    if (c.symbol.size > 0) symbols.push_back(c.symbol);
  }
  return symbols;
}

// Those without a size that lie outside of all with one, each up to the next symbol.
std::vector<Symbol> labels(const std::vector<Candidate>& candidates) {
  std::vector<Symbol> with_size = sized(candidates), found;
  std::uint64_t next = 0;  // the start of the nearest symbol behind
  const ElfSection* home = nullptr;
  for (std::size_t i = candidates.size(); i-- > 0;) {
    const auto& [symbol, rank, its_home] = candidates[i];
    const bool is_last = i + 1 == candidates.size() || its_home != home;
    if (is_last) next = its_home->start + its_home->size;
    home = its_home;
    if (!is_last && candidates[i + 1].symbol.start != symbol.start) {
      next = candidates[i + 1].symbol.start;
    }
    if (symbol.size > 0 || covering(with_size, symbol.start) != nullptr) continue;
    found.push_back(symbol);
    found.back().size = next - symbol.start;
  }
  std::ranges::reverse(found);
  return found;
}

std::vector<Symbol> plt_names(const ElfFile& file) {
  std::vector<Symbol> symbols;
  for (const auto& [target, start, size] : plt_entries(file)) {
    symbols.push_back({target + "@plt", start, size, file.offset_of(start).value_or(0)});
  }
  return symbols;
}

std::vector<Symbol> frame_names(const ElfFile& file, std::string* problem) {
  std::vector<Symbol> symbols;
  for (const auto& [start, size] : frame_entries(file, problem)) {
    char name[32];
    std::snprintf(name, sizeof name, "fde@0x%llx", static_cast<unsigned long long>(start));
    const auto offset = file.offset_of(start);
    if (offset)
      symbols.push_back({name, start, std::min(size, file.bytes.size() - *offset), *offset});
  }
  return symbols;
}

std::vector<LoadedSection> loaded_sections(const ElfFile& file) {
  std::vector<LoadedSection> sections;
  for (const ElfSection& s : file.sections) {
    if ((s.flags & SHF_ALLOC) == 0 || s.size == 0) continue;
    sections.push_back({s.name, s.start, s.size, s.offset, (s.flags & SHF_EXECINSTR) != 0});
  }
  return sections;
}

std::vector<LoadedSection> loaded_segments(const ElfFile& file) {
  std::vector<LoadedSection> segments;
  for (const ElfSegment& s : file.segments) {
    if (s.type == PT_LOAD)
      segments.push_back({"", s.start, s.file_size, s.offset, (s.flags & PF_X) != 0});
  }
  return segments;
}

}  // namespace

std::optional<Table> Table::load(const std::string& path, std::string* error) {
  std::string reason;
  const auto file = read_elf(bytes_of_file(path), &reason);
  if (!file) {
    *error = path + ": " + reason;
    return std::nullopt;
  }
  Table table;
  table.machine_ = file->machine;
  Found found = read_symbols(*file);
  table.symbols_ = std::move(found.functions);
  for (auto at = found.is_constant.begin(); at != found.is_constant.end();) {
    const auto start = at++;
    const std::uint64_t end = at == found.is_constant.end() ? start->first : at->first;
    if (start->second) table.constants_.push_back(Constants{start->first, end});
  }
  if (table.symbols_.empty()) {
    *error = path + ": has no function symbols (stripped?)";
    return std::nullopt;
  }
  std::sort(table.symbols_.begin(), table.symbols_.end(),
            [](const Symbol& a, const Symbol& b) { return a.start < b.start; });
  return table;
}

std::optional<Table> Table::load_all(const std::string& path, std::string* error) {
  auto table = parse_all(bytes_of_file(path), error);
  if (!table) *error = path + ": " + *error;
  return table;
}

std::optional<Table> Table::parse_all(std::string content, std::string* error) {
  const auto file = read_elf(std::move(content), error);
  if (!file) return std::nullopt;
  return of(*file);
}

Table Table::of(const ElfFile& file) {
  Table table;
  table.machine_ = file.machine;
  table.problem_ = file.problem;
  const auto own = candidates_of(file, SHT_SYMTAB), exported = candidates_of(file, SHT_DYNSYM);
  auto all = own;
  all.insert(all.end(), exported.begin(), exported.end());
  std::ranges::sort(all, stands_before);
  table.symbols_ = sized(own);
  std::string frames_problem;
  table.further_ = {sized(exported), labels(all), plt_names(file),
                    frame_names(file, &frames_problem)};
  if (table.problem_.empty()) table.problem_ = frames_problem;
  for (auto& list : table.further_) std::ranges::stable_sort(list, {}, &Symbol::start);
  table.sections_ = loaded_sections(file);
  table.segments_ = loaded_segments(file);
  table.build_id_ = build_id_of(file);
  return table;
}

const Symbol* Table::find(std::uint64_t address) const {
  const Symbol* found = covering(symbols_, address);
  for (auto list = further_.begin(); found == nullptr && list != further_.end(); ++list) {
    found = covering(*list, address);
  }
  return found;
}

const Symbol* Table::find_name(std::string_view name) const {
  const auto named = [&](const std::vector<Symbol>& symbols) {
    const auto found = std::ranges::find(symbols, name, &Symbol::name);
    return found == symbols.end() ? nullptr : &*found;
  };
  const Symbol* found = named(symbols_);
  for (auto list = further_.begin(); found == nullptr && list != further_.end(); ++list) {
    found = named(*list);
  }
  return found;
}

std::optional<LoadedSection> Table::code_at(std::uint64_t address) const {
  for (const LoadedSection& s : sections_.empty() ? segments_ : sections_) {
    if (s.executable && address - s.start < s.size) return s;
  }
  return std::nullopt;
}

std::uint64_t bias() {
  // The ELF header is loaded at the lowest linked address: 0 in a position-independent program,
  // else the first segment's p_vaddr.
  const auto* header = reinterpret_cast<const char*>(&__ehdr_start);
  std::uint64_t loaded = reinterpret_cast<std::uint64_t>(header);
  if (header[EI_CLASS] == ELFCLASS64) {
    const auto* ehdr = reinterpret_cast<const Elf64_Ehdr*>(header);
    return ehdr->e_type == ET_DYN ? loaded : 0;
  }
  const auto* ehdr = reinterpret_cast<const Elf32_Ehdr*>(header);
  return ehdr->e_type == ET_DYN ? loaded : 0;
}

}  // namespace symtab
