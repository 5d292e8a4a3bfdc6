#include "stress/host/order_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>

namespace sigsweep {
namespace {

// "a b|c" as a pattern for whole ways one behind the other, "a b c a b "; the last may break off
// where what was recorded did.
std::regex order_pattern(const std::string& ways, bool complete) {
  std::string whole, begun;
  for (std::size_t at = 0; at <= ways.size();) {
    const std::size_t end = std::min(ways.find('|', at), ways.size());
    std::string way, beginning, closing;
    for (const std::string& word : words_of(ways.substr(at, end - at))) {
      way.append(word).append(" ");
      beginning.append("(").append(word).append(" ");
      closing += ")?";
    }
    whole.append(whole.empty() ? "(" : "|(").append(way).append(")");
    begun.append(begun.empty() ? "" : "|").append(beginning).append(closing);
    at = end + 1;
  }
  return std::regex("(" + whole + ")*" + (complete ? "" : "(" + begun + ")"));
}

}  // namespace

void OrderCheck::fail(const Record& command, const std::string& why) {
  if (problem_.empty()) problem_ = command.encode() + ": " + why;
}

void OrderCheck::check_ways(const Record& command, const std::string& symbol,
                            const std::string& changes, bool complete) {
  const auto order = book_.orders.find(symbol);
  const std::string ways = order == book_.orders.end() ? "" : order->second;
  if (std::regex_match(changes, order_pattern(ways, complete))) return;
  fail(command, fmt::format("{} changed {}; allowed: {}", symbol, changes, ways));
}

void OrderCheck::check(const Record& command, bool of_handler) {
  std::map<std::string, std::string> changed;
  bool disagree = of_handler;  // the kernel has changed SP
  bool complete = true;
  const Outcome outcome = session_.runner->command(command, [&](const Record& r) {
    if (r.word() == "way") complete = r.number("complete") != 0;
    if (r.word() != "step" || r.number("watches") == 0) return;
    if (of_handler && !complete) return;  // one that was stopped or went astray
    boundaries_++;
    const std::string place = fmt::format("{}+{:#x}", r.text("symbol"), r.number("offset"));
    const bool seen = (r.number("marks") & book_.pair.mark) != 0;
    if (seen) disagreeing_.insert(place);
    if (seen != disagree) {
      fail(command, fmt::format("at {} {} {} {}", place, r.text("phase"), book_.pair.text,
                                seen ? "disagree, though the stores do not say so"
                                     : "agree, though the stores say otherwise"));
    }
    for (const std::string& word : words_of(r.text("changes"))) {
      if (has_word(book_.pair.words, word)) disagree = !disagree;
      changed[r.text("symbol")] += word + " ";
    }
  });
  if (outcome.kind != Outcome::done) fail(command, outcome.message);
  for (const auto& [symbol, changes] : changed) check_ways(command, symbol, changes, complete);
}

void OrderCheck::check_site(const std::string& protocol, const std::string& site) {
  check(Record("order").add("protocol", protocol).add("site", site), false);
}

void OrderCheck::check_handler(const std::string& protocol, const std::string& handler) {
  check(Record("order").add("protocol", protocol).add("handler", handler), true);
}

}  // namespace sigsweep
