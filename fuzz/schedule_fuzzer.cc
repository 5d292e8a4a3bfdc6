// The parser of the text form, and the byte form. No input may crash them. A schedule comes back
// the same from text and from bytes. An error points into the text. No signals.
#include <algorithm>

#include "fuzz/engine.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"
#include "stress/campaign/resolve.h"
#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {
namespace {

enum Own { kRead, kRefused, kOperations, kSignals };
constexpr const char* kFigures[] = {"texts read", "texts refused", "operations read",
                                    "signals read"};

class ScheduleText final : public Target {
 public:
  const char* name() const override { return "schedule_fuzzer"; }
  std::span<const char* const> figures() const override { return kFigures; }
  std::vector<std::string> dictionary() const override;
  std::string become_canary() override {
    is_canary_ = true;
    return "a seed, one more after text";
  }
  void run(std::span<const std::uint8_t> input) override;
  std::string account() const override { return account_; }
  std::string text_of(std::span<const std::uint8_t> input) override {
    return {input.begin(), input.end()};
  }
  bool input_of(std::string_view text, const std::string&, std::vector<std::uint8_t>* input,
                std::string*) override {
    input->assign(text.begin(), text.end());
    return true;
  }

 private:
  static void count(const Schedule& read);
  void check_error(const ParseError& error, std::string_view text) const;
  void check_round_trips(const Schedule& schedule) const;

  const Catalog catalog_ = [] {
    Catalog catalog = catalog_of(subject());
    catalog.adapter = AdapterIdentity{"fiber", "1.0", "0123456789abcdef"};  // for its line
    return catalog;
  }();
  std::string account_;
  bool is_canary_ = false;
};

std::vector<std::string> ScheduleText::dictionary() const {
  std::vector<std::string> words = schedule_words();
  for (const auto* names : {&catalog_.isas, &catalog_.protocols, &catalog_.verdicts})
    words.insert(words.end(), names->begin(), names->end());
  for (const std::string& slot : catalog_.slots) words.push_back(slot + "=");
  for (const CatalogEntry& site : catalog_.sites) words.push_back(site.name);  // handlers too
  words.push_back(catalog_.adapter->name);
  return words;
}

void ScheduleText::run(std::span<const std::uint8_t> input) {
  const std::string text = text_of(input);
  const auto parsed = parse_schedule(text, "input", catalog_);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    stats().own[kRefused].count++;
    account_ = error->to_string();
    check_error(*error, text);
  } else {
    count(std::get<Schedule>(parsed));
    account_ = print_schedule(std::get<Schedule>(parsed));
    check_round_trips(std::get<Schedule>(parsed));
  }
  check_round_trips(from_bytes(input, catalog_));
}

void ScheduleText::count(const Schedule& read) {
  Stats& s = stats();
  s.own[kRead].count++;
  s.own[kOperations].count += read.operations.size();
  for (const Operation& op : read.operations) s.own[kSignals].count += op.injections.size();
}

void ScheduleText::check_error(const ParseError& error, std::string_view text) const {
  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  const bool placed = error.line >= 1 && error.line <= lines + 1 && error.column >= 1;
  if (!placed || error.message.empty()) stop("an error without a place: " + error.to_string());
}

void ScheduleText::check_round_trips(const Schedule& schedule) const {
  const std::string text = print_schedule(schedule);
  auto again = parse_schedule(text, "again", catalog_);
  if (const auto* error = std::get_if<ParseError>(&again))
    stop("its own text is refused: " + error->to_string() + "\n" + text);
  if (is_canary_) std::get<Schedule>(again).seed++;
  if (std::get<Schedule>(again) != schedule) stop("another schedule after text:\n" + text);
  Schedule here = schedule;
  here.adapter = catalog_.adapter;  // bytes do not say whose they are
  if (from_bytes(to_bytes(schedule, catalog_), catalog_) != here)
    stop("another schedule after bytes:\n" + text);
}

}  // namespace

Target& target() {
  static ScheduleText the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
