// In place of history.cc, in a build without the library.
#include "stress/host/commands/history.h"

namespace sigsweep {

int history_command(const Options&) {
  throw Failure(
      kSkipped,
      "history: this build has none, for a package was missing: libsqlitecpp-dev. Install "
      "it, and build again");
}

}  // namespace sigsweep
