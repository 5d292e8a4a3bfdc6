// From the dynamic linker's list to names.
#include "stress/base/modules.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sigsweep {
namespace {

constexpr const char* kVdso = "linux-vdso";
constexpr const char* kProgram = "/proc/self/exe";

std::uint64_t vdso() {
  return getauxval(AT_SYSINFO_EHDR);
}

bool is_vdso(const Module& module) {
  return module.path == kVdso;
}

bool holds(const std::vector<CodeRanges::Range>& ranges, std::uint64_t address) {
  return std::ranges::any_of(
      ranges, [&](const CodeRanges::Range& r) { return address - r.begin < r.end - r.begin; });
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string absolute(const std::string& path) {
  char real[PATH_MAX];
  return realpath(path.c_str(), real) == nullptr ? path : std::string(real);
}

// As a schedule can hold it: SYMBOL+OFFSET, and no '#' in front.
std::string as_symbol(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c <= ' ' || c > '~' || c == '+' || c == '#'; }, '_');
  return name;
}

std::string with_module(const std::string& name, const Module& module) {
  return name + "@" + as_symbol(module.name);
}

std::string with_address(const std::string& name, std::uint64_t start) {
  char address[24];
  std::snprintf(address, sizeof address, ":0x%llx", static_cast<unsigned long long>(start));
  return name + address;
}

// What stands for the symbol where there is none.
std::string module_symbol(const Module& module) {
  return as_symbol(module.name.empty() ? base_name(module.path) : module.name);
}

// From where its bytes are read: the program's file may have been replaced.
std::string file_of(const Module& module) {
  return module.name.empty() ? kProgram : module.path;
}

Module module_of(const char* file, std::uint64_t bias, const ElfW(Phdr) * headers, unsigned count) {
  Module module;
  module.bias = bias;
  for (unsigned i = 0; i < count; i++) {
    if (headers[i].p_type != PT_LOAD) continue;
    // In the process's own width: the sum may wrap.
    const std::uint64_t begin = static_cast<ElfW(Addr)>(bias + headers[i].p_vaddr);
    module.loaded.push_back({begin, begin + headers[i].p_memsz});
    if ((headers[i].p_flags & PF_X) != 0) module.executable.push_back(module.loaded.back());
  }
  if (vdso() != 0 && holds(module.loaded, vdso())) {
    module.path = module.name = kVdso;
  } else if (*file != '\0') {
    module.path = absolute(file);
    module.name = base_name(file);
  } else {
    module.path = absolute(kProgram);
  }
  return module;
}

// Static programs have no list that names it.
Module vdso_module() {
  const auto* base = as_pointer<const char>(vdso());
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(base);
  const auto* segments = reinterpret_cast<const ElfW(Phdr)*>(base + header->e_phoff);
  std::uint64_t bias = vdso();
  for (unsigned i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type != PT_LOAD) continue;
    bias -= segments[i].p_vaddr - segments[i].p_offset;
    break;
  }
  return module_of(kVdso, bias, segments, header->e_phnum);
}

// It has no file. Its pages hold all of it.
std::string content_of_vdso(const Module& module) {
  std::uint64_t end = vdso();
  for (const CodeRanges::Range& r : module.loaded) end = std::max(end, r.end);
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t size = (end + page - 1) / page * page - vdso();
  return {as_pointer<const char>(vdso()), static_cast<std::size_t>(size)};
}

int note_module(dl_phdr_info* info, std::size_t, void* found) {
  const auto bias = std::uint64_t{info->dlpi_addr};
  static_cast<std::vector<Module>*>(found)->push_back(module_of(
      info->dlpi_name == nullptr ? "" : info->dlpi_name, bias, info->dlpi_phdr, info->dlpi_phnum));
  return 0;
}

}  // namespace

void Modules::look() {
  std::vector<Module> found;
  dl_iterate_phdr(note_module, &found);
  if (vdso() != 0 && std::ranges::none_of(found, is_vdso)) found.push_back(vdso_module());
  const auto is_loaded = [&](const Module& m) {
    return std::ranges::any_of(
        found, [&](const Module& f) { return f.path == m.path && f.loaded == m.loaded; });
  };
  for (Module& module : found) {
    if (module.loaded.empty() || is_listed(module)) continue;
    const auto moved = std::ranges::find_if(
        modules_, [&](const Module& m) { return m.path == module.path && !is_loaded(m); });
    const auto of_that_name = std::ranges::count_if(modules_, [&](const Module& m) {
      return m.name == module.name || m.name.starts_with(module.name + ":");
    });
    if (moved != modules_.end()) {  // unloaded, and loaded again
      module.name = moved->name;
      *moved = std::move(module);
      continue;
    }
    if (of_that_name > 0) module.name += ":" + std::to_string(of_that_name + 1);
    modules_.push_back(std::move(module));
  }
}

bool Modules::is_listed(const Module& module) const {
  return std::ranges::any_of(modules_, [&](const Module& m) {
    return m.path == module.path && m.loaded == module.loaded;
  });
}

const Module* Modules::at(std::uint64_t pc) const {
  // The latest: others may be gone.
  const auto latest = std::find_if(modules_.rbegin(), modules_.rend(),
                                   [&](const Module& m) { return holds(m.loaded, pc); });
  return latest == modules_.rend() ? nullptr : &*latest;
}

Modules::Names& Modules::names(const Module& module) {
  const auto [found, is_new] = names_.try_emplace(&module);
  Names& names = found->second;
  if (!is_new) return names;
  auto table = is_vdso(module) ? symtab::Table::parse_all(content_of_vdso(module), &names.problem)
                               : symtab::Table::load_all(file_of(module), &names.problem);
  if (!table) return names;
  names.table = std::move(*table);
  names.problem = names.table.problem();
  if (!names.problem.empty()) names.problem = module.path + ": " + names.problem;
  return names;
}

const symtab::Table& Modules::table(const Module& module) {
  return names(module).table;
}

const std::string& Modules::problem(const Module& module) {
  return names(module).problem;
}

void Modules::gather(const Module& module) {
  const symtab::Table& table = names(module).table;
  const auto note = [&](const symtab::Symbol& symbol) {
    std::vector<Owner>& owners = owners_[as_symbol(symbol.name)];
    const bool known = std::ranges::any_of(
        owners, [&](const Owner& o) { return o.module == &module && o.start == symbol.start; });
    if (!known) owners.push_back({&module, symbol.start});
  };
  std::ranges::for_each(table.symbols(), note);
  for (const auto& list : table.further()) std::ranges::for_each(list, note);
}

const std::vector<Modules::Owner>& Modules::owners(const std::string& name) {
  static const std::vector<Owner> none;
  for (; gathered_ < modules_.size(); gathered_++) gather(modules_[gathered_]);
  const auto found = owners_.find(name);
  return found == owners_.end() ? none : found->second;
}

std::string Modules::unique(const Module& module, const symtab::Symbol& symbol) {
  std::string name = as_symbol(symbol.name);
  const std::vector<Owner>& all = owners(name);
  if (all.size() <= 1) return name;
  const std::string qualified = with_module(name, module);
  const bool alone = std::ranges::count(all, &module, &Owner::module) <= 1;
  return alone ? qualified : with_address(qualified, symbol.start);
}

std::optional<NamedCode> Modules::find(std::uint64_t pc) {
  const Module* module = at(pc);
  if (module == nullptr) {
    look();
    module = at(pc);
  }
  if (module == nullptr) return std::nullopt;
  const std::uint64_t linked = static_cast<ElfW(Addr)>(pc - module->bias);
  const bool is_program = module == &program();
  const symtab::Symbol* symbol = is_program ? functions().find(linked) : nullptr;
  if (symbol == nullptr) symbol = table(*module).find(linked);
  if (symbol == nullptr) return NamedCode{module, module_symbol(*module), linked, linked};
  return NamedCode{module, is_program ? symbol->name : unique(*module, *symbol),
                   linked - symbol->start, linked};
}

std::optional<std::uint64_t> Modules::address_of(const std::string& symbol) {
  const symtab::Symbol* own = functions().find_name(symbol);
  if (own == nullptr) own = table(program()).find_name(symbol);
  if (own != nullptr) return program().bias + own->start;
  for (const Module& m : modules_) {
    if (module_symbol(m) == symbol) return m.bias;
  }
  const std::vector<Owner>& plain = owners(symbol);
  if (plain.size() == 1) return plain.front().module->bias + plain.front().start;
  for (std::size_t at = symbol.find('@'); at != symbol.npos; at = symbol.find('@', at + 1)) {
    const std::string name = symbol.substr(0, at);
    const std::vector<Owner>& all = owners(name);
    for (const auto& [module, start] : all) {
      const std::string qualified = with_module(name, *module);
      const bool alone = std::ranges::count(all, module, &Owner::module) == 1;
      if ((alone && symbol == qualified) || symbol == with_address(qualified, start)) {
        return module->bias + start;
      }
    }
  }
  return std::nullopt;
}

const symtab::Table& Modules::functions() {
  if (!functions_) {
    std::string error;  // a stripped program: it is named like any module
    functions_ = symtab::Table::load(kProgram, &error).value_or(symtab::Table());
  }
  return *functions_;
}

Modules& modules_of_process() {
  static Modules modules;
  return modules;
}

}  // namespace sigsweep
