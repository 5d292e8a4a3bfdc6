// The stress report of a few made-up lines: what is told, and what is not.
#include "stress/host/storm_report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "stress/host/chart_svg.h"
#include "stress/host/storm_figures.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<ordered_json>;

ordered_json run_of(unsigned cpus) {
  return {{"kind", "run"},
          {"started", "2026-11-30T00:00:00Z"},
          {"build", "release"},
          {"machine", {{"cpus", cpus}, {"cpu", "a <fast> one"}, {"kernel", "6.1"}}}};
}

// One second. `done`: operations in it; each signal takes a handler 1 us.
ordered_json storm(unsigned ms, unsigned rate, unsigned done, unsigned samples = 20000) {
  const unsigned signals = rate * ms;
  return {
      {"kind", "storm"},
      {"isa", "amd64"},
      {"protocol", "reject"},
      {"ms", ms},
      {"hold_rate", false},
      {"seconds", 1.0},
      {"rate_asked", rate},
      {"sources",
       {{{"source", "timer"},
         {"sent", signals},
         {"delivered", signals},
         {"rate_reached", signals}}}},
      {"operations", {{"slots", done}}},
      {"legal", done},
      {"calls", signals},
      {"rejected", signals},
      {"ran", 0},
      {"false_reject", 0},
      {"no_progress", 0},
      {"handler_seconds", signals * 1e-6},
      {"verdicts", ordered_json::object()},
      {"first_violation", 0.0},
      {"latency", {{"count", samples}, {"p50", 70}, {"p99", 300}, {"p999", 600}, {"max", 9000}}},
      {"entry", {{"count", 0}, {"p50", 0}, {"p99", 0}, {"p999", 0}, {"max", 0}}},
      {"expected", true}};
}

ordered_json bare(unsigned threads, unsigned rate, unsigned rounds) {
  return {{"kind", "bare"},  {"threads", threads},
          {"timers", 1},     {"rate_asked", rate},
          {"seconds", 1.0},  {"delivered", rate * threads},
          {"overruns", 0},   {"no_progress", rate / 100 * threads},
          {"rounds", rounds}};
}

// n pairs of a run without signals and one at 10,000 a second; the latter does `less` of the former, and
// all differ by chance: one up, one down.
Rows pairs(unsigned n, double less, double chance) {
  Rows rows = {run_of(1)};
  for (unsigned i = 0; i < n; i++) {
    const double swing = i % 2 == 0 ? chance : -chance;
    rows.push_back(storm(1, 0, 1000000));
    rows.push_back(storm(1, 10000, static_cast<unsigned>(1000000 * (1 - less + swing))));
  }
  return rows;
}

std::string page_of(const Rows& rows) {
  return storm_report(rows, "storm").markdown;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

// ---- figures

TEST(Figures, TheIntervalOfTheMedianIsThatOfTheSignTest) {
  // Of 6 values the least and the greatest: 1 - 2/64 = 0.97. Of 10 the second from either end: 0.98.
  const Figure six = figure_of({6, 1, 4, 2, 5, 3});
  EXPECT_TRUE(six.has_interval);
  EXPECT_EQ(six.median, 3.5);
  EXPECT_EQ(six.low, 1);
  EXPECT_EQ(six.high, 6);
  const Figure ten = figure_of({10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(ten.low, 2);
  EXPECT_EQ(ten.high, 9);
}

TEST(Figures, FewerThanSixHaveNoInterval) {
  EXPECT_FALSE(figure_of({1, 2, 3, 4, 5}).has_interval);
  EXPECT_FALSE(figure_of({1, 2, 3, 4, 5}).is_beyond_zero());
  EXPECT_EQ(figure_of({}).repetitions, 0U);
}

TEST(Figures, ManyRepetitionsHaveANarrowOne) {
  std::vector<double> values;
  for (unsigned i = 0; i < 2001; i++) values.push_back(i);
  const Figure figure = figure_of(values);
  EXPECT_TRUE(figure.has_interval);
  EXPECT_EQ(figure.median, 1000);
  EXPECT_GT(figure.low, 940);
  EXPECT_LT(figure.high, 1060);
}

TEST(Figures, AQuantileNeedsTenSamplesBeyondIt) {
  EXPECT_TRUE(is_told(10000, 0.999));
  EXPECT_FALSE(is_told(9999, 0.999));
  EXPECT_TRUE(is_told(1000, 0.99));
  EXPECT_FALSE(is_told(999, 0.99));
  EXPECT_TRUE(is_told(20, 0.5));
  EXPECT_FALSE(is_told(0, 0.5));
}

TEST(Figures, NoRunCountsTwice) {
  Rows rows = {run_of(1), storm(1, 0, 1000000)};
  for (unsigned i = 0; i < 9; i++) rows.push_back(storm(1, 10000, 900000));
  const auto groups = storm_groups(rows);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(signal_cost(groups[1], groups[0]).repetitions, 1U);
}

// A tenth of a processor's second for 10,000 signals: 10 us each.
TEST(Figures, ASignalCostsWhatIsMissing) {
  const auto groups = storm_groups(pairs(6, 0.1, 0));
  EXPECT_NEAR(signal_cost(groups[1], groups[0]).median, 10, 1e-6);
  EXPECT_NEAR(work_kept(groups[1], groups[0]).median, 0.9 / 0.99, 1e-9);
}

// ---- the report

TEST(StormReport, BeginsWithWhatWasAskedIfItHeldAndWhatASignalCosts) {
  const std::string page = page_of(pairs(8, 0.1, 0.01));
  const std::string first = page.substr(0, page.find('\n', page.find("storms")));
  EXPECT_TRUE(has(first, "16 storms on this machine, 16 seconds")) << first;
  EXPECT_TRUE(has(first, "**It held.**")) << first;
  EXPECT_TRUE(has(first, "Of 80,000 calls from handlers 80,000 were rejected, and 0 carried out"));
  EXPECT_TRUE(has(first, "**A signal costs 10.0 us** of a processor's time (9.0 to 11.0)"))
      << first;
}

TEST(StormReport, AFigureWithinItsErrorIsNotTold) {
  const std::string page = page_of(pairs(8, 0.0, 0.3));
  EXPECT_TRUE(has(page, "not measurable here (-30.0 to 30.0 us)")) << page;
  EXPECT_FALSE(has(page, "A signal costs")) << page;
}

TEST(StormReport, OnePairHasNoError) {
  const std::string page = page_of(pairs(1, 0.1, 0));
  EXPECT_TRUE(has(page, "not measurable here: 1 pair, and 6 are needed")) << page;
  EXPECT_FALSE(has(page, "A signal costs")) << page;
}

TEST(StormReport, AStormWithoutOneThatHasNoSignalsCostsNothingKnown) {
  const std::string page = page_of({run_of(2), storm(2, 1000, 5)});
  EXPECT_TRUE(has(page, "What a signal costs was not asked")) << page;
  EXPECT_TRUE(has(page, "| no run without signals |")) << page;
  EXPECT_TRUE(has(page, "Not tried: no storm has one thread a processor")) << page;
  EXPECT_TRUE(has(page, "Not tried: no storm has a protocol that must go wrong")) << page;
}

TEST(StormReport, TheMachinesFloorStandsBeside) {
  Rows rows = pairs(8, 0.1, 0.01);
  for (unsigned i = 0; i < 6; i++) {
    rows.push_back(bare(1, 0, 1000000));
    rows.push_back(bare(1, 10000, 950000 + i));
  }
  const std::string page = page_of(rows);
  EXPECT_TRUE(has(page, "In a program without sigsweep a signal takes 5.0 us (5.0 to 5.0)"))
      << page;
  EXPECT_TRUE(has(page, "| bare, 1 timer | 1 | 10,000 | 1.000 | 0.010 | 5.0 us (5.0 to 5.0) | - |"))
      << page;
}

TEST(StormReport, QuantilesAboveTheSamplesAreNotTold) {
  Rows rows = {run_of(1), storm(1, 0, 5, 9999)};
  EXPECT_TRUE(has(page_of(rows), "| 70 | 300 | too few samples | 9,000 |")) << page_of(rows);
  rows.back()["latency"]["count"] = 10000;
  EXPECT_TRUE(has(page_of(rows), "| 70 | 300 | 600 | 9,000 |")) << page_of(rows);
}

TEST(StormReport, AStormThatIsNotAsPromisedDoesNotHold) {
  Rows rows = pairs(6, 0, 0);
  rows.back()["expected"] = false;
  rows.back()["finding"] = "3 calls from handlers ran";
  const StormReport report = storm_report(rows, "storm");
  EXPECT_FALSE(report.holds);
  EXPECT_TRUE(has(report.markdown, "**It did not hold** in 1 storm: 3 calls from handlers ran."));
  EXPECT_FALSE(has(report.markdown, "It held"));
}

TEST(StormReport, WhatMustHoldIsHeldToItsLimit) {
  EXPECT_TRUE(storm_report(pairs(8, 0.05, 0), "storm").holds);
  const StormReport slow = storm_report(pairs(8, 0.3, 0), "storm");
  EXPECT_FALSE(slow.holds);
  EXPECT_TRUE(has(slow.markdown, "- FAILS: reject: operations at 10,000 signals a second"))
      << slow.markdown;
  const StormReport near = storm_report(pairs(8, 0.1, 0.05), "storm");
  EXPECT_TRUE(has(near.markdown, "The limit lies within the error")) << near.markdown;
}

TEST(StormReport, AHazardIsNoFailureAndSaysWhenItCame) {
  Rows rows = pairs(6, 0, 0);
  ordered_json raw = storm(1, 10000, 100);
  raw["protocol"] = "signalok_raw";
  raw["verdicts"] = {{"arg-clobbered", 7}};
  raw["first_violation"] = 0.0125;
  raw["entry"] = {{"count", 50}, {"p50", 4000}, {"p99", 9000}, {"p999", 9000}, {"max", 9000}};
  rows.push_back(raw);
  rows.push_back({{"kind", "cell"},
                  {"trials", 100},
                  {"seconds", 0.5},
                  {"verdicts", {{"ok", 80}, {"arg-clobbered", 20}}}});
  const StormReport report = storm_report(rows, "storm");
  EXPECT_TRUE(report.holds);
  EXPECT_TRUE(has(report.markdown,
                  "| signalok_raw | timer | 10,000 | 7 | 12.50 ms | 4,000 and too "
                  "few samples ns |"))
      << report.markdown;
  EXPECT_TRUE(has(report.markdown, "20 violations among 100 trials"));
}

// An adapter's storm is one of its library.
TEST(StormReport, AnAdaptersStormIsNamedByItsLibrary) {
  Rows rows = {run_of(1), storm(1, 0, 5)};
  rows.back()["adapter"] = {{"name", "boost_context"}};
  EXPECT_TRUE(has(page_of(rows), "| boost_context reject | 1 | 0 |")) << page_of(rows);
}

// The reference run, as N processors would give it: the report can be made, and has both figures.
TEST(StormReport, CanBeMadeOfRunsOnAnyNumberOfProcessors) {
  for (const unsigned cpus : {1U, 2U, 3U, 64U, 65U, 1000U}) {
    const unsigned ms = std::min(cpus, 64U);
    Rows rows = {run_of(cpus)};
    for (unsigned i = 0; i < 6; i++) {
      rows.push_back(storm(ms, 0, 1000000));
      rows.push_back(storm(ms, 10000 / ms, 950000));
      rows.push_back(storm(ms, 50000, 500000));
      rows.back()["hold_rate"] = true;
    }
    const StormReport report = storm_report(rows, "storm");
    EXPECT_TRUE(report.holds) << cpus << report.markdown;
    unsigned held = 0;
    for (std::size_t at = 0; (at = report.markdown.find("- holds: ", at)) != std::string::npos;
         at++)
      held++;
    EXPECT_EQ(held, 2U) << cpus << report.markdown;
  }
}

// ---- charts

TEST(ChartSvg, HasALineAndALegendForEach) {
  const Chart chart{
      "Title <1>", "x", "y", {{"one", {{0, 5, 0, 0}, {1000, 7, 6, 8}}}, {"two", {{0, 1, 0, 0}}}}};
  const std::string svg = chart_svg(chart);
  EXPECT_TRUE(has(svg, "Title &lt;1&gt;")) << svg;
  EXPECT_TRUE(has(svg, ">one</text>")) << svg;
  EXPECT_TRUE(has(svg, ">two</text>")) << svg;
  EXPECT_TRUE(has(svg, "one: 5 at 0; 7 at 1,000;")) << svg;
  EXPECT_EQ(svg.find("class=\"error\""), svg.rfind("class=\"error\"")) << svg;  // one has an error
}

TEST(ChartSvg, MayHaveNoPoint) {
  EXPECT_TRUE(has(chart_svg({"Nothing", "x", "y", {}}), "Nothing"));
  EXPECT_FALSE(has(chart_svg({"Nothing", "x", "y", {}}), "nan"));
}

TEST(ChartSvg, NumbersAreReadable) {
  EXPECT_EQ(number_text(1234567), "1,234,567");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(999), "999");
  EXPECT_EQ(number_text(-1000), "-1,000");
  EXPECT_EQ(number_text(3.14159), "3.14");
  EXPECT_EQ(number_text(31.4159), "31.4");
}

}  // namespace
}  // namespace sigsweep
