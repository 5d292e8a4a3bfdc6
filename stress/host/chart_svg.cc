#include "stress/host/chart_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace sigsweep {
namespace {

constexpr double kLeft = 90, kTop = 40, kWide = 520, kHigh = 280, kLegend = 170;

// A line is told from another by its colour, its dashes and its mark.
constexpr const char* kStyle = R"(
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px } .middle { text-anchor: middle }
  .end { text-anchor: end } .paper { fill: #ffffff }
  .grid { stroke: #d0d7de } .axis { stroke: #57606a } .line { fill: none; stroke-width: 2 }
  .c0 { color: #0a5fb4 } .c1 { color: #b3421e } .c2 { color: #26734d } .c3 { color: #7a3fa8 }
  .c4 { color: #8c6d1f } .c5 { color: #4d5763 }
  .c1 .line { stroke-dasharray: 8 4 } .c2 .line { stroke-dasharray: 2 3 }
  .c3 .line { stroke-dasharray: 10 3 2 3 } .c4 .line { stroke-dasharray: 5 5 }
  .line, .error { stroke: currentColor } .mark { fill: currentColor }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .paper { fill: #0d1117 } .grid { stroke: #30363d }
    .axis { stroke: #9da7b3 }
    .c0 { color: #6cb6ff } .c1 { color: #f69d7a } .c2 { color: #6fd3a0 } .c3 { color: #c9a2f0 }
    .c4 { color: #d8b75a } .c5 { color: #b8c2cc }
  }
)";
constexpr std::size_t kColours = 6;

double bent(double x) {
  return std::log10(1 + x / 1000);
}

// The next 1, 2 or 5 times a power of ten.
double step_above(double least) {
  const double power = std::pow(10, std::floor(std::log10(std::max(least, 1e-9))));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

struct Axes {
  double most_x = 0, step_y = 1, most_y = 1;
  std::set<double> x;  // with a mark

  explicit Axes(const Chart& chart) {
    double highest = 0;
    for (const ChartLine& line : chart.lines) {
      for (const ChartPoint& point : line.points) {
        x.insert(point.x);
        highest = std::max({highest, point.y, point.high});
      }
    }
    most_x = std::max(x.empty() ? 1.0 : *x.rbegin(), 1.0);
    step_y = step_above(highest / 6);
    most_y = std::max(std::ceil(highest / step_y), 1.0) * step_y;
  }
  double at_x(double value) const { return kLeft + bent(value) / bent(most_x) * kWide; }
  double at_y(double value) const {
    return kTop + kHigh - std::clamp(value / most_y, 0.0, 1.0) * kHigh;
  }
};

std::string text_at(double x, double y, const char* css, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", css, x, y,
                     xml_escaped(text));
}

std::string line_at(double x1, double y1, double x2, double y2, const char* css) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", css, x1, y1,
      x2, y2);
}

std::string axes_text(const Chart& chart, const Axes& axes) {
  std::string body;
  const auto steps = static_cast<unsigned>(std::lround(axes.most_y / axes.step_y));
  for (unsigned i = 0; i <= steps; i++) {
    const double y = i * axes.step_y;
    body += line_at(kLeft, axes.at_y(y), kLeft + kWide, axes.at_y(y), "grid");
    body += text_at(kLeft - 6, axes.at_y(y) + 4, "end", number_text(y));
  }
  for (const double x : axes.x) {
    body += line_at(axes.at_x(x), kTop + kHigh, axes.at_x(x), kTop + kHigh + 5, "axis");
    body += text_at(axes.at_x(x), kTop + kHigh + 20, "middle", number_text(x));
  }
  body += line_at(kLeft, kTop, kLeft, kTop + kHigh, "axis");
  body += line_at(kLeft, kTop + kHigh, kLeft + kWide, kTop + kHigh, "axis");
  body += text_at(kLeft + kWide / 2, kTop + kHigh + 42, "middle", chart.x_label);
  return body + fmt::format(
                    "<text class=\"middle\" transform=\"translate(18 {:.0f}) rotate(-90)\">"
                    "{}</text>\n",
                    kTop + kHigh / 2, xml_escaped(chart.y_label));
}

std::string line_text(const ChartLine& line, const Axes& axes, std::size_t number) {
  std::string path, marks;
  for (const ChartPoint& point : line.points) {
    const double x = axes.at_x(point.x), y = axes.at_y(point.y);
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y);
    if (point.low != 0 || point.high != 0)
      marks += line_at(x, axes.at_y(point.low), x, axes.at_y(point.high), "error");
    marks += fmt::format("<circle class=\"mark\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>\n", x, y);
  }
  const double left = kLeft + kWide + 16, y = kTop + 8 + 20 * static_cast<double>(number);
  return fmt::format("<g class=\"c{}\"><path class=\"line\" d=\"{}\"/>\n{}", number % kColours,
                     path, marks) +
         fmt::format("<path class=\"line\" d=\"M{:.1f} {:.1f}h26\"/>", left, y) +
         text_at(left + 32, y + 4, "name", line.name) + "</g>\n";
}

std::string described(const Chart& chart) {
  std::string text;
  for (const ChartLine& line : chart.lines) {
    text += line.name + ":";
    for (const ChartPoint& point : line.points)
      text += fmt::format(" {} at {};", number_text(point.y), number_text(point.x));
    text += " ";
  }
  return text;
}

}  // namespace

std::string xml_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += (c >= 0 && c < ' ') || c == '\x7f' ? '?' : c;
    }
  }
  return out;
}

std::string number_text(double number) {
  const double size = std::abs(number);
  if (size < 100 && size != std::floor(size))
    return fmt::format("{:.{}f}", number, size < 10 ? 2 : 1);
  std::string digits = fmt::format("{:.0f}", size);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return (number < 0 ? "-" : "") + digits;
}

std::string chart_svg(const Chart& chart) {
  const Axes axes(chart);
  std::string body = text_at(kLeft, 22, "title", chart.title) + axes_text(chart, axes);
  for (std::size_t i = 0; i < chart.lines.size(); i++) body += line_text(chart.lines[i], axes, i);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-labelledby=\"title desc\">\n"
      "<title id=\"title\">{2}</title>\n<desc id=\"desc\">{3}, by {4}. {5}</desc>\n"
      "<style>{6}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{7}</svg>\n",
      kLeft + kWide + kLegend, kTop + kHigh + 60, xml_escaped(chart.title),
      xml_escaped(chart.y_label), xml_escaped(chart.x_label), xml_escaped(described(chart)), kStyle,
      body);
}

}  // namespace sigsweep
