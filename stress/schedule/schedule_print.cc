// The printer: the inverse of the parser.
#include <algorithm>

#include "stress/schedule/schedule.h"
#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  result.resize(std::max(width, text.size() + 1), ' ');
  return result;
}

std::string line(std::string_view keyword, std::string_view rest) {
  return padded(keyword, 10).append(rest) + "\n";
}

std::string print_arguments(const std::vector<Argument>& args) {
  std::string text;
  for (const Argument& arg : args) text += " " + arg.slot + "=" + hex(arg.value);
  return text;
}

std::string print_injection(const Injection& injection) {
  const BoundaryName& at = injection.at;
  std::string text = padded(injection.signal, 8) + "at " + at.symbol + "+" + hex(at.offset);
  if (at.nth != 1) text += " nth=" + std::to_string(at.nth);
  if (!injection.phase.empty()) text += " phase=" + injection.phase.text();
  if (injection.by != Source::direct) text.append(" by=").append(source_name(injection.by));
  if (injection.in) text += " in=" + std::to_string(*injection.in);
  return text + " handler=" + injection.handler + print_arguments(injection.args);
}

}  // namespace

std::string print_schedule(const Schedule& schedule) {
  std::string text = std::string(kTitle) + "\n";
  text += line("isa", schedule.isa);
  if (const auto& of = schedule.adapter) {
    text += line("subject", "adapter " + of->name + " " + of->version + " build=" + of->build);
  }
  text += line("protocol", schedule.protocol);
  text += line("seed", std::to_string(schedule.seed));
  for (const Operation& operation : schedule.operations) {
    text += line("op", operation.site + print_arguments(operation.args));
    for (const Injection& each : operation.injections)
      text += line("inject", print_injection(each));
  }
  if (const auto& expect = schedule.expect) {
    text += line("expect", expect->verdict + (expect->slot.empty() ? "" : " " + expect->slot));
  }
  // A command line may hold anything, even a line feed: print what the parser would read back.
  std::string origin = schedule.origin;
  std::ranges::replace_if(
      origin, [](char c) { return is_control(c) && c != '\t'; }, ' ');
  if (const auto shown = origin_text(origin); !shown.empty()) text += line("origin", shown);
  return text;
}

}  // namespace sigsweep
