// The dynamic section by elf.h; calls by Capstone, over the sections of code.
#include "stress/host/commands/service_binary.h"

#include <capstone/capstone.h>
#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <unordered_map>

#include "stress/base/symtab.h"

namespace sigsweep {
namespace {

// T at a byte offset of the file, or nothing where the file ends before it does.
template <class T>
std::optional<T> read_at(const std::string& file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

struct Code {
  std::uint64_t address, offset, size;  // offset: in the file
};

struct Sections {
  std::vector<std::string> needed;
  std::vector<Code> code;
};

template <class Dyn, class Shdr>
void note_needed(const std::string& file, const Shdr& dynamic, const Shdr& strings,
                 Sections* found) {
  for (std::uint64_t at = 0; at + sizeof(Dyn) <= dynamic.sh_size; at += sizeof(Dyn)) {
    const auto entry = read_at<Dyn>(file, dynamic.sh_offset + at);
    if (!entry || entry->d_tag == DT_NULL) return;
    const std::uint64_t name = strings.sh_offset + entry->d_un.d_val;
    if (entry->d_tag == DT_NEEDED && name < file.size()) {
      found->needed.emplace_back(file.c_str() + name);
    }
  }
}

template <class Ehdr, class Shdr, class Dyn>
Sections read_sections(const std::string& file) {
  Sections found;
  const auto header = read_at<Ehdr>(file, 0);
  if (!header) return found;
  const auto section = [&](std::uint64_t i) {
    return read_at<Shdr>(file, header->e_shoff + i * sizeof(Shdr));
  };
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const auto s = section(i);
    if (!s) continue;
    const auto strings = section(s->sh_link);
    if (s->sh_type == SHT_DYNAMIC && strings) note_needed<Dyn>(file, *s, *strings, &found);
    const bool is_code = s->sh_type == SHT_PROGBITS && (s->sh_flags & SHF_EXECINSTR) != 0;
    if (is_code && s->sh_offset <= file.size() && s->sh_size <= file.size() - s->sh_offset) {
      found.code.push_back(Code{s->sh_addr, s->sh_offset, s->sh_size});
    }
  }
  return found;
}

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

// The addresses of functions whose names begin with a prefix, each with that prefix.
using Entries = std::unordered_map<std::uint64_t, const std::string*>;

Entries entries_of(const symtab::Table& table, const std::vector<std::string>& prefixes) {
  Entries entries;
  for (const symtab::Symbol& s : table.symbols()) {
    const std::string name = demangled(s.name);
    for (const std::string& prefix : prefixes) {
      if (name.starts_with(prefix)) entries[s.start] = &prefix;
    }
  }
  return entries;
}

struct Capstone {
  csh handle = 0;
  cs_insn* insn = nullptr;
  explicit Capstone(cs_mode mode) {
    if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK) return;
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    insn = cs_malloc(handle);
  }
  ~Capstone() {
    if (insn != nullptr) cs_free(insn, 1);
    if (handle != 0) cs_close(&handle);
  }
  Capstone(const Capstone&) = delete;
  Capstone& operator=(const Capstone&) = delete;
};

// The address that an instruction calls, if it says so itself.
std::optional<std::uint64_t> called(const cs_insn& insn) {
  if (insn.id != X86_INS_CALL) return std::nullopt;  // detail is there for instructions alone
  const cs_x86& x86 = insn.detail->x86;
  if (x86.op_count != 1 || x86.operands[0].type != X86_OP_IMM) return std::nullopt;
  return static_cast<std::uint64_t>(x86.operands[0].imm);
}

// As the services count, by objdump, because their limits are for that: from the first byte of each
// section to its last; and a call into the middle of a function counts, too (386 has them where a
// function asks for its own address).
std::map<std::string, unsigned> count_calls(const std::string& file, const std::vector<Code>& all,
                                            const symtab::Table& table, const Entries& entries,
                                            const Capstone& capstone) {
  std::map<std::string, unsigned> calls;
  const std::vector<symtab::Symbol>& symbols = table.symbols();
  for (const Code& c : all) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(file.data()) + c.offset;
    std::size_t left = c.size;
    std::uint64_t address = c.address;
    while (cs_disasm_iter(capstone.handle, &code, &left, &address, capstone.insn)) {
      const auto target = called(*capstone.insn);
      const auto after =
          target ? std::ranges::upper_bound(symbols, *target, {}, &symtab::Symbol::start)
                 : symbols.begin();
      if (after == symbols.begin()) continue;
      const auto entry = entries.find(std::prev(after)->start);
      if (entry != entries.end()) calls[*entry->second]++;
    }
  }
  return calls;
}

}  // namespace

bool is_elf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  char magic[SELFMAG] = {};
  in.read(magic, SELFMAG);
  return in && std::memcmp(magic, ELFMAG, SELFMAG) == 0;
}

std::optional<BinaryFacts> read_binary(const std::string& path,
                                       const std::vector<std::string>& prefixes,
                                       std::string* error) {
  const auto table = symtab::Table::load(path, error);
  if (!table) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const std::string file = bytes.str();
  const bool wide = file.size() > EI_CLASS && file[EI_CLASS] == ELFCLASS64;
  const Sections sections = wide ? read_sections<Elf64_Ehdr, Elf64_Shdr, Elf64_Dyn>(file)
                                 : read_sections<Elf32_Ehdr, Elf32_Shdr, Elf32_Dyn>(file);
  BinaryFacts facts;
  facts.machine = table->machine();
  facts.libraries = sections.needed;
  if (facts.machine != EM_X86_64 && facts.machine != EM_386) return facts;
  Capstone capstone(facts.machine == EM_X86_64 ? CS_MODE_64 : CS_MODE_32);
  if (capstone.insn == nullptr) {
    *error = path + ": Capstone cannot disassemble x86";
    return std::nullopt;
  }
  facts.calls = count_calls(file, sections.code, *table, entries_of(*table, prefixes), capstone);
  return facts;
}

}  // namespace sigsweep
