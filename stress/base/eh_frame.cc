// .eh_frame from its beginning to its end: a length, then a CIE (id 0) or an FDE, which names the
// CIE that says how its addresses are written.
#include "stress/base/eh_frame.h"

#include <elf.h>

#include <map>
#include <optional>

namespace symtab {
namespace {

// How a pointer is written (DW_EH_PE_*): the low half is its format, the next three bits its base.
enum : unsigned {
  kAbsolute = 0x00,
  kUnsigned2 = 0x02,
  kUnsigned4 = 0x03,
  kUnsigned8 = 0x04,
  kSigned2 = 0x0a,
  kSigned4 = 0x0b,
  kSigned8 = 0x0c,
  kToItself = 0x10,
  kFormat = 0x0f,
  kBase = 0xf0,
  kUnreadable = 0xff,
};

// Where .eh_frame lies: in the file, and as linked.
struct Extent {
  std::uint64_t offset, end, address;
};

// Reads on from a place in the file. Beyond the end every read fails.
class Cursor {
 public:
  Cursor(const ElfFile& file, const Extent& within, std::uint64_t at)
      : file_(file), within_(within), at_(at) {}

  template <class T>
  std::optional<T> take() {
    if (at_ > within_.end || within_.end - at_ < sizeof(T)) return std::nullopt;
    const auto value = file_.at<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  template <class T>
  std::optional<std::uint64_t> number() {  // sign-extended where T has a sign
    const auto value = take<T>();
    if (!value) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(*value));
  }
  std::optional<std::uint64_t> pointer(unsigned encoding);
  bool skip_leb() {
    for (;;) {
      const auto byte = take<std::uint8_t>();
      if (!byte || (*byte & 0x80) == 0) return byte.has_value();
    }
  }
  std::optional<std::string> word() {
    std::string text;
    for (;;) {
      const auto c = take<char>();
      if (!c) return std::nullopt;
      if (*c == '\0') return text;
      text += *c;
    }
  }
  std::uint64_t at() const { return at_; }

 private:
  std::optional<std::uint64_t> formatted(unsigned format);

  const ElfFile& file_;
  const Extent& within_;
  std::uint64_t at_;
};

std::optional<std::uint64_t> Cursor::formatted(unsigned format) {
  switch (format) {
    case kAbsolute:
      return file_.is_64 ? number<std::uint64_t>() : number<std::uint32_t>();
    case kUnsigned2:
      return number<std::uint16_t>();
    case kUnsigned4:
      return number<std::uint32_t>();
    case kSigned2:
      return number<std::int16_t>();
    case kSigned4:
      return number<std::int32_t>();
    case kUnsigned8:
    case kSigned8:
      return number<std::uint64_t>();
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> Cursor::pointer(unsigned encoding) {
  const std::uint64_t self = within_.address + (at_ - within_.offset);
  const unsigned base = encoding & kBase;
  if (base != kAbsolute && base != kToItself) return std::nullopt;
  auto value = formatted(encoding & kFormat);
  if (value && base == kToItself) *value += self;
  if (value && !file_.is_64) *value &= 0xffffffff;
  return value;
}

// How the FDEs of a CIE write addresses; `at` is behind the CIE's id.
unsigned encoding_of(Cursor at) {
  const auto version = at.take<std::uint8_t>();
  const auto augmentation = at.word();
  if (!version || !augmentation) return kUnreadable;
  if (augmentation->empty()) return kAbsolute;
  if (augmentation->front() != 'z') return kUnreadable;
  if (!at.skip_leb() || !at.skip_leb()) return kUnreadable;  // the alignments of code and data
  const bool has_register = *version == 1 ? at.take<std::uint8_t>().has_value() : at.skip_leb();
  if (!has_register || !at.skip_leb()) return kUnreadable;  // the augmentation's length
  for (const char c : augmentation->substr(1)) {
    if (c == 'S' || c == 'B') continue;  // a signal's frame; pointer authentication: no data
    const auto encoding = at.take<std::uint8_t>();
    if (!encoding) return kUnreadable;
    if (c == 'R') return *encoding;
    if (c == 'L') continue;
    if (c != 'P' || !at.pointer(*encoding & kFormat)) return kUnreadable;
  }
  return kAbsolute;
}

// By the section, or by the program header that an unwinder uses.
std::optional<Extent> find_frames(const ElfFile& file) {
  if (const ElfSection* s = file.section(".eh_frame"); s != nullptr && s->type != SHT_NOBITS) {
    return Extent{s->offset, s->offset + s->size, s->start};
  }
  for (const ElfSegment& s : file.segments) {
    if (s.type != PT_GNU_EH_FRAME) continue;
    const Extent header{s.offset, s.offset + s.file_size, s.start};
    Cursor at(file, header, s.offset + 1);  // behind the version
    const auto encoding = at.take<std::uint8_t>();
    at.take<std::uint16_t>();  // two encodings of what follows
    const auto address = encoding ? at.pointer(*encoding) : std::nullopt;
    const auto offset = address ? file.offset_of(*address) : std::nullopt;
    if (offset) return Extent{*offset, file.bytes.size(), *address};
  }
  return std::nullopt;
}

}  // namespace

std::vector<FrameEntry> frame_entries(const ElfFile& file, std::string* problem) {
  std::vector<FrameEntry> entries;
  const auto frames = find_frames(file);
  if (!frames) return entries;
  const bool has_section = file.section(".eh_frame") != nullptr;
  std::map<std::uint64_t, unsigned> encodings;  // by the CIE's offset in the file
  for (std::uint64_t at = frames->offset; at < frames->end;) {
    Cursor cursor(file, *frames, at);
    auto length = cursor.number<std::uint32_t>();
    if (length == 0) {  // the end, or of one of the files that were linked together
      if (!has_section) break;
      at = cursor.at();
      continue;
    }
    if (length == 0xffffffff) length = cursor.number<std::uint64_t>();
    const std::uint64_t begin = cursor.at();
    const auto id = cursor.number<std::uint32_t>();
    if (!length || !id || *length > frames->end - begin) {
      *problem = "an entry of .eh_frame reaches beyond its end";
      break;
    }
    at = begin + *length;
    if (*id == 0) {
      encodings[begin] = encoding_of(cursor);
      continue;
    }
    // The id of an FDE is the way back from here to the length of its CIE.
    const auto cie = encodings.find(begin - *id + 4);
    const unsigned encoding = cie == encodings.end() ? unsigned{kUnreadable} : cie->second;
    const auto start = cursor.pointer(encoding);
    const auto size = cursor.pointer(encoding & kFormat);
    if (!start || !size) {
      *problem = "an entry of .eh_frame cannot be read";
    } else if (*start != 0 && *size != 0) {
      entries.push_back({*start, *size});
    }
  }
  return entries;
}

}  // namespace symtab
