// Words of 32 bits, in this machine's byte order:
//   way     of_handler side site PHASES, then its phases
//   phase   SIZE of the head, the head, SPOTS, then its spots
//   spot    pc gate nth; the addresses as linked
#include "fuzz/kept_ways.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace sigsweep::fuzz {
namespace {

constexpr const char* kSection = ".sigsweep.ways";  // keep_ways.sh has it, too

class Writer {
 public:
  explicit Writer(std::uint64_t bias) : bias_(bias) {}

  void word(std::uint64_t value) {
    fits_ = fits_ && value <= std::numeric_limits<std::uint32_t>::max();
    const auto narrow = static_cast<std::uint32_t>(value);
    bytes_.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
  void address(std::uint64_t in_process) { word(in_process == 0 ? 0 : in_process - bias_); }
  void text(const std::string& text) {
    word(text.size());
    bytes_ += text;
  }

  std::optional<std::string> bytes() && {
    return fits_ ? std::optional(std::move(bytes_)) : std::nullopt;
  }

 private:
  std::uint64_t bias_;
  std::string bytes_;
  bool fits_ = true;
};

// Behind the end, all is 0 or empty.
class Reader {
 public:
  Reader(std::string_view bytes, std::uint64_t bias) : rest_(bytes), bias_(bias) {}

  bool at_end() const { return rest_.empty(); }
  bool damaged() const { return damaged_; }
  std::uint32_t word() {
    std::uint32_t value = 0;
    const std::string_view from = take(sizeof value);
    if (!damaged_) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::uint64_t address() {
    const std::uint32_t linked = word();
    return linked == 0 ? 0 : linked + bias_;
  }
  std::string text() { return std::string(take(word())); }

 private:
  std::string_view take(std::size_t size) {
    damaged_ = damaged_ || size > rest_.size();
    const std::string_view taken = rest_.substr(0, damaged_ ? 0 : size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  std::uint64_t bias_;
  bool damaged_ = false;
};

PhaseOfWay read_phase(Reader* from) {
  PhaseOfWay phase;
  phase.head = from->text();
  for (std::uint32_t spots = from->word(); spots > 0 && !from->damaged(); spots--) {
    Spot& spot = phase.spots.emplace_back();
    spot.pc = from->address();
    spot.gate = from->address();
    spot.nth = from->word();
  }
  return phase;
}

template <class T>
bool read_at(int fd, std::uint64_t offset, T* data, std::size_t count) {
  const std::size_t size = count * sizeof(T);
  return pread(fd, data, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// A section of an ELF file, without reading the rest: a program may have tens of megabytes.
std::string section_of(int fd, std::string_view name) {
  ElfW(Ehdr) header{};
  if (!read_at(fd, 0, &header, 1)) return {};
  std::vector<ElfW(Shdr)> sections(header.e_shnum);
  if (!read_at(fd, header.e_shoff, sections.data(), sections.size())) return {};
  if (header.e_shstrndx >= sections.size()) return {};
  const auto content = [fd](const ElfW(Shdr) & section) {
    std::string bytes(section.sh_size, '\0');
    return read_at(fd, section.sh_offset, bytes.data(), bytes.size()) ? bytes : std::string();
  };
  const std::string names = content(sections[header.e_shstrndx]);
  for (const ElfW(Shdr) & section : sections) {
    if (section.sh_name < names.size() && name == names.c_str() + section.sh_name)
      return content(section);
  }
  return {};
}

}  // namespace

std::optional<std::string> bytes_of_ways(const WayMap& ways, std::uint64_t bias) {
  Writer to(bias);
  for (const auto& [key, way] : ways) {
    for (const std::uint64_t word : {std::uint64_t{key.of_handler}, std::uint64_t{key.side},
                                     std::uint64_t{key.site}, std::uint64_t{way.size()}})
      to.word(word);
    for (const PhaseOfWay& phase : way) {
      to.text(phase.head);
      to.word(phase.spots.size());
      for (const Spot& spot : phase.spots) {
        to.address(spot.pc);
        to.address(spot.gate);
        to.word(spot.nth);
      }
    }
  }
  return std::move(to).bytes();
}

std::optional<WayMap> ways_of_bytes(std::string_view bytes, std::uint64_t bias) {
  Reader from(bytes, bias);
  WayMap ways;
  while (!from.at_end() && !from.damaged()) {
    WayKey key;
    key.of_handler = from.word() != 0;
    key.side = from.word();
    key.site = from.word();
    Way& way = ways[key];
    for (std::uint32_t phases = from.word(); phases > 0 && !from.damaged(); phases--)
      way.push_back(read_phase(&from));
  }
  return from.damaged() ? std::nullopt : std::optional(std::move(ways));
}

std::string kept_bytes() {
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string bytes = section_of(fd, kSection);
  close(fd);
  return bytes;
}

}  // namespace sigsweep::fuzz
