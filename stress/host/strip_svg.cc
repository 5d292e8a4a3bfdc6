#include "stress/host/strip_svg.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "stress/host/chart_svg.h"
#include "stress/host/verdict_sign.h"

namespace sigsweep {
namespace {

// In units of the picture; a reader's program scales them.
constexpr double kTitle = 150, kColumns = 780, kWidth = kTitle + kColumns + 10;
constexpr double kRow = 18, kGap = 16, kHeading = 24,
                 kNarrowest = 7;  // column that has room for a sign

constexpr const char* kStyle = R"(
  text { font: 11px ui-monospace, monospace; fill: #24292f }
  .heading { font: 600 14px system-ui, sans-serif } .small { font-size: 10px; fill: #57606a }
  .sign { font-weight: 700; text-anchor: middle }
  .paper { fill: #ffffff } .part0 { fill: #e8ebef } .part1 { fill: #cfdceb } .live { fill: #24292f }
  .apart { fill: #8c6d1f }
  .light { fill: #e2efe4 } .blue { fill: #cfe2f8 } .red { fill: #c9403f } .violet { fill: #b79be0 }
  .pink { fill: #eda6bb } .orange { fill: #f6bb94 } .brown { fill: #d9c39a }
  .sign.on-red { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9da7b3 }
    .paper { fill: #0d1117 } .part0 { fill: #2b323b } .part1 { fill: #2f4560 } .live { fill: #e6edf3 }
    .apart { fill: #d8b75a }
    .light { fill: #1d3425 } .blue { fill: #1f4a7a } .red { fill: #b93a38 } .violet { fill: #6b4fa3 }
    .pink { fill: #94455f } .orange { fill: #9a5a2c } .brown { fill: #6e5b34 }
  }
)";

std::string shortened(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

std::vector<std::string> part_names(const Strip& strip) {
  std::vector<std::string> names;
  for (const StripPart& part : strip.parts) names.push_back(part.name);
  return names;
}

// The widest that a strip with these parts has each of them, in columns.
using PartSizes = std::map<std::vector<std::string>, std::vector<std::size_t>>;

PartSizes widest_parts(const std::vector<Strip>& strips) {
  PartSizes widest;
  for (const Strip& strip : strips) {
    auto& sizes = widest[part_names(strip)];
    sizes.resize(strip.parts.size());
    for (std::size_t i = 0; i < sizes.size(); i++)
      sizes[i] = std::max(sizes[i], strip.parts[i].size);
  }
  return widest;
}

// Where each column begins, and where the last one ends.
std::vector<double> edges_of(const Strip& strip, const std::vector<std::size_t>& sizes) {
  double all = 0;
  for (const std::size_t size : sizes) all += static_cast<double>(size);
  std::vector<double> edges;
  double at = kTitle;
  for (std::size_t i = 0; i < sizes.size(); i++) {
    const double width = static_cast<double>(sizes[i]) / all * kColumns;
    for (std::size_t j = 0; j < strip.parts[i].size; j++)
      edges.push_back(at +
                      width * static_cast<double>(j) / static_cast<double>(strip.parts[i].size));
    at += width;
  }
  edges.push_back(at);
  return edges;
}

std::string hue_of(char sign) {
  return std::string(kHueNames[static_cast<unsigned>(meaning_of(sign).hue)]);
}

// The picture as it grows, from top to bottom.
struct Canvas {
  std::string body;
  double y = 10;

  void text(double x, const std::string& what, const char* css = "") {
    body += fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)"
                        "\n",
                        css, x, y + kRow - 5, xml_escaped(what));
  }
  void sign(double middle, char sign) {
    if (sign == '.') return;  // light is enough
    body += fmt::format(R"(<text class="sign on-{}" x="{:.1f}" y="{:.1f}">{}</text>)"
                        "\n",
                        hue_of(sign), middle, y + kRow - 5.5, xml_escaped({sign}));
  }
  void box(double from, double to, const char* css, double inset = 0) {
    body += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)"
                        "\n",
                        css, from, y + inset, std::max(0.5, to - from - 0.6), kRow - 2 - 2 * inset);
  }
};

void draw_parts(const Strip& strip, const std::vector<double>& edges, Canvas* canvas) {
  canvas->text(5, "part", "small");
  bool odd = false;
  for (const StripPart& part : strip.parts) {
    const double from = edges[part.begin], to = edges[part.begin + part.size];
    canvas->box(from, to, odd ? "part1" : "part0");
    const auto room = static_cast<std::size_t>(std::max(0.0, (to - from - 6) / 6.7));
    std::string name = part.name;
    if (name.size() > room) name.erase(0, name.rfind('.') + 1);
    if (room >= 2) canvas->text(from + 4, name.substr(0, room), "small");
    odd = !odd;
  }
  canvas->y += kRow;
}

// A bar wherever `is` holds.
template <typename Is>
void draw_bars(const Strip& strip, const std::vector<double>& edges, const std::string& title,
               const char* css, Is is, Canvas* canvas) {
  std::string signs;
  for (const StripPlace& place : strip.places) signs += is(place) ? '=' : ' ';
  if (signs.find('=') == signs.npos) return;
  canvas->text(5, shortened(title, 20), "small");
  for (const StripRun& run : runs_of(signs)) {
    if (run.sign == '=') canvas->box(edges[run.begin], edges[run.begin + run.size], css, 4);
  }
  canvas->y += kRow;
}

// A box for each run of equal verdicts. A sign in each column that is wrong, or, where columns are
// narrow, in as many as have room.
void draw_row(const Strip& strip, const StripRow& row, const std::vector<double>& edges,
              Canvas* canvas) {
  canvas->text(5, shortened(title_of(strip, row), 19) + (row.finding ? " *" : ""));
  for (const StripRun& run : runs_of(row.signs)) {
    if (run.sign == kNotRun.sign) continue;
    canvas->box(edges[run.begin], edges[run.begin + run.size], hue_of(run.sign).c_str());
    const double width =
        (edges[run.begin + run.size] - edges[run.begin]) / static_cast<double>(run.size);
    const std::size_t step =
        width >= kNarrowest ? 1 : static_cast<std::size_t>(kNarrowest / width) + 1;
    for (std::size_t i = 0; i < run.size; i += step) {
      const double middle = (edges[run.begin + i] + edges[run.begin + i + 1]) / 2;
      canvas->sign(middle, run.sign);
    }
  }
  canvas->y += kRow;
}

void draw_strip(const Strip& strip, const std::vector<std::size_t>& sizes, Canvas* canvas) {
  const std::vector<double> edges = edges_of(strip, sizes);
  draw_parts(strip, edges, canvas);
  std::set<std::string> slots;
  for (const StripPlace& place : strip.places) slots.insert(place.live.begin(), place.live.end());
  const auto live = [](const StripPlace& place) { return !place.live.empty(); };
  draw_bars(strip, edges, fmt::format("live: {}", fmt::join(slots, " ")), "live", live, canvas);
  const auto apart = [](const StripPlace& place) { return !place.apart.empty(); };
  draw_bars(strip, edges, apart_of(strip), "apart", apart, canvas);
  for (const StripRow& row : strip.rows) draw_row(strip, row, edges, canvas);
  canvas->y += kGap;
}

void draw_legend(const std::vector<Strip>& strips, Canvas* canvas) {
  std::set<char> signs;
  for (const Strip& strip : strips) {
    for (const StripRow& row : strip.rows) signs.insert(row.signs.begin(), row.signs.end());
  }
  signs.erase(kNotRun.sign);
  double x = 5;
  for (const char sign : signs) {
    const VerdictSign& meaning = meaning_of(sign);
    const double width = 34 + 6.9 * static_cast<double>(meaning.verdict.size());
    if (x + width > kWidth) {
      canvas->y += kRow + 2;
      x = 5;
    }
    canvas->box(x, x + 16, hue_of(sign).c_str());
    canvas->sign(x + 8, sign);
    canvas->text(x + 21, std::string(meaning.verdict));
    x += width;
  }
  canvas->y += kRow + 4;
}

// In words, for those who do not see it.
std::string described(const std::vector<Strip>& strips) {
  std::string text =
      "A column is an instruction, in the order in which they run. A signal lands in "
      "front of it. ";
  for (const Strip& strip : strips) {
    text += shortened(heading_of(strip), 200) + ". ";
    for (const StripRow& row : strip.rows) {
      std::map<char, std::size_t> counts;
      for (const char sign : row.signs) counts[sign]++;
      std::vector<std::string> words;
      words.reserve(counts.size());
      for (const auto& [sign, n] : counts)
        words.push_back(fmt::format("{} at {}", meaning_of(sign).verdict, n));
      text += fmt::format("{}: {} of {} instructions. ", shortened(title_of(strip, row), 80),
                          fmt::join(words, ", "), row.signs.size());
    }
  }
  return text;
}

}  // namespace

std::string strips_svg(const std::vector<Strip>& strips, const std::string& origin) {
  Canvas canvas;
  const PartSizes sizes = widest_parts(strips);
  std::string before;
  for (const Strip& strip : strips) {
    const std::string heading = shortened(heading_of(strip), 110);
    if (heading != before) {
      canvas.text(5, heading, "heading");
      canvas.y += kHeading;
    }
    before = heading;
    draw_strip(strip, sizes.at(part_names(strip)), &canvas);
  }
  draw_legend(strips, &canvas);
  if (!origin.empty()) {
    canvas.text(5, shortened(origin, 150), "small");
    canvas.y += kRow;
  }
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img" aria-labelledby="title desc">
<title id="title">{2}</title>
<desc id="desc">{3}</desc>
<style>{4}</style>
<rect class="paper" width="100%" height="100%"/>
{5}</svg>
)",
      kWidth, canvas.y + 6,
      strips.empty()
          ? "No boundary"
          : xml_escaped("What a signal does: " + shortened(heading_of(strips.front()), 200)),
      xml_escaped(described(strips)), kStyle, canvas.body);
}

}  // namespace sigsweep
