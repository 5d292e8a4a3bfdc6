// The fuzz targets as the command sees them: where each lies, what it is, and what it says of
// inputs (fuzz/judge.h). They are built by presets; the command builds none.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sigsweep {

inline constexpr const char* kEngines[] = {"libfuzzer", "afl"};
// The target whose inputs are schedules for an adapter's library.
inline constexpr const char* kAdapterTarget = "adapter_fuzzer";

// The flags of the commands that run fuzz targets.
struct FuzzOptions {
  std::string engine, target;
  std::string expect = "new";  // of a campaign: new inputs, or that it works
  std::string gone;            // of triage: where what shows nothing goes; empty: that fails
  std::string builds;          // folder of the presets' builds; empty: that of this command
  unsigned seconds = 60;
  unsigned keep = 0;
  unsigned times = 20;
  bool needs = false;  // say what must be built, and stop
  bool gdb = false;    // reproduce: open it there
};

// The folder of the presets' builds, and the checkout that it lies in.
std::filesystem::path builds_folder(const FuzzOptions& options);
std::filesystem::path checkout_of(const FuzzOptions& options);

std::vector<std::string> target_names();
// Throws Failure(kUsage), with the names that are allowed, where there is no such target. A target
// with a planted fault is TARGET-FAULT.
void check_target(const std::string& name);
bool is_target(const std::string& name);

struct FuzzTarget {
  std::string name, engine, isa;
  std::filesystem::path path;  // of its program
  // As it says (fuzz/judge.h):
  std::string adapter;  // the file that it has loaded; empty: its subject is built in
  bool takes_schedules = false, lands_signals = false, may_be_destroyed = false;

  // How its readable form's files end.
  std::string suffix() const { return takes_schedules ? ".sched" : ".txt"; }
};
// Where the program of a target lies, once it is built.
std::filesystem::path target_program(const FuzzOptions& options, const std::string& name,
                                     const std::string& engine, const std::string& isa);
// Asks the target what it is. Throws Failure: kSkipped where it is not built, and why;
// kHarnessFailed where it does not answer.
FuzzTarget open_target(const FuzzOptions& options, const std::string& name,
                       const std::string& engine, const std::string& isa);

// The first of the target's builds that there is for this ISA. Throws as open_target() does.
FuzzTarget open_any_build(const FuzzOptions& options, const std::string& name,
                          const std::string& isa);

// What a target does wrong on purpose, and whether it stops at it (fuzz/judge.h).
struct TargetCanary {
  std::string what;   // empty: it has nothing that it could do wrong
  std::string found;  // why it stopped; empty: it did not, so it is blind
  std::uint64_t inputs = 0;
};
// `work`: a folder for its files. Throws Failure: kStopped; kHarnessFailed where it fails otherwise.
TargetCanary try_canary(const FuzzTarget& target, const std::filesystem::path& work);

// The target that found what lies in a campaign's folder, NAME-ENGINE/findings or
// NAME-ENGINE-ISA/findings; no name: it lies in none.
struct Finder {
  std::string name, isa;
  // clang-tidy 14 takes the 0 in what the compiler generates for a pointer.
  auto operator<=>(const Finder&) const = default;  // NOLINT(modernize-use-nullptr)
};
Finder finder_by_folder(const std::filesystem::path& file);

// What a target says of one input.
struct Judged {
  enum Kind { ok, stopped, failed, died, late, refused, unasked } kind = unasked;
  std::string why;    // in one line; of all but ok
  std::string cause;  // alike in what is the same fault
  std::string text;   // the readable form, as far as it was run

  bool is_finding() const { return kind == stopped || kind == died || kind == late; }
};
// Of each file in its order, by one process that is given all of them; what it says on standard
// error goes to `log`. `work`: a folder for its files. What is not judged when the command is told
// to stop, or within a few minutes, stays unasked. Throws Failure(kHarnessFailed).
std::vector<Judged> judge(const FuzzTarget& target, const std::vector<std::filesystem::path>& files,
                          const std::filesystem::path& work, const std::filesystem::path& log);

// The same by the target's builds for this ISA, one after the other, until one says that it is a
// finding or a failure: in another build two boundaries may be one. Where there is no build of it,
// none is asked.
std::vector<Judged> judge_by_any_build(const FuzzOptions& options, const std::string& name,
                                       const std::string& isa,
                                       const std::vector<std::filesystem::path>& files,
                                       const std::filesystem::path& work);

}  // namespace sigsweep
