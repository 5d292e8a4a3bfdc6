// The runner's process: stress/runner/main.cc says what it reads and writes.
#include "stress/runner/main.h"

int main(int argc, char** argv) {
  return runner_main(argc, argv, sigsweep::subject(), nullptr);
}
