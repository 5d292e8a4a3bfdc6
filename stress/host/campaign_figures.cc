// Files of counters to sums and lines.
#include "stress/host/campaign_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sigsweep {
namespace {

using fuzz::Stats;

bool read_stats(const std::filesystem::path& path, Stats* stats, std::string* why) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (bytes.size() != sizeof(Stats)) {
    *why = fmt::format("{}: {} bytes, {} expected", path.string(), bytes.size(), sizeof(Stats));
    return false;
  }
  std::memcpy(stats, bytes.data(), sizeof(Stats));
  return true;
}

void add(const fuzz::OwnFigure& one, Figures* sum) {
  const std::string name(one.name, strnlen(one.name, sizeof one.name));
  if (name.empty()) return;
  auto known = std::ranges::find(sum->own, name, [](const auto& own) { return own.first; });
  if (known == sum->own.end()) known = sum->own.insert(known, {name, 0});
  known->second += one.count;
}

void add(const Stats& one, Figures* sum) {
  sum->execs += one.execs;
  sum->operations += one.operations;
  sum->requested += one.requested;
  sum->landed += one.landed;
  sum->unreached += one.unreached;
  sum->strays += one.strays;
  sum->strays_landed += one.strays_landed;
  for (const fuzz::OwnFigure& own : one.own) add(own, sum);
}

// Of the rows, which the process that has most of them describes.
void count_phases(const Stats& described, const std::vector<bool>& covered, Figures* sum) {
  const std::uint64_t rows = std::min<std::uint64_t>(described.rows, fuzz::kFeedbackRows);
  for (std::size_t row = 0; row < rows; row++) {
    Figures::Phases& phases =
        sum->phases[std::min<unsigned>(described.nesting[row], fuzz::kNestings - 1)];
    phases.all++;
    phases.covered += covered[row];
  }
}

}  // namespace

std::uint64_t Figures::covered() const {
  std::uint64_t sum = 0;
  for (const Phases& one : phases) sum += one.covered;
  return sum;
}

bool Figures::is_idle() const {
  return !own.empty() && std::ranges::all_of(own, [](const auto& one) { return one.second == 0; });
}

std::optional<Figures> read_figures(const std::string& folder, std::string* why) {
  Figures sum;
  Stats described{};
  std::vector<bool> covered(fuzz::kFeedbackRows);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    Stats one;
    if (!read_stats(entry.path(), &one, why)) return std::nullopt;
    add(one, &sum);
    if (one.rows > described.rows) described = one;
    for (std::size_t row = 0; row < covered.size(); row++)
      covered[row] = covered[row] || one.was_covered[row] != 0;
  }
  if (error) {
    *why = fmt::format("{}: {}", folder, error.message());
    return std::nullopt;
  }
  count_phases(described, covered, &sum);
  return sum;
}

namespace {

std::string own_line(const Figures& f) {
  std::string line;
  const auto add = [&line](std::uint64_t count, std::string_view name) {
    line += fmt::format("{}{} {}", line.empty() ? "; " : ", ", count, name);
  };
  if (f.operations != 0) add(f.operations, "operations");
  for (const auto& [name, count] : f.own) add(count, name);
  return line;
}

std::string signals_line(const Figures& f) {
  return fmt::format(
      "; {} operations, {} signals asked for, {} landed ({:.2f} an exec), {} unreached",
      f.operations, f.requested, f.landed,
      static_cast<double>(f.landed) / static_cast<double>(std::max<std::uint64_t>(f.execs, 1)),
      f.unreached);
}

std::string strays_line(const Figures& f) {
  if (f.strays == 0) return {};
  return fmt::format(" and {} free-running {}, {} of those in the code under test", f.strays,
                     f.own.empty() ? "ones beside them" : "signals", f.strays_landed);
}

std::string phases_line(const Figures& f) {
  constexpr const char* kWhere[] = {"operations", "handlers", "handlers' handlers"};
  std::string line;
  for (std::size_t i = 0; i < std::size(kWhere); i++) {
    line += fmt::format("{}{} of {} in {}", i == 0 ? "; phases: " : ", ", f.phases[i].covered,
                        f.phases[i].all, kWhere[i]);
  }
  return line;
}

}  // namespace

std::string line_of(const Figures& f, double seconds) {
  std::string line = fmt::format("{} execs, {:.0f} a second", f.execs,
                                 static_cast<double>(f.execs) / std::max(seconds, 1.0));
  if (!f.own.empty()) return line + own_line(f) + strays_line(f);
  if (f.requested + f.operations == 0) return line;  // nothing was run of them
  return line + signals_line(f) + strays_line(f) + phases_line(f);
}

CampaignCourse course_of(const std::vector<CoursePoint>& points) {
  constexpr std::size_t kShown = 5;
  constexpr std::size_t kParts = 8;  // at least, or there is no usual rate to speak of
  CampaignCourse course;
  course.phases = "phases over time: ";
  const std::size_t step = std::max<std::size_t>((points.size() + 1) / kShown, 1);
  for (std::size_t i = 0; i < points.size(); i += step) {
    course.phases +=
        fmt::format("{}{} at {:.0f} s", i == 0 ? "" : ", ", points[i].covered, points[i].seconds);
  }
  std::vector<double> rates;
  CoursePoint before;
  for (const CoursePoint& point : points) {
    rates.push_back(static_cast<double>(point.execs - before.execs) /
                    (point.seconds - before.seconds));
    before = point;
  }
  if (rates.size() < kParts) return course;
  const std::size_t quarter = rates.size() / 4;
  double last = 0, usual = 0;
  for (std::size_t at = rates.size() % 4; at + quarter <= rates.size(); at += quarter) {
    last = 0;
    for (std::size_t i = at; i < at + quarter; i++) last += rates[i] / static_cast<double>(quarter);
    usual = std::max(usual, last);
  }
  course.rates = fmt::format(
      "the last quarter ran at {:.0f} execs a second, the usual rate is {:.0f}", last, usual);
  course.slow = last < usual / 10;
  return course;
}

std::string plot_data(const std::vector<CoursePoint>& points) {
  std::string text =
      "# relative_time, cycles_done, cur_item, corpus_count, pending_total, pending_favs, "
      "map_size, "
      "saved_crashes, saved_hangs, max_depth, execs_per_sec, total_execs, edges_found\n";
  CoursePoint before;
  for (const CoursePoint& point : points) {
    const double seconds = point.seconds - before.seconds;
    const double rate = seconds > 0 ? static_cast<double>(point.execs - before.execs) / seconds : 0;
    text += fmt::format("{:.0f}, 0, 0, 0, 0, 0, 0.00%, 0, 0, 0, {:.2f}, {}, {}\n", point.seconds,
                        rate, point.execs, point.covered);
    before = point;
  }
  return text;
}

}  // namespace sigsweep
