// From a command's words to a cell.
#include "stress/runner/request.h"

namespace sigsweep {
namespace {

// A value from a list of names, as the enumerator of that index. A missing key changes nothing.
// Empty, or the trouble.
template <class Enum, std::size_t N>
std::string choose(const Record& command, const char* key, const std::string_view (&names)[N],
                   Enum* chosen) {
  const std::string& text = command.text(key);
  for (unsigned i = 0; i < N; i++) {
    if (text != names[i]) continue;
    *chosen = static_cast<Enum>(i);
    return {};
  }
  return text.empty() ? std::string() : std::string(key) + "=" + text + ": no such name";
}

}  // namespace

std::string read_request(Runner& runner, const Record& command, CellRequest* request) {
  const std::string& signal = command.text("signal");
  request->signal = signal_number(signal).value_or(0);
  request->seed = command.number("seed");
  request->sample = command.number("sample");
  runner.engine.red_zone(command.number("no_red_zone") == 0);
  if (request->signal == 0 && signal != kEachSignal) return "signal= is missing or unknown";
  for (const std::string& trouble :
       {find_protocol(runner, command.text("protocol"), &request->protocol),
        find_site(runner, command.text("site"), &request->site),
        choose(command, "form", kFormNames, &request->form),
        choose(command, "contain", kContainNames, &request->contain),
        choose(command, "inject", kSourceNames, &request->source)}) {
    if (!trouble.empty()) return trouble;
  }
  return {};
}

}  // namespace sigsweep
