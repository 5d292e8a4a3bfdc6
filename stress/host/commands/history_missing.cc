// In place of history.cc, in a build without the library.
#include "stress/host/commands/history.h"

namespace sigsweep {
namespace {

constexpr const char* kWhy =
    "history: this build has none, because the package libsqlitecpp-dev was missing. Install it, "
    "and "
    "build again";

}  // namespace

int history_command(const Options&) {
  throw Failure(kSkipped, kWhy);
}

std::string take_night(const std::string&, const std::string&) {
  return std::string(kWhy) + "\n";
}

}  // namespace sigsweep
