// The runner's process: stress/runner/main.cc says what it reads and writes.
int runner_main(int argc, char** argv);

int main(int argc, char** argv) {
  return runner_main(argc, argv);
}
