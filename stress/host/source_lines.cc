#include "stress/host/source_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string_view>

#include "stress/base/symtab.h"

namespace sigsweep {
namespace fs = std::filesystem;

namespace {

bool is_there(const fs::path& path) {
  std::error_code unreadable;
  return fs::exists(path, unreadable);
}

// A relative path where it is below a folder above the binary; empty: it is nowhere.
fs::path found_above(const fs::path& path, const fs::path& binary) {
  std::error_code error;
  fs::path folder = fs::absolute(binary, error).parent_path();
  for (; !error && folder.has_relative_path(); folder = folder.parent_path()) {
    if (is_there(folder / path)) return folder / path;
  }
  return {};
}

}  // namespace

std::string from_checkout(const std::string& path, const std::string& binary) {
  const fs::path given(path);
  const fs::path found = given.is_absolute() ? given : found_above(given, binary);
  std::error_code error;
  const fs::path file =
      fs::weakly_canonical(found, error);  // headers are links in a build's folder
  if (found.empty() || error) return given.lexically_normal();
  for (fs::path folder = file.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (is_there(folder / ".git")) return file.lexically_relative(folder);
  }
  return file;
}

struct SourceLines::File {
  explicit File(const std::string& path)
      : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        lines(fd < 0 ? nullptr : dwarf_begin(fd, DWARF_C_READ)) {
    std::string why;
    symbols = symtab::Table::load_all(path, &why);
  }
  ~File() {
    dwarf_end(lines);
    if (fd >= 0) close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const int fd;
  Dwarf* const lines;  // null: it has none
  std::optional<symtab::Table> symbols;
};

SourceLines::SourceLines() = default;
SourceLines::~SourceLines() = default;

const SourceLines::File& SourceLines::file(const std::string& binary) {
  std::unique_ptr<File>& file = files_[binary];
  if (!file) file = std::make_unique<File>(binary);
  return *file;
}

namespace {

// A row of a line table, and the folder that its unit was compiled in.
struct Row {
  Dwarf_Line* line = nullptr;  // null: there is none
  fs::path folder;
};

fs::path folder_of(Dwarf_Die* unit) {
  Dwarf_Attribute attribute;
  const char* const text = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  return text == nullptr ? fs::path() : fs::path(text);
}

// The row that covers an address. Functions that the linker left out have rows, too, near address
// 0. So of several rows the nearest counts.
Row row_at(Dwarf* lines, std::uint64_t address) {
  Row nearest;
  Dwarf_Addr start = 0;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die top;
  while (dwarf_get_units(lines, unit, &unit, nullptr, nullptr, &top, nullptr) == 0) {
    if (dwarf_haspc(&top, address) <= 0) continue;
    Dwarf_Line* const row = dwarf_getsrc_die(&top, address);
    Dwarf_Addr at = 0;
    if (row == nullptr || dwarf_lineaddr(row, &at) != 0 || (nearest.line != nullptr && at < start))
      continue;
    nearest = {row, folder_of(&top)};
    start = at;
  }
  return nearest;
}

}  // namespace

SourceLine SourceLines::at(const std::string& binary, std::uint64_t address) {
  const File& of = file(binary);
  if (of.lines == nullptr || !of.symbols || !of.symbols->is_executable(address)) return {};
  const Row row = row_at(of.lines, address);
  const char* const path =
      row.line == nullptr ? nullptr : dwarf_linesrc(row.line, nullptr, nullptr);
  int number = 0;
  if (path == nullptr || dwarf_lineno(row.line, &number) != 0 || number <= 0) return {};
  // gcc's paths begin at the unit's folder, clang's name it themselves.
  const bool above = std::string_view(path).starts_with("..");
  const fs::path whole = above ? (row.folder / path).lexically_normal() : fs::path(path);
  return {from_checkout(whole, binary), static_cast<unsigned>(number)};
}

SourceLine SourceLines::at(const std::string& binary, const std::string& symbol,
                           std::uint64_t offset) {
  const std::optional<symtab::Table>& symbols = file(binary).symbols;
  const symtab::Symbol* const function = symbols ? symbols->find_name(symbol) : nullptr;
  return function == nullptr ? SourceLine{} : at(binary, function->start + offset);
}

}  // namespace sigsweep
