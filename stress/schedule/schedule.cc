// The names of sources and signals, and the operations on a schedule as a value.
#include "stress/schedule/schedule.h"

#include <algorithm>
#include <csignal>
#include <iterator>

namespace sigsweep {
namespace {

constexpr int kSignalNumbers[] = {SIGPROF, SIGURG, SIGALRM, SIGUSR1, SIGUSR2};
static_assert(std::size(kSignalNumbers) == std::size(kSignals));
static_assert(std::size(kSourceNames) == static_cast<std::size_t>(Source::user) + 1);

void narrow(unsigned word_bits, std::vector<Argument>* args) {
  if (word_bits >= 64) return;
  for (Argument& a : *args) a.value &= (std::uint64_t{1} << word_bits) - 1;
}

}  // namespace

void narrow(unsigned word_bits, Schedule* schedule) {
  for (Operation& op : schedule->operations) {
    narrow(word_bits, &op.args);
    for (Injection& injection : op.injections) narrow(word_bits, &injection.args);
  }
}

std::string_view source_name(Source source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}

std::optional<Source> source_from_name(std::string_view name) {
  const auto found = std::ranges::find(kSourceNames, name);
  if (found == std::end(kSourceNames)) return std::nullopt;
  return static_cast<Source>(found - std::begin(kSourceNames));
}

std::string_view signal_name(int number) {
  return kSignals[std::ranges::find(kSignalNumbers, number) - std::begin(kSignalNumbers)];
}

std::optional<int> signal_number(std::string_view name) {
  const auto found = std::ranges::find(kSignals, name);
  if (found == std::end(kSignals)) return std::nullopt;
  return kSignalNumbers[found - std::begin(kSignals)];
}

std::string ParseError::to_string() const {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message;
}

}  // namespace sigsweep
