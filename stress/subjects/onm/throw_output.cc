// What a process that throws must print, and how it must end.
#include <string>
#include <string_view>

#include "stress/subjects/onm/contracts.h"

namespace sigsweep::onm {
namespace {

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) count++;
  return count;
}

}  // namespace

std::string throw_problem(std::string_view output, int exit_status, std::string_view message,
                          std::string_view stub, bool in_handler) {
  const std::string first = "fatal error: " + std::string(message) + "\n";
  if (!output.starts_with(first)) return "the output does not begin with \"fatal error: ...\"";
  if (count_of(output, "fatal error: ") != 1) return "the message is there more than once";
  if (count_of(output, "\ntraceback:\n") != 1) return "there is not exactly one traceback";
  if (count_of(output, "\nthrown on ") != 1) return "the traceback lacks the stack that threw";
  if (in_handler && count_of(output, "\ninterrupted on ") != 1) {
    return "the traceback lacks the interrupted stack";
  }
  if (output.find("gothrow+") == output.npos) return "the traceback does not name gothrow";
  // A stub that jumps to its throw is not there.
  if (output.find("\t" + std::string(stub) + "+") == output.npos)
    return "the traceback does not name " + std::string(stub) + ", which threw";
  if (!output.ends_with('\n')) return "the output breaks off";
  if (exit_status != 2) return "the exit status is " + std::to_string(exit_status) + ", not 2";
  return {};
}

}  // namespace sigsweep::onm
