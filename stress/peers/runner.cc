// The runner of peers: other libraries' switches between two stacks, measured beside the code under
// test. It has no subject and sends no signal.
//
//   stdin    one command a line (wire.h): describe (it has nothing to tell), bench; ends at EOF
//   stdout   records; each command is answered to its end by `done` or `trouble`
//   status   0 at EOF; 2 usage; 3 the process was started wrongly, or has no memory
//
// bench            a record of each name. `missing`: why it was not built
// bench name= rounds=   ns of processor time that so many rounds took: there and back, two switches
//                  a round
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>

#ifdef SIGSWEEP_HAS_BOOST_CONTEXT
#include <boost/context/detail/fcontext.hpp>
#endif

#include "stress/base/start.h"
#include "stress/base/stopwatch.h"
#include "stress/base/wire.h"

namespace sigsweep::peers {
namespace {

constexpr std::size_t kStackSize = 64 * 1024;

char* make_stack() {
  void* const lowest = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (lowest == MAP_FAILED) {
    std::perror("runner: cannot map a stack");
    std::exit(3);
  }
  return static_cast<char*>(lowest);
}

// ---- the peers. Each comes back for ever on the other stack.

#ifdef SIGSWEEP_HAS_BOOST_CONTEXT
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

void jump_back_for_ever(transfer_t from) {
  for (;;) from = jump_fcontext(from.fctx, nullptr);
}

void time_fcontext(std::uint64_t rounds, char* stack) {
  transfer_t there{make_fcontext(stack + kStackSize, kStackSize, jump_back_for_ever), nullptr};
  for (std::uint64_t i = 0; i < rounds; i++) there = jump_fcontext(there.fctx, nullptr);
}

constexpr std::string_view kNoBoost;
#else
void time_fcontext(std::uint64_t, char*) {}

constexpr std::string_view kNoBoost =
    "skipped: built without Boost.Context (Debian: libboost-context-dev, for amd64)";
#endif

ucontext_t here, there;

void swap_back_for_ever() {
  for (;;) swapcontext(&there, &here);
}

void time_swapcontext(std::uint64_t rounds, char* stack) {
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = kStackSize;
  makecontext(&there, swap_back_for_ever, 0);
  for (std::uint64_t i = 0; i < rounds; i++) swapcontext(&here, &there);
}

constexpr struct {
  std::string_view name;
  void (*run)(std::uint64_t rounds, char* stack);
  std::string_view missing;  // why it was not built; empty: it was
} kPeers[] = {
    {"BM_fcontext_two_jumps", time_fcontext, kNoBoost},
    {"BM_swapcontext_two", time_swapcontext, {}},
};

// ---- commands

void send(const Record& record) {
  std::cout << record.encode() << '\n';
}

void send_names() {
  for (const auto& peer : kPeers) {
    Record record("benchmark");
    record.add("name", peer.name).add("own", 1);
    if (!peer.missing.empty()) record.add("missing", peer.missing);
    send(record);
  }
}

// Empty, or what is wrong with the command.
std::string bench(const Record& command) {
  if (!command.has("name")) {
    send_names();
    return {};
  }
  for (const auto& peer : kPeers) {
    if (peer.name != command.text("name")) continue;
    if (!peer.missing.empty()) return std::string(peer.missing);
    static char* const stack = make_stack();
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    peer.run(command.number("rounds"), stack);
    send(Record("time").add("ns", std::to_string(watch.ns())));
    return {};
  }
  return "this runner has no benchmark " + command.text("name");
}

std::string carry_out(const Record& command) {
  if (command.word() == "describe") return {};
  if (command.word() == "bench") return bench(command);
  return "unknown command " + command.word() + "; allowed: bench, describe";
}

}  // namespace
}  // namespace sigsweep::peers

int main(int argc, char** argv) {
  using namespace sigsweep;
  if (const std::string why = check_start(); !why.empty()) {
    std::fprintf(stderr, "runner: %s\n", why.c_str());
    return 3;
  }
  if (argc != 1 && !(argc == 3 && std::strcmp(argv[1], "--progress-fd") == 0)) {
    std::fprintf(stderr, "usage: %s; commands on standard input\n", argv[0]);
    return 2;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const std::string trouble = peers::carry_out(Record::decode(line));
    peers::send(trouble.empty() ? Record("done") : Record("trouble").add("message", trouble));
    std::cout.flush();
  }
  return 0;
}
