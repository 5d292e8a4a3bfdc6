// The runner's process: stress/runner/main.cc says what it reads and writes.
#include <ucontext.h>

int runner_main(int argc, char** argv, void (*sabotage)(ucontext_t*));

int main(int argc, char** argv) {
  return runner_main(argc, argv, nullptr);
}
