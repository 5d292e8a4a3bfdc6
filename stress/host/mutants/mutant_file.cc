#include "stress/host/mutants/mutant_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "stress/host/options.h"

namespace sigsweep {

MutableProgram::MutableProgram(const std::string& path, const std::string& isa,
                               const std::vector<std::string>& stubs)
    : code_(path) {
  for (const std::string& stub : stubs) {
    const ProgramCode::Function function = code_.function(stub);
    file_offsets_[stub] = function.file_offset;
    for (Mutant& mutant : mutants_of(code_, function, isa)) mutants_.push_back(std::move(mutant));
  }
}

bool MutableProgram::write(const std::string& id, const std::filesystem::path& to) const {
  const auto mutant = std::ranges::find(mutants_, id, &Mutant::id);
  if (mutant == mutants_.end()) return false;
  std::string bytes = code_.bytes();
  const std::uint64_t at = file_offsets_.at(mutant->symbol) + mutant->offset;
  bytes.replace(at, mutant->new_bytes.size(), mutant->new_bytes);
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw Failure(kHarnessFailed, fmt::format("{}: cannot be written", to.string()));
  namespace fs = std::filesystem;
  fs::permissions(to, fs::perms::owner_all);
  return true;
}

}  // namespace sigsweep
