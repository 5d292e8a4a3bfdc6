// The storm's process for adapters: runner-ISA-adapter-storm --adapter FILE [what a storm's takes
// (stress/storm/main.cc)].
//
// status   also 2 the adapter is wrong; 3 the library failed; each with one line on standard error
#include <cstdio>
#include <cstring>
#include <vector>

#include "stress/storm/storm.h"
#include "stress/subjects/adapter/storm/workload.h"

int main(int argc, char** argv) {
  using namespace sigsweep::storm;
  if (argc < 3 || std::strcmp(argv[1], "--adapter") != 0) {
    std::fprintf(stderr, "usage: %s --adapter FILE; commands on standard input\n", argv[0]);
    return 2;
  }
  int status = 0;
  if (const std::string why = coroutines::open_adapter(argv[2], &status); !why.empty()) {
    std::fprintf(stderr, "adapter: %s\n", why.c_str());
    return status;
  }
  std::vector<char*> others(argv, argv + argc);
  others.erase(others.begin() + 1, others.begin() + 3);
  others.push_back(nullptr);
  return storm_main(argc - 2, others.data(), coroutines::workload());
}
