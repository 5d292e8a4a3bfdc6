// The storm's process, with the Go subject: stress/storm/main.cc says what it reads and writes.
#include "stress/storm/storm.h"
#include "stress/subjects/onm/storm/ms.h"

int main(int argc, char** argv) {
  return sigsweep::storm::storm_main(argc, argv, sigsweep::storm::go::workload());
}
