// From executed instructions to functions, and the adapter's list.
#include "stress/subjects/adapter/code.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <set>

namespace sigsweep::adapter {
namespace {

// Modules that belong to the C and C++ implementation. A stack switch calls them for other things
// than switching: memcpy, sigprocmask, malloc.
constexpr std::string_view kRuntimes[] = {
    "libc.so",      "libm.so",   "libpthread.so", "ld-linux",   "libgcc_s.so",
    "libstdc++.so", "libc++.so", "libc++abi.so",  "linux-vdso", "linux-gate",
    "libdl.so",     "librt.so",  "libunwind.so",  "ld-musl",    "libasan.so"};

constexpr const char* kOfRuntime = "it belongs to the C or C++ library";

bool is_runtime(const Module& module) {
  return std::ranges::any_of(kRuntimes,
                             [&](std::string_view name) { return module.name.starts_with(name); });
}

// The function around an address; of code without any name, the address's page alone.
Function function_at(std::uint64_t pc) {
  Function f;
  const auto named = modules_of_process().find(pc);
  if (!named) return f;
  f.module = named->module;
  f.symbol = named->symbol;
  const symtab::Symbol* symbol = modules_of_process().table(*named->module).find(named->linked);
  if (symbol != nullptr && symbol->size > 0) {
    f.begin = symbol->start + f.module->bias;
    f.end = f.begin + symbol->size;
  } else {
    constexpr std::uint64_t kPage = 4096;
    f.begin = pc / kPage * kPage;
    f.end = f.begin + kPage;
  }
  for (const CodeRanges::Range& r : f.module->executable) {
    if (pc < r.begin || pc >= r.end) continue;
    f.begin = std::max(f.begin, r.begin);
    f.end = std::min(f.end, r.end);
  }
  return f;
}

// An entry of the adapter's list.
struct Wanted {
  std::string text;  // without '!'
  bool out = false;
  std::vector<CodeRanges::Range> ranges;  // in the process
};

// "sym:NAME"
void resolve_symbol(const std::string& name, Wanted* wanted) {
  Modules& modules = modules_of_process();
  for (const Module& module : modules.all()) {
    if (&module == &modules.program()) continue;
    const auto add = [&](const std::vector<symtab::Symbol>& symbols) {
      for (const symtab::Symbol& symbol : symbols) {
        if (symbol.name != name || symbol.size == 0) continue;
        const std::uint64_t begin = symbol.start + module.bias;
        wanted->ranges.push_back({begin, begin + symbol.size});
      }
    };
    add(modules.table(module).symbols());
    for (const auto& symbols : modules.table(module).further()) add(symbols);
  }
}

// "sec:NAME"
void resolve_section(const std::string& name, Wanted* wanted) {
  Modules& modules = modules_of_process();
  for (const Module& module : modules.all()) {
    if (&module == &modules.program()) continue;
    for (const symtab::LoadedSection& section : modules.table(module).sections()) {
      if (section.name != name) continue;
      const std::uint64_t begin = section.start + module.bias;
      wanted->ranges.push_back({begin, begin + section.size});
    }
  }
}

// "libx.so+0x10-0x40"
void resolve_range(const std::string& text, Wanted* wanted) {
  const std::size_t plus = text.rfind('+');
  if (plus == text.npos) return;
  unsigned long long begin = 0, end = 0;
  if (std::sscanf(text.c_str() + plus, "+%llx-%llx", &begin, &end) != 2 || begin >= end) return;
  for (const Module& module : modules_of_process().all()) {
    if (module.name != text.substr(0, plus)) continue;
    wanted->ranges.push_back({begin + module.bias, end + module.bias});
  }
}

// Empty, or what is wrong with the entry.
std::string resolve(const char* entry, Wanted* wanted) {
  wanted->out = *entry == '!';
  wanted->text = entry + (wanted->out ? 1 : 0);
  const std::string& text = wanted->text;
  if (text == "trace") return {};
  if (text.starts_with("sym:")) {
    resolve_symbol(text.substr(4), wanted);
  } else if (text.starts_with("sec:")) {
    resolve_section(text.substr(4), wanted);
  } else {
    resolve_range(text, wanted);
  }
  if (!wanted->ranges.empty()) return {};
  return "code: \"" + std::string(entry) +
         "\" names nothing that is loaded; allowed: sym:NAME, sec:NAME, libx.so+0x10-0x40, trace, "
         "each with a leading ! to leave out";
}

bool is_range(const Wanted& wanted) {
  return wanted.text != "trace" && !wanted.text.starts_with("sym:") &&
         !wanted.text.starts_with("sec:");
}

bool names(const Wanted& wanted, std::uint64_t pc) {
  return std::ranges::any_of(
      wanted.ranges, [&](const CodeRanges::Range& r) { return pc >= r.begin && pc < r.end; });
}

// An instruction of it, with what is left out: why. Empty: it is swept.
std::string why_not(const Module& module, std::uint64_t pc, const std::vector<Wanted>& list,
                    bool trace) {
  bool in = false;
  for (const Wanted& wanted : list) {
    if (!names(wanted, pc)) continue;
    if (wanted.out) return "the adapter's list leaves it out";
    in = true;
  }
  if (in) return {};
  if (!trace) return "the adapter's list does not name it";
  return is_runtime(module) ? kOfRuntime : "";
}

// The function cut at each end of a range of the list: of each piece all is swept, or nothing.
std::vector<Function> pieces_of(const Function& f, const std::vector<Wanted>& list) {
  std::set<std::uint64_t> cuts{f.begin, f.end};
  for (const Wanted& wanted : list) {
    for (const CodeRanges::Range& r : wanted.ranges) {
      for (const std::uint64_t cut : {r.begin, r.end}) {
        if (cut > f.begin && cut < f.end) cuts.insert(cut);
      }
    }
  }
  std::vector<Function> pieces;
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    pieces.push_back({f.module, f.symbol, *cut, *std::next(cut), 0});
  }
  return pieces;
}

// A range in which nothing ran is a mistake: of a number, or of the file. Empty: each has its code.
std::string range_problem(const std::vector<Wanted>& list, const StepLog& log) {
  for (const Wanted& wanted : list) {
    bool ran = !is_range(wanted);
    log.executed.each([&](const Executed& place) { ran = ran || names(wanted, place.pc); });
    if (ran) continue;
    return "code: \"" + std::string(wanted.out ? "!" : "") + wanted.text +
           "\" matches no instruction that runs; allowed: addresses as linked, of code that "
           "`sigsweep adapter check` lists";
  }
  return {};
}

// The function that moves SP although the C library has it, by name.
std::string find_switch(const SweptCode& code, const StepLog& log) {
  for (const Move& move : log.moves.all()) {
    for (const SweptCode::LeftOut& left : code.left_out) {
      const bool within = move.pc >= left.function.begin && move.pc < left.function.end;
      if (within && left.why == kOfRuntime) return left.function.symbol;
    }
  }
  return {};
}

}  // namespace

std::vector<Region> SweptCode::regions() const {
  std::vector<Region> regions;
  for (const Function& f : swept) {
    regions.push_back({as_pointer<const void>(f.begin), static_cast<std::size_t>(f.end - f.begin)});
  }
  return regions;
}

SweptCode choose_code(const Library& library, const StepLog& log) {
  SweptCode code;
  std::vector<Wanted> list;
  bool trace = library.says.code == nullptr;
  for (const char* const* entry = library.says.code; entry != nullptr && *entry != nullptr;
       entry++) {
    Wanted wanted;
    code.problem = resolve(*entry, &wanted);
    if (!code.problem.empty()) return code;
    if (wanted.text == "trace") trace = !wanted.out;
    list.push_back(std::move(wanted));
  }
  if (log.last.finished) code.problem = range_problem(list, log);
  if (!code.problem.empty()) return code;
  std::map<std::uint64_t, Function> pieces;  // by begin
  log.executed.each([&](const Executed& place) {
    const Function f = function_at(place.pc);
    if (f.module == nullptr) return;
    for (const Function& piece : pieces_of(f, list)) {
      if (place.pc >= piece.begin && place.pc < piece.end)
        pieces.try_emplace(piece.begin, piece).first->second.executed++;
    }
  });
  for (const auto& [begin, piece] : pieces) {
    const std::string why = why_not(*piece.module, begin, list, trace);
    if (why.empty()) {
      code.swept.push_back(piece);
    } else {
      code.left_out.push_back({piece, why});
    }
  }
  code.switch_left_out = find_switch(code, log);
  if (code.swept.empty() && log.last.finished) {
    code.problem = "no code is left to sweep; `code` in the adapter says what to sweep";
  }
  return code;
}

}  // namespace sigsweep::adapter
