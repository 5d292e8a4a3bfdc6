// A chart of lines as SVG that needs nothing else, light and dark.
#pragma once

#include <string>
#include <vector>

namespace sigsweep {

struct ChartPoint {
  double x = 0, y = 0;
  double low = 0, high = 0;  // its error; both 0: it is not known
};
struct ChartLine {
  std::string name;
  std::vector<ChartPoint> points;  // by rising x
};
struct Chart {
  std::string title, x_label, y_label;
  std::vector<ChartLine> lines;
};

// Both axes begin at 0. Of the x axis, what is above 1,000 is logarithmic.
std::string chart_svg(const Chart& chart);

// For XML: also without the control characters that it does not have.
std::string xml_escaped(const std::string& text);
// 1234567 as "1,234,567"; of numbers below 100 one or two digits behind the point, where there are any.
std::string number_text(double number);

}  // namespace sigsweep
