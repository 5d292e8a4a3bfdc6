// Every operation of an adapter's library, in every protocol: a verdict that the library's promises
// do not allow there is a crash.
//
// Environment, beside trial_target.h's:
//   SIGSWEEP_ADAPTER=FILE   the adapter's shared object. Without it, Boost.Context's, which lies
//                           beside this program. Status 2: there is no such file, or it is no
//                           adapter. Status 3: its library fails with no signal at all
//   ASYNC=1                 is refused: its signals come to one process, and the trials of an
//                           adapter run in copies of it
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "fuzz/engine.h"
#include "fuzz/trial_target.h"
#include "stress/subjects/adapter/adapter.h"

namespace sigsweep::fuzz {
namespace {

[[noreturn]] void refuse(const std::string& why, int status) {
  // "-": a child has said it.
  if (why != "-") std::fprintf(stderr, "adapter_fuzzer: %s\n", why.c_str());
  _exit(status);
}

// With its whole path: the command replays with it.
std::string chosen_file() {
  if (const char* given = std::getenv("SIGSWEEP_ADAPTER")) {
    if (*given == '\0')
      refuse("SIGSWEEP_ADAPTER: empty; the path of a shared object is expected", 2);
    return std::filesystem::absolute(given);
  }
#if defined(__x86_64__)
  constexpr const char* kName = "adapter-boost_context-amd64.so";
#else
  constexpr const char* kName = "adapter-boost_context-386.so";
#endif
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  std::string file = program.parent_path() / kName;
  if (access(file.c_str(), F_OK) == 0) return file;
  refuse(file + ": no such file; SIGSWEEP_ADAPTER names another adapter's", 2);
}

adapter::Adapter& loaded() {
  static adapter::Adapter* const the_subject = [] {
    adapter::Library library;
    const std::string why = adapter::load(chosen_file(), &library);
    if (!why.empty()) refuse(why, 2);
    auto* subject = new adapter::Adapter(std::move(library));
    subject->start();
    if (!subject->found_code().problem.empty()) refuse(subject->found_code().problem, 2);
    if (!subject->steps().problem.empty()) {
      refuse(subject->steps().problem, subject->steps().status);
    }
    return subject;
  }();
  return *the_subject;
}

class AdapterTarget final : public TrialTarget {
 public:
  const char* name() const override { return "adapter_fuzzer"; }
  void configure() override {
    if (wants_async()) {
      std::fprintf(stderr, "ASYNC: '1' is not possible for an adapter; allowed: 0\n");
      _exit(2);
    }
    loaded();
    TrialTarget::configure();
  }

 protected:
  std::vector<std::string_view> default_protocols() const override {
    std::vector<std::string_view> names;
    for (const Protocol& protocol : subject().protocols()) names.push_back(protocol.name);
    return names;
  }

  // Handlers that call nothing must change nothing, however many they are.
  std::string finding(const Planned& planned, const Observation&,
                      const Judgement& judgement) const override {
    const bool broken = planned.handler_calls() ? is_violation(planned, judgement.verdict)
                                                : judgement.verdict != Verdict::ok;
    return broken ? "not allowed: " + told(judgement) : "";
  }
};

}  // namespace

Target& target() {
  static AdapterTarget the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz

namespace sigsweep {
Subject& subject() {
  return fuzz::loaded();
}
}  // namespace sigsweep
