#include "stress/host/adapter_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

namespace sigsweep {
namespace {

constexpr const char* kAllowed = "a shared object for amd64 or 386 is expected";

// ---- the file's headers, each copied out of the bytes: a file may be cut short anywhere

template <typename T>
std::optional<T> read_at(const std::string& bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

struct Elf32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Dynamic = Elf32_Dyn;
};
struct Elf64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Dynamic = Elf64_Dyn;
};

// Does its dynamic section say that it is a program? Such a program has the type of a shared
// object, and the loader refuses it.
template <typename Elf>
bool is_program(const std::string& bytes) {
  const auto header = read_at<typename Elf::Header>(bytes, 0);
  if (!header) return false;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    const auto segment = read_at<typename Elf::Segment>(
        bytes, header->e_phoff + std::uint64_t{i} * sizeof(typename Elf::Segment));
    if (!segment) return false;
    if (segment->p_type != PT_DYNAMIC) continue;
    for (std::uint64_t at = 0; at < segment->p_filesz; at += sizeof(typename Elf::Dynamic)) {
      const auto entry = read_at<typename Elf::Dynamic>(bytes, segment->p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) return false;
      if (entry->d_tag == DT_FLAGS_1 && (entry->d_un.d_val & DF_1_PIE) != 0) return true;
    }
  }
  return false;
}

std::string why_no_shared_object(const std::string& bytes, bool wide) {
  // e_type and e_machine lie at the same place in both classes.
  switch (read_at<Elf32_Half>(bytes, offsetof(Elf32_Ehdr, e_type)).value_or(ET_NONE)) {
    case ET_DYN:
      if (!(wide ? is_program<Elf64>(bytes) : is_program<Elf32>(bytes))) return {};
      [[fallthrough]];
    case ET_EXEC:
      return "a program, no shared object; link it with -shared";
    case ET_REL:
      return "an object file, no shared object; link it with -shared";
    default:
      return "no shared object";
  }
}

struct Machine {
  unsigned number;
  bool wide;
  const char* isa;
  const char* why_not;  // empty: adapters are run on it
};
constexpr Machine kMachines[] = {
    {EM_X86_64, true, "amd64", ""},
    {EM_386, false, "386", ""},
    {EM_X86_64, false, "amd64p32", "there are no libraries for it on this system"},
    {EM_ARM, false, "arm", "its runner is linked statically, and loads nothing"},
    {EM_AARCH64, true, "aarch64", "sigsweep has no runner for it"},
};

std::string content_of_adapter(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw Failure(kUsage, fmt::format("adapter {}: there is no such file; {}", path, kAllowed));
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw Failure(kUsage, fmt::format("adapter {}: no regular file; {}", path, kAllowed));
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) {
    throw Failure(kUsage, fmt::format("adapter {}: cannot be read: {}", path,
                                      std::strerror(errno == 0 ? EIO : errno)));
  }
  return bytes;
}

}  // namespace

std::string isa_of_adapter(const std::string& path) {
  const std::string bytes = content_of_adapter(path);
  if (bytes.size() < sizeof(Elf32_Ehdr) || !bytes.starts_with(ELFMAG)) {
    throw Failure(kUsage, fmt::format("adapter {}: no ELF file; {}", path, kAllowed));
  }
  const bool wide = bytes[EI_CLASS] == ELFCLASS64;
  const unsigned number = *read_at<Elf32_Half>(bytes, offsetof(Elf32_Ehdr, e_machine));
  const bool little = bytes[EI_DATA] == ELFDATA2LSB;
  const auto machine = std::ranges::find_if(
      kMachines, [&](const Machine& m) { return little && m.number == number && m.wide == wide; });
  if (machine == std::end(kMachines)) {
    throw Failure(kUsage, fmt::format("adapter {}: built for another machine (ELF machine {}, "
                                      "{}); {}",
                                      path, number, wide ? "64 bits" : "32 bits", kAllowed));
  }
  if (*machine->why_not != '\0') {
    throw Failure(kUsage, fmt::format("adapter {}: built for {}: {}; {}", path, machine->isa,
                                      machine->why_not, kAllowed));
  }
  if (const std::string why = why_no_shared_object(bytes, wide); !why.empty()) {
    throw Failure(kUsage, fmt::format("adapter {}: {}", path, why));
  }
  return machine->isa;
}

void settle_adapter(bool subject_given, Options* options) {
  const bool named = options->subject == kAdapterSubject;
  if (options->adapter.empty()) {
    if (!named) return;
    throw Failure(kUsage, "--subject adapter: which one is missing; --adapter FILE.so names it");
  }
  if (subject_given && !named) {
    throw Failure(kUsage, fmt::format("--adapter with --subject {}: an adapter is a subject of its "
                                      "own; allowed: --subject adapter, or no --subject",
                                      options->subject));
  }
  options->subject = kAdapterSubject;
  // The loader looks for a name without a slash in the system's folders alone.
  if (options->adapter.find('/') == std::string::npos) options->adapter.insert(0, "./");
  const std::string isa = isa_of_adapter(options->adapter);
  if (options->isas.empty()) options->isa = isa;
}

Options with_adapter(const Options& options) {
  Options settled = options;
  if (options.subject == kAdapterSubject) {
    if (const std::string isa = isa_of_adapter(options.adapter); isa != options.isa) {
      throw Failure(kUsage, fmt::format("adapter {}: built for {}, and --isa is {}; allowed: "
                                        "--isa {}, or no --isa",
                                        options.adapter, isa, options.isa, isa));
    }
    return settled;
  }
  if (options.subject != "fcontext") return settled;
  const std::string name = "adapter-boost_context-" + options.isa + ".so";
  settled.adapter = beside(name);
  if (settled.adapter.empty()) {
    throw Failure(kSkipped, fmt::format("skipped: --subject fcontext: {} is not built beside this "
                                        "command (Debian: libboost-context-dev)",
                                        name));
  }
  settled.subject = kAdapterSubject;
  return settled;
}

std::string adapter_flag(const Options& options) {
  return options.adapter.empty() ? "" : " --adapter " + shell_quoted(options.adapter);
}

}  // namespace sigsweep
