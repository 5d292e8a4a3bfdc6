#include "stress/host/strip_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "stress/host/demangle.h"
#include "stress/host/progress.h"
#include "stress/host/verdict_sign.h"

namespace sigsweep {
namespace {

constexpr std::size_t kWidth = 80, kTitle = 18, kColumns = 61;
static_assert(kTitle + 1 + kColumns == kWidth);
constexpr std::size_t kAllDrawn =
    4;  // blocks of a strip; of more, those with nothing but ok are left out
constexpr std::size_t kRunsNamed = 4;  // of a row
constexpr std::size_t kPlace = 26;     // letters of a place, such as jump+0x47
static_assert(kTitle + 8 + 2 * kPlace + 4 <= kWidth + 2);

// A name may come from somebody's file: no control character of it reaches the terminal.
std::string plain(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  return text.substr(0, width - 2) + "..";
}

std::string without_blanks_at_end(const std::string& line) {
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

const char* escape_of(Hue hue) {
  switch (hue) {
    case Hue::light:
      return "\x1b[2m";
    case Hue::blue:
      return "\x1b[34m";
    case Hue::red:
      return "\x1b[1;31m";
    case Hue::violet:
      return "\x1b[1;35m";
    case Hue::pink:
      return "\x1b[35m";
    case Hue::orange:
      return "\x1b[33m";
    case Hue::brown:
      return "\x1b[36m";
  }
  return "";
}

std::string coloured(const std::string& signs, Colour colour) {
  if (colour == Colour::no) return signs;
  std::string text;
  for (const StripRun& run : runs_of(signs)) {
    text += escape_of(meaning_of(run.sign).hue) + signs.substr(run.begin, run.size) + "\x1b[0m";
  }
  return text;
}

// `stub.switched` in as many letters as there are columns for it: its last word, if all do not fit.
std::string name_in(const StripPart& part, std::size_t width) {
  std::string name = plain(part.name);
  if (name.size() > width) name.erase(0, name.rfind('.') + 1);
  return name.substr(0, width);
}

// The columns [begin, end) of a strip.
struct Block {
  std::size_t begin, end;
};

std::string parts_line(const Strip& strip, const Block& block) {
  std::string line;
  for (const StripPart& part : strip.parts) {
    const std::size_t begin = std::max(part.begin, block.begin);
    const std::size_t end = std::min(part.begin + part.size, block.end);
    if (begin >= end) continue;
    line += fmt::format("|{:<{}}", name_in(part, end - begin - 1), end - begin - 1);
  }
  return line;
}

std::set<std::vector<std::string>> live_sets(const Strip& strip) {
  std::set<std::vector<std::string>> sets;
  for (const StripPlace& place : strip.places) {
    if (!place.live.empty()) sets.insert(place.live);
  }
  return sets;
}

// '=' where the one set of slots is live; where there are several sets: how many slots.
char live_sign(const StripPlace& place, bool one_set) {
  if (place.live.empty()) return ' ';
  if (one_set) return '=';
  return place.live.size() > 9 ? '+' : static_cast<char>('0' + place.live.size());
}

std::string live_title(const Strip& strip) {
  const auto sets = live_sets(strip);
  if (sets.size() != 1) return "live slots";
  std::string text = "live";
  for (const std::string& slot : *sets.begin()) text += " " + plain(slot);
  return text;
}

std::string titled(const std::string& title, const std::string& columns) {
  return without_blanks_at_end(fmt::format("{:<{}} {}", cut(title, kTitle), kTitle, columns));
}

std::string block_text(const Strip& strip, const Block& block, Colour colour) {
  std::string text = titled("part", parts_line(strip, block)), live, apart;
  const bool one_set = live_sets(strip).size() == 1;
  for (std::size_t i = block.begin; i < block.end; i++) {
    live += live_sign(strip.places[i], one_set);
    apart += strip.places[i].apart.empty() ? ' ' : 'x';
  }
  if (live.find_first_not_of(' ') != live.npos) text += titled(live_title(strip), live);
  if (apart.find_first_not_of(' ') != apart.npos) text += titled(plain(apart_of(strip)), apart);
  for (const StripRow& row : strip.rows) {
    const std::string signs = row.signs.substr(block.begin, block.end - block.begin);
    const std::string mark = row.finding ? " *" : "";
    const std::string title = cut(plain(title_of(strip, row)), kTitle - mark.size()) + mark;
    text += titled(title, coloured(signs, colour));
  }
  return text;
}

bool all_ok(const Strip& strip, const Block& block) {
  return std::ranges::all_of(strip.rows, [&](const StripRow& row) {
    return row.signs.find_first_not_of('.', block.begin) >= block.end;
  });
}

// Equal parts, so that the last block is no stump.
std::vector<Block> blocks_of(const Strip& strip) {
  const std::size_t size = strip.places.size(), count = (size + kColumns - 1) / kColumns;
  const std::size_t width = count == 0 ? 0 : (size + count - 1) / count;
  std::vector<Block> blocks;
  for (std::size_t begin = 0; begin < size; begin += width)
    blocks.push_back({begin, std::min(begin + width, size)});
  return blocks;
}

std::string range_text(const Strip& strip, const Block& block) {
  return fmt::format("instructions {} to {} of {}", block.begin + 1, block.end,
                     strip.places.size());
}

std::string blocks_text(const Strip& strip, Colour colour) {
  const std::vector<Block> blocks = blocks_of(strip);
  std::string text;
  for (std::size_t i = 0; i < blocks.size(); i++) {
    Block block = blocks[i];
    if (blocks.size() > kAllDrawn && all_ok(strip, block)) {
      while (i + 1 < blocks.size() && all_ok(strip, blocks[i + 1])) block.end = blocks[++i].end;
      text += "\n" + range_text(strip, block) + ": all ok\n";
      continue;
    }
    text += "\n" + (blocks.size() == 1 ? "" : range_text(strip, block) + "\n");
    text += block_text(strip, block, colour);
  }
  return text;
}

// A long name is cut, so that two places fit on a line.
std::string place_text(const StripPlace& place) {
  const std::string offset = fmt::format("+{:#x}", place.offset);
  return cut(plain(demangled(place.symbol)), kPlace - std::min(kPlace - 2, offset.size())) + offset;
}

// Where a row is not the same throughout: from where to where it is wrong.
std::string where_text(const Strip& strip) {
  std::string text;
  for (const StripRow& row : strip.rows) {
    const std::vector<StripRun> runs = runs_of(row.signs);
    if (runs.size() < 2) continue;
    std::string title = cut(plain(title_of(strip, row)), kTitle);
    std::size_t named = 0, wrong = 0;
    for (const StripRun& run : runs) {
      if (run.sign == '.' || ++wrong > kRunsNamed) continue;
      named++;
      const StripPlace &first = strip.places[run.begin],
                       &last = strip.places[run.begin + run.size - 1];
      const std::string to = run.size == 1 ? "" : " to " + place_text(last);
      text += without_blanks_at_end(cut(fmt::format("{:<{}} {} {:>3}  {}{}", title, kTitle,
                                                    run.sign, run.size, place_text(first), to),
                                        kWidth));
      title.clear();
    }
    if (wrong > named) text += fmt::format("{:<{}} and {} more\n", "", kTitle, wrong - named);
  }
  return text.empty() ? "" : "\n" + titled("where", "how many, from where to where") + text;
}

std::string legend_text(const std::vector<Strip>& strips) {
  std::set<char> signs;
  bool live = false, several = false, apart = false, finding = false;
  for (const Strip& strip : strips) {
    for (const StripRow& row : strip.rows) signs.insert(row.signs.begin(), row.signs.end());
    live |= live_sets(strip).size() == 1;
    several |= live_sets(strip).size() > 1;
    apart |= !apart_of(strip).empty();
    finding |= has_finding(strip);
  }
  std::vector<std::string> words;
  if (signs.erase('.') != 0) words.emplace_back(". ok");
  for (const char sign : signs)
    words.push_back(fmt::format("{} {}", sign, meaning_of(sign).verdict));
  if (finding) words.emplace_back("* has a finding");
  if (live) words.emplace_back("= written, not yet read");
  if (several) words.emplace_back("1-9 slots written, not yet read");
  if (apart) words.emplace_back("x they say two stacks");
  std::string text, line;
  for (const std::string& word : words) {
    if (!line.empty() && line.size() + 3 + word.size() > kWidth) {
      text += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : "   ") + word;
  }
  return text + line + "\n";
}

}  // namespace

std::string strips_text(const std::vector<Strip>& strips, Colour colour) {
  if (strips.empty()) return "no boundary: there is no strip\n";
  std::string text = "a column is an instruction: a signal lands in front of it\n", before;
  for (const Strip& strip : strips) {
    const std::string heading = cut(plain(heading_of(strip)), kWidth) + "\n";
    if (heading != before) text += "\n" + heading;
    before = heading;
    text += blocks_text(strip, colour) + where_text(strip);
  }
  return text + "\n" + legend_text(strips);
}

Colour colour_of_stdout() {
  return colours(STDOUT_FILENO).plain.empty() ? Colour::no : Colour::yes;
}

}  // namespace sigsweep
