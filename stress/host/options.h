// The flags that mean the same in every command, and what they select.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "stress/host/fuzz_target.h"
#include "stress/host/known.h"
#include "stress/host/runner_process.h"

namespace sigsweep {

// The command's exit statuses (docs/operating.md). Never 126 or above.
enum Exit : int {
  kAsExpected = 0,
  kFinding = 1,
  kUsage = 2,
  kHarnessFailed = 3,
  kStopped = 4,
  kSkipped = 77,
};

// Ends the command with a status and one line on standard error.
struct Failure : std::runtime_error {
  Failure(Exit exit_status, const std::string& message)
      : std::runtime_error(message), status(exit_status) {}
  Exit status;
};

// The status that a failure ends the command with. A failure after a request to stop counts as
// stopped.
inline Exit status_of(const Failure& failure) {
  return stop_requested ? kStopped : failure.status;
}

// Of service-check; it has no others.
struct ServiceFlags {
  std::string engine, sanitizer, architecture;  // empty: any
  std::string out, builds = "build/service", json;
  std::string environment;  // of this configuration
  bool plan = false;
};

// Of history; it has no others but --json.
struct HistoryFlags {
  std::string part;  // import, list...
  std::string file = "results/history.sqlite", keep = "30d";
};

// Of nightly.
struct NightlyFlags {
  std::string budget;             // "10m"; empty: not given
  std::vector<std::string> only;  // names of parts; empty: all
  bool resume = false;
  std::string history;  // its file; empty: beside the folder of nights
};

// Of mutants.
struct MutantFlags {
  std::vector<std::string> stubs;  // empty: all
  std::uint64_t sample = 0;        // so many, drawn from the seed; 0: all
  std::string limit;               // of a stage, "10s"; empty: by what the unchanged runner takes
  bool list = false;
};

struct Options {
  std::vector<std::string> isas;  // as given; empty: the machine's own
  std::string isa;                // of them, the one that a session is for
  std::string subject = "onm", runner;
  std::string adapter;     // its file, with a slash; empty: a subject that is built in
  bool cxx = false;        // adapter new: in C++
  bool explained = false;  // adapter new: the long one
  std::vector<std::string> protocols{"all"}, sites{"all"}, handlers{"all"};
  std::string inject = "direct";
  std::string replace_source;  // replay: instead of what the schedule says; empty: that
  std::string contain = "place";
  bool no_red_zone = false;  // a signal destroys everything below SP
  bool verbose = false;
  unsigned depth = 0;         // 0: not given
  std::string shard;          // "i/n"; empty: everything
  bool strip = false;         // explain: verdicts as a strip, in place of the listing
  std::string svg;            // explain: the strip as a picture; empty: none
  bool per_boundary = false;  // sweep: the verdict at each boundary is written, too
  std::uint64_t random = 0;
  std::uint64_t seed = 1;
  unsigned jobs = 1;
  unsigned times = 1;
  std::string json, out, known;
  std::string junit, sarif;  // reports for other programs; empty: none
  std::string html;          // report: the page
  std::string markdown;      // report: the stress report
  std::vector<std::string> assume, claims;
  std::vector<std::string> files;
  // storm's own
  unsigned ms = 4, gs = 256;
  std::string duration;  // "10s"; empty: the command's own default
  std::vector<std::string> storm_sources{"timer"}, mixes{"all"};
  std::uint64_t rate = 50000;
  bool nest = false;
  bool hold_rate = false;
  std::uint64_t altstack = 0;  // bytes; 0: not given
  std::uint64_t throws = 0;
  std::string storm_runner;  // another build's; empty: the one beside the runner
  FuzzOptions fuzz;
  std::vector<std::string> benchmark_flags;
  ServiceFlags service;
  HistoryFlags history;
  NightlyFlags nightly;
  MutantFlags mutants;
  std::string command_line;  // as given
};

// The subjects, by the name that --subject takes; the first is the default.
inline constexpr const char* kAdapterSubject = "adapter";
inline constexpr const char* kSubjects[] = {"onm", "fcontext", kAdapterSubject};

// The machine's own instruction set, of kIsas.
std::string machine_isa();

class SourceLines;

// What a command works with: the runner of one ISA and subject, and what it says of its subject.
struct Session {
  Options options;
  std::string runner_path;
  std::unique_ptr<RunnerProcess> runner;
  Description description;
  std::shared_ptr<const KnownFindings> known;
  std::shared_ptr<SourceLines> lines;  // of the runner and the files that it loads

  // Names of a flag, with `all` spelled out. Throws Failure(kUsage) for one that is not known.
  std::vector<std::string> protocols() const;
  std::vector<std::string> sites() const;
  // `all`: those that call; the harness's own only by name. Of an adapter `all` is every one.
  std::vector<std::string> handlers() const;
  const ProtocolSpec& protocol(const std::string& name) const;
  // The verdict of an operation with no handler's call: ok, unless the protocol's stub refuses the
  // operation itself.
  Verdict without_signal(const std::string& protocol, const std::string& site) const;
  // The verdicts that are no finding. `assumed`: those of --assume, for handlers that call.
  VerdictSet allowed(const std::string& protocol, const std::string& site,
                     const std::string& handler,
                     const std::map<std::string, Verdict>& assumed = {}) const;
  // Was anything promised of this handler? Else its verdicts are only observed.
  bool promised(const std::string& protocol, const std::string& handler) const {
    return !description.only_observed.contains({protocol, handler});
  }
  // --assume: protocol -> the verdict that is expected instead.
  std::map<std::string, Verdict> assumptions() const;
};

// The runner of options.isa and subject. Throws Failure(kSkipped), with the reason, where there is none
// that can run here.
std::string usable_runner(const Options& options);
// Starts the runner of options.isa. Throws Failure: kSkipped where it is not built, kHarnessFailed
// where it can't start.
Session open_session(const Options& given);
// A session for each ISA that --isa names. Of `all` those that can't be had here are left out, said
// on standard error and noted as "ISA: reason"; one that is asked for by its name must be there.
std::vector<Session> open_sessions(const Options& options, std::vector<std::string>* left_out);

std::vector<std::string> names_of(const std::vector<Session>& sessions);  // their ISAs

// The code under test, as results name it: the same for each build and version of it.
std::string subject_of(const Session& session);

// Throws Failure(kSkipped), with the reason, where signals of this source can't be had on this
// machine.
void require_source(const Session& session, const std::string& inject);

// A word of a command line that is printed, for a shell to read.
std::string shell_quoted(const std::string& word);

// Printed before a run: version, build, seed, the command line.
void print_provenance(const Options& options);
// And whose adapter it has.
void print_provenance(const Session& session);
std::string version();
std::string build_description();

}  // namespace sigsweep
